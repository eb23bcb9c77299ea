//! The answer on its way out: when the head goes, how Content-Length binds, what happens to a broken answer.

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use pyo3::Bound;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyBytesMethods};

use crate::exchange::{Chunk, Exchange, FileBody, Flow, Head};
use crate::ffi::gil::detached;
use crate::watched::Watched;

/// From this many bytes on, keeping the Python object alive is cheaper than copying it.
const LEND: usize = 8 * 1024;

/// How far the answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// `start_response` has not been called, or nothing has been sent since.
    Waiting,
    /// The head is out, chunks follow; so many bytes are left of the Content-Length, when there is one.
    Streaming { left: Option<u64> },
    /// The whole answer has been handed over; the application may not have come to its end.
    Complete,
    /// As `Complete`, and whatever the application still has is of no use.
    Done,
    /// The client has gone.
    Gone,
}

/// The answer to one request.
pub(crate) struct Output {
    exchange: Box<dyn Exchange>,
    head: Option<Head>,
    phase: Phase,
    watched: Option<Watched>,
}

impl Output {
    /// The answer goes out through `exchange`, and with its head what is `watched` of the environ.
    pub(crate) fn new(exchange: Box<dyn Exchange>, watched: Option<Watched>) -> Self {
        Self { exchange, head: None, phase: Phase::Waiting, watched }
    }

    /// The head, which goes out now.
    fn take_head(&mut self) -> Option<Head> {
        let mut head = self.head.take()?;
        if let Some(watched) = self.watched.take() {
            head.environ = watched.values();
        }
        Some(head)
    }

    /// Whether the head is out, so that it can no longer be replaced.
    pub(crate) fn sent(&self) -> bool {
        self.phase != Phase::Waiting
    }

    pub(crate) fn started(&self) -> bool {
        self.head.is_some() || self.sent()
    }

    pub(crate) fn start(&mut self, head: Head) {
        self.head = Some(head);
    }

    /// Whether the application is to be asked for more: once more also when all has been sent, so that a generator
    /// gets to its end and a body that is too long is noticed.
    pub(crate) fn wants_more(&self) -> bool {
        matches!(self.phase, Phase::Waiting | Phase::Streaming { .. } | Phase::Complete)
    }

    /// Sends a body that is known to be all of it, so that its length is known too.
    pub(crate) fn send_all(&mut self, body: &Bound<'_, PyBytes>) {
        let length = body.as_bytes().len() as u64;
        // An empty body may belong to HEAD, or need none: `finish` tells them apart.
        if length == 0 {
            return;
        }
        if let Some(head) = &mut self.head
            && head.content_length.is_none()
            && !is_without_content(head.status)
        {
            set_length(head, length);
        }
        self.send(body);
    }

    /// Sends the next bytes; an empty chunk sends nothing, not even the head.
    pub(crate) fn send(&mut self, bytes: &Bound<'_, PyBytes>) {
        let length = bytes.as_bytes().len();
        if length == 0 {
            return;
        }
        match self.phase {
            Phase::Waiting => self.send_first(bytes),
            Phase::Streaming { left: None } => self.push(chunk(bytes), None),
            Phase::Streaming { left: Some(left) } => {
                let room = length.min(usize::try_from(left).unwrap_or(usize::MAX));
                if room > 0 {
                    self.push(chunk(bytes).cut(room), Some(left - room as u64));
                }
                if room < length {
                    self.overrun();
                }
            }
            Phase::Complete => self.overrun(),
            Phase::Done | Phase::Gone => {}
        }
    }

    /// Sends a file as all of the body, if nothing has been sent before; whether it did.
    pub(crate) fn send_file(&mut self, body: FileBody) -> bool {
        if self.sent() {
            return false;
        }
        let Some(mut head) = self.take_head() else { return false };
        if head.content_length.is_none() && !is_without_content(head.status) {
            set_length(&mut head, body.length);
        }
        let declared = head.content_length.unwrap_or(body.length);
        if declared == 0 || is_bodiless(&self.exchange.head().method, head.status) {
            self.complete(head, Chunk::Copied(b""));
        } else {
            if declared > body.length {
                let missing = declared - body.length;
                self.broken(&format!("the file is {missing} bytes shorter than its content-length"));
            }
            // No more than the application promised, as PEP 3333 wants ("Optional Platform-Specific File Handling").
            self.exchange.complete_with_file(head, FileBody { length: declared, ..body });
        }
        self.phase = Phase::Done;
        true
    }

