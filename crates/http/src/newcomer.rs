//! Connections that the loop does not watch yet.
//!
//! To have the loop watch a connection costs two system calls, and the kernel some work for each packet. Many connections never
//! need it: their request is there when they are accepted, or is by the time that Python has answered those before it, and
//! they end with its answer. So a connection is first tried without, and is watched when it would have to wait for longer than
//! whoever drives the loop needs for a round, or when the loop is to sleep.

use std::fmt::Debug;
use std::io::{self, IoSlice, Read, Write};
use std::mem;
use std::net;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::newcomers::{Newcomers, Wait};
use crate::transport::reset_socket_on_close;
use crate::{FileSpan, Transport};

/// As much is asked for before it is known whether anything has come.
const TASTE: usize = 2 * 1024;

/// A stream of tokio's, and what it is made of.
pub trait Watchable: Transport + Debug + Sized {
    /// The same without a loop.
    type Unwatched: Unwatched;

    /// Has the loop watch it.
    ///
    /// # Errors
    /// The kernel has no room for another one.
    fn watch(socket: Self::Unwatched) -> io::Result<Self>;
}

/// A non-blocking socket of the standard library.
pub trait Unwatched: Read + Write + AsFd + Debug + Send + Unpin + 'static {
    /// Sends no more.
    ///
    /// # Errors
    /// As shutdown(2).
    fn end(&self) -> io::Result<()>;
}

macro_rules! watchable {
    ($watched:ty, $unwatched:ty) => {
        impl Watchable for $watched {
            type Unwatched = $unwatched;

            fn watch(socket: $unwatched) -> io::Result<Self> {
                Self::from_std(socket)
            }
        }

        impl Unwatched for $unwatched {
            fn end(&self) -> io::Result<()> {
                self.shutdown(net::Shutdown::Write)
            }
        }
    };
}

watchable!(TcpStream, net::TcpStream);
watchable!(UnixStream, unix::net::UnixStream);

/// A connection that is watched when it has to be.
#[derive(Debug)]
pub struct Newcomer<S: Watchable> {
    socket: Socket<S>,
    reading: Reading,
    newcomers: Arc<Newcomers>,
}

#[derive(Debug)]
enum Socket<S: Watchable> {
    Unwatched(S::Unwatched),
    Watched(S),
    /// It could not be watched.
    Lost,
}

/// What is known of an unwatched socket.
#[derive(Clone, Copy, Debug)]
enum Reading {
    /// There may be something to read.
    Fresh,
    /// There was nothing (more).
    Drained,
    /// The same, and it may stay unwatched for a while.
    Waiting(Wait),
}

impl<S: Watchable> Newcomer<S> {
    /// Of a non-blocking socket.
    pub fn new(socket: S::Unwatched, newcomers: Arc<Newcomers>) -> Self {
        Self { socket: Socket::Unwatched(socket), reading: Reading::Fresh, newcomers }
    }

    fn unwatched(&mut self) -> Option<&mut S::Unwatched> {
        match &mut self.socket {
            Socket::Unwatched(socket) => Some(socket),
            Socket::Watched(_) | Socket::Lost => None,
        }
    }

    /// The stream of the loop, which watches it from now on.
    fn watched(&mut self) -> io::Result<&mut S> {
        if let Socket::Unwatched(_) = self.socket
            && let Socket::Unwatched(socket) = mem::replace(&mut self.socket, Socket::Lost)
        {
            self.wait_no_longer();
            self.socket = Socket::Watched(S::watch(socket)?);
        }
        match &mut self.socket {
            Socket::Watched(stream) => Ok(stream),
            Socket::Unwatched(_) | Socket::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Whether it may go on waiting unwatched for something to read.
    fn waits(&mut self, waker: &Waker) -> bool {
        if let Reading::Waiting(wait) = self.reading {
            return self.newcomers.may_wait(wait);
        }
        let wait = self.newcomers.wait(waker);
        wait.into_iter().for_each(|wait| self.reading = Reading::Waiting(wait));
        wait.is_some()
    }

    fn wait_no_longer(&mut self) {
        if let Reading::Waiting(wait) = self.reading {
            self.reading = Reading::Drained;
            self.newcomers.leave(wait);
        }
    }
}

impl<S: Watchable> Drop for Newcomer<S> {
    fn drop(&mut self) {
        self.wait_no_longer();
    }
}

/// Reads without waiting, if there may be something; `None` when there is nothing now.
fn taste(socket: &mut impl Read, reading: &mut Reading, buffer: &mut ReadBuf<'_>) -> Option<io::Result<()>> {
    let Reading::Fresh = reading else { return None };
    let room = buffer.initialize_unfilled_to(buffer.remaining().min(TASTE));
    let size = room.len();
    let read = at_once(|| socket.read(room));
    // As much as there was room for, or the end: there may be more, or the end again.
    if !matches!(read, Some(Ok(count)) if count == size || count == 0) {
        *reading = Reading::Drained;
    }
    Some(read?.map(|count| buffer.advance(count)))
}

/// Does it again when a signal came in between; `None` when it would have to wait.
fn at_once(mut act: impl FnMut() -> io::Result<usize>) -> Option<io::Result<usize>> {
    loop {
        match act() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            done => return Some(done),
        }
    }
}

impl<S: Watchable> AsyncRead for Newcomer<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Socket::Unwatched(socket) = &mut this.socket {
            if let Some(read) = taste(socket, &mut this.reading, buffer) {
                return Poll::Ready(read);
            }
            if this.waits(context.waker()) {
                return Poll::Pending;
            }
        }
        Pin::new(this.watched()?).poll_read(context, buffer)
    }
}

