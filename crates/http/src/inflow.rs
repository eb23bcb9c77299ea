//! The bytes of a request body as they come, and what can go wrong with them.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::StatusCode;
use tokio::time::{Instant, timeout_at};

use crate::activity::{Activity, Verdict};
use crate::arriving::Arriving;
use crate::framing::Fault;
use crate::patience::Patience;

/// Why there is no body.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The client went away or broke the framing; hyper says how and closes the connection.
    Client(hyper::Error),
    /// The body is longer than bodies may be.
    TooLarge,
    /// It does not come to its end in time.
    Slow,
    /// The temporary file could not be written.
    Spool(io::Error),
}

/// What is wrong with a body that is longer than it may be.
pub(crate) const TOO_LARGE: Fault = Fault {
    status: StatusCode::PAYLOAD_TOO_LARGE,
    reason: "the body is longer than `--limit-request-body` allows",
};

/// What is wrong with a request that takes too long to arrive.
pub(crate) const SLOW: Fault =
    Fault { status: StatusCode::REQUEST_TIMEOUT, reason: "the request did not come to its end in time" };

/// A body on its way, up to a limit.
#[derive(Debug)]
pub(crate) struct Inflow {
    incoming: Arriving,
    left: u64,
    pace: Option<Box<Pace>>,
}

/// How slow a body may be that has no connection of its own, and so no timer.
#[derive(Debug)]
struct Pace {
    activity: Arc<Activity>,
    patience: Patience,
}

impl Inflow {
    /// A body that may have `limit` bytes. Nothing of one that says that it is longer is received.
    pub(crate) fn new(incoming: Arriving, limit: Option<u64>) -> Result<Self, Failure> {
        let left = limit.unwrap_or(u64::MAX);
        if incoming.size_hint().lower() > left {
            return Err(Failure::TooLarge);
        }
        Ok(Self { incoming, left, pace: None })
    }

    /// The same, given up when the client is too slow for `patience`.
    pub(crate) fn paced(self, activity: Arc<Activity>, patience: Patience) -> Self {
        Self { pace: Some(Box::new(Pace { activity, patience })), ..self }
    }

    /// Whether it comes in a stream, beside others.
    pub(crate) fn is_in_stream(&self) -> bool {
        self.incoming.is_in_stream()
    }

    /// The length that the client gave.
    pub(crate) fn length(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// The next bytes; trailers are skipped, since WSGI has no place for them.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let frame = poll_fn(|context| self.incoming.poll_frame(context));
            let frame = match &self.pace {
                None => frame.await,
                Some(pace) => pace.keep(frame).await?,
            };
            let Some(frame) = frame else { return Ok(None) };
            if let Ok(data) = frame.map_err(Failure::Client)?.into_data() {
                self.pace.as_ref().into_iter().for_each(|pace| pace.activity.received(data.len()));
                self.left = self.left.checked_sub(data.len() as u64).ok_or(Failure::TooLarge)?;
                return Ok(Some(data));
            }
        }
    }
}

impl Pace {
    /// Waits for what comes next, as long as that may take.
    async fn keep<T>(&self, next: impl Future<Output = T>) -> Result<T, Failure> {
        let mut next = pin!(next);
        // Time counts only while there is nothing to take.
        if let Poll::Ready(next) = poll_fn(|context| Poll::Ready(next.as_mut().poll(context))).await {
            return Ok(next);
        }
        self.activity.awaits_client(false);
        loop {
            let until = match self.activity.judge(Instant::now(), &self.patience) {
                Verdict::TimeOut => {
                    self.activity.refuse(SLOW);
                    return Err(Failure::Slow);
                }
                Verdict::Wait(until) => until,
                _ => Instant::now() + self.patience.next_look(),
            };
            if let Ok(next) = timeout_at(until, next.as_mut()).await {
                return Ok(next);
            }
        }
    }
}
