//! The body of an answer that is compressed while it is sent: piece by piece, as the connection asks for it.
//!
//! When the application has nothing more for the moment, what it has said is flushed, so that pages that grow and streams of events
//! arrive as they would without. Small pieces are compressed where the connection is polled; larger ones, and what waits in temporary
//! files, on a thread of their own, so that the loop turns meanwhile.

use std::future::Future;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

use super::encoder::Encoder;
use crate::FileSpan;
use crate::stream::{Next, Outlet};

/// How much is compressed before the loop has a turn: some tenths of a millisecond at the default level.
pub(super) const AT_ONCE: usize = 64 * 1024;
/// How much is compressed at once off the loop, and may be compressed in vain when the client goes away.
const PIECE: usize = 256 * 1024;

/// So much output is sent at once, less only when nothing more comes for the moment.
const ENOUGH: usize = 16 * 1024;

/// A body on its way through a coding.
#[derive(Debug)]
pub struct Compressed {
    source: Source,
    /// What the source has given and is not compressed yet.
    waiting: Waiting,
    work: Work,
    /// Something was put into the encoder since it was flushed.
    is_unflushed: bool,
    /// How many bytes were compressed here since the loop had its turn.
    done: usize,
}

#[derive(Debug)]
enum Source {
    Whole(Bytes),
    Stream(Outlet),
}

#[derive(Debug)]
enum Waiting {
    Bytes(Bytes),
    File(FileSpan),
}

#[derive(Debug)]
enum Work {
    Ready(Encoder),
    /// A piece is compressed off the loop.
    Away(JoinHandle<io::Result<Encoder>>),
    /// All is compressed; the last of the output, and what comes behind it.
    Over(Bytes, End),
}

#[derive(Clone, Copy, Debug)]
enum End {
    Whole,
    Broken,
}

/// What is left of the work where something has gone wrong.
const FAILED: Work = Work::Over(Bytes::new(), End::Broken);

impl Compressed {
    /// A body that is there as a whole.
    pub(super) fn whole(bytes: Bytes, encoder: Encoder) -> Self {
        Self::new(Source::Whole(bytes), encoder)
    }

    /// A body that comes while it is sent.
    pub(super) fn stream(outlet: Outlet, encoder: Encoder) -> Self {
        Self::new(Source::Stream(outlet), encoder)
    }

    fn new(source: Source, encoder: Encoder) -> Self {
        let waiting = Waiting::Bytes(Bytes::new());
        Self { source, waiting, work: Work::Ready(encoder), is_unflushed: false, done: 0 }
    }

    /// What is to be sent next: never a file.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Next> {
        while self.done < AT_ONCE {
            if let Some(output) = self.output(ENOUGH) {
                return Poll::Ready(Next::Bytes(output));
            }
            let step = match &mut self.work {
                Work::Over(last, _) if !last.is_empty() => {
                    return Poll::Ready(Next::Bytes(std::mem::take(last)));
                }
                Work::Over(_, End::Whole) => return Poll::Ready(Next::End),
                Work::Over(_, End::Broken) => return Poll::Ready(Next::Broken),
                Work::Away(job) => {
                    let ended = ready!(Pin::new(job).poll(context));
                    let encoder = ended.unwrap_or_else(|error| Err(io::Error::other(error)));
                    encoder.map(|encoder| self.work = Work::Ready(encoder))
                }
                Work::Ready(_) => match self.poll_step(context) {
                    Poll::Ready(step) => step.map(|count| self.done += count),
                    Poll::Pending => {
                        self.done = 0;
                        return self
                            .output(1)
                            .map_or(Poll::Pending, |output| Poll::Ready(Next::Bytes(output)));
                    }
                },
            };
            if let Err(error) = step {
                tracing::error!("cannot compress an answer: {error}");
                self.work = FAILED;
            }
        }
        // The connection may ask again at once, but others are waiting.
        self.done = 0;
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// What there is of output, if it is so much.
    fn output(&mut self, least: usize) -> Option<Bytes> {
        let Work::Ready(encoder) = &mut self.work else { return None };
        let output = encoder.output();
        (output.len() >= least).then(|| std::mem::take(output).into())
    }

    /// Takes a step towards more output; how many bytes it compressed here.
    fn poll_step(&mut self, context: &Context<'_>) -> Poll<io::Result<usize>> {
        if self.waiting.is_empty() {
            match self.source.poll_next(context) {
                Poll::Ready(Next::Bytes(bytes)) => self.waiting = Waiting::Bytes(bytes),
                Poll::Ready(Next::File(span)) => self.waiting = Waiting::File(span),
                Poll::Ready(Next::End) => return Poll::Ready(self.end(End::Whole)),
                Poll::Ready(Next::Broken) => return Poll::Ready(self.end(End::Broken)),
                Poll::Pending if self.is_unflushed => return Poll::Ready(self.flush()),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(self.compress())
    }

    /// Compresses what waits, or a piece of it.
    fn compress(&mut self) -> io::Result<usize> {
        let Work::Ready(mut encoder) = std::mem::replace(&mut self.work, FAILED) else { return Ok(0) };
        self.is_unflushed = true;
        let piece = self.waiting.split(PIECE);
        if let Waiting::Bytes(bytes) = &piece
            && bytes.len() <= AT_ONCE
        {
            encoder.write(bytes)?;
            self.work = Work::Ready(encoder);
            return Ok(bytes.len());
        }
        self.work = Work::Away(spawn_blocking(move || {
            encoder.write(&piece.read()?)?;
            Ok(encoder)
        }));
        Ok(0)
    }

    fn flush(&mut self) -> io::Result<usize> {
        self.is_unflushed = false;
        if let Work::Ready(encoder) = &mut self.work {
            encoder.flush()?;
        }
        Ok(0)
    }

    /// A broken body has all that the application said, and no mark at its end: nobody takes it for a whole one.
    fn end(&mut self, end: End) -> io::Result<usize> {
        if matches!(end, End::Broken) && self.is_unflushed {
            self.flush()?;
        }
        let Work::Ready(mut encoder) = std::mem::replace(&mut self.work, FAILED) else { return Ok(0) };
        let last = match end {
            End::Whole => encoder.finish()?.into(),
            End::Broken => std::mem::take(encoder.output()).into(),
        };
        self.work = Work::Over(last, end);
        Ok(0)
    }
}

impl Source {
    fn poll_next(&mut self, context: &Context<'_>) -> Poll<Next> {
        match self {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(Next::End),
            Self::Whole(bytes) => Poll::Ready(Next::Bytes(std::mem::take(bytes))),
            Self::Stream(outlet) => outlet.poll_next(context),
        }
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        match self {
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::File(span) => span.length == 0,
        }
    }

    /// Takes up to `length` bytes from the front.
    fn split(&mut self, length: usize) -> Self {
        match self {
            Self::Bytes(bytes) => Self::Bytes(bytes.split_to(length.min(bytes.len()))),
            Self::File(span) => Self::File(span.split(length as u64)),
        }
    }

    /// The bytes; may wait for a disk.
    fn read(self) -> io::Result<Bytes> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::File(span) => {
                let mut bytes = vec![0; span.at_most(PIECE)];
                span.file.read_exact_at(&mut bytes, span.offset)?;
                Ok(bytes.into())
            }
        }
    }
}

#[cfg(test)]
mod tests;
