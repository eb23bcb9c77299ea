//! A request body that is read while it comes (`--no-request-buffering`): a byte buffer between the connection and a Python
//! thread, the mirror image of `stream`.
//!
//! The buffer is kept filled. Where the client waits for `100 Continue`, nothing is received before the reader asks for the
//! first time: the answer to that is sent when the body is going to be read.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, BufRead, ErrorKind, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::time::timeout;

use crate::activity::Activity;
use crate::inflow::{Failure, Inflow};

/// How many bytes may wait for the reader; a frame more, when it was on its way.
const ROOM: usize = 256 * 1024;
/// What the application did not want is thrown away up to this many bytes, and for so long; then the connection is closed. In a
/// stream of HTTP/2 only the time counts: other requests can go on meanwhile, and clients such as curl 7.88 take the reset of a
/// stream for a failure.
const REST: usize = 256 * 1024;
const REST_TIME: Duration = Duration::from_secs(5);

/// Smaller frames are copied, for each of them keeps all that was received with it in memory.
const SMALL: usize = 4 * 1024;
/// What a frame costs beside its bytes.
const FRAME: usize = 64;
const GONE: &str = "the client went away in the middle of the request body";
const UNREAD: &str = "the request is over, its body cannot be read";

fn cost(frame: &Bytes) -> usize {
    frame.len() + FRAME
}

/// The buffer; shared by its two ends.
#[derive(Debug, Default)]
pub struct Inlet {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    frames: VecDeque<Bytes>,
    waiting: usize,
    /// The reader has asked for the first byte.
    wanted: bool,
    end: Option<End>,
    /// The reader has gone.
    abandoned: bool,
    reader: Option<Waker>,
    filler: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Whole,
    /// For this reason.
    Broken(&'static str),
}

/// From when on a body is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// At once, which also shows when the client goes away.
    Now,
    /// When somebody reads: the client waits for `100 Continue`.
    WhenWanted,
}

/// What is to be done with the connection's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    /// Receive more.
    More,
    /// Nobody will read them; whether any were ever asked for.
    Nobody { wanted: bool },
}

impl Inlet {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics while it holds the lock; should it ever, the bytes are still whole frames.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ready when reading gives something: bytes, the end or an error.
    pub fn poll_data(&self, context: &Context<'_>) -> Poll<()> {
        let mut inner = self.lock();
        if !inner.frames.is_empty() || inner.end.is_some() || inner.abandoned {
            return Poll::Ready(());
        }
        inner.reader = Some(context.waker().clone());
        let filler = if inner.wanted { None } else { inner.filler.take() };
        inner.wanted = true;
        drop(inner);
        filler.into_iter().for_each(Waker::wake);
        Poll::Pending
    }

