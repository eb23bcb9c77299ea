//! The two sides of a test: a client that speaks bytes, and a handler whose requests the test answers itself.

use std::io::Read;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use rwsgi_message::Fields;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::protection::Protection;
use crate::{
    Answer, Buffering, Content, Exchange, Handler, Limits, Options, Peer, Proxies, Server, StaticFiles,
    Stream, Timeouts,
};

/// Longer than every timeout of a server under test but the ones that a test sets.
pub(super) const LIMIT: Duration = Duration::from_secs(600);

/// The server under test.
pub(crate) struct Site {
    pub(crate) server: Arc<Server<Inbox>>,
    requests: UnboundedReceiver<Exchange>,
}

/// Puts requests where the test finds them.
#[derive(Debug)]
pub(crate) struct Inbox(UnboundedSender<Exchange>);

impl Handler for Inbox {
    fn call(&self, exchange: Box<Exchange>) {
        // A test that is over takes no more requests.
        let _ = self.0.send(*exchange);
    }
}

/// Patient: nothing times out within [`LIMIT`].
pub(crate) fn options() -> Options {
    Options {
        keep_alive: Some(2 * LIMIT),
        timeouts: Timeouts { head: None, body: None, body_rate: 0, write: None, ..Timeouts::default() },
        limits: Limits::default(),
        body_limit: None,
        body_memory: 1024 * 1024,
        release_memory: || {},
        unsent: |_| None,
        server: Some(HeaderValue::from_static("rwsgi")),
        buffering: Buffering::default(),
        sendfile: true,
        sendfile_roots: Vec::new(),
        statics: StaticFiles::default(),
        compression: None,
        request_buffering: true,
        journal: None,
        health: None,
        http2: None,
        request_id: None,
        proxies: Proxies::default(),
        protection: Protection::default(),
        headers: Arc::default(),
        tls: None,
        hsts: None,
    }
}

impl Site {
    pub(crate) fn new(options: Options) -> Self {
        let (sender, requests) = unbounded_channel();
        Self { server: Server::new(Inbox(sender), options), requests }
    }

    /// One that gives everything to hyper.
    pub(super) fn without_lane(options: Options) -> Self {
        let mut site = Self::new(options);
        Arc::get_mut(&mut site.server).unwrap().probe.is_off = true;
        site
    }

    pub(super) fn connect(&self) -> Client {
        self.connect_with_room(256 * 1024)
    }

    /// The client's end of a connection as it is, and the task that serves it.
    pub(super) fn open(&self, room: usize) -> (DuplexStream, JoinHandle<()>) {
        let (io, theirs) = duplex(room);
        let peer = Peer::tcp("192.0.2.7:50000".parse().unwrap(), "127.0.0.1:80".parse().unwrap());
        (io, tokio::spawn(Arc::clone(&self.server).serve(theirs, peer)))
    }

    /// A client whose connection holds so many bytes in each direction.
    pub(super) fn connect_with_room(&self, room: usize) -> Client {
        let (io, serving) = self.open(room);
        Client { io, serving, received: Vec::new() }
    }

    /// The next request that reaches the handler.
    pub(crate) async fn request(&mut self) -> Exchange {
        timeout(LIMIT, self.requests.recv()).await.expect("no request reached the handler").unwrap()
    }

    /// The next request, if it has reached the handler.
    pub(super) fn next_request(&mut self) -> Option<Exchange> {
        self.requests.try_recv().ok()
    }

    /// Whether requests are waiting in the handler.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.requests.try_recv().is_err()
    }

    /// Answers the next request and returns its path.
    pub(super) async fn answer(&mut self, body: &'static str) -> String {
        let exchange = self.request().await;
        give(&exchange, full(body));
        exchange.head.uri.path().to_owned()
    }
}

/// A site with default options and a client that has sent this.
pub(super) async fn sent(text: &str) -> (Site, Client) {
    let site = Site::new(options());
    let mut client = site.connect();
    client.send(text).await;
    (site, client)
}

pub(super) fn give(exchange: &Exchange, answer: Answer) {
    if let Some(waker) = exchange.ticket.answer(answer) {
        waker.wake();
    }
}

pub(super) fn full(body: &'static str) -> Answer {
    Answer { content: Content::Full(Bytes::from_static(body.as_bytes())), ..Answer::default() }
}

pub(super) fn status(status: StatusCode) -> Answer {
    Answer { status, ..Answer::default() }
}

pub(super) fn with_header(mut answer: Answer, name: HeaderName, value: &'static str) -> Answer {
    answer.headers.insert(name, HeaderValue::from_static(value));
    answer
}

