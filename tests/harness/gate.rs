use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

/// Where an application waits (`stage.wait`) until the test lets it go on.
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
}
