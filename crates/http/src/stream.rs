//! The body of an answer that comes while it is sent: a buffer between a Python thread and the connection.
//!
//! The writer appends to memory, the connection takes all there is at once, which also merges small chunks into one
//! frame. A writer lets the loop have a turn now and then, which keeps the buffer small as long as the client takes
//! everything. One that has filled the memory all the same waits a moment for a client that reads, and when it does not
//! keep up moves what waits to temporary files, so that Python is free again. What is in the files is older than what is
//! in memory. Only past the bounds of the files does the writer wait for room, and gives up when there is none in time.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::FileSpan;
use crate::overflow::{Overflow, report};
use crate::parking::Leaving;

/// How much of an unbuffered answer may wait, and how much of another one before the loop has a turn.
const UNBUFFERED: usize = 64 * 1024;
/// How long a client may take to empty a full buffer before it counts as slow, and how many bytes in a microsecond it
/// has to read after that. One that keeps up, as a proxy on the same machine does, costs no temporary file; another one
/// holds up its Python thread for hardly longer than this.
const GRACE: Duration = Duration::from_millis(5);
const RATE: u64 = 512;
/// Frames from this size on are kept as they are; smaller ones are gathered, up to so many bytes.
const GATHER: usize = 8 * 1024;
const GATHERED: usize = 64 * 1024;

/// How much of an answer waits for its client so that the application does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffering {
    /// Bytes of one answer in memory.
    pub memory: usize,
    /// Bytes of one answer in a temporary file; `None`: as many as the disk takes.
    pub temp_max: Option<u64>,
    /// The directory of temporary files, also of those of request bodies; `None`: the system's.
    pub temp_dir: Option<PathBuf>,
}

impl Default for Buffering {
    fn default() -> Self {
        Self { memory: 1 << 20, temp_max: Some(1 << 30), temp_dir: None }
    }
}

/// The buffer; shared by its two ends.
#[derive(Debug)]
pub struct Stream {
    inner: Mutex<Inner>,
    /// `None` for an answer that the application wants unbuffered.
    buffering: Option<Arc<Buffering>>,
}

#[derive(Debug, Default)]
struct Inner {
    overflow: Overflow,
    frames: VecDeque<Bytes>,
    gathered: Vec<u8>,
    /// Bytes in memory.
    waiting: usize,
    /// How many there were at most.
    most: usize,
    /// The loop has had its turn since the writer began to wait.
    has_turned: bool,
    /// The client left something after the loop had its turn: another one is of no use.
    is_behind: bool,
    /// Since when the memory has been full without having been emptied.
    full_since: Option<Instant>,
    /// How many bytes the connection has taken since then.
    taken: u64,
    /// Neither memory nor disk take more: the writer waits for room, not for a client that reads.
    is_blocked: bool,
    /// The temporary file cannot be written.
    is_stuck: bool,
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
#[derive(Debug)]
pub(crate) enum Next {
    /// All bytes that were waiting, or one large frame of them.
    Bytes(Bytes),
    /// A part of the temporary file.
    File(FileSpan),
    /// The end; the body is complete.
    End,
    /// The writer gave up: the connection must break off visibly.
    Broken,
}

impl Stream {
    /// An empty buffer.
    #[must_use]
    pub fn new(buffering: &Arc<Buffering>) -> Self {
        Self { inner: Mutex::default(), buffering: Some(Arc::clone(buffering)) }
    }

    /// An empty buffer that makes its writer wait soon (`X-Accel-Buffering: no`).
    #[must_use]
    pub fn unbuffered() -> Self {
        Self { inner: Mutex::default(), buffering: None }
    }

    /// The end that belongs into the answer; there is one.
    #[must_use]
    pub fn outlet(self: &Arc<Self>) -> Outlet {
        Outlet { stream: Arc::clone(self), leaving: None }
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
        inner.grow(bytes.len());
        if inner.gathered.len() >= GATHERED {
            inner.flush_gathered();
        }
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
        inner.grow(bytes.len());
        inner.frames.push_back(bytes);
        inner.reader.take()
    }

    /// Ends the body; not `whole`: the client must see that it broke off.
    pub fn finish(&self, whole: bool) -> Option<Waker> {
        let mut inner = self.lock();
        inner.end.get_or_insert(if whole { End::Whole } else { End::Broken });
        inner.reader.take()
    }

    /// Whether the writer should wait for [`poll_room`](Self::poll_room) as long as [`patience`](Self::patience) says,
    /// and then [`spill`](Self::spill), before it goes on.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let inner = self.lock();
        self.is_over_memory(&inner) || (!inner.is_behind && inner.waiting > UNBUFFERED)
    }

    /// How many bytes may wait in memory.
    fn memory(&self) -> usize {
        self.buffering.as_ref().map_or(UNBUFFERED, |buffering| buffering.memory)
    }

    fn is_over_memory(&self, inner: &Inner) -> bool {
        inner.waiting > self.memory()
    }

