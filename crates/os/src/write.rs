use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::stat::{SFlag, fstat},
    unistd::write,
};

/// What a pipe takes whole when it says that it can be written to (`PIPE_BUF`).
const PIECE: usize = libc::PIPE_BUF;

/// Writes `bytes` if that is possible without waiting for a reader: for log lines, which must never hold up a
/// request.
///
/// False when not all of it could be written: nobody reads the pipe, its reader is gone, the disk is full.
/// Pieces of up to 4096 bytes stay whole in a pipe that several processes write to. `SIGPIPE` must be
/// ignored.
pub fn write_if_ready(fd: impl AsFd, bytes: &[u8]) -> bool {
    let fd = fd.as_fd();
    bytes.chunks(PIECE).all(|piece| write_piece(fd, piece))
}

fn write_piece(fd: BorrowedFd<'_>, mut piece: &[u8]) -> bool {
    while !piece.is_empty() {
        if !is_writable(fd) {
            return false;
        }
        match write_without_waiting(fd, piece) {
            Ok(0) => return false,
            Ok(count) => piece = &piece[count..],
            Err(Errno::EINTR) => {}
            Err(_) => return false,
        }
    }
    true
}

fn is_writable(fd: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::new(fd, PollFlags::POLLOUT)];
    matches!(poll(&mut fds, PollTimeout::ZERO), Ok(1))
        && fds[0].revents().is_some_and(|events| events.contains(PollFlags::POLLOUT))
}

/// Between the poll and the write another process may fill the pipe: `RWF_NOWAIT` makes that an error instead
/// of a wait, where the kernel knows it for this kind of file (pipes from Linux 6.5 on).
fn write_without_waiting(fd: BorrowedFd<'_>, piece: &[u8]) -> nix::Result<usize> {
    let buffer = libc::iovec { iov_base: piece.as_ptr().cast_mut().cast(), iov_len: piece.len() };
    // SAFETY: one buffer, borrowed through the call, which only reads it; offset -1 means the position of the
    // file.
    let count = unsafe { libc::pwritev2(fd.as_raw_fd(), &raw const buffer, 1, -1, libc::RWF_NOWAIT) };
    match Errno::result(count) {
        Ok(count) => Ok(count.unsigned_abs()),
        Err(Errno::EAGAIN) if !is_regular_file(fd) => Err(Errno::EAGAIN),
        Err(Errno::EAGAIN | Errno::EOPNOTSUPP | Errno::EINVAL | Errno::ENOSYS | Errno::ESPIPE) => {
            write(fd, piece)
        }
        Err(errno) => Err(errno),
    }
}

fn is_regular_file(fd: BorrowedFd<'_>) -> bool {
    fstat(fd)
        .is_ok_and(|stat| SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) == SFlag::S_IFREG)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File, OpenOptions},
        io::{Read, pipe},
        time::{Duration, Instant},
    };

    use super::*;

    #[test]
    fn a_pipe_that_nobody_reads_is_filled_but_not_waited_for() {
        let (mut reader, writer) = pipe().unwrap();
        let line = [b'x'; 1000];
        let begun = Instant::now();
        let lines = (0..1000).take_while(|_| write_if_ready(&writer, &line)).count();
        assert!((10..1000).contains(&lines), "{lines}");
        assert!(begun.elapsed() < Duration::from_secs(10));
        let mut room = vec![0; 64 << 10];
        let _ = reader.read(&mut room).unwrap();
        assert!(write_if_ready(&writer, &line));
    }

    #[test]
    fn a_reader_that_is_gone_is_no_error_of_ours() {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        assert!(!write_if_ready(&writer, b"lost\n"));
    }

    #[test]
    fn a_full_disk_is_told() {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        assert!(!write_if_ready(&full, b"lost\n"));
    }

    #[test]
    fn a_file_gets_everything_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, "before\n").unwrap();
        let file: File = OpenOptions::new().append(true).open(&path).unwrap();
        let long = "y".repeat(20_000);
        assert!(write_if_ready(&file, long.as_bytes()));
        assert!(write_if_ready(&file, b"\nafter\n"));
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("before\n{long}\nafter\n"));
    }
}
