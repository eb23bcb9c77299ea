//! Parts of files on their way out, past hyper's buffers.
//!
//! hyper takes a [`Piece`] of a file for a buffer of bytes: what it sees of it is a slice of [`PLACEHOLDER`]. It does
//! not copy buffers for a stream that writes several at once, so the slice comes out below it as it is. There
//! [`Sending`] knows it by its address and sends as many bytes of the file in its stead.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::Transport;
use crate::options::Options;
use crate::transport::poll_copy;

/// Stands for the bytes of files. As long as what is sent at once, before other connections have their turn.
static PLACEHOLDER: [u8; 128 * 1024] = [0; 128 * 1024];

/// How much is read at once from a disk.
const AHEAD: usize = 1024 * 1024;

/// A part of a file.
#[derive(Clone, Debug)]
pub struct FileSpan {
    /// The file. Its own position is neither used nor moved.
    pub file: Arc<File>,
    /// Where the part begins, in bytes.
    pub offset: u64,
    /// How long it is, in bytes.
    pub length: u64,
}

impl FileSpan {
    /// Takes up to `length` bytes from the front.
    pub(crate) fn split(&mut self, length: u64) -> Self {
        let length = length.min(self.length);
        let front = Self { file: Arc::clone(&self.file), offset: self.offset, length };
        self.advance(length);
        front
    }

    pub(crate) fn at_most(&self, limit: usize) -> usize {
        usize::try_from(self.length).unwrap_or(usize::MAX).min(limit)
    }

    /// Takes up to `limit` bytes from the front, as far as that waits for no disk; `None`: it would, or the file is shorter.
    pub(crate) fn take_from_memory(&mut self, limit: u64) -> Option<Bytes> {
        let mut bytes = vec![0; usize::try_from(limit.min(self.length)).ok()?];
        let mut slices = [IoSliceMut::new(&mut bytes)];
        let count = preadv2(&*self.file, &mut slices, self.offset, ReadWriteFlags::NOWAIT).ok()?;
        bytes.truncate(count);
        self.advance(count as u64);
        (count > 0).then(|| bytes.into())
    }

    fn advance(&mut self, length: u64) {
        self.offset += length;
        self.length -= length;
    }
}

/// What the answers of a connection and its stream have to tell each other.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// The pieces that hyper holds, in their order.
    pieces: Mutex<VecDeque<FileSpan>>,
    /// A client that gets half an answer must not take it for a whole one, or for one that still comes.
    reset: AtomicBool,
}

impl Outgoing {
    fn pieces(&self) -> MutexGuard<'_, VecDeque<FileSpan>> {
        // Nothing panics while it holds the lock.
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A part of a file as hyper takes it; it must be sent in its turn.
    pub(crate) fn piece(self: &Arc<Self>, span: FileSpan) -> Data {
        let left = span.length;
        self.pieces().push_back(span);
        Data::File(Piece { outgoing: Arc::clone(self), left })
    }

    /// From now on the connection is reset when it ends, unless it is shut down in order. For an answer that has no other end
    /// than that of the connection (RFC 9112 section 6.3, the last case), and for one that its client does not read: the
    /// kernel would go on trying to send what is left.
    pub(crate) fn reset_unless_shut_down(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }
}

/// What an answer is made of.
#[derive(Debug)]
pub(crate) enum Data {
    Bytes(Bytes),
    File(Piece),
}

/// A part of a file in the hands of hyper.
#[derive(Debug)]
pub(crate) struct Piece {
    outgoing: Arc<Outgoing>,
    left: u64,
}

impl Buf for Data {
    fn remaining(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::File(piece) => usize::try_from(piece.left).unwrap_or(usize::MAX),
        }
    }

    fn chunk(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::File(_) => &PLACEHOLDER[..self.remaining().min(PLACEHOLDER.len())],
        }
    }

    fn advance(&mut self, count: usize) {
        match self {
            Self::Bytes(bytes) => bytes.advance(count),
            Self::File(piece) => piece.advance(count as u64),
        }
    }
}

impl Piece {
    /// The part of the file, for a stream that cannot send it past its buffers.
    pub(crate) fn into_span(self) -> Option<FileSpan> {
        self.outgoing.pieces().front().cloned()
    }

    fn advance(&mut self, count: u64) {
        self.left -= count;
        let mut pieces = self.outgoing.pieces();
        if let Some(front) = pieces.front_mut() {
            front.advance(count);
        }
        if self.left == 0 {
            pieces.pop_front();
        }
    }
}

impl Drop for Piece {
    /// hyper drops what it has not sent only with the whole connection.
    fn drop(&mut self) {
        if self.left > 0 {
            self.outgoing.pieces().pop_front();
        }
    }
}

/// A stream that sends parts of files where hyper writes their placeholders.
#[derive(Debug)]
pub(crate) struct Sending<S: Transport> {
    stream: S,
    outgoing: Arc<Outgoing>,
    /// Without sendfile(2).
    copies: bool,
    /// What comes next is being read from the disk.
    loading: Option<JoinHandle<()>>,
    /// The connection is reset when it is closed, also when the kernel does that at the end of the process.
    armed: bool,
    unsent: Unsent,
}