    /// Whether the connection has gone.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.lock().gone
    }

    /// Ready when there is room or the connection has gone; while there is memory left, also when the loop has had a turn.
    /// A writer that may still spill has room when the buffer has been emptied.
    pub fn poll_room(&self, context: &Context<'_>) -> Poll<()> {
        let mut inner = self.lock();
        let may_turn = !inner.is_blocked && !self.is_over_memory(&inner);
        if inner.gone || self.has_room(&inner) || (inner.has_turned && may_turn) {
            inner.is_behind = !inner.is_empty();
            inner.has_turned = false;
            return Poll::Ready(());
        }
        if may_turn {
            inner.has_turned = true;
            context.waker().wake_by_ref();
        }
        inner.writer = Some(context.waker().clone());
        Poll::Pending
    }

    /// How long the writer should wait for room; `None`: it cannot go on without, and should
    /// [`give_up`](Self::give_up) when there is none in time.
    #[must_use]
    pub fn patience(&self) -> Option<Duration> {
        let mut inner = self.lock();
        if !self.is_over_memory(&inner) {
            inner.is_blocked = false;
            return Some(GRACE);
        }
        inner.is_blocked = !self.can_spill(&inner);
        let since = *inner.full_since.get_or_insert_with(Instant::now);
        let granted = GRACE + Duration::from_micros(inner.taken / RATE);
        (!inner.is_blocked).then(|| granted.saturating_sub(since.elapsed()))
    }

    /// Half of the memory is left free before a writer that was blocked goes on, so that it does not wait for each chunk.
    fn has_room(&self, inner: &Inner) -> bool {
        if inner.is_blocked {
            inner.waiting <= self.memory() / 2 || self.can_spill(inner)
        } else {
            inner.is_empty()
        }
    }

    fn can_spill(&self, inner: &Inner) -> bool {
        let Some(buffering) = &self.buffering else { return false };
        !inner.is_stuck && inner.overflow.has_room(inner.waiting as u64, buffering)
    }

    /// Ends the answer in the middle, because its client leaves no room: what waits is dropped, and the connection breaks
    /// off visibly. Whether the connection was there until now.
    pub fn give_up(&self) -> bool {
        let reader = {
            let mut inner = self.lock();
            if inner.gone {
                return false;
            }
            inner.end.get_or_insert(End::Broken);
            inner.reader.take()
        };
        self.abandon();
        reader.into_iter().for_each(Waker::wake);
        true
    }

    /// Moves what waits in memory to temporary files when it is too much and they are not full; may wait for the disk.
    /// Wake the returned waker, which is the connection's.
    pub fn spill(&self) -> Option<Waker> {
        let buffering = self.buffering.as_ref()?;
        let (mut frames, mut writer) = {
            let mut inner = self.lock();
            if inner.gone || !self.is_over_memory(&inner) || !self.can_spill(&inner) {
                return None;
            }
            inner.flush_gathered();
            inner.overflow.release();
            (std::mem::take(&mut inner.frames), inner.overflow.writer())
        };
        // The lock is free meanwhile: the connection must not wait for a disk.
        let written = frames.iter_mut().try_for_each(|frame| writer.write(frame, buffering));
        report(&written);
        frames.retain(|frame| !frame.is_empty());
        let mut inner = self.lock();
        if inner.gone {
            drop(inner);
            writer.discard();
            return None;
        }
        inner.is_stuck = written.is_err();
        inner.overflow.grow(writer);
        inner.waiting = frames.iter().map(Bytes::len).sum();
        inner.frames = frames;
        inner.reader.take()
    }

    fn poll_next(&self, context: &Context<'_>) -> Poll<Next> {
        let mut inner = self.lock();
        if let Some(next) = inner.take_next() {
            if inner.is_empty() {
                (inner.is_behind, inner.full_since, inner.taken) = (false, None, 0);
            }
            let writer = if self.has_room(&inner) { inner.writer.take() } else { None };
            drop(inner);
            writer.into_iter().for_each(Waker::wake);
            return Poll::Ready(next);
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

    /// The connection has gone: lets go of what is waiting and of the writer. How many bytes there were at most in memory.
    fn abandon(&self) -> usize {
        let mut inner = self.lock();
        inner.gone = true;
        inner.waiting = 0;
        let gone = (std::mem::take(&mut inner.gathered), std::mem::take(&mut inner.frames));
        let (overflow, writer) = (std::mem::take(&mut inner.overflow), inner.writer.take());
        let most = inner.most;
        drop(inner);
        drop(gone);
        overflow.discard();
        writer.into_iter().for_each(Waker::wake);
        most
    }
}

/// The connection's end. Dropping it, wherever the answer may have got to, tells the writer that the client has gone.
#[derive(Debug)]
pub struct Outlet {
    stream: Arc<Stream>,
    leaving: Option<Leaving>,
}

impl Outlet {
    pub(crate) fn poll_next(&self, context: &Context<'_>) -> Poll<Next> {
        self.stream.poll_next(context)
    }

    /// Who is told of the memory that the answer had.
    pub(crate) fn watch(&mut self, leaving: Leaving) {
        self.leaving = Some(leaving);
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        let most = self.stream.abandon();
        self.leaving.iter().for_each(|leaving| leaving.end(most));
    }
}

impl Inner {
    /// So many bytes come into memory.
    fn grow(&mut self, bytes: usize) {
        self.waiting += bytes;
        self.most = self.most.max(self.waiting);
    }

    fn flush_gathered(&mut self) {
        if !self.gathered.is_empty() {
            let gathered = std::mem::take(&mut self.gathered);
            self.frames.push_back(gathered.into());
        }
    }

    fn is_empty(&self) -> bool {
        self.waiting == 0 && self.overflow.is_drained()
    }

    /// What comes next: the files are older than the memory.
    fn take_next(&mut self) -> Option<Next> {
        self.overflow.release();
        if let Some(span) = self.overflow.next() {
            self.taken += span.length;
            return Some(Next::File(span));
        }
        self.flush_gathered();
        let frame = self.frames.pop_front()?;
        self.waiting -= frame.len();
        self.taken += frame.len() as u64;
        Some(Next::Bytes(frame))
    }
}

#[cfg(test)]
mod tests;
