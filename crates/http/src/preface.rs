//! The first bytes of a connection, read before anything else looks at it: a PROXY header, when one may come.

use std::io;

use bytes::{Buf, BytesMut};
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::Peer;
use crate::framing::Fault;
use crate::proxies::Proxies;
use crate::proxy_header::{Preface, parse};

/// The usual header comes with the first request in one piece.
const FIRST_READ: usize = 4096;

/// Why there will be no request.
#[derive(Debug)]
pub(crate) enum Absence {
    /// The client has left.
    Gone,
    /// What it said is not served.
    Refused(Fault),
}

/// Takes a PROXY header off the stream, for which `peer` stands then, and gives the bytes that came behind it. Waits as
/// long as the client says nothing, so the caller sets the limit.
pub(crate) async fn read<S>(stream: &mut S, peer: &mut Peer, proxies: &Proxies) -> Result<BytesMut, Absence>
where
    S: AsyncRead + Unpin,
{
    let mut ahead = BytesMut::with_capacity(FIRST_READ);
    loop {
        match parse(&ahead, proxies.proxy_protocol) {
            // A header that is too long is malformed as soon as that shows, so what is held has a bound.
            Preface::Incomplete => {
                if !matches!(stream.read_buf(&mut ahead).await, Ok(1..)) {
                    return Err(Absence::Gone);
                }
            }
            Preface::Absent => return Ok(ahead),
            _ if !proxies.proxy_allowed.trusts(peer.socket()) => {
                let reason = "a PROXY header of a peer that `--proxy-allow-from` does not name";
                return Err(Absence::Refused(Fault { status: StatusCode::FORBIDDEN, reason }));
            }
            Preface::Header { length, ends } => {
                ahead.advance(length);
                ends.iter().for_each(|ends| peer.stand_for(ends));
                peer.set_trusted(proxies.believe(peer));
                return Ok(ahead);
            }
            Preface::Malformed(reason) => return Err(Absence::Refused(Fault::bad(reason))),
        }
    }
}

/// Answers and closes. Reads on until the client has understood: closing a socket with unread bytes resets the connection
/// (RFC 9112 section 9.6).
pub(crate) async fn refuse<S>(stream: &mut S, page: &[u8]) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(page).await?;
    stream.shutdown().await?;
    let mut ignored = [0; 1024];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}