    /// Nobody reads any more: what is waiting is let go, and reading fails from now on.
    pub fn abandon(&self) {
        let mut inner = self.lock();
        inner.abandoned = true;
        inner.frames = VecDeque::new();
        let wakers = [inner.filler.take(), inner.reader.take()];
        drop(inner);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// The next frame, `None` at the end.
    fn take(&self) -> io::Result<Option<Bytes>> {
        let mut inner = self.lock();
        if let Some(frame) = inner.frames.pop_front() {
            inner.waiting -= cost(&frame);
            let filler = if inner.waiting <= ROOM / 2 { inner.filler.take() } else { None };
            drop(inner);
            filler.into_iter().for_each(Waker::wake);
            return Ok(Some(frame));
        }
        match inner.end {
            _ if inner.abandoned => Err(io::Error::other(UNREAD)),
            Some(End::Whole) => Ok(None),
            Some(End::Broken(reason)) => Err(io::Error::new(ErrorKind::ConnectionReset, reason)),
            None => Err(ErrorKind::WouldBlock.into()),
        }
    }

    fn poll_demand(&self, context: &Context<'_>) -> Poll<Demand> {
        let mut inner = self.lock();
        if inner.abandoned {
            return Poll::Ready(Demand::Nobody { wanted: inner.wanted });
        }
        if inner.wanted && inner.waiting < ROOM {
            return Poll::Ready(Demand::More);
        }
        inner.filler = Some(context.waker().clone());
        Poll::Pending
    }

    fn push(&self, frame: Bytes) {
        if frame.is_empty() {
            return;
        }
        let frame = if frame.len() < SMALL { Bytes::copy_from_slice(&frame) } else { frame };
        let mut inner = self.lock();
        if !inner.abandoned {
            inner.waiting += cost(&frame);
            inner.frames.push_back(frame);
        }
        let reader = inner.reader.take();
        drop(inner);
        reader.into_iter().for_each(Waker::wake);
    }

    fn finish(&self, end: End) {
        let mut inner = self.lock();
        inner.end = Some(end);
        let reader = inner.reader.take();
        drop(inner);
        reader.into_iter().for_each(Waker::wake);
    }
}

/// Fills an inlet for as long as somebody reads, from a task of its own: the body may still come while the answer is sent.
pub(crate) fn receive(inflow: Inflow, start: Start, activity: Arc<Activity>) -> InletReader {
    let inlet = Arc::new(Inlet::default());
    inlet.lock().wanted = start == Start::Now;
    let number = activity.body();
    let filled = Arc::clone(&inlet);
    tokio::spawn(async move {
        let end = fill(inflow, &filled, &activity).await;
        // Before the reader learns of the end and the answer follows.
        activity.end_body(number);
        filled.finish(end);
    });
    InletReader::new(inlet)
}

async fn fill(mut inflow: Inflow, inlet: &Inlet, activity: &Activity) -> End {
    let wanted = loop {
        match poll_fn(|context| inlet.poll_demand(context)).await {
            Demand::More => {}
            Demand::Nobody { wanted } => break wanted,
        }
        match inflow.next().await {
            Ok(Some(frame)) => {
                activity.count_body(frame.len() as u64);
                inlet.push(frame);
            }
            Ok(None) => return End::Whole,
            Err(failure) => {
                if let Failure::Refused(fault) = failure {
                    activity.refuse(fault);
                }
                return End::Broken(activity.fault().map_or(GONE, |fault| fault.reason));
            }
        }
    };
    // A client that waits for `100 Continue` must not be told to continue now, which is only done over HTTP/1.1. hyper closes a
    // connection whose body has not been received.
    if wanted || inflow.is_in_stream() {
        let _ = timeout(REST_TIME, throw_away(&mut inflow)).await;
    }
    End::Broken(UNREAD)
}

async fn throw_away(inflow: &mut Inflow) {
    let mut left = if inflow.is_in_stream() { usize::MAX } else { REST };
    while let Ok(Some(frame)) = inflow.next().await {
        match left.checked_sub(frame.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// The reader's end. It does not wait: where nothing has come yet, reading fails with [`ErrorKind::WouldBlock`].
#[derive(Debug)]
pub(crate) struct InletReader {
    inlet: Arc<Inlet>,
    frame: Bytes,
}

impl InletReader {
    fn new(inlet: Arc<Inlet>) -> Self {
        Self { inlet, frame: Bytes::new() }
    }

    /// What tells when there is something to read.
    pub(crate) fn inlet(&self) -> Arc<Inlet> {
        Arc::clone(&self.inlet)
    }
}

impl Read for InletReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(buffer)?;
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for InletReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.frame.is_empty() {
            self.frame = self.inlet.take()?.unwrap_or_default();
        }
        Ok(&self.frame)
    }

    fn consume(&mut self, amount: usize) {
        self.frame.advance(amount.min(self.frame.len()));
    }
}

impl Drop for InletReader {
    fn drop(&mut self) {
        self.inlet.abandon();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context<'static> {
        Context::from_waker(Waker::noop())
    }

    #[test]
    fn nothing_is_received_before_it_is_wanted_nor_without_room() {
        let inlet = Inlet::default();
        assert_eq!(inlet.poll_demand(&context()), Poll::Pending);
        assert_eq!(inlet.poll_data(&context()), Poll::Pending);
        assert_eq!(inlet.poll_demand(&context()), Poll::Ready(Demand::More));
        inlet.push(Bytes::from(vec![0; ROOM]));
        assert_eq!(inlet.poll_demand(&context()), Poll::Pending);
        assert_eq!(inlet.take().unwrap().unwrap().len(), ROOM);
        assert_eq!(inlet.poll_demand(&context()), Poll::Ready(Demand::More));
    }

    #[test]
    fn what_has_come_is_read_before_the_end_is_told() {
        for (end, last) in [(End::Whole, None), (End::Broken(GONE), Some(ErrorKind::ConnectionReset))] {
            let inlet = Arc::new(Inlet::default());
            let mut reader = InletReader::new(Arc::clone(&inlet));
            assert_eq!(reader.fill_buf().unwrap_err().kind(), ErrorKind::WouldBlock);
            inlet.push(Bytes::from_static(b"hello"));
            inlet.finish(end);
            assert_eq!(inlet.poll_data(&context()), Poll::Ready(()));
            assert_eq!(reader.fill_buf().unwrap(), b"hello");
            reader.consume(5);
            assert_eq!(reader.fill_buf().err().map(|error| error.kind()), last);
            assert_eq!(reader.fill_buf().err().map(|error| error.kind()), last, "again");
        }
    }

    #[test]
    fn when_the_reader_has_gone_nothing_is_kept() {
        let inlet = Arc::new(Inlet::default());
        let reader = InletReader::new(Arc::clone(&inlet));
        inlet.push(Bytes::from_static(b"hello"));
        drop(reader);
        inlet.push(Bytes::from_static(b"more"));
        assert_eq!(inlet.poll_demand(&context()), Poll::Ready(Demand::Nobody { wanted: false }));
        assert!(inlet.lock().frames.is_empty());
        assert_eq!(inlet.take().unwrap_err().kind(), ErrorKind::Other);
    }
}
