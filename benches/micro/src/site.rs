//! A whole request: a connection of `http` whose requests go through the bridge, as in a worker but without its loop.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use rwsgi_http::{
    Answer, Buffering, Content, Exchange, Handler, Limits, Options, Peer, Protection, Proxies, Server,
    StaticFiles, Timeouts,
};
use rwsgi_message::RequestHead;
use rwsgi_wsgi::{Body, Bridge, Chunk, FileBody, Flow, Head, Proxied};
use tokio::runtime::{Builder, Runtime};

use crate::python;
use crate::wire::Wire;

/// More turns than any request needs: so a connection that stands still is noticed.
const TURNS: usize = 100;

/// One connection and who serves it.
pub(crate) struct Site {
    runtime: Runtime,
    wire: Wire,
    served: Pin<Box<dyn Future<Output = ()>>>,
    server: Arc<Server<Seat>>,
    bridge: Bridge<'static>,
}

impl Site {
    /// A connection on which these are asked of that application in turns.
    pub(crate) fn new(application: &str, requests: Vec<String>) -> Self {
        let runtime = Builder::new_current_thread().enable_time().build().expect("there are descriptors");
        let (server, wire) = (Server::new(Seat::default(), options()), Wire::new(requests));
        let (remote, local) = (SocketAddr::from(([192, 0, 2, 7], 50_000)), ([127, 0, 0, 1], 8_000).into());
        let served = Box::pin(Arc::clone(&server).serve(wire.clone(), Peer::tcp(remote, local)));
        let mut site = Self { runtime, wire, served, server, bridge: python::bridge(application) };
        site.request();
        let answer = site.wire.answer();
        let is_whole = answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nHello world\n");
        assert!(is_whole, "the site answers with {answer:?}");
        site
    }

    /// One request and its answer.
    pub(crate) fn request(&mut self) {
        self.wire.ask();
        let _inside = self.runtime.enter();
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..TURNS {
            assert!(self.served.as_mut().poll(&mut context).is_pending(), "the connection has ended");
            if self.wire.has_answer() {
                return;
            }
            if let Some(exchange) = self.server.handler().take() {
                self.bridge.call(Box::new(Joined(exchange)));
            }
        }
        panic!("the connection stands still");
    }
}

/// As the program has it by default.
fn options() -> Options {
    Options {
        keep_alive: Some(Duration::from_secs(75)),
        timeouts: Timeouts::default(),
        limits: Limits::default(),
        body_limit: None,
        body_memory: 64 << 20,
        request_buffering: true,
        buffering: Buffering::default(),
        sendfile: true,
        sendfile_roots: Vec::new(),
        statics: StaticFiles::default(),
        compression: None,
        release_memory: || {},
        unsent: |_| None,
        server: Some(HeaderValue::from_static("rwsgi")),
        journal: None,
        request_id: None,
        tls: None,
        hsts: None,
        health: None,
        http2: None,
        proxies: Proxies::default(),
        protection: Protection::default(),
        headers: Arc::default(),
    }
}

/// Where a request waits for Python.
#[derive(Debug, Default)]
struct Seat(Mutex<Option<Box<Exchange>>>);

impl Seat {
    fn take(&self) -> Option<Box<Exchange>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Handler for Seat {
    fn call(&self, exchange: Box<Exchange>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(exchange);
    }
}

/// `http::Exchange` on one side, `wsgi::Exchange` on the other, for answers that are known at once.
struct Joined(Box<Exchange>);

impl rwsgi_wsgi::Exchange for Joined {
    fn head(&self) -> &RequestHead {
        &self.0.head
    }

    fn remote_addr(&self) -> &str {
        self.0.peer.remote_addr()
    }

    fn remote_port(&self) -> Option<&str> {
        self.0.peer.remote_port()
    }

    fn server(&self) -> Option<(&str, &str)> {
        self.0.peer.server()
    }

    fn is_trusted(&self) -> bool {
        self.0.peer.is_trusted()
    }

    fn is_https(&self) -> bool {
        self.0.origin.scheme.is_some()
    }

    fn script_name(&self) -> &[u8] {
        &self.0.origin.script_name
    }

    fn proxied(&self) -> Option<Proxied<'_>> {
        None
    }

    fn take_body(&mut self) -> Option<Body> {
        None
    }

    fn complete(&mut self, head: Head, body: Chunk<'_>) {
        let Head { status, reason, headers, environ, .. } = head;
        let content = Content::Full(body.into_bytes());
        // The connection is polled next, so that nobody has to be woken.
        let queued = self.0.waited;
        self.0.ticket.answer(Answer {
            status,
            reason,
            headers,
            content,
            environ,
            queued,
            ..Answer::default()
        });
    }

    fn complete_with_file(&mut self, _: Head, _: FileBody) {
        self.fail();
    }

    fn fail(&mut self) {
        self.0.ticket.answer(Answer::error(StatusCode::INTERNAL_SERVER_ERROR));
    }

    fn begin(&mut self, _: Head) {
        self.fail();
    }

    fn push(&mut self, _: Chunk<'_>) -> Flow {
        Flow::Gone
    }

    fn wait(&mut self) -> Flow {
        Flow::Gone
    }

    fn end(&mut self, _: bool) {}
}
