//! The character classes of the RFCs.

const TOKEN: u8 = 1;
const PATH: u8 = 2;
const QUERY: u8 = 4;
const REG_NAME: u8 = 8;
const QUOTED: u8 = 16;

/// Which classes each byte belongs to.
static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = classes_of(byte as u8);
        byte += 1;
    }
    classes
}

const fn classes_of(byte: u8) -> u8 {
    let is_unreserved = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let is_token = byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_')
        || matches!(byte, b'`' | b'|' | b'~');
    let is_sub_delim =
        matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=');
    // Browsers leave more than RFC 3986 allows as it is; what `http::Uri` does not take cannot be passed on.
    let is_path = byte.is_ascii_graphic() && !matches!(byte, b'#' | b'<' | b'>' | b'?' | b'`');
    let is_query = byte.is_ascii_graphic() && !matches!(byte, b'#' | b'<' | b'>' | b'"');
    let is_quoted =
        matches!(byte, b'\t' | b' ' | 0x80..) || (byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
    (if is_token { TOKEN } else { 0 })
        | (if is_path { PATH } else { 0 })
        | (if is_query { QUERY } else { 0 })
        | (if is_unreserved || is_sub_delim { REG_NAME } else { 0 })
        | (if is_quoted { QUOTED } else { 0 })
}

/// How many bytes at the beginning are a token (RFC 9110 section 5.6.2).
pub(super) fn token(bytes: &[u8]) -> usize {
    span(bytes, TOKEN)
}

/// How many bytes at the beginning may be in a path.
pub(super) fn path(bytes: &[u8]) -> usize {
    span(bytes, PATH)
}

/// How many bytes at the beginning may be in a query.
pub(super) fn query(bytes: &[u8]) -> usize {
    span(bytes, QUERY)
}

/// How many bytes at the beginning are `unreserved` or `sub-delims` (RFC 3986 section 2).
pub(super) fn reg_name(bytes: &[u8]) -> usize {
    span(bytes, REG_NAME)
}

/// How many bytes at the beginning may be in a quoted string as they are (`qdtext`, RFC 9110 section 5.6.4).
pub(super) fn quoted(bytes: &[u8]) -> usize {
    span(bytes, QUOTED)
}

fn span(bytes: &[u8], class: u8) -> usize {
    bytes.iter().position(|byte| CLASSES[usize::from(*byte)] & class == 0).unwrap_or(bytes.len())
}

/// Whether all of it is one token.
pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && token(bytes) == bytes.len()
}

/// Whether all of it may be in a field's value (`field-content`, RFC 9110 section 5.5): no control byte but HTAB.
pub(super) fn is_value(bytes: &[u8]) -> bool {
    // Without a branch for each byte, so that the compiler looks at sixteen at once.
    bytes.iter().fold(true, |good, byte| good & ((*byte >= b' ') & (*byte != 0x7f) | (*byte == b'\t')))
}

/// Without the optional whitespace around it (`OWS`, RFC 9110 section 5.6.3), which is nothing but SP and HTAB.
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !is_blank(*byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_blank(*byte)).map_or(start, |last| last + 1);
    &bytes[start..end]
}

/// SP or HTAB.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
