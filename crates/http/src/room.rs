//! Room for new connections: those that wait for their next request give way.

use tokio::sync::Notify;

use crate::connection::Server;
use crate::exchange::Handler;

/// Where connections that are idle learn that one of them has to leave: first the one that has waited longest.
#[derive(Debug, Default)]
pub(crate) struct Room(Notify);

impl Room {
    /// Waits until it is this connection that has to leave. One that drops this meanwhile leaves it to the next.
    pub(crate) async fn is_wanted(&self) {
        self.0.notified().await;
    }
}

impl<H: Handler> Server<H> {
    /// Asks the connection that has waited longest for its next request to close; when none waits, the next that begins
    /// to.
    pub fn make_room(&self) {
        self.room.0.notify_one();
    }
}
