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
use crate::framing::{Fault, Limits, judge_trailers};
use crate::patience::Patience;

/// Why there is no body.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The client went away or broke the framing; hyper says how and closes the connection.
    Client(hyper::Error),
    /// It is refused: too large, too slow, or with trailers that may not be.
    Refused(Fault),
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
    alone: Option<Box<Alone>>,
}

/// What a body in a stream is judged by: it has no connection of its own, and so neither a timer nor a guard.
#[derive(Debug)]
struct Alone {
    activity: Arc<Activity>,
    patience: Patience,
    limits: Limits,
}

impl Inflow {
    /// A body that may have `limit` bytes. Nothing of one that says that it is longer is received.
    pub(crate) fn new(incoming: Arriving, limit: Option<u64>) -> Result<Self, Failure> {
        let left = limit.unwrap_or(u64::MAX);
        if incoming.size_hint().lower() > left {
            return Err(Failure::Refused(TOO_LARGE));
        }
        Ok(Self { incoming, left, alone: None })
    }

    /// The same in a stream: given up when the client is too slow for `patience`, or its trailers are beyond `limits` or not to be.
    pub(crate) fn in_stream(self, activity: Arc<Activity>, patience: Patience, limits: Limits) -> Self {
        Self { alone: Some(Box::new(Alone { activity, patience, limits })), ..self }
    }

    /// Whether it comes in a stream, beside others.
    pub(crate) fn is_in_stream(&self) -> bool {
        self.alone.is_some()
    }

    /// The length that the client gave.
    pub(crate) fn length(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// The next bytes; trailers are skipped, since WSGI has no place for them.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let frame = poll_fn(|context| self.incoming.poll_frame(context));
            let frame = match &self.alone {
                None => frame.await,
                Some(alone) => alone.keep(frame).await?,
            };
            let Some(frame) = frame else { return Ok(None) };
            match frame.map_err(Failure::Client)?.into_data() {
                Ok(data) => {
                    self.alone.as_ref().into_iter().for_each(|alone| alone.activity.received(data.len()));
                    let left = self.left.checked_sub(data.len() as u64);
                    self.left = left.ok_or(Failure::Refused(TOO_LARGE))?;
                    return Ok(Some(data));
                }
                Err(other) => {
                    if let (Some(alone), Ok(trailers)) = (&self.alone, other.into_trailers()) {
                        judge_trailers(&trailers, &alone.limits).map_err(Failure::Refused)?;
                    }
                }
            }
        }
    }
}

impl Alone {
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
                Verdict::TimeOut => return Err(Failure::Refused(SLOW)),
                Verdict::Wait(until) => until,
                _ => Instant::now() + self.patience.next_look(),
            };
            if let Ok(next) = timeout_at(until, next.as_mut()).await {
                return Ok(next);
            }
        }
    }
}
