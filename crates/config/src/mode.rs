//! The grammar of permission bits: `0022` and `0o22` are octal, `18` is decimal, as in Gunicorn.

use crate::kind::Refusal;

/// Reads permission bits.
pub(crate) fn parse(text: &str) -> Result<u32, Refusal> {
    let text = text.trim();
    let (digits, radix) = match text.strip_prefix('0') {
        Some(rest) if !rest.is_empty() => (rest.strip_prefix(['o', 'O']).unwrap_or(rest), 8),
        _ => (text, 10),
    };
    // `from_str_radix` takes a leading plus sign.
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(Refusal::new(format!("expected {EXPECTS}")));
    }
    match u32::from_str_radix(digits, radix) {
        Ok(mode) if mode <= MOST => Ok(mode),
        _ if radix == 10 => Err(too_large_decimal(digits)),
        _ => Err(Refusal::new("expected at most 0777")),
    }
}

/// What permission bits must be, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS: &str = "permission bits, such as `0022` (octal) or `18` (decimal)";

fn too_large_decimal(digits: &str) -> Refusal {
    let refusal = Refusal::new("expected at most 511, which is 0777");
    match u32::from_str_radix(digits, 8) {
        Ok(mode) if mode <= MOST => refusal.hint(format!("for octal write `0{digits}`")),
        _ => refusal,
    }
}

/// Of the user, the group and the others; the bits above are not for sockets.
const MOST: u32 = 0o777;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_zero_is_octal() {
        for (text, mode) in [
            ("0", 0),
            ("00", 0),
            ("022", 0o22),
            ("0022", 0o22),
            ("0o22", 0o22),
            ("0O22", 0o22),
            ("00022", 0o22),
            (" 0777 ", 0o777),
            ("18", 0o22),
            ("22", 22),
            ("511", 0o777),
        ] {
            assert_eq!(parse(text), Ok(mode), "{text}");
        }
    }

    #[test]
    fn what_are_no_bits_is_refused() {
        for text in ["", "-1", "+1", "0+1", "08", "0o", "0o8", "0x12", "0b1", "u=rw", "1.0", "0_7", "o22"] {
            assert_eq!(parse(text), Err(Refusal::new(format!("expected {EXPECTS}"))), "{text}");
        }
        for text in ["01000", "0o1000", "0777777777777"] {
            assert_eq!(parse(text), Err(Refusal::new("expected at most 0777")), "{text}");
        }
        for (text, hint) in [("512", "for octal write `0512`"), ("777", "for octal write `0777`")] {
            let expected = Refusal::new("expected at most 511, which is 0777").hint(hint);
            assert_eq!(parse(text), Err(expected), "{text}");
        }
        for text in ["888", "1000", "4294967296"] {
            assert_eq!(parse(text), Err(Refusal::new("expected at most 511, which is 0777")), "{text}");
        }
    }
}
