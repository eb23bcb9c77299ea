use std::{
    ffi::c_int,
    io,
    net::TcpListener,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
};

use nix::sys::socket::{Shutdown, shutdown};
use socket2::{SockFilter, SockRef};

use crate::{Connection, Error, Listener, Socket, option::set_option};

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

/// How many hops a packet must have left on its arrival (TTL, hop limit): as many as there can be, or any number.
const MOST: c_int = 255;
const ANY: c_int = 0;

impl Listener {
    /// Lets no further connection into the listen queue, in no process that shares the socket; what is in it can still be
    /// accepted. So a server that is about to end can answer whom it has let in, and nobody is let in to be reset.
    ///
    /// Attempts to connect go unanswered until the socket is closed, and are then refused: over TCP a client tries again after
    /// a second. Who accepts meanwhile has to [welcome](Connection::welcome) each connection. There is no way back.
    ///
    /// # Errors
    /// The kernel, or a sandbox, allows none of the means.
    pub fn turn_away(&self) -> Result<(), Error> {
        let turned_away = match self.socket() {
            Socket::Tcp(listener) => turn_away_by_filter(listener).or_else(|_| turn_away_by_hops(listener)),
            Socket::Unix(listener) => {
                shutdown(listener.as_fd().as_raw_fd(), Shutdown::Read).map_err(io::Error::from)
            }
        };
        turned_away.map_err(|error| Error::system("turn new connections away", error))
    }
}

impl Connection {
    /// Hears what the client sends, though the listener turns others away.
    ///
    /// A handshake that ends after [`Listener::turn_away`] makes a connection that has inherited from its listener what packets it
    /// drops. What it has dropped by now is sent again.
    pub fn welcome(&self) {
        if let Self::Tcp(connection, client) = self {
            // A kernel that does not know the option has nothing to inherit.
            let _ = require_hops(connection.as_fd(), client.is_ipv6(), ANY);
        }
    }
}

/// The first segment of a connection is dropped, and nothing else: handshakes that have begun may end. Newer kernels want
/// `CAP_NET_ADMIN` for it.
fn turn_away_by_filter(listener: &TcpListener) -> io::Result<()> {
    SockRef::from(listener).attach_filter(&[
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS),
        SockFilter::new(JUMP_IF_SET, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, NOTHING),
        SockFilter::new(RETURN, 0, 0, ALL),
    ])
}

/// Whatever comes to the listening socket itself is dropped, which needs no privilege; handshakes that have begun have a socket of
/// their own. Systems send with 64 or 128 hops. The few that send with 255 are let in if no router lies between, as if nothing
/// had been done: that they are reset when they come after the last look into the queue is no worse than without.
/// A handshake for which the kernel has no place, so that it is kept in a cookie, ends at the listening socket and is lost.
fn turn_away_by_hops(listener: &TcpListener) -> io::Result<()> {
    require_hops(listener.as_fd(), listener.local_addr()?.is_ipv6(), MOST)
}

/// An IPv6 socket may have connections over IPv4, for which the option of IPv4 counts.
fn require_hops(socket: BorrowedFd<'_>, is_ipv6: bool, hops: c_int) -> io::Result<()> {
    set_option(socket, (libc::IPPROTO_IP, libc::IP_MINTTL), hops)?;
    if is_ipv6 {
        set_option(socket, (libc::IPPROTO_IPV6, libc::IPV6_MINHOPCOUNT), hops)?
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        io::{ErrorKind, Read, Write},
        net::{SocketAddr, TcpStream},
        os::unix::net::UnixStream,
        time::Duration,
    };

    use super::*;
    use crate::{BindAddress, SocketPlan, wait::readable_within};

    /// Long enough for a handshake, shorter than the second after which TCP tries again.
    const MOMENT: Duration = Duration::from_millis(200);
    /// Longer than any test waits.
    const PATIENCE: Duration = Duration::from_secs(30);
    /// Listens there, and is connected to there.
    const PLACES: [(&str, &str); 4] =
        [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "::1"), ("::", "127.0.0.1")];

    fn bound() -> impl Iterator<Item = (Listener, SocketAddr)> {
        PLACES.into_iter().filter_map(|(host, client)| {
            if TcpListener::bind((host, 0)).is_err() {
                eprintln!("NOT TESTED with {host}: this machine has no such address");
                return None;
            }
            let address = BindAddress::Tcp { host: host.to_owned(), port: 0 };
            let listener = Listener::bind(&SocketPlan::new(address)).unwrap();
            let port = tcp(&listener).local_addr().unwrap().port();
            Some((listener, SocketAddr::new(client.parse().unwrap(), port)))
        })
    }

    fn tcp(listener: &Listener) -> &TcpListener {
        let Socket::Tcp(socket) = listener.socket() else { panic!() };
        socket
    }

    /// A connection to `address`, and one that has said nothing, so that the kernel keeps it among the handshakes.
    fn speaker_and_silent(address: SocketAddr) -> [TcpStream; 2] {
        let mut speaker = TcpStream::connect(address).unwrap();
        speaker.write_all(b"x").unwrap();
        [speaker, TcpStream::connect(address).unwrap()]
    }

    fn assert_turns_away(listener: Listener, address: SocketAddr, [speaker, mut silent]: [TcpStream; 2]) {
        let too_late = TcpStream::connect_timeout(&address, MOMENT);
        assert_eq!(too_late.unwrap_err().kind(), ErrorKind::TimedOut);
        let socket = listener.socket();
        let first = socket.accept().unwrap();
        assert_eq!(socket.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        silent.write_all(b"x").unwrap();
        let second = socket.accept().expect("it had connected before");
        for (mut client, accepted) in [(speaker, first), (silent, second)] {
            accepted.welcome();
            let Connection::Tcp(mut accepted, _) = accepted else { panic!() };
            client.write_all(b"y").unwrap();
            let mut heard = Vec::new();
            while heard != b"xy" {
                assert!(readable_within(accepted.as_fd(), PATIENCE), "only {heard:?}");
                let mut bytes = [0; 2];
                let count = accepted.read(&mut bytes).unwrap();
                heard.extend_from_slice(&bytes[..count]);
            }
        }
        drop(listener);
        let refused = TcpStream::connect_timeout(&address, MOMENT);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }

    #[test]
    fn tcp_connections_in_the_queue_are_accepted_and_no_others_come() {
        for (listener, address) in bound() {
            let clients = speaker_and_silent(address);
            listener.turn_away().unwrap();
            assert_turns_away(listener, address, clients);
        }
    }

    #[test]
    fn a_filter_turns_away_where_it_is_allowed() {
        for (listener, address) in bound() {
            let clients = speaker_and_silent(address);
            match turn_away_by_filter(tcp(&listener)) {
                Ok(()) => assert_turns_away(listener, address, clients),
                Err(error) => eprintln!("NOT TESTED: {error}"),
            }
        }
    }

    #[test]
    fn without_privileges_the_hops_turn_away() {
        for (listener, address) in bound() {
            let clients = speaker_and_silent(address);
            turn_away_by_hops(tcp(&listener)).unwrap();
            assert_turns_away(listener, address, clients);
        }
    }

    #[test]
    fn a_client_that_sends_with_the_most_hops_is_let_in() {
        let (listener, address) = bound().next().unwrap();
        turn_away_by_hops(tcp(&listener)).unwrap();
        let client = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        client.set_ttl_v4(255).unwrap();
        client.connect_timeout(&address.into(), PATIENCE).unwrap();
        client.send(b"x").unwrap();
        assert!(listener.socket().accept().is_ok());
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
