//! A request made of bytes, and an exchange that records how it was answered.

use std::collections::VecDeque;
use std::io::{self, BufRead, Cursor, Read};
use std::os::unix::fs::FileExt;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::request;
use pyo3::Python;
use rwsgi_message::RequestHead;

use crate::{Body, Chunk, Exchange, FileBody, Flow, Head, Proxied, Tls};

/// A request; the defaults are those of `GET /` over TCP.
pub(super) struct Request {
    builder: request::Builder,
    body: Option<Body>,
    unix: bool,
    proxy: Proxy,
    tls: Option<(u64, Vec<(&'static str, String)>)>,
    flows: VecDeque<Flow>,
    after_wait: Flow,
}

/// What a proxy says of a request.
#[derive(Clone, Copy, Default)]
pub(super) struct Proxy {
    pub(super) is_trusted: bool,
    pub(super) is_https: bool,
    pub(super) script_name: &'static [u8],
    pub(super) has_preface: bool,
}

impl Request {
    pub(super) fn new(method: &str, target: &str) -> Self {
        let builder = http::Request::builder().method(method).uri(target);
        Self {
            builder,
            body: None,
            unix: false,
            proxy: Proxy::default(),
            tls: None,
            flows: VecDeque::new(),
            after_wait: Flow::More,
        }
    }

    pub(super) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub(super) fn head() -> Self {
        Self::new("HEAD", "/")
    }

    pub(super) fn post(body: &[u8]) -> Self {
        Self::new("POST", "/").body(body)
    }

    pub(super) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.builder = self.builder.header(name, value.as_ref());
        self
    }

    pub(super) fn version(mut self, version: http::Version) -> Self {
        self.builder = self.builder.version(version);
        self
    }

    /// A body that arrives in memory.
    pub(super) fn body(mut self, bytes: &[u8]) -> Self {
        self.body = Some(Body {
            reader: Box::new(Cursor::new(bytes.to_vec())),
            length: Some(bytes.len() as u64),
            may_wait: false,
        });
        self
    }

    /// A body in a file, which must be read without the GIL.
    pub(super) fn on_disk(mut self, bytes: &[u8]) -> Self {
        let reader = Box::new(Slow(Cursor::new(bytes.to_vec())));
        self.body = Some(Body { reader, length: Some(bytes.len() as u64), may_wait: true });
        self
    }

    /// A body that comes while it is read, and whose length nobody knows.
    pub(super) fn live(mut self, bytes: &[u8]) -> Self {
        let reader = Box::new(Slow(Cursor::new(bytes.to_vec())));
        self.body = Some(Body { reader, length: None, may_wait: true });
        self
    }

    /// A body that breaks off after these bytes.
    pub(super) fn broken(mut self, bytes: &[u8], length: Option<u64>) -> Self {
        let reader = Box::new(Cursor::new(bytes.to_vec()).chain(Broken));
        self.body = Some(Body { reader, length, may_wait: true });
        self
    }

    pub(super) fn over_unix_socket(mut self) -> Self {
        self.unix = true;
        self
    }

    /// On the secured connection of this number, to this name.
    pub(super) fn secured(mut self, connection: u64, name: &str) -> Self {
        let variables = [("HTTPS", "on"), ("SSL_TLS_SNI", name)];
        let variables = variables.map(|(key, value)| (key, value.to_owned())).to_vec();
        self.tls = Some((connection, variables));
        self
    }

    pub(super) fn behind(mut self, proxy: Proxy) -> Self {
        self.proxy = proxy;
        self
    }

    /// What the connection says to the first chunks, then to a wait.
    pub(super) fn flows(mut self, flows: &[Flow], after_wait: Flow) -> Self {
        self.flows = flows.iter().copied().collect();
        self.after_wait = after_wait;
        self
    }
}

/// Fails unless another thread gets the GIL now.
pub(super) fn others_run_python() {
    let (sender, receiver) = channel();
    let other = std::thread::spawn(move || Python::attach(|_| sender.send(()).unwrap()));
    // Longer than the slowest machine needs; only a failing test waits for it.
    receiver.recv_timeout(Duration::from_secs(30)).expect("the GIL is held");
    other.join().unwrap();
}

/// The end of a body whose client has gone.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

impl BufRead for Broken {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Err(io::ErrorKind::ConnectionReset.into())
    }

    fn consume(&mut self, _: usize) {}
}

/// A file, as far as the GIL is concerned.
struct Slow(Cursor<Vec<u8>>);

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        others_run_python();
        self.0.read(buffer)
    }
}

impl BufRead for Slow {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        others_run_python();
        self.0.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

/// What was called, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Complete,
    File,
    Fail,
    Begin,
    Push(Vec<u8>),
    Wait,
    End { whole: bool },
}

/// How a request was answered.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) calls: Vec<Call>,
    pub(super) head: Option<Head>,
    /// All the bytes, streamed or not.
    pub(super) body: Vec<u8>,
    /// How many chunks were lent by Python.
    pub(super) lent: usize,
}

