//! An answer as the handler gives it, and the server's own ones.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use bytes::{BufMut, Bytes, BytesMut};
use http::StatusCode;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use rwsgi_message::Fields;

use crate::FileSpan;
use crate::compression::Compressed;
use crate::stream::Outlet;

/// Status, headers and body.
#[derive(Debug, Default)]
pub struct Answer {
    /// The three digits.
    pub status: StatusCode,
    /// The reason phrase, when it is not the usual one.
    pub reason: Option<Bytes>,
    /// The headers, without `Date`, `Server`, `Connection` and `Transfer-Encoding`, which are set here.
    pub headers: Fields,
    /// The body.
    pub content: Content,
    /// It is not the application's, and is not compressed.
    pub is_own: bool,
    /// How long the request waited for a Python thread; `None` when it did not come that far. For the journal.
    pub queued: Option<Duration>,
    /// The values of the environ's variables that the access log names (`Format::environ`), in its order. For the journal.
    pub environ: Box<[Option<Bytes>]>,
}

/// The body of an answer.
#[derive(Debug)]
pub enum Content {
    /// All of it.
    Full(Bytes),
    /// It comes while it is sent.
    Stream(Outlet),
    /// A part of a file, which is sent without passing through this process where that can be. One that turns out to be
    /// shorter breaks the connection.
    File(FileSpan),
    /// Several parts, one after the other.
    Parts(VecDeque<Part>),
    /// It is compressed while it is sent. Made on the way out, not by handlers.
    Compressed(Box<Compressed>),
}

/// A part of a body.
#[derive(Debug)]
pub enum Part {
    /// Bytes in memory.
    Bytes(Bytes),
    /// A part of a file.
    File(FileSpan),
}

impl From<Part> for Content {
    fn from(part: Part) -> Self {
        match part {
            Part::Bytes(bytes) => Self::Full(bytes),
            Part::File(span) => Self::File(span),
        }
    }
}

impl Part {
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(span) => span.length,
        }
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::Full(Bytes::new())
    }
}

impl Content {
    /// How many bytes it has, if that is known.
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Self::Full(bytes) => Some(bytes.len() as u64),
            Self::File(span) => Some(span.length),
            Self::Parts(parts) => Some(parts.iter().map(Part::length).sum()),
            Self::Stream(_) | Self::Compressed(_) => None,
        }
    }
}

impl Answer {
    pub(crate) fn has_unknown_length(&self) -> bool {
        self.content.length().is_none() && !self.headers.contains(CONTENT_LENGTH)
    }

    /// The server's own answer when a request cannot be served: says what happened and nothing of the request.
    #[must_use]
    pub fn error(status: StatusCode) -> Self {
        let mut page = Self::page(status);
        page.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        page
    }

    /// The same for what cannot be had now: it may soon be there again.
    #[must_use]
    pub fn unavailable() -> Self {
        let mut answer = Self::error(StatusCode::SERVICE_UNAVAILABLE);
        answer.headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        answer
    }

    /// The same as for an error where the connection goes on.
    pub(crate) fn page(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or("Error");
        Self::worded(status, reason)
    }

    /// The same with a text that says it in other words.
    pub(crate) fn worded(status: StatusCode, text: &str) -> Self {
        let reason = status.canonical_reason().unwrap_or("Error");
        let page = format!(
            "<!doctype html>\n<html><head><title>{reason}</title></head><body><h1>{code} {text}</h1></body></html>\n",
            code = status.as_str(),
        );
        let mut headers = Fields::with_capacity(128);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        Self { status, headers, content: Content::Full(page.into()), is_own: true, ..Self::default() }
    }

    /// The same for HEAD; how long the content would be need not be said (RFC 9110 section 9.3.2).
    pub(crate) fn without_content(self) -> Self {
        Self { content: Content::default(), ..self }
    }

    /// The bytes of an answer whose body is known, with the headers of every answer, for a connection that has no parser any more.
    pub(crate) fn into_bytes(self, server: Option<&HeaderValue>, headers: &Fields) -> Bytes {
        let Content::Full(body) = self.content else { return Bytes::new() };
        let mut out = BytesMut::with_capacity(512);
        out.put_slice(b"HTTP/1.1 ");
        out.put_slice(self.status.as_str().as_bytes());
        out.put_u8(b' ');
        out.put_slice(self.status.canonical_reason().unwrap_or("Error").as_bytes());
        let mut line = |name: &str, value: &[u8]| {
            out.put_slice(b"\r\n");
            out.put_slice(name.as_bytes());
            out.put_slice(b": ");
            out.put_slice(value);
        };
        if let Some(server) = server {
            line("Server", server.as_bytes());
        }
        line("Date", httpdate::fmt_http_date(SystemTime::now()).as_bytes());
        line("Connection", b"close");
        if let Some(kind) = self.headers.get(CONTENT_TYPE) {
            line("Content-Type", kind);
        }
        line("Content-Length", body.len().to_string().as_bytes());
        out.put_slice(b"\r\n");
        // None of them has one of these names.
        out.put_slice(headers.lines());
        out.put_slice(b"\r\n");
        out.put_slice(&body);
        out.freeze()
    }
}
