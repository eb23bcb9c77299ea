//! Chunked bodies (RFC 9112 section 7.1).

use super::fault::Fault;
use super::limits::Limits;
use super::{bytes, fields};

/// Bytes of all chunk extensions of a body together, with what separates them: hyper gives up at 16 KiB.
const EXTENSIONS: usize = 16 * 1024 - 1;

/// Bytes of a trailer section with its line ends: hyper gives up at 16 KiB.
const TRAILERS: usize = 16 * 1024 - 1;

/// Fields that frame a message, route it, change what it means, say who sends it or what its content is: RFC 9110
/// section 6.5.1 forbids them in trailers. The field names of the conditions begin with `if-`.
const FORBIDDEN: [&[u8]; 33] = [
    b"authorization",
    b"cache-control",
    b"connection",
    b"content-encoding",
    b"content-language",
    b"content-length",
    b"content-location",
    b"content-range",
    b"content-type",
    b"cookie",
    b"expect",
    b"forwarded",
    b"host",
    b"keep-alive",
    b"max-forwards",
    b"pragma",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"range",
    b"set-cookie",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
    b"via",
    b"www-authenticate",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-port",
    b"x-forwarded-proto",
    b"x-forwarded-ssl",
    b"x-real-ip",
];

/// What is counted over the chunks and trailers of one body.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    extensions: usize,
    trailers: usize,
    trailer_bytes: usize,
}

impl Chunks {
    /// The size of the chunk that this line, without its end, announces; 0: the last one.
    pub(super) fn size(&mut self, line: &[u8]) -> Result<u64, Fault> {
        let end = line.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(line.len());
        let (digits, extensions) = line.split_at(end);
        if digits.is_empty() {
            return Err(Fault::bad("chunk without a size"));
        }
        self.extensions += extensions.len();
        if self.extensions > EXTENSIONS {
            return Err(Fault::bad("chunk extensions too long"));
        }
        if !are_extensions(extensions) {
            return Err(Fault::bad("malformed chunk extension"));
        }
        let add = |size: u64, digit: &u8| Some(size.checked_mul(16)? | u64::from(hex(*digit)));
        digits.iter().try_fold(0, add).ok_or(Fault::bad("chunk size too large"))
    }

    /// Whether there may be no further trailer field.
    pub(super) fn is_full(&self, limits: &Limits) -> bool {
        self.trailers == limits.field_count()
    }

    /// Judges a trailer line, without its end.
    pub(super) fn trailer(&mut self, line: &[u8]) -> Result<(), Fault> {
        self.trailers += 1;
        self.trailer_bytes += line.len() + 2;
        // The empty line at the end counts too.
        if self.trailer_bytes + 2 > TRAILERS {
            return Err(Fault::fields_too_large("trailer section too large"));
        }
        let (name, _) = fields::split(line)?;
        let is_condition = name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"if-"));
        if is_condition || FORBIDDEN.iter().any(|forbidden| name.eq_ignore_ascii_case(forbidden)) {
            return Err(Fault::bad("forbidden trailer field"));
        }
        Ok(())
    }
}

/// The value of a hexadecimal digit.
fn hex(digit: u8) -> u8 {
    if digit.is_ascii_digit() { digit - b'0' } else { (digit | 0x20) - b'a' + 10 }
}

/// Whether all of it follows `chunk-ext` (RFC 9112 section 7.1.1).
fn are_extensions(mut rest: &[u8]) -> bool {
    while !rest.is_empty() {
        let Some(next) = after_extension(rest) else { return false };
        rest = next;
    }
    true
}

/// What follows the extension that this begins with.
fn after_extension(text: &[u8]) -> Option<&[u8]> {
    let text = after_blank(after_blank(text).strip_prefix(b";")?);
    let name = bytes::token(text);
    if name == 0 {
        return None;
    }
    let text = &text[name..];
    // Whitespace without `=` behind it belongs to the next extension.
    let Some(value) = after_blank(text).strip_prefix(b"=") else { return Some(text) };
    let value = after_blank(value);
    if let Some(quoted) = value.strip_prefix(b"\"") {
        return after_quoted(quoted);
    }
    let end = bytes::token(value);
    if end == 0 { None } else { Some(&value[end..]) }
}

/// What follows the quoted string whose inside this begins with (RFC 9110 section 5.6.4).
fn after_quoted(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        text = &text[bytes::quoted(text)..];
        match text {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', escaped, rest @ ..] if bytes::is_value(&[*escaped]) => text = rest,
            _ => return None,
        }
    }
}

/// Bad whitespace, which has to be put up with (`BWS`, RFC 9110 section 5.6.3).
fn after_blank(text: &[u8]) -> &[u8] {
    let blank = text.iter().position(|byte| !bytes::is_blank(*byte)).unwrap_or(text.len());
    &text[blank..]
}
