//! Requests that Python will not come to in time: 503, and a line in the log.

use std::time::Duration;

use tokio::runtime::Handle;

use crate::notice::Notice;
use crate::run::Options;

/// A flood of refused requests leaves one line in this time.
const INTERVAL: Duration = Duration::from_secs(1);

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Too many wait already.
    Full,
    /// It has waited for too long.
    Late,
}

/// What the log says of them.
#[derive(Debug)]
pub(crate) struct Refusals {
    full: Notice<usize>,
    late: Notice<Duration>,
    size: usize,
    patience: Duration,
}

impl Refusals {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            full: Notice::new(INTERVAL, |size, count| {
                tracing::warn!("answered {} with 503: {size} wait already (`--queue-size`)", requests(count));
            }),
            late: Notice::new(INTERVAL, |patience, count| {
                let requests = requests(count);
                tracing::warn!(
                    "answered {requests} with 503: no Python thread for {patience:?} (`--queue-timeout`)"
                );
            }),
            size: options.queue_size,
            patience: options.queue_timeout.unwrap_or_default(),
        }
    }

    pub(crate) fn add(&self, refusal: Refusal, runtime: &Handle) {
        match refusal {
            Refusal::Full => self.full.add(self.size, runtime),
            Refusal::Late => self.late.add(self.patience, runtime),
        }
    }
}

fn requests(count: u64) -> String {
    format!("{count} request{}", if count == 1 { "" } else { "s" })
}
