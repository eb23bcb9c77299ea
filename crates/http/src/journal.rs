//! What is told of each request when it is over, and to whom.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use http::Method;

use crate::access_log::AccessLog;

/// Who wants to know of requests. Where nobody does there is no journal: nothing is gathered and no clock is read then.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// Where requests are logged.
    pub access_log: Option<AccessLog>,
    /// Who counts them.
    pub meter: Option<Arc<dyn Meter>>,
}

/// Whoever counts requests.
pub trait Meter: Debug + Send + Sync {
    /// A request is over, however it ended. Called on the loop by its connection: must not block.
    fn finished(&self, request: &Finished<'_>);

    /// A request has begun, of which [`finished`](Self::finished) will tell. Called likewise.
    fn begun(&self) {}

    /// A request is refused by the server itself with this status. Called likewise.
    fn refused(&self, status: u16) {
        let _ = status;
    }
}

/// A request that is over.
#[derive(Clone, Copy, Debug)]
pub struct Finished<'a> {
    /// The method, as it was sent.
    pub method: &'a Method,
    /// The three digits; 499 when the client left before there was an answer.
    pub status: u16,
    /// From the whole head to the end of the answer.
    pub duration: Duration,
    /// How long the complete request waited for a Python thread; `None` when it did not come that far.
    pub queued: Option<Duration>,
    /// From the whole head to the head of the answer; `None`: there was none.
    pub first_byte: Option<Duration>,
    /// Bytes of the request's body; none of one that should have been complete before it was handed over and was not.
    pub bytes_in: u64,
    /// Bytes of the answer's body that were handed to the connection.
    pub bytes_out: u64,
    /// How it ended.
    pub end: End,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// The client left, or was dropped, before all of the answer was handed over.
    #[default]
    Gone,
    /// All of the answer was handed over.
    Complete,
    /// The application, or the server in its stead, broke its answer off.
    Broken,
}

impl End {
    /// How the access log calls it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Complete => "complete",
            Self::Broken => "broken",
        }
    }
}

impl Journal {
    /// This journal, if somebody reads it.
    #[must_use]
    pub fn wanted(self) -> Option<Self> {
        (self.access_log.is_some() || self.meter.is_some()).then_some(self)
    }
}
