//! A socket that log messages go to, for which nobody ever waits.

use std::{
    io,
    net::SocketAddr,
    os::unix::net::SocketAddr as UnixAddress,
    path::PathBuf,
    process,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, SockAddr, Socket, Type};
use std::os::fd::AsFd;

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogPeer {
    /// A host, one datagram for each message.
    Udp(SocketAddr),
    /// A host, over a connection.
    Tcp(SocketAddr),
    /// A socket of this machine for datagrams.
    Datagrams(PathBuf),
    /// A socket of this machine for connections.
    Stream(PathBuf),
    /// A socket of this machine, for datagrams or else for connections.
    Either(PathBuf),
}

/// A socket for log messages. It is opened when there is something to send, and again when it breaks, at most once a second
/// while that fails.
#[derive(Debug)]
pub struct LogSocket {
    peer: LogPeer,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    socket: Option<Open>,
    /// What a connection has not taken yet.
    pending: Vec<u8>,
    retry: Option<Instant>,
    process: u32,
}

#[derive(Debug)]
struct Open {
    socket: Socket,
    is_stream: bool,
}

/// Bytes that may wait for a connection; messages beyond are lost.
const ROOM: usize = 1024 * 1024;
const RETRY: Duration = Duration::from_secs(1);
/// Longer ones are cut: no datagram is larger.
const LONGEST: usize = 65_000;

impl LogSocket {
    /// A socket that is not open yet.
    #[must_use]
    pub fn new(peer: LogPeer) -> Self {
        Self { peer, state: Mutex::default() }
    }

    /// Sends a message if that is possible without waiting; over a connection it may be kept for a while. Nothing comes between
    /// two of them: each brings its own end.
    ///
    /// # Errors
    /// It is lost: nobody is there, or not fast enough.
    pub fn send(&self, message: &[u8]) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.process != process::id() {
            // Two processes must not share a connection: parts of their messages would mix.
            *state = State { process: process::id(), ..State::default() };
        }
        let message = &message[..message.len().min(LONGEST)];
        let sent = state.send(message, &self.peer);
        match sent {
            // The other end has been opened anew, or an earlier message was refused.
            Err(error) if error.kind() != io::ErrorKind::WouldBlock && state.is_due() => {
                state.send(message, &self.peer)
            }
            sent => sent,
        }
    }

    /// Gives a connection `limit` to take what it has not taken yet.
    pub fn flush(&self, limit: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + limit;
        while !state.pending.is_empty() && state.process == process::id() {
            let left = PollTimeout::try_from(until.saturating_duration_since(Instant::now()));
            let Some(open) = &state.socket else { return };
            let mut fds = [PollFd::new(open.socket.as_fd(), PollFlags::POLLOUT)];
            let is_writable = poll(&mut fds, left.unwrap_or(PollTimeout::ZERO)) == Ok(1);
            if !is_writable || state.push().is_err() {
                return;
            }
        }
    }
}

impl State {
    fn is_due(&self) -> bool {
        self.retry.is_none_or(|retry| Instant::now() >= retry)
    }

    fn send(&mut self, message: &[u8], peer: &LogPeer) -> io::Result<()> {
        if self.socket.is_none() {
            self.connect(peer)?;
        }
        let Some(open) = &self.socket else { return Err(io::ErrorKind::NotConnected.into()) };
        let sent = if open.is_stream {
            if self.pending.len() + message.len() > ROOM {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.pending.extend_from_slice(message);
            self.push()
        } else {
            open.socket.send_with_flags(message, libc::MSG_NOSIGNAL).map(drop)
        };
        if sent.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::WouldBlock) {
            self.socket = None;
            self.pending.clear();
        }
        sent
    }

    fn connect(&mut self, peer: &LogPeer) -> io::Result<()> {
        if !self.is_due() {
            return Err(io::ErrorKind::NotConnected.into());
        }
        let opened = match peer {
            LogPeer::Udp(address) => open(&(*address).into(), Type::DGRAM),
            LogPeer::Tcp(address) => open(&(*address).into(), Type::STREAM),
            LogPeer::Datagrams(path) => unix(path).and_then(|address| open(&address, Type::DGRAM)),
            LogPeer::Stream(path) => unix(path).and_then(|address| open(&address, Type::STREAM)),
            LogPeer::Either(path) => unix(path).and_then(|address| {
                open(&address, Type::DGRAM).or_else(|error| match error.raw_os_error() {
                    Some(libc::EPROTOTYPE) => open(&address, Type::STREAM),
                    _ => Err(error),
                })
            }),
        };
        self.retry = opened.is_err().then(|| Instant::now() + RETRY);
        self.socket = Some(opened?);
        Ok(())
    }

