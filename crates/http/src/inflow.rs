//! The bytes of a request body as they come, and what can go wrong with them.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;

use bytes::Bytes;
use http::StatusCode;
use http_body::Body as _;
use hyper::body::Incoming;

use crate::framing::Fault;

/// Why there is no body.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The client went away or broke the framing; hyper says how and closes the connection.
    Client(hyper::Error),
    /// The body is longer than bodies may be.
    TooLarge,
    /// The temporary file could not be written.
    Spool(io::Error),
}

/// What is wrong with a body that is longer than it may be.
pub(crate) const TOO_LARGE: Fault = Fault {
    status: StatusCode::PAYLOAD_TOO_LARGE,
    reason: "the body is longer than `--limit-request-body` allows",
};

/// A body on its way, up to a limit.
#[derive(Debug)]
pub(crate) struct Inflow {
    incoming: Incoming,
    left: u64,
}

impl Inflow {
    /// A body that may have `limit` bytes. Nothing of one that says that it is longer is received.
    pub(crate) fn new(incoming: Incoming, limit: Option<u64>) -> Result<Self, Failure> {
        let left = limit.unwrap_or(u64::MAX);
        if incoming.size_hint().lower() > left { Err(Failure::TooLarge) } else { Ok(Self { incoming, left }) }
    }

    /// The length that the client gave.
    pub(crate) fn length(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// The next bytes; trailers are skipped, since WSGI has no place for them.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let frame = poll_fn(|context| Pin::new(&mut self.incoming).poll_frame(context)).await;
            let Some(frame) = frame else { return Ok(None) };
            if let Ok(data) = frame.map_err(Failure::Client)?.into_data() {
                self.left = self.left.checked_sub(data.len() as u64).ok_or(Failure::TooLarge)?;
                return Ok(Some(data));
            }
        }
    }
}