    /// The first bytes go with the head, and are often all there is.
    fn send_first(&mut self, bytes: &Bound<'_, PyBytes>) {
        let Some(head) = self.take_head() else { return };
        if is_bodiless(&self.exchange.head().method, head.status) {
            self.complete(head, Chunk::Copied(b""));
            self.phase = Phase::Done;
            return;
        }
        let length = bytes.as_bytes().len();
        match head.content_length {
            Some(declared) if declared <= length as u64 => {
                let declared = usize::try_from(declared).unwrap_or(usize::MAX);
                self.complete(head, chunk(bytes).cut(declared));
                if declared < length {
                    self.overrun();
                }
            }
            declared => {
                self.exchange.begin(head);
                self.push(chunk(bytes), declared.map(|declared| declared - length as u64));
            }
        }
    }

    /// The application has said all: sends what is still due, and says in the log when it broke its own promise.
    pub(crate) fn finish(&mut self) {
        match self.phase {
            Phase::Complete | Phase::Done => {}
            Phase::Gone => self.exchange.end(false),
            Phase::Streaming { left: Some(left) } if left > 0 => {
                self.broken(&format!("the body is {left} bytes shorter than its content-length"));
                self.exchange.end(false);
            }
            Phase::Streaming { .. } => self.exchange.end(true),
            Phase::Waiting => self.finish_empty(),
        }
        self.phase = Phase::Done;
    }

    fn finish_empty(&mut self) {
        let Some(mut head) = self.take_head() else {
            self.broken("the application did not call start_response");
            return self.exchange.fail();
        };
        let bodiless = is_bodiless(&self.exchange.head().method, head.status);
        match head.content_length {
            Some(declared) if declared > 0 && !bodiless => {
                self.broken(&format!("the body is empty but its content-length is {declared}"));
                return self.exchange.fail();
            }
            None if !bodiless => set_length(&mut head, 0),
            _ => {}
        }
        self.complete(head, Chunk::Copied(b""));
    }

    fn broken(&self, reason: &str) {
        tracing::error!("Error handling request {}: {reason}", self.request_line());
    }

    /// The application raised: the client gets a 500, or sees that the answer broke off.
    pub(crate) fn abort(&mut self) {
        match self.phase {
            Phase::Waiting => self.exchange.fail(),
            Phase::Streaming { .. } | Phase::Gone => self.exchange.end(false),
            Phase::Complete | Phase::Done => {}
        }
        self.phase = Phase::Done;
    }

    fn complete(&mut self, mut head: Head, body: Chunk<'_>) {
        // RFC 9110 section 8.6.
        if head.status == StatusCode::NO_CONTENT {
            head.content_length = None;
            head.headers.remove(header::CONTENT_LENGTH);
        }
        self.exchange.complete(head, body);
        self.phase = Phase::Complete;
    }

    fn push(&mut self, chunk: Chunk<'_>, left: Option<u64>) {
        let mut flow = self.exchange.push(chunk);
        if flow == Flow::Full {
            flow = detached(|| self.exchange.wait());
        }
        self.phase = if flow == Flow::Gone { Phase::Gone } else { Phase::Streaming { left } };
    }

    /// There is more than the Content-Length allows (PEP 3333, "Handling the Content-Length Header").
    fn overrun(&mut self) {
        tracing::warn!("the body of {} is longer than its content-length and was cut", self.request_line());
        if matches!(self.phase, Phase::Streaming { .. }) {
            self.exchange.end(true);
        }
        if self.phase != Phase::Gone {
            self.phase = Phase::Done;
        }
    }

    /// Method and path, for the log.
    pub(crate) fn request_line(&self) -> String {
        let head = self.exchange.head();
        format!("{} {}", head.method, head.uri.path())
    }
}

/// Answers that end with their head (RFC 9110 sections 9.3.2, 15.3.5 and 15.4.5).
fn is_bodiless(method: &Method, status: StatusCode) -> bool {
    *method == Method::HEAD || is_without_content(status)
}

/// Statuses without a body. The Content-Length of a 304, if any, is that of the 200 that it stands for: only the
/// application knows it.
fn is_without_content(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

fn set_length(head: &mut Head, length: u64) {
    head.content_length = Some(length);
    head.headers.append(header::CONTENT_LENGTH, HeaderValue::from(length));
}

fn chunk<'a>(bytes: &'a Bound<'_, PyBytes>) -> Chunk<'a> {
    let slice = bytes.as_bytes();
    if slice.len() < LEND {
        return Chunk::Copied(slice);
    }
    Chunk::Lent(Bytes::from_owner(PyBackedBytes::from(bytes.clone())))
}
