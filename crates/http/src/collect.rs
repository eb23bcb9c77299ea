//! Request bodies: usually collected before the handler is called, so that no Python thread waits for a slow client.
//!
//! Frames stay in memory as they came while all waiting bodies of the worker together fit the [`Budget`]; a body that
//! does not fit moves to a temporary file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Buf, Bytes, BytesMut};

use crate::activity::Activity;
use crate::inflow::{Failure, Inflow};
use crate::inlet::{Inlet, InletReader, Start, receive};
use crate::spool::Spool;

/// How many bytes of a spooled body are read from its file at once.
const READ_AHEAD: usize = 64 * 1024;

/// Frames below this many bytes are copied together; larger ones are kept as they are.
const SMALL: usize = 4 * 1024;

/// The memory that all waiting bodies of a worker share.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    used: AtomicUsize,
    temp_dir: Option<Arc<Path>>,
}

impl Budget {
    /// A budget of `limit` bytes; what does not fit goes to files in `temp_dir`, or where the system has them.
    #[must_use]
    pub fn new(limit: usize, temp_dir: Option<&Path>) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicUsize::new(0), temp_dir: temp_dir.map(Arc::from) })
    }

    fn take(&self, bytes: usize) -> bool {
        let fits = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.limit);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }
}

/// What a body has taken of the budget, given back when the body is gone.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Reservation {
    pub(crate) fn new(budget: &Arc<Budget>) -> Self {
        Self { budget: Arc::clone(budget), bytes: 0 }
    }

    /// Takes what is missing to `bytes`; fails when the budget is used up.
    pub(crate) fn hold(&mut self, bytes: usize) -> bool {
        self.grow(bytes.saturating_sub(self.bytes))
    }

    /// Takes so much more; fails when the budget is used up.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let fits = self.budget.take(bytes);
        if fits {
            self.bytes += bytes;
        }
        fits
    }

    /// Gives all of it back.
    pub(crate) fn release(&mut self) {
        if self.bytes > 0 {
            self.budget.used.fetch_sub(std::mem::take(&mut self.bytes), Ordering::Relaxed);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.release();
    }
}

/// The body of a request: it has arrived completely, or is read while it comes.
#[derive(Debug)]
pub struct Body {
    length: Option<u64>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Memory(Frames),
    File(File),
    /// Dropped unread, it lets go of the connection that fills it.
    Live(InletReader),
}

/// Received frames, read in order.
#[derive(Debug)]
struct Frames {
    frames: VecDeque<Bytes>,
    _reservation: Reservation,
}

impl Body {
    /// A small body that came with its head; none when the budget is used up.
    pub(crate) fn at_once(bytes: &[u8], budget: &Arc<Budget>) -> Option<Self> {
        let mut reservation = Reservation::new(budget);
        if !reservation.grow(bytes.len()) {
            return None;
        }
        let frames = (!bytes.is_empty()).then(|| Bytes::copy_from_slice(bytes)).into_iter().collect();
        let source = Source::Memory(Frames { frames, _reservation: reservation });
        Some(Self { length: Some(bytes.len() as u64), source })
    }

    /// A body that is received while it is read.
    pub(crate) fn live(inflow: Inflow, start: Start, activity: Arc<Activity>) -> Self {
        Self { length: inflow.length(), source: Source::Live(receive(inflow, start, activity)) }
    }

    /// The number of bytes; `None` for a live one without a Content-Length.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// Whether reading may wait for a disk.
    #[must_use]
    pub fn is_on_disk(&self) -> bool {
        matches!(self.source, Source::File(_))
    }

    /// Tells when a body that is read while it comes can be read; `None` for one that has arrived.
    #[must_use]
    pub fn inlet(&self) -> Option<Arc<Inlet>> {
        match &self.source {
            Source::Live(reader) => Some(reader.inlet()),
            Source::Memory(_) | Source::File(_) => None,
        }
    }

    /// The bytes, to be read once. Where those of a live body have not come yet, reading fails with
    /// [`io::ErrorKind::WouldBlock`].
    #[must_use]
    pub fn into_reader(self) -> Box<dyn BufRead + Send + Sync> {
        match self.source {
            Source::Memory(frames) => Box::new(frames),
            Source::File(file) => Box::new(BufReader::with_capacity(READ_AHEAD, file)),
            Source::Live(reader) => Box::new(reader),
        }
    }
}

