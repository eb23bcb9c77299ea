//! An answer as the handler gives it, and the server's own ones.

use std::time::{Duration, SystemTime};

use bytes::{BufMut, Bytes, BytesMut};
use http::StatusCode;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use rwsgi_message::Fields;

use crate::FileSpan;
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
            Self::Stream(_) => None,
        }
    }
}

impl Answer {
    pub(crate) fn has_unknown_length(&self) -> bool {
        matches!(self.content, Content::Stream(_)) && !self.headers.contains(CONTENT_LENGTH)
    }

    /// The server's own answer when a request cannot be served: says what happened and nothing of the request.
    #[must_use]
    pub fn error(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or("Error");
        let page = format!(
            "<!doctype html>\n<html><head><title>{reason}</title></head><body><h1>{code} {reason}</h1></body></html>\n",
            code = status.as_str(),
        );
        let mut headers = Fields::with_capacity(128);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        Self { status, headers, content: Content::Full(page.into()), ..Self::default() }
    }

    /// The same for HEAD; how long the content would be need not be said (RFC 9110 section 9.3.2).
    pub(crate) fn without_content(self) -> Self {
        Self { content: Content::default(), ..self }
    }

    /// The bytes of an answer whose body is known, for a connection that has no parser any more.
    pub(crate) fn into_bytes(self, server: Option<&HeaderValue>) -> Bytes {
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
        out.put_slice(b"\r\n\r\n");
        out.put_slice(&body);
        out.freeze()
    }
}
