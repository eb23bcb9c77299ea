//! Names and values of header fields (RFC 9110 sections 5.1 and 5.5).

use http::HeaderName;

/// A checked name, as it stands at the beginning of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldName(Box<[u8]>);

impl FieldName {
    /// Without the `: ` behind it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0[..self.0.len() - 2]
    }

    /// With the `: ` that follows it in a message.
    pub(crate) fn prefix(&self) -> &[u8] {
        &self.0
    }
}

impl From<&HeaderName> for FieldName {
    fn from(name: &HeaderName) -> Self {
        let mut text = Vec::with_capacity(name.as_str().len() + 2);
        write_name(name, &mut text);
        text.extend_from_slice(b": ");
        Self(text.into())
    }
}

/// Writes a name with a capital letter at the beginning of each word, which some old clients insist on.
pub(crate) fn write_name(name: &HeaderName, text: &mut Vec<u8>) {
    let mut begins_word = true;
    text.extend(name.as_str().bytes().map(|byte| {
        let byte = if begins_word { byte.to_ascii_uppercase() } else { byte };
        begins_word = byte == b'-';
        byte
    }));
}

/// Whether a field can have this value: Latin-1 without control characters but for the tab.
#[must_use]
pub fn is_field_value(value: &[u8]) -> bool {
    // Without an early end the compiler makes vector instructions of it.
    value.iter().fold(true, |valid, byte| valid & ((*byte >= b' ' && *byte != 0x7f) | (*byte == b'\t')))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_name_is_written_with_capitals() {
        for (name, expected) in [("x-a", "X-A"), ("ETag", "Etag"), ("a--b-", "A--B-"), ("1x-2y", "1x-2y")] {
            let name = FieldName::from(&HeaderName::from_bytes(name.as_bytes()).unwrap());
            assert_eq!(name.as_bytes(), expected.as_bytes());
            assert_eq!(name.prefix(), format!("{expected}: ").as_bytes());
        }
    }

    #[test]
    fn a_value_holds_what_the_standard_allows() {
        for byte in 0..=255 {
            let value = [b'a', byte, b'b'];
            assert_eq!(is_field_value(&value), HeaderValue::from_bytes(&value).is_ok(), "{byte}");
        }
        assert!(is_field_value(b""));
    }
}
