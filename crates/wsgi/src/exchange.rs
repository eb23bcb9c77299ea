//! The seam: what the bridge needs to know of a request, and what it tells of the answer.

use std::fs::File;
use std::io::BufRead;

use bytes::Bytes;
use http::StatusCode;
use rwsgi_message::{Fields, RequestHead};

/// A request body.
pub struct Body {
    /// The bytes; `wsgi.input` reads them.
    pub reader: Box<dyn BufRead + Send + Sync>,
    /// Their number: becomes `CONTENT_LENGTH`, also for a chunked request. `None` when it is not known before the end has
    /// been read.
    pub length: Option<u64>,
    /// Reading may wait for a disk or for the client, so it is done without the GIL.
    pub may_wait: bool,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body")
            .field("length", &self.length)
            .field("may_wait", &self.may_wait)
            .finish_non_exhaustive()
    }
}

/// Status line and headers of an answer, checked.
#[derive(Debug, Default)]
pub struct Head {
    /// The three digits.
    pub status: StatusCode,
    /// The reason phrase, when it is not the usual one for the status.
    pub reason: Option<Bytes>,
    /// The headers, without hop-by-hop ones.
    pub headers: Fields,
    /// The value of Content-Length, when the application gave one.
    pub content_length: Option<u64>,
    /// The values of the variables that are watched (`Options::watched`), in their order; empty when none are.
    pub environ: Box<[Option<Bytes>]>,
}

/// Bytes of an answer on their way out.
#[derive(Debug)]
pub enum Chunk<'a> {
    /// To be copied: cheaper than keeping a small Python object alive.
    Copied(&'a [u8]),
    /// Lent by the Python object that holds them.
    Lent(Bytes),
}

impl Chunk<'_> {
    /// The number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Copied(slice) => slice.len(),
            Self::Lent(bytes) => bytes.len(),
        }
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first `length` bytes of it.
    #[must_use]
    pub fn cut(self, length: usize) -> Self {
        match self {
            Self::Copied(slice) => Self::Copied(&slice[..length.min(slice.len())]),
            Self::Lent(mut bytes) => {
                bytes.truncate(length);
                Self::Lent(bytes)
            }
        }
    }

    /// The bytes, owned.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Copied(slice) => Bytes::copy_from_slice(slice),
            Self::Lent(bytes) => bytes,
        }
    }
}

/// A part of a regular file, as the body of an answer.
#[derive(Debug)]
pub struct FileBody {
    /// A descriptor of our own.
    pub file: File,
    /// Where the body begins in the file, in bytes.
    pub offset: u64,
    /// How long it is, in bytes. The file may turn out to be shorter.
    pub length: u64,
}

/// What the receiving end of a streamed answer says after a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// There is room for more.
    More,
    /// The buffer is full: call [`Exchange::wait`] before the next chunk.
    Full,
    /// The client has gone: nothing more will be read.
    Gone,
}

/// The connection that a proxy accepted, as its PROXY header says.
#[derive(Clone, Copy, Debug)]
pub struct Proxied<'a> {
    /// `PROXY_PROTOCOL`: `TCP4` or `TCP6`.
    pub protocol: &'a str,
    /// `PROXY_ADDR`: the address that the client connected to.
    pub address: &'a str,
    /// `PROXY_PORT`: its port in decimal.
    pub port: &'a str,
}

/// A connection that the server itself has secured.
#[derive(Clone, Copy, Debug)]
pub struct Tls<'a> {
    /// Tells it apart from all others.
    pub connection: u64,
    /// What the environ says of it, the same for all its requests; each byte of a value is a character there (PEP 3333, "Unicode
    /// Issues").
    pub variables: &'a [(&'static str, String)],
}

/// One request and the way back for its answer.
///
/// Exactly one of [`complete`](Self::complete), [`complete_with_file`](Self::complete_with_file), [`fail`](Self::fail) or [`begin`](Self::begin) is called; after
/// `begin` come chunks and one [`end`](Self::end).
pub trait Exchange: Send + Sync {
    /// Method, target, version and headers.
    fn head(&self) -> &RequestHead;
    /// `REMOTE_ADDR`: the peer's address, empty for a unix socket.
    fn remote_addr(&self) -> &str;
    /// `REMOTE_PORT`: the peer's port in decimal; `None` for a unix socket.
    fn remote_port(&self) -> Option<&str>;
    /// `SERVER_NAME` and `SERVER_PORT`: what the listener is bound to; `None` for a unix socket, where Host tells.
    fn server(&self) -> Option<(&str, &str)>;
    /// Whether the peer is a proxy whose forwarding headers count.
    fn is_trusted(&self) -> bool;
    /// `wsgi.url_scheme`: whether the client speaks TLS, to this server or to a trusted proxy.
    fn is_https(&self) -> bool;
    /// `SCRIPT_NAME`: empty, or begins with `/` and does not end with one. Cut off the path where that lies under it.
    fn script_name(&self) -> &[u8];
    /// What a PROXY header said.
    fn proxied(&self) -> Option<Proxied<'_>>;
    /// How the connection is secured; `None` where it is not, or by a proxy.
    fn tls(&self) -> Option<Tls<'_>> {
        None
    }
    /// The body, once; `None` when the request has none.
    fn take_body(&mut self) -> Option<Body>;
    /// The whole answer at once.
    fn complete(&mut self, head: Head, body: Chunk<'_>);
    /// The whole answer, whose body is in a file.
    fn complete_with_file(&mut self, head: Head, body: FileBody);
    /// The application failed before anything was sent: answer 500.
    fn fail(&mut self);
    /// An answer whose body follows in chunks.
    fn begin(&mut self, head: Head);
    /// The next bytes of a streamed answer.
    fn push(&mut self, chunk: Chunk<'_>) -> Flow;
    /// Waits, without the GIL, until there is room again or the client has gone.
    fn wait(&mut self) -> Flow;
    /// The end of a streamed answer; not `whole`: it broke off, and the client must be able to tell.
    fn end(&mut self, whole: bool);
}
