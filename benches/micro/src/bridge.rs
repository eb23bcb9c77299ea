//! An exchange that has its request ready and only looks at the answer.

use std::hint::black_box;
use std::sync::Arc;

use rwsgi_message::RequestHead;
use rwsgi_wsgi::{Body, Chunk, Exchange, FileBody, Flow, Head, Proxied};

/// One request for the bridge; whoever made it keeps its head, so that parsing is not measured.
pub(crate) struct Prepared(pub(crate) Arc<RequestHead>);

impl Exchange for Prepared {
    fn head(&self) -> &RequestHead {
        &self.0
    }

    fn remote_addr(&self) -> &str {
        "192.0.2.7"
    }

    fn remote_port(&self) -> Option<&str> {
        Some("50000")
    }

    fn server(&self) -> Option<(&str, &str)> {
        Some(("127.0.0.1", "8000"))
    }

    fn is_trusted(&self) -> bool {
        false
    }

    fn is_https(&self) -> bool {
        false
    }

    fn script_name(&self) -> &[u8] {
        b""
    }

    fn proxied(&self) -> Option<Proxied<'_>> {
        None
    }

    fn take_body(&mut self) -> Option<Body> {
        None
    }

    fn complete(&mut self, head: Head, body: Chunk<'_>) {
        black_box((head, body));
    }

    fn complete_with_file(&mut self, head: Head, body: FileBody) {
        black_box((head, body));
    }

    fn fail(&mut self) {
        panic!("the applications that are measured do not fail");
    }

    fn begin(&mut self, head: Head) {
        black_box(head);
    }

    fn push(&mut self, chunk: Chunk<'_>) -> Flow {
        black_box(chunk);
        Flow::More
    }

    fn wait(&mut self) -> Flow {
        Flow::More
    }

    fn end(&mut self, whole: bool) {
        assert!(whole, "the applications that are measured do not fail");
    }
}
