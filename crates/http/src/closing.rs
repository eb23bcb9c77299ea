//! The end of all connections at once.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Tells all connections to end: those that have been idle for a while at once, those that were just served when no further
/// request comes within half a second, the others after the request that they are at.
#[derive(Debug, Default)]
pub struct Closing {
    begun: AtomicBool,
    notify: Notify,
}

impl Closing {
    /// Begins.
    pub fn begin(&self) {
        self.begun.store(true, Ordering::Release);
        self.notify.notify_waiters();
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    pub(crate) async fn wait(&self) {
        let notified = self.notify.notified();
        if !self.has_begun() {
            notified.await;
        }
    }
}