impl Answer {
    pub(super) fn status(&self) -> u16 {
        self.head.as_ref().expect("no head").status.as_u16()
    }

    pub(super) fn header(&self, name: &str) -> Option<&[u8]> {
        self.head.as_ref().expect("no head").headers.get(name)
    }

    pub(super) fn content_length(&self) -> Option<&[u8]> {
        self.header("content-length")
    }

    /// The contract of [`Exchange`]: one of complete (with bytes or a file), fail, begin; chunks only after begin; one end.
    pub(super) fn check(&self) {
        let mut calls = self.calls.iter();
        match calls.next().expect("the request was not answered") {
            Call::Complete | Call::File | Call::Fail => assert!(calls.next().is_none(), "{:?}", self.calls),
            Call::Begin => {
                assert!(matches!(calls.next_back(), Some(Call::End { .. })), "{:?}", self.calls);
                assert!(calls.all(|call| matches!(call, Call::Push(_) | Call::Wait)), "{:?}", self.calls);
            }
            _ => panic!("{:?}", self.calls),
        }
    }
}

pub(super) struct Mock {
    head: RequestHead,
    body: Option<Body>,
    unix: bool,
    proxy: Proxy,
    tls: Option<(u64, Vec<(&'static str, String)>)>,
    flows: VecDeque<Flow>,
    after_wait: Flow,
    answer: Arc<Mutex<Answer>>,
}

impl Mock {
    pub(super) fn new(request: Request) -> (Self, Arc<Mutex<Answer>>) {
        let answer = Arc::new(Mutex::new(Answer::default()));
        let head = request.builder.body(()).unwrap().into_parts().0.into();
        let Request { body, unix, proxy, tls, flows, after_wait, .. } = request;
        (Self { head, body, unix, proxy, tls, flows, after_wait, answer: Arc::clone(&answer) }, answer)
    }

    fn record(&self, call: Call) {
        self.answer.lock().unwrap().calls.push(call);
    }
}

impl Exchange for Mock {
    fn head(&self) -> &RequestHead {
        &self.head
    }

    fn remote_addr(&self) -> &str {
        if self.unix { "" } else { "192.0.2.7" }
    }

    fn remote_port(&self) -> Option<&str> {
        (!self.unix).then_some("50000")
    }

    fn server(&self) -> Option<(&str, &str)> {
        (!self.unix).then_some(("127.0.0.1", "8000"))
    }

    fn is_trusted(&self) -> bool {
        self.proxy.is_trusted
    }

    fn is_https(&self) -> bool {
        self.proxy.is_https
    }

    fn script_name(&self) -> &[u8] {
        self.proxy.script_name
    }

    fn tls(&self) -> Option<Tls<'_>> {
        self.tls.as_ref().map(|(connection, variables)| Tls { connection: *connection, variables })
    }

    fn proxied(&self) -> Option<Proxied<'_>> {
        let proxied = Proxied { protocol: "TCP4", address: "198.51.100.2", port: "443" };
        self.proxy.has_preface.then_some(proxied)
    }

    fn take_body(&mut self) -> Option<Body> {
        self.body.take()
    }

    fn complete(&mut self, head: Head, body: Chunk<'_>) {
        let mut answer = self.answer.lock().unwrap();
        answer.calls.push(Call::Complete);
        answer.lent += usize::from(matches!(body, Chunk::Lent(_)));
        answer.body.extend_from_slice(&body.into_bytes());
        answer.head = Some(head);
    }

    fn complete_with_file(&mut self, head: Head, body: FileBody) {
        let mut bytes = vec![0; usize::try_from(body.length).unwrap()];
        let mut answer = self.answer.lock().unwrap();
        let mut length = 0;
        // A file that is shorter than its part gives what it has.
        while let Ok(count @ 1..) = body.file.read_at(&mut bytes[length..], body.offset + length as u64) {
            length += count;
        }
        answer.calls.push(Call::File);
        answer.body.extend_from_slice(&bytes[..length]);
        answer.head = Some(head);
    }

    fn fail(&mut self) {
        self.record(Call::Fail);
    }

    fn begin(&mut self, head: Head) {
        self.record(Call::Begin);
        self.answer.lock().unwrap().head = Some(head);
    }

    fn push(&mut self, chunk: Chunk<'_>) -> Flow {
        let mut answer = self.answer.lock().unwrap();
        answer.lent += usize::from(matches!(chunk, Chunk::Lent(_)));
        let bytes = chunk.into_bytes();
        answer.body.extend_from_slice(&bytes);
        answer.calls.push(Call::Push(bytes.to_vec()));
        self.flows.pop_front().unwrap_or(Flow::More)
    }

    fn wait(&mut self) -> Flow {
        others_run_python();
        self.record(Call::Wait);
        self.after_wait
    }

    fn end(&mut self, whole: bool) {
        self.record(Call::End { whole });
    }
}
