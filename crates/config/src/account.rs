//! The name or the number of a user or a group: a light check, for only the system knows which there are.

use crate::kind::Refusal;

/// Reads a name or a number.
pub(crate) fn parse(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    // No account's name has them: `passwd(5)` keeps one account a line, with colons between its fields.
    if text.is_empty() || text.contains(|letter: char| letter == ':' || letter.is_control()) {
        return Err(Refusal::new(format!("expected {EXPECTS}")));
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && !text.parse::<u32>().is_ok_and(|number| number <= MOST) {
        return Err(Refusal::new(format!("expected a name, or a number of at most {MOST}")));
    }
    Ok(text.to_owned())
}

/// What an account must be, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS: &str = "a name or a number";

/// One more is -1, by which `setuid(2)` and its siblings leave things as they are.
const MOST: u32 = u32::MAX - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_pass_unchanged() {
        for account in ["www-data", "_apt", "0", "007", "4294967294", "DOM\\me", "me@dom", "1und1"] {
            assert_eq!(parse(account).as_deref(), Ok(account));
        }
        assert_eq!(parse(" web\n").as_deref(), Ok("web"));
    }

    #[test]
    fn what_no_account_is_called_is_refused() {
        for (text, reason) in [
            ("", "expected a name or a number"),
            (" ", "expected a name or a number"),
            ("www:www", "expected a name or a number"),
            ("a\nb", "expected a name or a number"),
            ("4294967295", "expected a name, or a number of at most 4294967294"),
            ("99999999999", "expected a name, or a number of at most 4294967294"),
        ] {
            assert_eq!(parse(text), Err(Refusal::new(reason)), "{text:?}");
        }
    }
}
