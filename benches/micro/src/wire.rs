//! A client on a kept-alive connection that has no socket: it asks when it is told to, and reads at once.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use rwsgi_http::Transport;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What the client sends and has received; the server's end of the connection is a clone.
#[derive(Clone)]
pub(crate) struct Wire {
    requests: Arc<[String]>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    asks: bool,
    asked: usize,
    received: Vec<u8>,
}

impl Wire {
    /// A client that will send these requests in turns.
    pub(crate) fn new(requests: Vec<String>) -> Self {
        Self { requests: requests.into(), state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the request when the server reads next, and forgets the answer before.
    pub(crate) fn ask(&self) {
        let mut state = self.state();
        state.asks = true;
        state.received.clear();
    }

    /// Whether an answer has come.
    pub(crate) fn has_answer(&self) -> bool {
        !self.state().received.is_empty()
    }

    /// The answer.
    pub(crate) fn answer(&self) -> String {
        String::from_utf8_lossy(&self.state().received).into_owned()
    }
}

impl Transport for Wire {}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Nobody is woken: whoever has the client ask polls the connection until it has answered.
        let mut state = self.state();
        if !std::mem::take(&mut state.asks) {
            return Poll::Pending;
        }
        buffer.put_slice(self.requests[state.asked % self.requests.len()].as_bytes());
        state.asked += 1;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.state().received.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        let before = state.received.len();
        slices.iter().for_each(|slice| state.received.extend_from_slice(slice));
        Poll::Ready(Ok(state.received.len() - before))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