    /// Hands the connection as much as it takes.
    fn push(&mut self) -> io::Result<()> {
        let Some(open) = &self.socket else { return Ok(()) };
        let mut sent = 0;
        let ended = loop {
            if sent == self.pending.len() {
                break Ok(());
            }
            match open.socket.send_with_flags(&self.pending[sent..], libc::MSG_NOSIGNAL) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.pending.drain(..sent);
        if ended.is_err() {
            self.retry = Some(Instant::now() + RETRY);
        }
        ended
    }
}

fn unix(path: &PathBuf) -> io::Result<SockAddr> {
    // Refuses what does not fit, which the other way would cut.
    UnixAddress::from_pathname(path)?;
    SockAddr::unix(path)
}

/// A socket that is connected, or will be soon.
fn open(address: &SockAddr, kind: Type) -> io::Result<Open> {
    let socket = Socket::new(Domain::from(i32::from(address.family())), kind.nonblocking().cloexec(), None)?;
    match socket.connect(address) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(Open { socket, is_stream: kind == Type::STREAM }),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Read,
        net::{TcpListener, UdpSocket},
        os::unix::net::{UnixDatagram, UnixListener},
    };

    use super::*;

    #[test]
    fn each_message_is_a_datagram() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let receiver = UnixDatagram::bind(&path).unwrap();
        for peer in [LogPeer::Datagrams(path.clone()), LogPeer::Either(path.clone())] {
            let socket = LogSocket::new(peer);
            let mut room = [0; 100];
            for message in ["one", "two"] {
                socket.send(message.as_bytes()).unwrap();
                assert_eq!(receiver.recv(&mut room).unwrap(), 3);
                assert_eq!(&room[..3], message.as_bytes());
            }
        }
    }

    #[test]
    fn a_daemon_that_starts_anew_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let socket = LogSocket::new(LogPeer::Datagrams(path.clone()));
        let first = UnixDatagram::bind(&path).unwrap();
        socket.send(b"one").unwrap();
        drop(first);
        std::fs::remove_file(&path).unwrap();
        let second = UnixDatagram::bind(&path).unwrap();
        socket.send(b"two").unwrap();
        let mut room = [0; 100];
        assert_eq!(second.recv(&mut room).unwrap(), 3);
    }

    #[test]
    fn a_connection_gets_everything_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let listener = UnixListener::bind(&path).unwrap();
        let socket = LogSocket::new(LogPeer::Either(path));
        socket.send(b"one\0").unwrap();
        socket.send(b"two\0").unwrap();
        let mut text = [0; 8];
        listener.accept().unwrap().0.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"one\0two\0");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = LogSocket::new(LogPeer::Tcp(listener.local_addr().unwrap()));
        socket.send(b"one\0").unwrap();
        socket.flush(Duration::from_secs(60));
        let mut text = [0; 4];
        listener.accept().unwrap().0.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"one\0");
    }

    #[test]
    fn a_connection_that_nobody_reads_delays_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let _listener = UnixListener::bind(&path).unwrap();
        let socket = LogSocket::new(LogPeer::Stream(path));
        let message = [b'x'; 1024];
        let sent = (0..10_000).take_while(|_| socket.send(&message).is_ok()).count();
        assert!((1000..10_000).contains(&sent), "{sent}");
    }

    #[test]
    fn nobody_there_is_an_error_and_no_wait() {
        let folder = tempfile::tempdir().unwrap();
        let socket = LogSocket::new(LogPeer::Datagrams(folder.path().join("none")));
        assert_eq!(socket.send(b"lost").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(socket.send(b"lost").unwrap_err().kind(), io::ErrorKind::NotConnected);
        let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let socket = LogSocket::new(LogPeer::Udp(closed));
        // The refusal comes back with the next message, at the earliest.
        socket.send(b"lost").unwrap();
        let _ = socket.send(b"lost");
    }
}
