use std::{io, os::fd::AsFd};

use nix::sys::socket::{Shutdown, shutdown};
use socket2::{SockFilter, SockRef};
use std::os::fd::AsRawFd;

use crate::{Error, Listener, Socket};

/// From linux/bpf_common.h: load a byte at a place, test bits of it, return a number.
const LOAD_BYTE: u16 = 0x30;
const JUMP_IF_SET: u16 = 0x45;
const RETURN: u16 = 0x06;

/// Where a TCP segment has its flags, and two of them (RFC 9293 section 3.1).
const FLAGS: u32 = 13;
const SYN: u32 = 0x02;

/// How much of a segment is let through: all, or nothing.
const ALL: u32 = u32::MAX;
const NOTHING: u32 = 0;

impl Listener {
    /// Lets no further connection into the listen queue, in no process that shares the socket; what is in it can still be
    /// accepted. So a server that is about to end can answer whom it has let in, and nobody is let in to be reset.
    ///
    /// Attempts to connect go unanswered until the socket is closed, and are then refused: over TCP a client tries again after
    /// a second. There is no way back.
    ///
    /// # Errors
    /// The kernel does not take the filter.
    pub fn turn_away(&self) -> Result<(), Error> {
        let turned_away = match self.socket() {
            Socket::Tcp(listener) => {
                // The first segment of a connection is dropped. Handshakes that have begun may end.
                SockRef::from(listener).attach_filter(&[
                    SockFilter::new(LOAD_BYTE, 0, 0, FLAGS),
                    SockFilter::new(JUMP_IF_SET, 0, 1, SYN),
                    SockFilter::new(RETURN, 0, 0, NOTHING),
                    SockFilter::new(RETURN, 0, 0, ALL),
                ])
            }
            Socket::Unix(listener) => {
                shutdown(listener.as_fd().as_raw_fd(), Shutdown::Read).map_err(io::Error::from)
            }
        };
        turned_away.map_err(|error| Error::system("turn new connections away", error))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{ErrorKind, Write},
        net::{SocketAddr, TcpStream},
        os::unix::net::UnixStream,
        time::Duration,
    };

    use super::*;
    use crate::{BindAddress, SocketPlan};

    /// Long enough for a handshake, shorter than the second after which TCP tries again.
    const MOMENT: Duration = Duration::from_millis(200);

    #[test]
    fn tcp_connections_in_the_queue_are_accepted_and_no_others_come() {
        for host in ["127.0.0.1", "::1"] {
            if std::net::TcpListener::bind((host, 0)).is_err() {
                eprintln!("NOT TESTED with {host}: this machine has no such address");
                continue;
            }
            let address = BindAddress::Tcp { host: host.to_owned(), port: 0 };
            let listener = Listener::bind(&SocketPlan::new(address)).unwrap();
            let Socket::Tcp(socket) = listener.socket() else { panic!() };
            let address: SocketAddr = socket.local_addr().unwrap();
            let mut early = TcpStream::connect(address).unwrap();
            early.write_all(b"x").unwrap();
            let late = TcpStream::connect(address).unwrap();
            listener.turn_away().unwrap();
            let too_late = TcpStream::connect_timeout(&address, MOMENT);
            assert_eq!(too_late.unwrap_err().kind(), ErrorKind::TimedOut);
            assert!(socket.accept().is_ok());
            assert_eq!(socket.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
            (&late).write_all(b"x").unwrap();
            assert!(socket.accept().is_ok(), "it had connected before");
            drop(listener);
            let refused = TcpStream::connect_timeout(&address, MOMENT);
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        }
    }

    #[test]
    fn unix_connections_in_the_queue_are_accepted_and_others_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = Listener::bind(&SocketPlan::new(BindAddress::Unix(path.clone()))).unwrap();
        let Socket::Unix(socket) = listener.socket() else { panic!() };
        let _early = UnixStream::connect(&path).unwrap();
        listener.turn_away().unwrap();
        assert_eq!(UnixStream::connect(&path).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert!(socket.accept().is_ok());
        assert!(socket.accept().is_err());
    }
}
