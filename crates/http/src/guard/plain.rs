//! What comes to a connection without a parser: heads of plain requests, one by one.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};

use super::{Ended, Guard, SMALL_HEAD};
use crate::Transport;
use crate::framing::{Outline, Place};

/// How much is read at once.
const SIP: usize = 4 * 1024;

/// What has come to a connection without a parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// A whole head of a plain request is held.
    Plain,
    /// Something that only a parser can judge, or that is to be refused.
    Other,
    /// The end, between two requests.
    End,
    /// The connection is broken.
    Broken,
}

impl<S: Transport> Guard<S> {
    /// Gives all that is held to the parser, which reads from now on.
    pub(crate) fn hand_over(&mut self) {
        self.head = 0;
        self.scanner.forget();
        if self.held.len() > self.judged && self.fault.is_none() {
            let scan = self.scanner.scan(&self.held[self.judged..]);
            self.note(scan);
        }
    }

    /// Waits for the head of the next request, without a parser.
    pub(crate) fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<Came> {
        loop {
            if self.judged == 0 {
                self.look_ahead();
            }
            if self.judged > 0 && self.judged <= SMALL_HEAD && self.scanner.outline().is_plain() {
                self.head = self.judged;
                return Poll::Ready(Came::Plain);
            }
            if self.judged > 0 || self.fault.is_some() {
                return Poll::Ready(Came::Other);
            }
            match self.poll_more(context) {
                Poll::Ready(Ok(0)) => {
                    self.close();
                    let is_end = self.fault.is_none();
                    return Poll::Ready(if is_end { Came::End } else { Came::Other });
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Came::Broken),
                Poll::Pending => {
                    self.activity.awaits_client(self.scanner.place() == Place::Head);
                    return Poll::Pending;
                }
            }
        }
    }

    /// Hears of a client that leaves while its request is run; whether it has. What it sends meanwhile is held up to the end of
    /// the next head, and then no more is read.
    pub(crate) fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        loop {
            if self.judged == self.head {
                self.look_ahead();
            }
            if self.judged > self.head || self.fault.is_some() || self.ended != Ended::No {
                return Poll::Pending;
            }
            match ready!(self.poll_more(context)) {
                Ok(0) => self.close(),
                Ok(_) => {}
                Err(_) => return Poll::Ready(true),
            }
            if self.ended != Ended::No {
                return Poll::Ready(self.ended == Ended::ByClient);
            }
        }
    }

    /// Judges the next head, as far as it has come.
    fn look_ahead(&mut self) {
        if self.held.len() > self.judged && self.fault.is_none() {
            let scan = self.scanner.scan_head(&self.held[self.judged..]);
            self.note(scan);
        }
    }

    /// What comes is kept, and no room for what may come: ten thousand connections that wait for their answers are not to have
    /// some kilobytes each.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut bytes = [const { MaybeUninit::uninit() }; SIP];
        let mut buffer = ReadBuf::uninit(&mut bytes);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        self.held.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// The bytes of the head that has come, and where its parts stand.
    pub(crate) fn head(&self) -> (&[u8], &Outline) {
        (&self.held[..self.head], self.scanner.outline())
    }

    /// Heads with the same fields as this one will be passed as they are.
    pub(crate) fn remember(&mut self) {
        if !self.scanner.outline().repeats() {
            let start = self.scanner.outline().start_of_fields();
            self.scanner.remember(&self.held[start..self.head]);
        }
    }

    /// The request whose head is held has its answer.
    pub(crate) fn consume(&mut self) {
        self.judged -= self.head;
        if self.head < self.held.len() {
            self.held.advance(self.head);
        } else {
            self.held.clear();
            self.reservation.release();
        }
        self.head = 0;
    }

    /// Nobody will look at what has come behind the last request.
    pub(crate) fn ignore(&mut self) {
        self.hand_over();
        self.held.advance(self.judged);
        self.judged = 0;
    }

    /// Whether the client may be sending on.
    pub(crate) fn is_open(&self) -> bool {
        self.ended == Ended::No
    }

    /// Gives up what only requests need, between two of them; whether it is there that the connection is.
    pub(crate) fn park(&mut self) -> bool {
        if !self.is_between() {
            return false;
        }
        self.ended = Ended::Parked;
        self.scanner.forget();
        if self.held.is_empty() {
            self.held = BytesMut::new();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;

    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;
    use crate::activity::Activity;
    use crate::collect::{Budget, Reservation};
    use crate::outgoing::Sending;
    use crate::tests::client::options;

    #[tokio::test]
    async fn no_room_is_held_for_what_has_not_come() {
        let (mut client, server) = duplex(64 * 1024);
        let (options, activity) = (options(), Arc::new(Activity::new()));
        let stream = Sending::new(server, Arc::clone(&activity.outgoing), &options);
        let budget = Budget::new(options.body_memory, None);
        let mut guard = Guard::new(stream, activity, &options, Reservation::new(&budget));
        let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: idle\r\n\r\n";
        for _ in 0..3 {
            client.write_all(request).await.unwrap();
            assert_eq!(poll_fn(|context| guard.poll_head(context)).await, Came::Plain);
            let is_waiting = |context: &mut Context<'_>| Poll::Ready(guard.poll_gone(context).is_pending());
            assert!(poll_fn(is_waiting).await);
            assert!(guard.held.capacity() <= 2 * request.len(), "{}", guard.held.capacity());
            guard.consume();
        }
    }
}
