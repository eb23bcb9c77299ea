use std::{ffi::c_int, os::fd::BorrowedFd};

use crate::option::set_option;

/// How long a connection that says nothing is kept from whoever accepts, in seconds; the kernel counts in attempts of its own, of
/// which the first comes after one second.
const SILENCE: c_int = 1;

/// From now on connections come into the listen queue when their first bytes have come, or when they have said nothing for a
/// second (`TCP_DEFER_ACCEPT`, tcp(7)): whoever accepts is not woken twice, and can read at once. Where the system does not know
/// that, they come before.
pub(crate) fn defer_accept(listener: BorrowedFd<'_>) {
    let _ = set_option(listener, (libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT), SILENCE);
}

#[cfg(test)]
mod tests {
    use std::{
        io::{ErrorKind, Write},
        net::TcpStream,
        os::fd::AsFd,
        time::Duration,
    };

    use crate::{BindAddress, Listener, Socket, SocketPlan, wait::readable_within};

    #[test]
    fn a_connection_is_let_in_when_it_speaks_and_one_that_is_silent_after_a_while() {
        let address = BindAddress::Tcp { host: "127.0.0.1".to_owned(), port: 0 };
        let socket = Listener::bind(&SocketPlan::new(address)).unwrap().into_socket();
        let Socket::Tcp(listener) = &socket else { panic!() };
        let local = listener.local_addr().unwrap();
        let _silent = TcpStream::connect(local).unwrap();
        assert_eq!(socket.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        let mut other = TcpStream::connect(local).unwrap();
        other.write_all(b"x").unwrap();
        assert!(socket.accept().is_ok());
        assert_eq!(socket.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(readable_within(listener.as_fd(), Duration::from_secs(30)));
        assert!(socket.accept().is_ok());
    }
}