impl Read for Frames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(buffer)?;
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Frames {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.frames.front().is_some_and(Bytes::is_empty) {
            self.frames.pop_front();
        }
        Ok(self.frames.front().map_or(&[], |frame| frame))
    }

    fn consume(&mut self, amount: usize) {
        if let Some(frame) = self.frames.front_mut() {
            frame.advance(amount.min(frame.len()));
        }
    }
}

/// Frames as they came, but for small ones: a client that sends byte by byte must not make each byte cost a frame.
#[derive(Default)]
struct Gathering {
    frames: VecDeque<Bytes>,
    small: BytesMut,
}

impl Gathering {
    fn push(&mut self, frame: Bytes) {
        if frame.len() < SMALL {
            self.small.extend_from_slice(&frame);
        }
        if frame.len() >= SMALL || self.small.len() >= READ_AHEAD {
            self.flush();
        }
        if frame.len() >= SMALL {
            self.frames.push_back(frame);
        }
    }

    fn flush(&mut self) {
        if !self.small.is_empty() {
            self.frames.push_back(self.small.split().freeze());
        }
    }

    fn finish(mut self) -> VecDeque<Bytes> {
        self.flush();
        self.frames
    }
}

/// Waits for the whole body.
pub(crate) async fn collect(mut inflow: Inflow, budget: &Arc<Budget>) -> Result<Body, Failure> {
    let mut reservation = Reservation::new(budget);
    let mut gathering = Gathering::default();
    let mut length = 0;
    while let Some(frame) = inflow.next().await? {
        let fits = reservation.grow(frame.len());
        length += frame.len() as u64;
        gathering.push(frame);
        if !fits {
            return to_file(gathering.finish(), reservation, inflow).await;
        }
    }
    let frames = Frames { frames: gathering.finish(), _reservation: reservation };
    Ok(Body { length: Some(length), source: Source::Memory(frames) })
}

async fn to_file(
    frames: VecDeque<Bytes>,
    reservation: Reservation,
    mut inflow: Inflow,
) -> Result<Body, Failure> {
    let folder = reservation.budget.temp_dir.clone();
    let mut spool = Spool::new(frames, reservation, folder);
    while let Some(frame) = inflow.next().await? {
        spool.push(frame).await.map_err(Failure::Spool)?;
    }
    let (file, length) = spool.finish().await.map_err(Failure::Spool)?;
    Ok(Body { length: Some(length), source: Source::File(file) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(frames: &[&'static str], budget: &Arc<Budget>) -> Body {
        let mut reservation = Reservation::new(budget);
        let length = frames.iter().map(|frame| frame.len()).sum::<usize>();
        assert!(reservation.grow(length));
        let frames = frames.iter().map(|frame| Bytes::from_static(frame.as_bytes())).collect();
        Body {
            length: Some(length as u64),
            source: Source::Memory(Frames { frames, _reservation: reservation }),
        }
    }

    #[test]
    fn frames_read_as_one_stream() {
        let budget = Budget::new(100, None);
        let body = body(&["a\nb", "", "c\n", "d"], &budget);
        assert_eq!((body.length(), body.is_on_disk()), (Some(6), false));
        let lines: Vec<_> = body.into_reader().lines().map(Result::unwrap).collect();
        assert_eq!(lines, ["a", "bc", "d"]);
    }

    #[test]
    fn small_frames_are_copied_together() {
        let mut gathering = Gathering::default();
        let large = Bytes::from(vec![b'x'; SMALL]);
        (0..3 * SMALL).for_each(|_| gathering.push(Bytes::from_static(b"a")));
        gathering.push(large.clone());
        gathering.push(Bytes::from_static(b"b"));
        let frames = gathering.finish();
        assert_eq!(frames, [Bytes::from(vec![b'a'; 3 * SMALL]), large, Bytes::from_static(b"b")]);
    }

    #[test]
    fn a_body_gives_its_share_of_the_budget_back() {
        let budget = Budget::new(10, None);
        let first = body(&["12345678"], &budget);
        assert!(!budget.take(3));
        drop(first);
        assert!(budget.take(10));
    }
}
