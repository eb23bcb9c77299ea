//! The first bytes of a connection, read before anything else looks at it: a PROXY header, when that is expected.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::{Buf, BytesMut};
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

use crate::forwarding::Forwarding;
use crate::proxies::ProxyProtocol;
use crate::proxy_header::{Preface, parse};
use crate::{Answer, Content, Peer};

/// How long a refused client gets to read why: closing at once would reset the connection while it still sends.
const FAREWELL: Duration = Duration::from_millis(500);
/// The usual header comes with the first request in one piece.
const FIRST_READ: usize = 4096;

/// A stream whose first bytes have been read ahead.
#[derive(Debug)]
pub(crate) struct Replay<S> {
    ahead: BytesMut,
    stream: S,
}

/// Meets the peer and takes its PROXY header off the stream. `None`: the connection is over. Waits as long as the client
/// says nothing, so the caller sets the limit.
pub(crate) async fn introduce<S>(
    stream: S,
    mut peer: Peer,
    forwarding: &Forwarding,
) -> Option<(Replay<S>, Peer)>
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    forwarding.meet(&mut peer);
    let mut replay = Replay { ahead: BytesMut::new(), stream };
    if forwarding.proxy_protocol() != ProxyProtocol::Off {
        // In a box: connections that expect no PROXY header need no room for this.
        Box::pin(replay.read_header(&mut peer, forwarding)).await.then_some(())?;
    }
    Some((replay, peer))
}

impl<S: AsyncRead + AsyncWrite + Unpin> Replay<S> {
    /// Whether the connection goes on.
    async fn read_header(&mut self, peer: &mut Peer, forwarding: &Forwarding) -> bool {
        self.ahead.reserve(FIRST_READ);
        loop {
            match parse(&self.ahead, forwarding.proxy_protocol()) {
                // A header that is too long is malformed as soon as that shows, so what is held has a bound.
                Preface::Incomplete => {
                    if !matches!(self.stream.read_buf(&mut self.ahead).await, Ok(1..)) {
                        return false;
                    }
                }
                Preface::Absent => return true,
                _ if !forwarding.proxy_allowed().trusts(peer.socket()) => {
                    let reason = "a PROXY header of a peer that `--proxy-allow-from` does not name";
                    return self.refuse(StatusCode::FORBIDDEN, reason, peer).await;
                }
                Preface::Header { length, ends } => {
                    self.ahead.advance(length);
                    ends.iter().for_each(|ends| peer.stand_for(ends));
                    return true;
                }
                Preface::Malformed(reason) => {
                    return self.refuse(StatusCode::BAD_REQUEST, reason, peer).await;
                }
            }
        }
    }

    /// Answers and closes, as far as the client lets: the connection does not go on.
    async fn refuse(&mut self, status: StatusCode, reason: &'static str, peer: &Peer) -> bool {
        tracing::warn!("Invalid request from ip={}: {reason} ({})", peer.remote_addr(), status.as_str());
        let farewell = async {
            self.stream.write_all(&page(status)).await?;
            self.stream.shutdown().await?;
            let mut ignored = [0; 1024];
            while self.stream.read(&mut ignored).await? > 0 {}
            io::Result::Ok(())
        };
        // A client that does not take it has refused its answer.
        let _ = timeout(FAREWELL, farewell).await;
        false
    }
}

/// A whole answer: there is no request that hyper could answer.
fn page(status: StatusCode) -> Vec<u8> {
    let answer = Answer::error(status);
    let Content::Full(body) = answer.content else { return Vec::new() };
    let head = format!(
        "HTTP/1.1 {} {}\r\nDate: {}\r\nServer: rwsgi\r\nConnection: close\r\n\
         Content-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\r\n",
        status.as_str(),
        status.canonical_reason().unwrap_or_default(),
        httpdate::fmt_http_date(SystemTime::now()),
        body.len(),
    );
    [head.as_bytes(), &body].concat()
}

impl<S: AsyncRead + Unpin> AsyncRead for Replay<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let length = self.ahead.len().min(buffer.remaining());
        buffer.put_slice(&self.ahead[..length]);
        self.ahead.advance(length);
        if self.ahead.is_empty() {
            // The room of the header is not needed for as long as the connection lives.
            self.ahead = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Replay<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
