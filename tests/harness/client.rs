use std::fmt::Debug;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::Path;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};

use super::PATIENCE;

trait Stream: Read + Write + Send + Debug {}

impl<T: Read + Write + Send + Debug> Stream for T {}

/// One connection to a server; every wait has a limit.
#[derive(Debug)]
pub(crate) struct Client {
    stream: Box<dyn Stream>,
    /// What was received and not yet looked at.
    received: Vec<u8>,
}

/// An answer as it was received.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Status line and headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Whether the body has the length that the head promised.
    pub(crate) is_whole: bool,
}

impl Response {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }
}

impl Client {
    pub(crate) fn tcp(address: &str) -> Self {
        Self::over_tcp(TcpStream::connect(address).unwrap_or_else(|error| panic!("{address}: {error}")))
    }

    /// From an address of this machine that is not the usual one.
    pub(crate) fn tcp_from(source: &str, address: &str) -> Self {
        let end = |ip: &str, port| SockaddrIn::from(SocketAddrV4::new(ip.parse().unwrap(), port));
        let (ip, port) = address.rsplit_once(':').unwrap();
        let family = AddressFamily::Inet;
        let socket = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
        bind(socket.as_raw_fd(), &end(source, 0)).unwrap();
        connect(socket.as_raw_fd(), &end(ip, port.parse().unwrap())).unwrap();
        Self::over_tcp(TcpStream::from(socket))
    }

    fn over_tcp(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { stream: Box::new(stream), received: Vec::new() }
    }

    pub(crate) fn unix(path: &Path) -> Self {
        Self::over_unix(
            UnixStream::connect(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
        )
    }

    /// Over a socket without a file.
    pub(crate) fn unix_abstract(name: &str) -> Self {
        let address = SocketAddr::from_abstract_name(name).unwrap();
        Self::over_unix(UnixStream::connect_addr(&address).unwrap_or_else(|error| panic!("@{name}: {error}")))
    }

    fn over_unix(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { stream: Box::new(stream), received: Vec::new() }
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends a request for `path` without waiting for the answer.
    pub(crate) fn ask(&mut self, path: &str) {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
    }

    /// Sends a request for `path` and gives the answer; the connection stays open.
    pub(crate) fn get(&mut self, path: &str) -> Response {
        self.ask(path);
        self.response()
    }

    /// The same, `None` when the connection ends before there is a head.
    pub(crate) fn try_get(&mut self, path: &str) -> Option<Response> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
        self.stream.write_all(request.as_bytes()).ok()?;
        while !self.received.windows(4).any(|found| found == b"\r\n\r\n") {
            if !self.receive() {
                return None;
            }
        }
        Some(self.response())
    }

    /// Waits until this is among what was received; it stays there.
    pub(crate) fn wait_for(&mut self, text: &str) {
        self.receive_until(text.as_bytes());
    }

    /// The head of the next answer, which has no body: it answers HEAD.
    pub(crate) fn head(&mut self) -> Response {
        let end = self.receive_until(b"\r\n\r\n");
        let head = String::from_utf8(self.received.drain(..end).collect()).unwrap();
        let status = head.get(9..12).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("{head}"));
        Response { status, head, body: Vec::new(), is_whole: true }
    }

    /// The next answer.
    pub(crate) fn response(&mut self) -> Response {
        let mut response = self.head();
        let status = response.status;
        if let Some(length) = response.header("Content-Length") {
            self.take(length.parse().unwrap(), &mut response);
        } else if response.header("Transfer-Encoding") == Some("chunked") {
            self.take_chunks(&mut response);
        } else if status >= 200 && status != 204 && status != 304 {
            while self.receive() {}
            response.body = std::mem::take(&mut self.received);
        }
        response
    }

    /// What the next chunk of an answer has; nothing is its end.
    pub(crate) fn chunk(&mut self) -> Vec<u8> {
        let line = self.until("\r\n");
        let length = usize::from_str_radix(line.trim(), 16).unwrap();
        while self.received.len() < length + 2 {
            assert!(self.receive(), "the connection was closed within a chunk");
        }
        let chunk = self.received.drain(..length).collect();
        self.received.drain(..2);
        chunk
    }

    /// What comes up to `mark`, with it.
    pub(crate) fn until(&mut self, mark: &str) -> String {
        let end = self.receive_until(mark.as_bytes());
        String::from_utf8(self.received.drain(..end).collect()).unwrap()
    }

    /// Waits until the server closes the connection; whether nothing came before.
    pub(crate) fn is_closed_silently(&mut self) -> bool {
        while self.receive() {}
        self.received.is_empty()
    }

    fn take(&mut self, length: usize, response: &mut Response) {
        while self.received.len() < length && self.receive() {}
        let present = length.min(self.received.len());
        response.is_whole &= present == length;
        response.body.extend(self.received.drain(..present));
    }

    fn take_chunks(&mut self, response: &mut Response) {
        loop {
            while !self.received.windows(2).any(|pair| pair == b"\r\n") {
                if !self.receive() {
                    response.is_whole = false;
                    return;
                }
            }
            let end = self.receive_until(b"\r\n");
            let line = String::from_utf8(self.received.drain(..end).collect()).unwrap();
            let length = usize::from_str_radix(line.trim(), 16).unwrap();
            self.take(length, response);
            let mut line_end = Response { status: 0, head: String::new(), body: Vec::new(), is_whole: true };
            self.take(2, &mut line_end);
            response.is_whole &= line_end.is_whole;
            if length == 0 || !response.is_whole {
                return;
            }
        }
    }

    /// Where `mark` ends in what was received.
    fn receive_until(&mut self, mark: &[u8]) -> usize {
        loop {
            if let Some(start) = self.received.windows(mark.len()).position(|found| found == mark) {
                return start + mark.len();
            }
            let so_far = self.received.len();
            assert!(self.receive(), "the connection was closed after {so_far} bytes of an answer");
        }
    }

    /// Receives some bytes; false at the end of the connection.
    fn receive(&mut self) -> bool {
        let mut bytes = [0; 1 << 16];
        match self.stream.read(&mut bytes) {
            Ok(count) => {
                self.received.extend_from_slice(&bytes[..count]);
                count > 0
            }
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => false,
            Err(error) => panic!("the server does not answer: {error}"),
        }
    }
}
