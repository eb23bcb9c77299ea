//! The grammars that are about HTTP headers: names, `NAME=VALUE`, and the text of `Server`.

use crate::kind::Refusal;

/// The parts of a list with commas, without the white space round them; empty ones are left out.
pub(crate) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// Reads names of headers, or `*`; they are stored in upper case, as names of headers have no case.
pub(crate) fn names(text: &str) -> Result<Vec<String>, Refusal> {
    items(text).map(name).collect()
}

/// What [`names`] reads, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS_NAMES: &str = "names of headers with commas between them, or `*`";

/// Reads `NAME=VALUE,NAME=VALUE`, each name once; names are stored in upper case, values as they are.
pub(crate) fn pairs(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for item in items(text) {
        let Some((name, value)) = item.split_once('=').filter(|(_, value)| !value.trim().is_empty()) else {
            return Err(Refusal::new(format!("`{item}` is no pair: expected {EXPECTS_PAIRS}")));
        };
        let name = self::name(name.trim())?;
        let value = value.trim();
        if !value.bytes().all(is_of_value) {
            return Err(Refusal::new(format!("`{value}` has characters that no header may have")));
        }
        // One header would contradict itself, which is a reason to refuse every request that has it.
        if pairs.iter().any(|(known, _)| *known == name) {
            return Err(Refusal::new(format!("the header `{name}` is named twice")));
        }
        pairs.push((name, value.to_owned()));
    }
    Ok(pairs)
}

/// What [`pairs`] reads, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS_PAIRS: &str = "`NAME=VALUE` with commas between them";

/// Reads the text of a header; `off` is none.
pub(crate) fn value(text: &str) -> Result<Option<String>, Refusal> {
    let text = text.trim_matches(' ');
    if text.eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    if text.is_empty() || !text.bytes().all(is_of_value) {
        return Err(Refusal::new(format!("expected {EXPECTS_VALUE}")));
    }
    Ok(Some(text.to_owned()))
}

/// What [`value`] reads, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS_VALUE: &str = "a text of ASCII letters, digits, signs and spaces, or `off`";

/// Reads the name of the header that requests are told apart by, in lower case; `on` is the usual one, `off` none.
pub(crate) fn name_or_off(text: &str) -> Result<Option<String>, Refusal> {
    let name = text.trim().to_ascii_lowercase();
    // An underscore would not reach the application, and these say something else.
    let is_taken = ["connection", "content-length", "content-type", "host", "transfer-encoding"]
        .contains(&name.as_str());
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match name.as_str() {
        "off" | "false" | "no" | "0" => Ok(None),
        "on" | "true" | "yes" | "1" => Ok(Some("x-request-id".to_owned())),
        "" => Err(Refusal::new(format!("expected {EXPECTS_NAME_OR_OFF}"))),
        _ if is_taken || !is_name => Err(Refusal::new(format!("expected {EXPECTS_NAME_OR_OFF}"))),
        _ => Ok(Some(name)),
    }
}

/// What [`name_or_off`] reads, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS_NAME_OR_OFF: &str = "`on`, `off` or the name of a header such as `X-Request-ID`";

/// A token (RFC 9110, 5.6.2); `*` alone is one.
pub(crate) fn is_name(text: &str) -> bool {
    let is_of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_of_token)
}

fn name(text: &str) -> Result<String, Refusal> {
    if !is_name(text) {
        return Err(Refusal::new(format!("`{text}` is not the name of a header")));
    }
    Ok(text.to_ascii_uppercase())
}

/// RFC 9110, 5.5, without the tab and what is not ASCII: no recipient need understand those.
pub(crate) fn is_of_value(byte: u8) -> bool {
    byte == b' ' || byte.is_ascii_graphic()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
        result.unwrap_err().reason
    }

    #[test]
    fn names_are_in_upper_case() {
        assert_eq!(names(" script_name,Path-Info,,x~1 ").unwrap(), ["SCRIPT_NAME", "PATH-INFO", "X~1"]);
        assert_eq!(names("*").unwrap(), ["*"]);
        assert_eq!(names("").unwrap(), [""; 0]);
    }

    #[test]
    fn names_are_tokens() {
        for bad in ["A B", "A:", "A=B", "Ä", "A\0", "A\r\nB", "\"A\""] {
            assert_eq!(reason(names(&format!("A,{bad}"))), format!("`{bad}` is not the name of a header"));
        }
    }

    #[test]
    fn pairs_keep_the_case_of_their_values() {
        let expected = [("X-PROTO", "Https"), ("X-SSL", "a=b c")].map(|(a, b)| (a.into(), b.into()));
        assert_eq!(pairs("x-proto=Https, X-SSL = a=b c ,").unwrap(), expected);
        assert_eq!(pairs(""), Ok(vec![]));
    }

    #[test]
    fn pairs_have_a_name_once_and_a_value() {
        for bad in ["A", "A=", "A= "] {
            let expected = format!("`{}` is no pair: expected {EXPECTS_PAIRS}", bad.trim());
            assert_eq!(reason(pairs(&format!("B=1,{bad}"))), expected);
        }
        assert_eq!(reason(pairs("=1")), "`` is not the name of a header");
        assert_eq!(reason(pairs("A=1,a=2")), "the header `A` is named twice");
        assert_eq!(reason(pairs("A=\u{e9}")), "`\u{e9}` has characters that no header may have");
        assert_eq!(reason(pairs("A=b\rc")), "`b\rc` has characters that no header may have");
    }

    #[test]
    fn the_text_of_a_header_is_visible_ascii_or_off() {
        assert_eq!(value(" my server/1.0 (x; y) "), Ok(Some("my server/1.0 (x; y)".into())));
        assert_eq!(value("offline"), Ok(Some("offline".into())));
        assert_eq!((value("off"), value("OFF")), (Ok(None), Ok(None)));
        for bad in ["", "  ", "a\r\nB: c", "a\n", "a\0", "a\u{7f}", "a\tb", "café", "\u{a0}"] {
            assert_eq!(reason(value(bad)), format!("expected {EXPECTS_VALUE}"), "{bad:?}");
        }
    }
}
