//! Room for new connections: those that wait for their next request give way.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::connection::Server;
use crate::exchange::Handler;

/// Where connections that are idle learn that one of them has to leave: first the one that has waited longest.
#[derive(Debug, Default)]
pub(crate) struct Room(Notify);

impl Room {
    /// Waits until it is this connection that has to leave. One that drops this meanwhile leaves it to the next.
    pub(crate) fn is_wanted(&self) -> Notified<'_> {
        self.0.notified()
    }
}

/// The place of a connection among those that are idle; it has one only while it is.
#[derive(Debug)]
pub(crate) struct Idler<'a> {
    room: &'a Room,
    place: Option<Pin<Box<Notified<'a>>>>,
}

impl<'a> Idler<'a> {
    pub(crate) fn new(room: &'a Room) -> Self {
        Self { room, place: None }
    }

    /// Whether this connection, which `is_idle` or not, has to leave. It takes its place if it is `to_begin` with that now.
    pub(crate) fn has_to_leave(&mut self, is_idle: bool, to_begin: bool, context: &mut Context<'_>) -> bool {
        if !is_idle {
            self.place = None;
        } else if to_begin && self.place.is_none() {
            self.place = Some(Box::pin(self.room.is_wanted()));
        }
        let Some(place) = &mut self.place else { return false };
        let is_wanted = place.as_mut().poll(context).is_ready();
        if is_wanted {
            self.place = None;
        }
        is_wanted
    }
}

impl<H: Handler> Server<H> {
    /// Asks the connection that has waited longest for its next request to close; when none waits, the next that begins
    /// to.
    pub fn make_room(&self) {
        self.room.0.notify_one();
    }
}
