use std::{os::fd::AsFd, time::Duration};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Waits until `fd` can be read, but no longer than `limit` (rounded to milliseconds). An interrupted wait counts as not readable.
pub fn readable_within(fd: impl AsFd, limit: Duration) -> bool {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    let limit = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
    matches!(poll(&mut fds, limit), Ok(1))
}

#[cfg(test)]
mod tests {
    use std::io::{Write, pipe};

    use super::*;

    #[test]
    fn a_pipe_is_readable_once_it_holds_something() {
        let (reader, mut writer) = pipe().unwrap();
        assert!(!readable_within(&reader, Duration::ZERO));
        writer.write_all(b"x").unwrap();
        assert!(readable_within(&reader, Duration::from_secs(60)));
    }
}
