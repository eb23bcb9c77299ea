//! Which clients begin with HTTP/2 on a connection without TLS.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;

use bytes::BytesMut;
use tokio::io::{AsyncRead, ReadBuf};

/// What a connection begins with (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How much is read at once.
const SIP: usize = 2 * 1024;

/// Reads until it is clear whether the client speaks HTTP/2; what has been read lies in `ahead`. An error when it says no more.
pub(crate) async fn speaks_http2(
    stream: &mut (impl AsyncRead + Unpin),
    ahead: &mut BytesMut,
) -> io::Result<bool> {
    loop {
        if let Some(verdict) = judge(ahead) {
            return Ok(verdict);
        }
        let mut bytes = [0; SIP];
        let mut buffer = ReadBuf::new(&mut bytes);
        poll_fn(|context| Pin::new(&mut *stream).poll_read(context, &mut buffer)).await?;
        if buffer.filled().is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        ahead.extend_from_slice(buffer.filled());
    }
}

/// `None`: more is needed. As soon as a byte is another one it is HTTP/1, whose methods nobody may delay.
fn judge(bytes: &[u8]) -> Option<bool> {
    let length = bytes.len().min(PREFACE.len());
    if bytes[..length] != PREFACE[..length] {
        return Some(false);
    }
    (length == PREFACE.len()).then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_other_byte_decides() {
        for (bytes, expected) in [
            (&b""[..], None),
            (b"P", None),
            (b"PO", Some(false)),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r", None),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Some(true)),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0", Some(true)),
            (b"PRI / HTTP/2.0\r\n\r\n", Some(false)),
        ] {
            assert_eq!(judge(bytes), expected, "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn what_has_been_read_is_there_in_any_pieces() {
        use tokio::io::AsyncWriteExt;
        let (mut client, mut server) = tokio::io::duplex(64);
        let mut ahead = BytesMut::from(&b"PRI"[..]);
        let asked = async {
            for byte in b" * HTTP/2.0\r\n\r\nSM\r\n\r\n" {
                client.write_all(&[*byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let (verdict, ()) = tokio::join!(speaks_http2(&mut server, &mut ahead), asked);
        assert!(verdict.unwrap());
        assert_eq!(&ahead[..], PREFACE);
        drop(client);
        assert!(speaks_http2(&mut server, &mut BytesMut::new()).await.is_err());
    }
}
