use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use socket2::SockAddr;

use crate::Socket;

/// A connection that was taken from a listen queue: non-blocking, closed by `exec`.
#[derive(Debug)]
pub enum Connection {
    /// From this address. It has inherited `TCP_NODELAY` from its listener.
    Tcp(TcpStream, SocketAddr),
    /// Whoever connects over a unix socket has no address.
    Unix(UnixStream),
}

impl Socket {
    /// Takes a connection from the listen queue, with a single system call.
    ///
    /// # Errors
    /// `WouldBlock` when none waits; otherwise as accept(2).
    pub fn accept(&self) -> io::Result<Connection> {
        match self {
            Self::Tcp(listener) => accept_tcp(listener),
            Self::Unix(listener) => Ok(Connection::Unix(accept(listener.as_fd())?.0.into())),
        }
    }
}

fn accept_tcp(listener: &TcpListener) -> io::Result<Connection> {
    let (connection, address) = accept(listener.as_fd())?;
    let address = address.as_socket().ok_or(io::ErrorKind::InvalidData)?;
    Ok(Connection::Tcp(connection.into(), address))
}

/// accept4(2), which the standard library calls too, but without a way to ask for a non-blocking connection.
fn accept(listener: BorrowedFd<'_>) -> io::Result<(OwnedFd, SockAddr)> {
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: the kernel writes an address into the storage, at most as long as the length says that comes with it, and says
    // how long it is; that is how `try_init` wants it.
    unsafe {
        SockAddr::try_init(|storage, length| {
            match libc::accept4(listener.as_raw_fd(), storage.cast(), length, flags) {
                -1 => Err(io::Error::last_os_error()),
                // The kernel has just made this descriptor for the caller; nobody else knows of it.
                descriptor => Ok(OwnedFd::from_raw_fd(descriptor)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, os::unix::net::UnixStream as Client};

    use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
    use nix::sys::socket::{getsockopt, sockopt::TcpNoDelay};

    use super::*;
    use crate::{BindAddress, Listener, SocketPlan};

    fn assert_flags(connection: impl AsFd) {
        let flags = |which| fcntl(&connection, which).unwrap();
        assert!(OFlag::from_bits_retain(flags(FcntlArg::F_GETFL)).contains(OFlag::O_NONBLOCK));
        assert!(FdFlag::from_bits_retain(flags(FcntlArg::F_GETFD)).contains(FdFlag::FD_CLOEXEC));
    }

    #[test]
    fn a_tcp_connection_comes_with_its_address_and_without_delay() {
        for host in ["127.0.0.1", "::1"] {
            if TcpListener::bind((host, 0)).is_err() {
                eprintln!("NOT TESTED with {host}: this machine has no such address");
                continue;
            }
            let address = BindAddress::Tcp { host: host.to_owned(), port: 0 };
            let socket = Listener::bind(&SocketPlan::new(address)).unwrap().into_socket();
            let Socket::Tcp(listener) = &socket else { panic!() };
            assert_eq!(socket.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            client.write_all(b"x").unwrap();
            let Connection::Tcp(connection, from) = socket.accept().unwrap() else { panic!() };
            assert_eq!(from, client.local_addr().unwrap());
            assert!(getsockopt(&connection, TcpNoDelay).unwrap());
            assert_flags(connection);
        }
    }

    #[test]
    fn a_unix_connection_has_no_address() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = Listener::bind(&SocketPlan::new(BindAddress::Unix(path.clone()))).unwrap();
        let socket = listener.into_socket();
        let _client = Client::connect(path).unwrap();
        let Connection::Unix(connection) = socket.accept().unwrap() else { panic!() };
        assert_flags(connection);
    }
}
