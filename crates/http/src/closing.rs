//! The end of all connections at once.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::Notify;

/// Tells all connections to end: the ones that are at a request after it, and the others when none comes for a while, the
/// *last call*: a request may be on its way, and whoever sent it to a connection that is closed meanwhile has lost it.
#[derive(Debug, Default)]
pub struct Closing {
    last_call: OnceLock<Duration>,
    notify: Notify,
}

impl Closing {
    /// Begins. A connection that has said nothing, or nothing since its last request, for `last_call` is closed.
    pub fn begin(&self, last_call: Duration) {
        let _ = self.last_call.set(last_call);
        self.notify.notify_waiters();
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.last_call.get().is_some()
    }

    /// Waits for the beginning; how long the last call is.
    pub(crate) async fn wait(&self) -> Duration {
        let notified = self.notify.notified();
        if let Some(last_call) = self.last_call.get() {
            return *last_call;
        }
        notified.await;
        self.last_call.get().copied().unwrap_or_default()
    }
}
