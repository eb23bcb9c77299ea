//! A whole answer as bytes, without a parser. What it writes is what hyper would, byte for byte: which way an answer takes must not
//! show.

use bytes::Bytes;
use http::StatusCode;
use http::header::HeaderValue;
use rwsgi_message::Fields;
use tokio::time::Instant;

use crate::{Answer, Content, date};

/// Bodies up to this size are copied behind their heads: cheaper than to let the system gather two pieces.
const SMALL: usize = 4 * 1024;

/// With more fields than this, hyper's table of names puts equal ones together sooner than looking at all of them for each.
const FEW: usize = 32;

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
        self.fields(&answer.headers, &length)?;
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

    fn fields(&mut self, fields: &Fields, length: &Length<'_>) -> Option<()> {
        let Framing { server, closes, now, .. } = *length.framing;
        let survey = Survey::of(fields, length)?;
        if survey.is_as_sent {
            self.head.extend_from_slice(fields.lines());
        } else {
            self.one_by_one(fields, length);
        }
        if let Some(server) = server.filter(|_| !survey.has_server) {
            self.field(b"Server", server.as_bytes());
        }
        if closes {
            self.head.extend_from_slice(b"Connection: close\r\n");
        }
        if !survey.has_length && length.is_implied() {
            self.field(b"Content-Length", decimal(length.known, &mut [0; 20]));
        }
        if !survey.has_date {
            self.head.extend_from_slice(b"Date: ");
            date::extend(&mut self.head, now);
            self.head.extend_from_slice(b"\r\n");
        }
        self.head.extend_from_slice(b"\r\n");
        Some(())
    }

    /// Values of one name stand together, and some fields are another's business.
    fn one_by_one(&mut self, fields: &Fields, length: &Length<'_>) {
        for (place, (name, _)) in fields.iter().enumerate() {
            if fields.iter().take(place).any(|(before, _)| before == name) {
                continue;
            }
            let mut values = fields.iter().filter(|(other, _)| *other == name).map(|(_, value)| value);
            match name {
                b"Content-Length" if length.is_ignored() => {}
                b"Content-Length" => values.by_ref().take(1).for_each(|value| self.field(name, value)),
                b"Server" if let Some(server) = length.framing.server => self.field(name, server.as_bytes()),
                _ => values.for_each(|value| self.field(name, value)),
            }
        }
    }

    fn field(&mut self, name: &[u8], value: &[u8]) {
        self.head.extend_from_slice(name);
        self.head.extend_from_slice(b": ");
        self.head.extend_from_slice(value);
        self.head.extend_from_slice(b"\r\n");
    }
}

/// What there is among the fields of an answer.
struct Survey {
    has_length: bool,
    has_date: bool,
    has_server: bool,
    /// They go out as they are.
    is_as_sent: bool,
}

impl Survey {
    /// `None` when there is one that only hyper knows what to do about, or too many to be put in order here.
    fn of(fields: &Fields, length: &Length<'_>) -> Option<Self> {
        let mut survey = Self { has_length: false, has_date: false, has_server: false, is_as_sent: true };
        let mut seen = 0_u64;
        let mut before: &[u8] = b"";
        let mut count = 0;
        for (name, _) in fields.iter() {
            count += 1;
            match name {
                b"Connection" | b"Transfer-Encoding" | b"Trailer" => return None,
                b"Content-Length" if length.is_ignored() => survey.is_as_sent = false,
                b"Content-Length" => survey.has_length = true,
                b"Date" => survey.has_date = true,
                b"Server" if length.framing.server.is_some() => {
                    survey.has_server = true;
                    survey.is_as_sent = false;
                }
                _ => {}
            }
            let bit = mark(name);
            // A name that may have come before is looked at in full; one behind its like is where it belongs.
            let is_in_place = seen & bit == 0 || name == before && name != b"Content-Length";
            survey.is_as_sent &= is_in_place;
            seen |= bit;
            before = name;
        }
        (survey.is_as_sent || count <= FEW).then_some(survey)
    }
}

/// One of 64 bits, mostly another one for another name.
fn mark(name: &[u8]) -> u64 {
    let (first, last) = (name.first().copied().unwrap_or(0), name.last().copied().unwrap_or(0));
    1 << ((name.len() * 5 + usize::from(first) * 3 + usize::from(last)) % 64)
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
