//! What comes to a connection without a parser: plain requests, one by one.

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

/// Bodies up to this size, in bytes, are held behind their heads; twice that is all that a client makes a connection hold.
const SMALL_BODY: usize = SMALL_HEAD;

/// What has come to a connection without a parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// A whole plain request is held.
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
        (self.head, self.content) = (0, 0);
        self.scanner.forget();
        if self.held.len() > self.judged && self.fault.is_none() {
            let scan = self.scanner.scan(&self.held[self.judged..]);
            self.note(scan);
        }
    }

    /// Waits for the next request, without a parser. A body that is not there with its head is left to one.
    pub(crate) fn poll_request(&mut self, context: &mut Context<'_>) -> Poll<Came> {
        loop {
            if self.judged == 0 {
                self.look_ahead();
            }
            if self.judged > 0 && self.judged <= SMALL_HEAD && self.scanner.outline().is_plain() {
                let is_whole = self.has_content(context);
                return Poll::Ready(if is_whole { Came::Plain } else { Came::Other });
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

    /// Whether the body behind the head that has been judged is small and has come, and judges it.
    fn has_content(&mut self, context: &mut Context<'_>) -> bool {
        let head = self.judged;
        let length = self.scanner.outline().length().map_or(Ok(0), usize::try_from);
        let Ok(length @ ..=SMALL_BODY) = length else { return false };
        while self.held.len() < head + length {
            self.held.reserve(head + length - self.held.len());
            if !matches!(self.poll_more(context), Poll::Ready(Ok(1..))) {
                return false;
            }
        }
        if length > 0 {
            self.look_ahead();
        }
        (self.head, self.content) = (head, length);
        self.judged == head + length
    }

    /// Hears of a client that leaves while its request is run; whether it has. What it sends meanwhile is held up to the end of
    /// the next head, and then no more is read.
    pub(crate) fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        loop {
            let request = self.head + self.content;
            if self.judged == request {
                self.look_ahead();
            }
            if self.judged > request || self.fault.is_some() || self.ended != Ended::No {
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

    /// Judges the next head, as far as it has come, or the body behind the last one.
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

    /// The body behind it.
    pub(crate) fn content(&self) -> &[u8] {
        &self.held[self.head..self.head + self.content]
    }

    /// Heads with the same fields as this one will be passed as they are.
    pub(crate) fn remember(&mut self) {
        if !self.scanner.outline().repeats() {
            let start = self.scanner.outline().start_of_fields();
            self.scanner.remember(&self.held[start..self.head]);
        }
    }

    /// The request that is held has its answer.
    pub(crate) fn consume(&mut self) {
        let request = self.head + self.content;
        self.judged -= request;
        if request < self.held.len() {
            self.held.advance(request);
        } else {
            self.held.clear();
            self.reservation.release();
        }
        (self.head, self.content) = (0, 0);
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
            assert_eq!(poll_fn(|context| guard.poll_request(context)).await, Came::Plain);
            let is_waiting = |context: &mut Context<'_>| Poll::Ready(guard.poll_gone(context).is_pending());
            assert!(poll_fn(is_waiting).await);
            assert!(guard.held.capacity() <= 2 * request.len(), "{}", guard.held.capacity());
            guard.consume();
        }
    }
}