/// An answer that is written through the returned stream.
pub(super) fn streamed(headers: Fields) -> (Arc<Stream>, Answer) {
    let stream = Arc::new(Stream::unbuffered());
    let answer = Answer { headers, content: Content::Stream(stream.outlet()), ..Answer::default() };
    (stream, answer)
}

pub(super) fn write(stream: &Stream, bytes: &[u8]) {
    stream.extend(bytes).into_iter().for_each(std::task::Waker::wake);
}

pub(super) fn finish(stream: &Stream, whole: bool) {
    stream.finish(whole).into_iter().for_each(std::task::Waker::wake);
}

pub(super) fn body(exchange: &mut Exchange) -> Vec<u8> {
    let mut bytes = Vec::new();
    exchange.body.take().expect("no body").into_reader().read_to_end(&mut bytes).unwrap();
    bytes
}

/// The client's end of a connection.
pub(super) struct Client {
    io: DuplexStream,
    serving: JoinHandle<()>,
    received: Vec<u8>,
}

/// A head as it came.
pub(super) struct Head {
    pub(super) status: String,
    lines: Vec<String>,
}

impl Head {
    /// The value of a header, whose name must be written just so.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// Its values, line by line.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        self.lines.iter().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
    }
}

impl Client {
    pub(super) async fn send(&mut self, text: &str) {
        timeout(LIMIT, self.io.write_all(text.as_bytes())).await.expect("the server does not read").unwrap();
    }

    /// Everything up to and with `end`.
    pub(super) async fn until(&mut self, end: &str) -> String {
        loop {
            let place = self.received.windows(end.len()).position(|window| window == end.as_bytes());
            if let Some(place) = place {
                let taken = self.received.drain(..place + end.len()).collect();
                return String::from_utf8(taken).unwrap();
            }
            assert!(self.receive().await > 0, "closed before {end:?}: {:?}", self.text());
        }
    }

    /// So many bytes.
    pub(super) async fn exactly(&mut self, length: usize) -> String {
        while self.received.len() < length {
            assert!(self.receive().await > 0, "closed after {:?}", self.text());
        }
        String::from_utf8(self.received.drain(..length).collect()).unwrap()
    }

    /// Everything until the server closes the connection.
    pub(super) async fn rest(&mut self) -> String {
        while self.receive().await > 0 {}
        let text = self.text();
        self.received.clear();
        text
    }

    pub(super) async fn head(&mut self) -> Head {
        let text = self.until("\r\n\r\n").await;
        let mut lines = text.trim_end().split("\r\n").map(str::to_owned);
        Head { status: lines.next().unwrap(), lines: lines.collect() }
    }

    /// An answer whose body has a Content-Length.
    pub(super) async fn answer(&mut self) -> (Head, String) {
        let head = self.head().await;
        let length = head.get("Content-Length").expect("no Content-Length").parse().unwrap();
        let body = self.exactly(length).await;
        (head, body)
    }

    /// What comes until nothing more does, and whether the server has closed the connection.
    pub(super) async fn all(&mut self) -> (String, bool) {
        let mut is_closed = false;
        while let Ok(read) = timeout(Duration::from_millis(1), self.io.read_buf(&mut self.received)).await {
            if !matches!(read, Ok(1..)) {
                is_closed = true;
                break;
            }
        }
        (String::from_utf8_lossy(&std::mem::take(&mut self.received)).into_owned(), is_closed)
    }

    /// Whether nothing comes for as long as the test waits.
    pub(super) async fn is_silent_for(&mut self, duration: Duration) -> bool {
        let mut byte = [0];
        self.received.is_empty() && timeout(duration, self.io.read(&mut byte)).await.is_err()
    }

    /// Sends nothing more, and goes on reading.
    pub(super) async fn close_sending_side(&mut self) {
        self.io.shutdown().await.unwrap();
    }

    /// Whether something has come by now.
    pub(super) fn has_answer(&mut self) -> bool {
        let read = pin!(self.io.read_buf(&mut self.received));
        read.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    /// Waits for the server to be done with the connection.
    pub(super) async fn served(self) {
        timeout(LIMIT, self.serving).await.expect("still served").unwrap();
    }

    /// Closes the client's end and waits for the server to notice.
    pub(super) async fn leave(self) {
        let Self { io, serving, .. } = self;
        drop(io);
        timeout(LIMIT, serving).await.expect("still served").unwrap();
    }

    async fn receive(&mut self) -> usize {
        timeout(LIMIT, self.io.read_buf(&mut self.received))
            .await
            .expect("the server does not answer")
            .unwrap()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }
}
