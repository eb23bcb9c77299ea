//! The end of a connection whose client may still be sending: closing a socket with unread bytes resets the connection, and the
//! client loses what it has not read of the answer (RFC 9112 section 9.6).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// How much is read at most and thrown away: enough for what was under way.
const MOST: usize = 16 * 1024 * 1024;
const AT_ONCE: usize = 8 * 1024;

/// How much has been read of what nobody listens to.
#[derive(Debug, Default)]
pub(crate) struct Linger(usize);

impl Linger {
    /// Reads what the client still sends until it has understood that nobody listens.
    pub(crate) fn poll<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut bytes = [0; AT_ONCE];
        while self.0 < MOST {
            let mut buffer = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
            match buffer.filled().len() {
                0 => break,
                count => self.0 += count,
            }
        }
        Poll::Ready(Ok(()))
    }
}
