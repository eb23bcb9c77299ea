//! A whole answer as bytes, without a parser. What it writes is what hyper would, byte for byte: which way an answer takes must not
//! show.

use bytes::Bytes;
use http::StatusCode;
use http::header::{
    CONNECTION, CONTENT_LENGTH, DATE, HeaderName, HeaderValue, SERVER, TRAILER, TRANSFER_ENCODING,
};
use tokio::time::Instant;

use crate::{Answer, Content, date};

/// Bodies up to this size are copied behind their heads: cheaper than to let the system gather two pieces.
const SMALL: usize = 4 * 1024;

/// What decides how an answer is written, beside itself.
#[derive(Debug)]
pub(crate) struct Framing<'a> {
    /// Who answers, for `Server`.
    pub(crate) server: Option<&'a HeaderValue>,
    /// The request asked for a head without content.
    pub(crate) is_head: bool,
    /// The connection ends with this answer.
    pub(crate) closes: bool,
    pub(crate) now: Instant,
}

/// What has to be sent.
#[derive(Debug, Default)]
pub(crate) struct Parcel {
    /// The head, and a small body behind it.
    pub(crate) head: Vec<u8>,
    /// A body that is not small.
    pub(crate) body: Bytes,
}

impl Parcel {
    /// Packs `answer`; how many bytes its body has. `None`: it is not one that can be written here, and nothing is packed.
    pub(crate) fn pack(&mut self, answer: &Answer, framing: &Framing<'_>) -> Option<usize> {
        let Content::Full(body) = &answer.content else { return None };
        if answer.status.is_informational() {
            return None;
        }
        self.head.clear();
        self.status_line(answer);
        let length = Length { known: body.len(), framing, status: answer.status };
        self.fields(answer, &length)?;
        if !length.has_content() {
            return Some(0);
        }
        if body.len() <= SMALL {
            self.head.extend_from_slice(body);
        } else {
            self.body = body.clone();
        }
        Some(body.len())
    }

    fn status_line(&mut self, answer: &Answer) {
        if answer.status == StatusCode::OK && answer.reason.is_none() {
            return self.head.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        }
        self.head.extend_from_slice(b"HTTP/1.1 ");
        self.head.extend_from_slice(answer.status.as_str().as_bytes());
        self.head.push(b' ');
        let usual = || answer.status.canonical_reason().unwrap_or("<none>").as_bytes();
        self.head.extend_from_slice(answer.reason.as_deref().unwrap_or_else(usual));
        self.head.extend_from_slice(b"\r\n");
    }

    fn fields(&mut self, answer: &Answer, length: &Length<'_>) -> Option<()> {
        let Framing { server, closes, now, .. } = *length.framing;
        let (mut has_length, mut has_date, mut has_server) = (false, false, false);
        for (name, value) in &answer.headers {
            match *name {
                CONNECTION | TRANSFER_ENCODING | TRAILER => return None,
                SERVER if server.is_some() => has_server = true,
                CONTENT_LENGTH if has_length || length.is_ignored() => continue,
                CONTENT_LENGTH => has_length = true,
                DATE => has_date = true,
                _ => {}
            }
            let value = if *name == SERVER { server.unwrap_or(value) } else { value };
            self.named(name, value.as_bytes());
        }
        if let Some(server) = server.filter(|_| !has_server) {
            self.field(b"Server: ", server.as_bytes());
        }
        if closes {
            self.head.extend_from_slice(b"Connection: close\r\n");
        }
        if !has_length && length.is_implied() {
            self.field(b"Content-Length: ", decimal(length.known, &mut [0; 20]));
        }
        if !has_date {
            self.head.extend_from_slice(b"Date: ");
            date::extend(&mut self.head, now);
            self.head.extend_from_slice(b"\r\n");
        }
        self.head.extend_from_slice(b"\r\n");
        Some(())
    }

    fn field(&mut self, name: &[u8], value: &[u8]) {
        self.head.extend_from_slice(name);
        self.head.extend_from_slice(value);
        self.head.extend_from_slice(b"\r\n");
    }

    /// The name with its words beginning in upper case.
    fn named(&mut self, name: &HeaderName, value: &[u8]) {
        let mut before = b'-';
        self.head.extend(name.as_str().bytes().map(|byte| {
            let cased = if before == b'-' { byte.to_ascii_uppercase() } else { byte };
            before = byte;
            cased
        }));
        self.field(b": ", value);
    }
}

/// How long the content is, and whether there is any (RFC 9110 sections 6.4.1 and 8.6).
struct Length<'a> {
    known: usize,
    framing: &'a Framing<'a>,
    status: StatusCode,
}

impl Length<'_> {
    fn is_bare(&self) -> bool {
        matches!(self.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    }

    fn has_content(&self) -> bool {
        self.known > 0 && !self.framing.is_head && !self.is_bare()
    }

    /// The application's own `Content-Length` is not passed on.
    fn is_ignored(&self) -> bool {
        self.known == 0 && !self.framing.is_head
    }

    /// An answer without a `Content-Length` gets one.
    fn is_implied(&self) -> bool {
        !self.is_bare() && (self.known > 0 || !self.framing.is_head)
    }
}

fn decimal(mut number: usize, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[start..];
        }
    }
}
