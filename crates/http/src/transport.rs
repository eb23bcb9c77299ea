//! What a connection can do beyond reading and writing bytes: send a part of a file, and close as a failure.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::sockopt::set_socket_linger;
use tokio::io::{AsyncRead, AsyncWrite, Interest};
use tokio::net::{TcpStream, UnixStream};

use crate::FileSpan;

/// How much of a file is read at once where the kernel cannot send it by itself.
const COPY: usize = 64 * 1024;

/// The byte stream of a connection.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    /// Sends up to `limit` bytes from the start of `span`, without a copy where that can be.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file ends before its span; what the system says.
    fn poll_send_file(
        &mut self,
        context: &mut Context<'_>,
        span: &FileSpan,
        limit: usize,
    ) -> Poll<io::Result<usize>>
    where
        Self: Sized,
    {
        poll_copy(self, context, span, limit)
    }

    /// From now on, closing tells the client that the answer was not complete, or does not, as far as there is a way to.
    fn reset_on_close(&self, _: bool) {}

    /// The descriptor, where there is one.
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// [`Transport::reset_on_close`] of a socket.
pub(crate) fn reset_socket_on_close(socket: impl AsFd, reset: bool) {
    // A socket that is broken already needs no reset, and a unix socket has none.
    let _ = set_socket_linger(socket, reset.then_some(Duration::ZERO));
}

/// tokio's sockets have the same methods, but no trait that says so.
macro_rules! socket {
    ($socket:ty) => {
        impl Transport for $socket {
            fn poll_send_file(
                &mut self,
                context: &mut Context<'_>,
                span: &FileSpan,
                limit: usize,
            ) -> Poll<io::Result<usize>> {
                loop {
                    ready!(self.poll_write_ready(context))?;
                    match self.try_io(Interest::WRITABLE, || send_file(&*self, span, limit)) {
                        Err(error) if is_to_be_tried_again(&error) => {}
                        Err(error) if is_unsupported(&error) => return poll_copy(self, context, span, limit),
                        sent => return Poll::Ready(sent),
                    }
                }
            }

            fn reset_on_close(&self, reset: bool) {
                reset_socket_on_close(self, reset);
            }

            fn descriptor(&self) -> Option<BorrowedFd<'_>> {
                Some(self.as_fd())
            }
        }
    };
}

socket!(TcpStream);
socket!(UnixStream);

/// The socket is full, or a signal came.
fn is_to_be_tried_again(error: &io::Error) -> bool {
    [io::ErrorKind::WouldBlock, io::ErrorKind::Interrupted].contains(&error.kind())
}

/// sendfile(2).
fn send_file(socket: impl AsFd, span: &FileSpan, limit: usize) -> io::Result<usize> {
    let mut offset = span.offset;
    match rustix::fs::sendfile(socket, &*span.file, Some(&mut offset), span.at_most(limit))? {
        0 => Err(too_short()),
        sent => Ok(sent),
    }
}

/// Some file systems cannot.
fn is_unsupported(error: &io::Error) -> bool {
    [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Reads the file and writes what was read.
pub(crate) fn poll_copy<S: AsyncWrite + Unpin>(
    stream: &mut S,
    context: &mut Context<'_>,
    span: &FileSpan,
    limit: usize,
) -> Poll<io::Result<usize>> {
    let mut buffer = vec![0; span.at_most(limit).min(COPY)];
    let length = span.file.read_at(&mut buffer, span.offset)?;
    if length == 0 {
        return Poll::Ready(Err(too_short()));
    }
    Pin::new(stream).poll_write(context, &buffer[..length])
}

fn too_short() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the file is shorter than its content-length")
}

#[cfg(test)]
impl Transport for tokio::io::DuplexStream {}
