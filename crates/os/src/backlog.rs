use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use nix::sys::{
    socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket},
    stat::fstat,
};

/// `tcpi_unacked` of a listening socket in `struct tcp_info` (linux/tcp.h), counted in words: how many connections wait.
const UNACKED: usize = 6;

/// From linux/sock_diag.h, linux/netlink.h and linux/unix_diag.h.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
const UDIAG_SHOW_RQLEN: u32 = 0x10;
const UNIX_DIAG_RQLEN: u16 = 4;
/// The bytes of `struct nlmsghdr`, `struct unix_diag_req`, and `struct unix_diag_msg`.
const HEADER: usize = 16;
const REQUEST: usize = 24;
const MESSAGE: usize = 16;

/// How many connections of a listening socket wait to be accepted: by `TCP_INFO` (tcp(7)), or for a unix socket by
/// `UNIX_DIAG_RQLEN` (sock_diag(7)). `None` when the system does not say.
#[must_use]
pub fn waiting_connections(listener: BorrowedFd<'_>) -> Option<u64> {
    tcp_queue(listener).or_else(|| unix_queue(listener))
}

fn tcp_queue(listener: BorrowedFd<'_>) -> Option<u64> {
    let mut info = [0_u32; UNACKED + 2];
    let mut length = libc::socklen_t::try_from(size_of_val(&info)).expect("a few words");
    // SAFETY: the descriptor is open as long as it is borrowed; both buffers live through the call, which writes at most
    // `length` bytes into the first and their number into the second.
    let result = unsafe {
        libc::getsockopt(
            listener.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    (result == 0).then(|| u64::from(info[UNACKED]))
}

/// The kernel is asked by the number of the socket, which its descriptor shows as the inode.
fn unix_queue(listener: BorrowedFd<'_>) -> Option<u64> {
    let inode = u32::try_from(fstat(listener).ok()?.st_ino).ok()?;
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let netlink: OwnedFd =
        socket(AddressFamily::Netlink, SockType::Datagram, flags, SockProtocol::NetlinkSockDiag).ok()?;
    send(netlink.as_raw_fd(), &request(inode), MsgFlags::empty()).ok()?;
    let mut answer = [0; 1024];
    // The kernel answers before `send` returns.
    let length = recv(netlink.as_raw_fd(), &mut answer, MsgFlags::empty()).ok()?;
    queue_in(answer.get(..length)?)
}

fn request(inode: u32) -> [u8; HEADER + REQUEST] {
    let mut bytes = [0; HEADER + REQUEST];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &((HEADER + REQUEST) as u32).to_ne_bytes());
    put(4, &SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    put(6, &NLM_F_REQUEST.to_ne_bytes());
    put(HEADER, &[libc::AF_UNIX as u8]);
    put(HEADER + 4, &u32::MAX.to_ne_bytes());
    put(HEADER + 8, &inode.to_ne_bytes());
    put(HEADER + 12, &UDIAG_SHOW_RQLEN.to_ne_bytes());
    // No cookie.
    put(HEADER + 16, &[0xff; 8]);
    bytes
}

/// The length of the queue in the kernel's answer; none in one that is an error.
fn queue_in(answer: &[u8]) -> Option<u64> {
    let half = |bytes: &[u8], at: usize| Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    if half(answer, 4)? != SOCK_DIAG_BY_FAMILY {
        return None;
    }
    let mut attributes = answer.get(HEADER + MESSAGE..)?;
    loop {
        let (length, kind) = (usize::from(half(attributes, 0)?), half(attributes, 2)?);
        if kind == UNIX_DIAG_RQLEN {
            return Some(u64::from(u32::from_ne_bytes(attributes.get(4..8)?.try_into().ok()?)));
        }
        attributes = attributes.get(length.max(4).next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::{TcpListener, TcpStream},
        os::{
            fd::AsFd,
            unix::net::{UnixListener, UnixStream},
        },
    };

    use super::*;

    #[test]
    fn tcp_connections_that_wait_are_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(waiting_connections(listener.as_fd()), Some(0));
        let _waiting = [0; 3].map(|_| TcpStream::connect(address).unwrap());
        assert_eq!(waiting_connections(listener.as_fd()), Some(3));
        listener.accept().unwrap();
        assert_eq!(waiting_connections(listener.as_fd()), Some(2));
    }

    #[test]
    fn unix_connections_that_wait_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let Some(before) = waiting_connections(listener.as_fd()) else {
            return eprintln!("NOT TESTED: this system does not tell about unix sockets");
        };
        let _waiting = [0; 3].map(|_| UnixStream::connect(&path).unwrap());
        assert_eq!((before, waiting_connections(listener.as_fd())), (0, Some(3)));
    }

    #[test]
    fn what_is_no_answer_tells_nothing() {
        assert_eq!(queue_in(&[]), None);
        assert_eq!(queue_in(&[0xff; 64]), None);
        let mut answer = vec![0; HEADER + MESSAGE];
        answer[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        assert_eq!(queue_in(&answer), None);
        // An attribute whose length is 0 must not be looked at for ever.
        answer.extend([0; 12]);
        assert_eq!(queue_in(&answer), None);
    }
}
