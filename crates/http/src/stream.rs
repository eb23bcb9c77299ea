//! The body of an answer that comes while it is sent: a byte buffer between a Python thread and the connection.
//!
//! The writer appends, the connection takes all there is at once, which also merges small chunks into one frame. Above
//! the high-water mark the writer is asked to wait until the connection has emptied the buffer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

/// Above this many waiting bytes the writer is asked to wait.
const HIGH_WATER: usize = 64 * 1024;
/// Frames from this size on are kept as they are; smaller ones are gathered.
const GATHER: usize = 8 * 1024;

/// The buffer; shared by its two ends.
#[derive(Debug, Default)]
pub struct Stream {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    frames: VecDeque<Bytes>,
    gathered: Vec<u8>,
    waiting: usize,
    end: Option<End>,
    gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Whole,
    Broken,
}

/// What the connection finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// All bytes that were waiting, or one large frame of them.
    Bytes(Bytes),
    /// The end; the body is complete.
    End,
    /// The writer gave up: the connection must break off visibly.
    Broken,
}

impl Stream {
    /// An empty buffer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The end that belongs into the answer; there is one.
    #[must_use]
    pub fn outlet(self: &Arc<Self>) -> Outlet {
        Outlet(Arc::clone(self))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics while it holds the lock; should it ever, the bytes are still whole frames.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends bytes that are copied. Wake the returned waker, which is the connection's.
    pub fn extend(&self, bytes: &[u8]) -> Option<Waker> {
        let mut inner = self.lock();
        if inner.gone {
            return None;
        }
        inner.gathered.extend_from_slice(bytes);
        inner.waiting += bytes.len();
        inner.reader.take()
    }

    /// Appends bytes that are lent.
    pub fn push(&self, bytes: Bytes) -> Option<Waker> {
        if bytes.len() < GATHER {
            return self.extend(&bytes);
        }
        let mut inner = self.lock();
        if inner.gone {
            return None;
        }
        inner.flush_gathered();
        inner.waiting += bytes.len();
        inner.frames.push_back(bytes);
        inner.reader.take()
    }

    /// Ends the body; not `whole`: the client must see that it broke off.
    pub fn finish(&self, whole: bool) -> Option<Waker> {
        let mut inner = self.lock();
        inner.end.get_or_insert(if whole { End::Whole } else { End::Broken });
        inner.reader.take()
    }

    /// Whether more than the high-water mark is waiting.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.lock().waiting > HIGH_WATER
    }

    /// Whether the connection has gone.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.lock().gone
    }

    /// Ready when the buffer has been emptied or the connection has gone.
    pub fn poll_room(&self, context: &Context<'_>) -> Poll<()> {
        let mut inner = self.lock();
        if inner.gone || inner.waiting == 0 {
            return Poll::Ready(());
        }
        inner.writer = Some(context.waker().clone());
        Poll::Pending
    }

    fn poll_next(&self, context: &Context<'_>) -> Poll<Next> {
        let mut inner = self.lock();
        inner.flush_gathered();
        if let Some(frame) = inner.frames.pop_front() {
            inner.waiting -= frame.len();
            let writer = if inner.waiting == 0 { inner.writer.take() } else { None };
            drop(inner);
            writer.into_iter().for_each(Waker::wake);
            return Poll::Ready(Next::Bytes(frame));
        }
        match inner.end {
            Some(End::Whole) => Poll::Ready(Next::End),
            Some(End::Broken) => Poll::Ready(Next::Broken),
            None => {
                inner.reader = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The connection has gone: lets go of what is waiting and of the writer.
    fn abandon(&self) {
        let mut inner = self.lock();
        inner.gone = true;
        inner.waiting = 0;
        inner.gathered = Vec::new();
        inner.frames = VecDeque::new();
        let writer = inner.writer.take();
        drop(inner);
        writer.into_iter().for_each(Waker::wake);
    }
}

/// The connection's end. Dropping it, wherever the answer may have got to, tells the writer that the client has gone.
#[derive(Debug)]
pub struct Outlet(Arc<Stream>);

impl Outlet {
    pub(crate) fn poll_next(&self, context: &Context<'_>) -> Poll<Next> {
        self.0.poll_next(context)
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Inner {
    fn flush_gathered(&mut self) {
        if !self.gathered.is_empty() {
            let gathered = std::mem::take(&mut self.gathered);
            self.frames.push_back(gathered.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(stream: &Stream) -> Poll<Next> {
        stream.poll_next(&Context::from_waker(Waker::noop()))
    }

    #[test]
    fn small_chunks_leave_as_one_frame_and_large_ones_as_they_are() {
        let stream = Stream::new();
        stream.extend(b"one ");
        stream.extend(b"two");
        let large = Bytes::from(vec![7; GATHER]);
        stream.push(large.clone());
        assert_eq!(next(&stream), Poll::Ready(Next::Bytes("one two".into())));
        assert_eq!(next(&stream), Poll::Ready(Next::Bytes(large)));
        assert_eq!(next(&stream), Poll::Pending);
        stream.finish(true);
        assert_eq!(next(&stream), Poll::Ready(Next::End));
    }

    #[test]
    fn a_full_buffer_has_room_again_when_it_has_been_emptied() {
        let stream = Stream::new();
        let context = Context::from_waker(Waker::noop());
        stream.extend(&[0; HIGH_WATER]);
        assert!(!stream.is_full());
        stream.extend(b"x");
        assert!(stream.is_full());
        assert_eq!(stream.poll_room(&context), Poll::Pending);
        assert!(matches!(next(&stream), Poll::Ready(Next::Bytes(_))));
        assert_eq!(stream.poll_room(&context), Poll::Ready(()));
    }

    #[test]
    fn what_a_broken_body_still_holds_is_sent_before_it_breaks_off() {
        let stream = Stream::new();
        stream.extend(b"start");
        stream.finish(false);
        stream.finish(true);
        assert_eq!(next(&stream), Poll::Ready(Next::Bytes("start".into())));
        assert_eq!(next(&stream), Poll::Ready(Next::Broken));
    }

    #[test]
    fn a_writer_whose_client_has_gone_does_not_wait() {
        let stream = Stream::new();
        stream.extend(&[0; 2 * HIGH_WATER]);
        stream.abandon();
        assert!(stream.is_gone());
        assert_eq!(stream.poll_room(&Context::from_waker(Waker::noop())), Poll::Ready(()));
        assert!(stream.extend(b"more").is_none());
        assert!(!stream.is_full());
    }
}