/// How many bytes a socket still holds.
pub(crate) type Unsent = fn(BorrowedFd<'_>) -> Option<u64>;

impl<S: Transport> Sending<S> {
    pub(crate) fn new(stream: S, outgoing: Arc<Outgoing>, options: &Options) -> Self {
        let (copies, unsent) = (!options.sendfile, options.unsent);
        Self { stream, outgoing, copies, loading: None, armed: false, unsent }
    }

    /// How many bytes the system has not got rid of, if it can tell.
    pub(crate) fn unsent(&self) -> Option<u64> {
        self.stream.descriptor().and_then(self.unsent)
    }

    /// Obeys what the answers say about the end.
    fn arm(&mut self) {
        let armed = self.outgoing.reset.load(Ordering::Relaxed);
        if self.armed != armed {
            self.armed = armed;
            self.stream.reset_on_close(armed);
        }
    }

    /// Waits for the disk without holding up the loop, which may have the GIL.
    fn poll_in_memory(&mut self, context: &mut Context<'_>, span: &FileSpan, limit: usize) -> Poll<()> {
        if self.loading.is_none() && !is_in_memory(span, limit) {
            let span = span.clone();
            self.loading = Some(spawn_blocking(move || load(&span, AHEAD)));
        }
        if let Some(loading) = &mut self.loading {
            // One that failed did not bring the bytes, which then are waited for after all.
            let _ = ready!(Pin::new(loading).poll(context));
            self.loading = None;
        }
        Poll::Ready(())
    }

    fn poll_send(&mut self, context: &mut Context<'_>, limit: usize) -> Poll<io::Result<usize>> {
        let span = self.outgoing.pieces().front().cloned();
        let Some(span) = span else {
            return Poll::Ready(Err(io::Error::other("there is no file for the placeholder")));
        };
        ready!(self.poll_in_memory(context, &span, limit));
        if self.copies {
            poll_copy(&mut self.stream, context, &span, limit)
        } else {
            self.stream.poll_send_file(context, &span, limit)
        }
    }
}

/// Whether these bytes can be sent without waiting for a disk. Looks at the last one: what comes before it is read with it
/// or has been sent just now.
fn is_in_memory(span: &FileSpan, limit: usize) -> bool {
    let mut byte = [0];
    let last = span.offset + span.at_most(limit).saturating_sub(1) as u64;
    let found = preadv2(&*span.file, &mut [IoSliceMut::new(&mut byte)], last, ReadWriteFlags::NOWAIT);
    // Where the kernel cannot say it, sending will tell.
    found != Err(Errno::AGAIN)
}

/// Brings bytes into memory.
fn load(span: &FileSpan, limit: usize) {
    let (mut offset, end) = (span.offset, span.offset + span.at_most(limit) as u64);
    let mut buffer = vec![0; PLACEHOLDER.len()];
    while offset < end {
        match span.file.read_at(&mut buffer, offset) {
            Ok(count @ 1..) => offset += count as u64,
            // Sending will fail in the same way, and report it.
            Ok(0) | Err(_) => return,
        }
    }
}

fn is_placeholder(slice: &[u8]) -> bool {
    !slice.is_empty() && PLACEHOLDER.as_ptr_range().contains(&slice.as_ptr())
}

impl<S: Transport> AsyncRead for Sending<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: Transport> AsyncWrite for Sending<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.arm();
        if is_placeholder(bytes) {
            return self.poll_send(context, bytes.len());
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.arm();
        match slices.iter().position(|slice| is_placeholder(slice)) {
            None => Pin::new(&mut self.stream).poll_write_vectored(context, slices),
            Some(place) if slices[..place].iter().any(|slice| !slice.is_empty()) => {
                Pin::new(&mut self.stream).poll_write_vectored(context, &slices[..place])
            }
            Some(place) => self.poll_send(context, slices[place].len()),
        }
    }

    /// Always, or hyper would copy placeholders into a buffer of its own.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// hyper comes here when everything has been written, and never after a broken answer.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outgoing.reset.store(false, Ordering::Relaxed);
        self.arm();
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: Transport> Drop for Sending<S> {
    fn drop(&mut self) {
        self.arm();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_taken_from_memory_is_the_front_of_the_file() {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..300_000_u32).map(|place| (place % 251) as u8).collect();
        file.write_all(&bytes).unwrap();
        let mut span = FileSpan { file: Arc::new(file), offset: 1, length: 299_998 };
        let mut taken = Vec::new();
        while span.length > 0 {
            // The system may have written the rest out and forgotten it.
            let Some(piece) = span.take_from_memory(70_000) else { break };
            assert!((1..=70_000).contains(&piece.len()));
            taken.extend_from_slice(&piece);
        }
        let mut byte = [0];
        let now = preadv2(&*span.file, &mut [IoSliceMut::new(&mut byte)], 0, ReadWriteFlags::NOWAIT);
        match now {
            Err(Errno::OPNOTSUPP) => {
                eprintln!("NOT TESTED: this file system cannot say what it has in memory")
            }
            _ => assert!(!taken.is_empty(), "it has just been written"),
        }
        assert_eq!(taken.len() as u64 + span.length, 299_998);
        assert!(bytes[1..].starts_with(&taken));
        let mut behind = FileSpan { offset: 400_000, length: 10, ..span };
        assert!(behind.take_from_memory(10).is_none());
        assert_eq!((behind.offset, behind.length), (400_000, 10));
    }
}
