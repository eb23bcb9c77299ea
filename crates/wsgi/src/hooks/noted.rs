//! An exchange that notes what is sent through it, for `post_request`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use http::Version;
use rwsgi_message::RequestHead;

use crate::{Body, Chunk, Exchange, FileBody, Flow, Head, Proxied, Tls};

/// What has been sent.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) bytes: AtomicU64,
    pub(crate) has_head: AtomicBool,
    pub(crate) is_chunked: AtomicBool,
}

impl Tally {
    fn begin(&self, bytes: u64) {
        self.has_head.store(true, Ordering::Relaxed);
        self.add(bytes);
    }

    fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// The exchange of a request, with a tally.
pub(crate) struct Noted {
    pub(crate) exchange: Box<dyn Exchange>,
    pub(crate) tally: Arc<Tally>,
}

impl Exchange for Noted {
    fn head(&self) -> &RequestHead {
        self.exchange.head()
    }

    fn remote_addr(&self) -> &str {
        self.exchange.remote_addr()
    }

    fn remote_port(&self) -> Option<&str> {
        self.exchange.remote_port()
    }

    fn server(&self) -> Option<(&str, &str)> {
        self.exchange.server()
    }

    fn is_trusted(&self) -> bool {
        self.exchange.is_trusted()
    }

    fn is_https(&self) -> bool {
        self.exchange.is_https()
    }

    fn script_name(&self) -> &[u8] {
        self.exchange.script_name()
    }

    fn tls(&self) -> Option<Tls<'_>> {
        self.exchange.tls()
    }

    fn proxied(&self) -> Option<Proxied<'_>> {
        self.exchange.proxied()
    }

    fn take_body(&mut self) -> Option<Body> {
        self.exchange.take_body()
    }

    fn complete(&mut self, head: Head, body: Chunk<'_>) {
        self.tally.begin(body.len() as u64);
        self.exchange.complete(head, body);
    }

    fn complete_with_file(&mut self, head: Head, body: FileBody) {
        self.tally.begin(body.length);
        self.exchange.complete_with_file(head, body);
    }

    fn fail(&mut self) {
        self.exchange.fail();
    }

    fn begin(&mut self, head: Head) {
        let is_chunked = head.content_length.is_none() && self.head().version == Version::HTTP_11;
        self.tally.is_chunked.store(is_chunked, Ordering::Relaxed);
        self.tally.begin(0);
        self.exchange.begin(head);
    }

    fn push(&mut self, chunk: Chunk<'_>) -> Flow {
        self.tally.add(chunk.len() as u64);
        self.exchange.push(chunk)
    }

    fn wait(&mut self) -> Flow {
        self.exchange.wait()
    }

    fn end(&mut self, whole: bool) {
        self.exchange.end(whole);
    }
}
