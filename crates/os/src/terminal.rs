use std::fs::File;

/// Whether this process has a controlling terminal, which sends `SIGWINCH` when its window changes.
#[must_use]
pub fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}
