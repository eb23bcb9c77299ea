use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::Path;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::PATIENCE;

/// Where an application waits (`stage.wait`) until the test lets it go on, or the other way round (`stage.tell`).
#[derive(Debug)]
pub(crate) struct Gate(File);

impl Gate {
    /// A gate called `name` in the folder of a server.
    pub(crate) fn new(folder: &Path, name: &str) -> Self {
        let path = folder.join(name);
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        // Open in both directions: neither side ever waits for the other to open its end.
        Self(OpenOptions::new().read(true).write(true).open(path).unwrap())
    }

    /// Lets one through, whether it waits already or comes later.
    pub(crate) fn open(&self) {
        (&self.0).write_all(b"x").unwrap();
    }

    /// Waits until the application tells something.
    pub(crate) fn wait(&self) {
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        let found = poll(&mut fds, PollTimeout::try_from(PATIENCE).unwrap());
        assert_eq!(found, Ok(1), "the application tells nothing");
        (&self.0).read_exact(&mut [0]).unwrap();
    }
}
