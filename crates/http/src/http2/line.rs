//! The bytes of a connection, of which the timer learns when the client takes nothing and when it has been sent an answer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frames::Frames;
use crate::Transport;
use crate::activity::{Activity, Phase};
use crate::ahead::Ahead;
use crate::linger::Linger;
use crate::options::Options;
use crate::outgoing::Sending;

/// What HTTP/2 reads from and writes to.
#[derive(Debug)]
pub(super) struct Line<S: Transport> {
    stream: Ahead<Sending<S>>,
    frames: Frames,
    activity: Arc<Activity>,
    /// Set when all has been written.
    parting: Option<Parting>,
}

/// The end, which waits for the client: what it says of the flow of data comes as long as it reads.
#[derive(Debug, Default)]
struct Parting {
    linger: Linger,
    /// What the system had not sent when this was last looked at.
    unsent: Option<u64>,
}

impl<S: Transport> Line<S> {
    pub(super) fn new((stream, bytes): (S, BytesMut), activity: Arc<Activity>, options: &Options) -> Self {
        let stream = Sending::new(stream, Arc::clone(&activity.outgoing), options);
        Self { stream: Ahead { bytes, stream }, frames: Frames::default(), activity, parting: None }
    }

    /// Looks at what has been written of these slices.
    fn wrote<'a>(
        &mut self,
        written: Poll<io::Result<usize>>,
        slices: impl Iterator<Item = &'a [u8]>,
    ) -> Poll<io::Result<usize>> {
        let Poll::Ready(result) = &written else {
            self.activity.waits_for_reader(|| self.stream.stream.unsent());
            return written;
        };
        let (mut left, mut has_answer) = (*result.as_ref().unwrap_or(&0), false);
        for slice in slices {
            let part = &slice[..slice.len().min(left)];
            left -= part.len();
            has_answer |= self.frames.follow(part);
        }
        self.activity.wrote_some();
        if has_answer && self.activity.phase() == Phase::Idle {
            // The end of an answer is on its way: the time to wait for a request begins behind it. Not behind what any client
            // can have sent for nothing, like the answer to a PING.
            self.activity.enter(Phase::Idle);
        }
        written
    }
}

impl<S: Transport> AsyncRead for Line<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: Transport> AsyncWrite for Line<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(written, std::iter::once(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(written, slices.iter().map(|slice| &**slice))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.parting.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
            this.activity.enter(Phase::Closing);
        }
        let parting = this.parting.get_or_insert_default();
        let unsent = this.stream.stream.unsent();
        if parting.unsent != unsent {
            // The client still takes something, so its time begins anew.
            parting.unsent = unsent;
            this.activity.enter(Phase::Closing);
        }
        parting.linger.poll(&mut this.stream, context)
    }
}
