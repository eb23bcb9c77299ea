//! How long a client may take for what.

use std::time::Duration;

use crate::parking::PARK;

/// The timer never looks more often than this, however short a patience is.
const SHORTEST_LOOK: Duration = Duration::from_millis(50);
/// The timer looks at least this often, so that it is never late by more.
const LONGEST_LOOK: Duration = Duration::from_secs(1);
/// How long the rest of a refused request is read, so that the client gets to see the answer: closing a socket with
/// unread bytes resets the connection (RFC 9112 section 9.6).
const LINGER: Duration = Duration::from_secs(2);

/// How long a client whose PROXY header is refused may take for the answer.
pub(crate) const REFUSAL: Duration = Duration::from_millis(500);

/// How long clients may be slow or silent. `None`: for ever.
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// For the head of a request from its first byte, and for the first byte of a connection.
    pub head: Option<Duration>,
    /// For the next bytes of a body.
    pub body: Option<Duration>,
    /// Bytes per second that a body must come at on average; 0: any.
    pub body_rate: u64,
    /// From when on the average counts.
    pub body_grace: Duration,
    /// For taking some bytes of a response.
    pub write: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Some(Duration::from_secs(10)),
            body: Some(Duration::from_secs(30)),
            body_rate: 500,
            body_grace: Duration::from_secs(10),
            write: Some(Duration::from_secs(60)),
        }
    }
}

/// What a connection's timer measures by.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    pub(crate) idle: Option<Duration>,
    pub(crate) head: Option<Duration>,
    pub(crate) body: Option<Duration>,
    pub(crate) body_rate: u64,
    pub(crate) body_grace: Duration,
    pub(crate) write: Option<Duration>,
    /// For hearing that the connection ends.
    pub(crate) leave: Duration,
    /// For taking some bytes of what had been sent before the end.
    pub(crate) linger: Duration,
    pub(crate) park: Duration,
}

impl Patience {
    pub(crate) fn new(idle: Option<Duration>, timeouts: &Timeouts) -> Self {
        Self {
            idle,
            head: timeouts.head,
            body: timeouts.body,
            body_rate: timeouts.body_rate,
            body_grace: timeouts.body_grace,
            write: timeouts.write,
            leave: LINGER,
            linger: LINGER,
            park: PARK,
        }
    }

    /// The patience with connections that are to end: not more than the last call, and nobody is parked any more.
    pub(crate) fn at_the_end(&self, last_call: Duration) -> Self {
        let little =
            |patience: Option<Duration>| Some(patience.map_or(last_call, |time| time.min(last_call)));
        Self { idle: little(self.idle), head: little(self.head), park: last_call, ..self.clone() }
    }

    /// After this time the timer looks again, whatever the connection is doing now.
    pub(crate) fn next_look(&self) -> Duration {
        let limits = [self.idle, self.head, self.body, self.write];
        let shortest = limits.into_iter().flatten().fold(LONGEST_LOOK, Duration::min);
        shortest.max(SHORTEST_LOOK)
    }

    /// How long may have been waited for so many bytes of a body.
    pub(crate) fn allowance(&self, bytes: u64) -> Option<Duration> {
        let millis = bytes.saturating_mul(1_000).checked_div(self.body_rate)?;
        Some(Duration::from_millis(millis).max(self.body_grace))
    }
}
