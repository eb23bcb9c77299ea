use std::os::fd::{AsRawFd, BorrowedFd};

/// How many bytes of a socket's output the other end has not taken yet (`SIOCOUTQ`, tcp(7), unix(7)); `None` when the system
/// does not say.
#[must_use]
pub fn unsent_bytes(socket: BorrowedFd<'_>) -> Option<u64> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the descriptor is open as long as it is borrowed, and `bytes` lives through the call, which writes one int.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if result == 0 { u64::try_from(bytes).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn what_the_other_end_reads_is_no_longer_unsent() {
        let (mut here, mut there) = UnixStream::pair().unwrap();
        assert_eq!(unsent_bytes(here.as_fd()), Some(0));
        here.write_all(&[0; 10_000]).unwrap();
        assert!(unsent_bytes(here.as_fd()).is_some_and(|bytes| bytes >= 10_000));
        there.read_exact(&mut [0; 10_000]).unwrap();
        assert_eq!(unsent_bytes(here.as_fd()), Some(0));
    }
}