impl<S: Watchable> AsyncWrite for Newcomer<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match this.unwatched().and_then(|socket| at_once(|| socket.write(bytes))) {
            Some(written) => Poll::Ready(written),
            None => Pin::new(this.watched()?).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match this.unwatched().and_then(|socket| at_once(|| socket.write_vectored(slices))) {
            Some(written) => Poll::Ready(written),
            None => Pin::new(this.watched()?).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Nothing is held back here.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.unwatched() {
            Some(socket) => Poll::Ready(socket.end()),
            None => Pin::new(this.watched()?).poll_shutdown(context),
        }
    }
}

impl<S: Watchable> Transport for Newcomer<S> {
    fn poll_send_file(
        &mut self,
        context: &mut Context<'_>,
        span: &FileSpan,
        limit: usize,
    ) -> Poll<io::Result<usize>> {
        self.watched()?.poll_send_file(context, span, limit)
    }

    fn reset_on_close(&self, reset: bool) {
        match &self.socket {
            Socket::Watched(stream) => stream.reset_on_close(reset),
            Socket::Unwatched(socket) => reset_socket_on_close(socket, reset),
            Socket::Lost => {}
        }
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match &self.socket {
            Socket::Watched(stream) => stream.descriptor(),
            Socket::Unwatched(socket) => Some(socket.as_fd()),
            Socket::Lost => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::task::yield_now;

    use super::*;

    type Client = unix::net::UnixStream;

    fn pair() -> (Client, Newcomer<UnixStream>, Arc<Newcomers>) {
        let (client, server) = Client::pair().unwrap();
        server.set_nonblocking(true).unwrap();
        let newcomers = Arc::new(Newcomers::default());
        newcomers.begin_round();
        (client, Newcomer::new(server, Arc::clone(&newcomers)), newcomers)
    }

    fn is_watched(newcomer: &Newcomer<UnixStream>) -> bool {
        matches!(newcomer.socket, Socket::Watched(_))
    }

    /// Whether there is something to read now.
    async fn reads(newcomer: &mut Newcomer<UnixStream>, expected: &[u8]) -> bool {
        let mut bytes = [0; 8];
        let mut buffer = ReadBuf::new(&mut bytes);
        let read =
            poll_fn(|context| Poll::Ready(Pin::new(&mut *newcomer).poll_read(context, &mut buffer))).await;
        assert!(read.is_pending() || buffer.filled() == expected);
        read.is_ready()
    }

    #[tokio::test]
    async fn a_connection_whose_answer_comes_within_a_round_is_never_watched() {
        let (mut client, mut newcomer, newcomers) = pair();
        client.write_all(b"hello").unwrap();
        assert!(reads(&mut newcomer, b"hello").await);
        assert!(!reads(&mut newcomer, b"").await);
        newcomers.begin_round();
        assert!(!reads(&mut newcomer, b"").await);
        newcomer.write_all(b"answer").await.unwrap();
        newcomer.shutdown().await.unwrap();
        assert!(!is_watched(&newcomer));
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "answer");
    }

    #[tokio::test]
    async fn a_connection_that_waits_is_woken_and_watched_and_misses_nothing() {
        let rounds = |newcomers: &Newcomers| (0..2).for_each(|_| newcomers.begin_round());
        let sleep = |newcomers: &Newcomers| assert!(newcomers.watch_all());
        let take_over = |newcomers: &Newcomers| newcomers.watch_from_now_on();
        for act in [rounds as fn(&Newcomers), sleep, take_over] {
            let (mut client, mut newcomer, newcomers) = pair();
            let reader = tokio::spawn(async move {
                let mut byte = [0];
                newcomer.read_exact(&mut byte).await.unwrap();
                (newcomer, byte)
            });
            yield_now().await;
            act(&newcomers);
            yield_now().await;
            // Nobody looks any more: the loop has to tell.
            client.write_all(b"x").unwrap();
            let (newcomer, byte) = reader.await.unwrap();
            assert!(is_watched(&newcomer) && byte == *b"x");
            assert!(!newcomers.watch_all(), "nobody is left");
        }
    }

    #[tokio::test]
    async fn where_the_driver_stays_in_the_loop_connections_are_watched_at_once() {
        let (_client, mut newcomer, newcomers) = pair();
        newcomers.watch_from_now_on();
        assert!(!reads(&mut newcomer, b"").await);
        assert!(is_watched(&newcomer));
    }

    #[tokio::test]
    async fn what_does_not_fit_into_the_socket_is_sent_when_there_is_room() {
        let (mut client, mut newcomer, _) = pair();
        let sent = vec![7; 4 * 1024 * 1024];
        let expected = sent.clone();
        let writer = tokio::spawn(async move {
            newcomer.write_all(&sent).await.unwrap();
            assert!(is_watched(&newcomer));
        });
        // Until there is no room.
        yield_now().await;
        let reader = tokio::task::spawn_blocking(move || {
            let mut all = Vec::new();
            client.read_to_end(&mut all).unwrap();
            all
        });
        writer.await.unwrap();
        assert!(reader.await.unwrap() == expected);
    }

    #[tokio::test]
    async fn a_connection_that_has_ended_keeps_nobody_awake() {
        let (_client, mut newcomer, newcomers) = pair();
        assert!(!reads(&mut newcomer, b"").await);
        drop(newcomer);
        assert!(!newcomers.watch_all());
    }

    #[tokio::test]
    async fn the_end_is_seen_again_and_again() {
        let (client, mut newcomer, _) = pair();
        drop(client);
        for _ in 0..2 {
            assert!(reads(&mut newcomer, b"").await);
        }
        assert!(!is_watched(&newcomer));
    }
}
