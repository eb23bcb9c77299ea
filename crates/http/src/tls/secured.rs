//! A secured connection as a [`Transport`].

use std::io::{self, IoSlice};
use std::mem;
use std::os::fd::BorrowedFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

use crate::ahead::Ahead;
use crate::transport::poll_copy;
use crate::{FileSpan, Transport};

/// The stream inside TLS.
///
/// It takes bytes only when all before them have gone to the socket: what waits below would be seen by nobody who has to know
/// whether the client reads.
#[derive(Debug)]
pub(crate) struct Secured<S> {
    // It is large, and connections are moved.
    stream: Box<TlsStream<Ahead<S>>>,
    /// So many bytes have been encrypted and not gone out yet; who wrote them believes that they have not been taken.
    owed: usize,
    /// The end of the socket is an end in order.
    ragged_ends: bool,
}

impl<S: Transport> Secured<S> {
    pub(super) fn new(stream: TlsStream<Ahead<S>>, ragged_ends: bool) -> Self {
        Self { stream: Box::new(stream), owed: 0, ragged_ends }
    }

    /// The protocol that both have agreed on (ALPN), if they have talked of it.
    pub(crate) fn protocol(&self) -> Option<&[u8]> {
        self.stream.get_ref().1.alpn_protocol()
    }

    fn socket(&self) -> &S {
        &self.stream.get_ref().0.stream
    }

    /// Sends what has been encrypted, and says that it was taken.
    fn poll_settle(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        ready!(Pin::new(&mut *self.stream).poll_flush(context))?;
        Poll::Ready(Ok(mem::take(&mut self.owed)))
    }
}

impl<S: Transport> AsyncRead for Secured<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match ready!(Pin::new(&mut *this.stream).poll_read(context, buffer)) {
            Err(error) if this.ragged_ends && error.kind() == io::ErrorKind::UnexpectedEof => {
                Poll::Ready(Ok(()))
            }
            read => Poll::Ready(read),
        }
    }
}

impl<S: Transport> AsyncWrite for Secured<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.owed == 0 {
            this.owed = ready!(Pin::new(&mut *this.stream).poll_write(context, bytes))?;
        }
        this.poll_settle(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.owed == 0 {
            this.owed = ready!(Pin::new(&mut *this.stream).poll_write_vectored(context, slices))?;
        }
        this.poll_settle(context)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.get_mut().stream).poll_flush(context)
    }

    /// Says the end of TLS first.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.get_mut().stream).poll_shutdown(context)
    }
}

impl<S: Transport> Transport for Secured<S> {
    fn poll_send_file(
        &mut self,
        context: &mut Context<'_>,
        span: &FileSpan,
        limit: usize,
    ) -> Poll<io::Result<usize>> {
        // What is owed has been read from the file before.
        if self.owed > 0 { self.poll_settle(context) } else { poll_copy(self, context, span, limit) }
    }

    fn reset_on_close(&self, reset: bool) {
        self.socket().reset_on_close(reset);
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.socket().descriptor()
    }
}
