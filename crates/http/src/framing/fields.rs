//! The fields of a head (RFC 9112 section 5), and what they say about the body (section 6).

use http::StatusCode;

use super::bytes;
use super::fault::Fault;
use super::host::{self, Host};
use super::request_line::RequestLine;

/// The longest name that `http::HeaderName` takes.
const NAME: usize = 65_535;

/// The longest body that hyper can count.
const LENGTH: u64 = u64::MAX - 2;

/// What is known of a head so far.
#[derive(Debug)]
pub(super) struct Head {
    line: RequestLine,
    /// How many fields it has.
    pub(super) count: usize,
    host: Option<Host>,
    length: Option<u64>,
    is_chunked: bool,
    has_type: bool,
    has_expectation: bool,
    has_upgrade: bool,
    /// The client wants no other answer on this connection.
    closes: bool,
}

/// How the body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// This many bytes; none without a field that says something else.
    Length(u64),
    /// Chunks.
    Chunked,
}

impl Head {
    pub(super) fn new(line: RequestLine) -> Self {
        Self {
            line,
            count: 0,
            host: None,
            length: None,
            is_chunked: false,
            has_type: false,
            has_expectation: false,
            has_upgrade: false,
            closes: false,
        }
    }

    /// Judges the next field line, without its end; gives its name and its value.
    pub(super) fn field<'a>(&mut self, line: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), Fault> {
        self.count += 1;
        let (name, value) = split(line)?;
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        match name.len() {
            4 if is(b"host") => self.host(value),
            6 if is(b"expect") => self.expect(value),
            7 if is(b"upgrade") => self.upgrade(),
            10 if is(b"connection") => self.connection(value),
            12 if is(b"content-type") => self.content_type(),
            14 if is(b"content-length") => self.content_length(value),
            17 if is(b"transfer-encoding") => self.transfer_encoding(value),
            _ => Ok(()),
        }?;
        Ok((name, value))
    }

    /// Whether nothing in it asks for more than an answer: no chunks, nothing to be agreed on first, a path as its target.
    pub(super) fn is_plain(&self) -> bool {
        let is_usual = self.line.is_1_1 && !self.line.is_absolute;
        is_usual && !(self.is_chunked || self.has_expectation || self.has_upgrade)
    }

    /// The Content-Length, if there is one.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    /// Whether the client wants the connection to end with the answer.
    pub(super) fn closes(&self) -> bool {
        self.closes
    }

    /// Judges the head as a whole, at its end.
    pub(super) fn finish(&self) -> Result<Framing, Fault> {
        match self.host {
            // RFC 9112 section 3.2.
            None if self.line.is_1_1 => return Err(Fault::bad("no Host")),
            // RFC 9110 section 4.2.1: an http URI without a host is invalid.
            Some(Host::Nameless) if !self.line.is_absolute => return Err(Fault::bad("empty Host")),
            _ => {}
        }
        Ok(if self.is_chunked { Framing::Chunked } else { Framing::Length(self.length.unwrap_or(0)) })
    }

    fn host(&mut self, value: &[u8]) -> Result<(), Fault> {
        let host = host::judge(value).ok_or(Fault::bad("malformed Host"))?;
        match self.host.replace(host) {
            None => Ok(()),
            Some(_) => Err(Fault::bad("repeated Host")),
        }
    }

    /// RFC 9110 section 10.1.1: there is one expectation, and HTTP/1.0 has none.
    fn expect(&mut self, value: &[u8]) -> Result<(), Fault> {
        let is_repeated = std::mem::replace(&mut self.has_expectation, true);
        if self.line.is_1_1 && (is_repeated || !value.eq_ignore_ascii_case(b"100-continue")) {
            return Err(Fault { status: StatusCode::EXPECTATION_FAILED, reason: "unknown expectation" });
        }
        Ok(())
    }

    fn upgrade(&mut self) -> Result<(), Fault> {
        self.has_upgrade = true;
        Ok(())
    }

    fn connection(&mut self, value: &[u8]) -> Result<(), Fault> {
        let mut options = value.split(|byte| *byte == b',');
        let closes = options.any(|option| bytes::trim(option).eq_ignore_ascii_case(b"close"));
        // As hyper reads it: a list with other bytes than ASCII is none.
        self.closes |= closes && value.is_ascii();
        Ok(())
    }

    /// An application and a proxy in front of it that take different ones see different forms.
    fn content_type(&mut self) -> Result<(), Fault> {
        let is_repeated = std::mem::replace(&mut self.has_type, true);
        if is_repeated { Err(Fault::bad("repeated Content-Type")) } else { Ok(()) }
    }

    fn content_length(&mut self, value: &[u8]) -> Result<(), Fault> {
        if self.is_chunked {
            return Err(Fault::bad("Content-Length with Transfer-Encoding"));
        }
        if self.length.is_some() {
            return Err(Fault::bad("repeated Content-Length"));
        }
        if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
            return Err(Fault::bad("Content-Length is not a number"));
        }
        let add = |length: u64, digit: &u8| length.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
        let length = value.iter().try_fold(0, add).filter(|length| *length <= LENGTH);
        self.length = Some(length.ok_or(Fault::bad("Content-Length too large"))?);
        Ok(())
    }

    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Fault> {
        if !self.line.is_1_1 {
            // RFC 9112 section 6.1: its framing is faulty.
            return Err(Fault::bad("Transfer-Encoding on HTTP/1.0"));
        }
        if self.length.is_some() {
            return Err(Fault::bad("Content-Length with Transfer-Encoding"));
        }
        if self.is_chunked {
            return Err(Fault::bad("repeated Transfer-Encoding"));
        }
        if !value.eq_ignore_ascii_case(b"chunked") {
            return Err(other_coding(value));
        }
        self.is_chunked = true;
        Ok(())
    }
}

/// A field line's name and its value without the whitespace around it.
pub(super) fn split(line: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    let end = bytes::token(line);
    if end == 0 || line.get(end) != Some(&b':') {
        return Err(not_a_field(line, end));
    }
    if end > NAME {
        return Err(Fault::fields_too_large("field name too long"));
    }
    let value = bytes::trim(&line[end + 1..]);
    if !bytes::is_value(value) {
        return Err(Fault::bad("control byte in a field value"));
    }
    Ok((&line[..end], value))
}

#[cold]
fn not_a_field(line: &[u8], end: usize) -> Fault {
    Fault::bad(match line.get(end) {
        // RFC 9112 section 5.2, and section 2.2 for the first line.
        Some(b' ' | b'\t') if end == 0 => "folded line",
        // RFC 9112 section 5.1.
        Some(b' ' | b'\t') => "space before the colon",
        Some(b':') => "empty field name",
        Some(_) => "bad byte in a field name",
        None => "field line without a colon",
    })
}

/// A list of codings that is not just `chunked`: one that nobody may send, or one that we do not know (RFC 9112
/// section 6.1).
#[cold]
fn other_coding(value: &[u8]) -> Fault {
    let mut codings = value.split(|byte| *byte == b',');
    let is_foreign = |coding: &[u8]| {
        let name = coding.split(|byte| *byte == b';').next().unwrap_or_default();
        let name = bytes::trim(name);
        bytes::is_token(name) && !name.eq_ignore_ascii_case(b"chunked")
    };
    let last = codings.next_back().unwrap_or_default();
    let is_last_good = bytes::trim(last).eq_ignore_ascii_case(b"chunked") || is_foreign(last);
    if is_last_good && codings.all(is_foreign) {
        Fault::not_implemented("unknown transfer coding")
    } else {
        Fault::bad("malformed Transfer-Encoding")
    }
}
