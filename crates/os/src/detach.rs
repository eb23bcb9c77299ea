//! Into the background, without losing the one who waits for news in the foreground.

use std::{
    fs::{File, OpenOptions},
    io::Read,
    os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd},
};

use nix::{
    fcntl::{OFlag, open},
    sys::stat::Mode,
    sys::wait::waitpid,
    unistd::{dup2_stderr, dup2_stdin, dup2_stdout, pipe2, setsid, write},
};

use crate::{Error, ExitReason, ForkHooks, Forked, exit_now, fork};

/// On which side of [`detach`] the caller is.
#[derive(Debug)]
pub enum Detached {
    /// The process that was started: how the start in the background went. `None` when that process is gone without a word.
    Foreground(Option<ExitReason>),
    /// The process in the background.
    Background(Background),
}

/// The end of a process in the background that tells how its start goes.
#[derive(Debug)]
pub struct Background(OwnedFd);

/// Forks into the background: a session of its own without a terminal, and no way to get one (two forks). The standard
/// streams stay, and the process in the foreground waits, until [`Background::tell`]. Current directory and umask are left
/// as they are.
///
/// # Errors
/// The process has more than one thread, or the system has no room for another process.
pub fn detach(hooks: &dyn ForkHooks) -> Result<Detached, Error> {
    let (reader, writer) =
        pipe2(OFlag::O_CLOEXEC).map_err(|errno| Error::system("open a pipe to the background", errno))?;
    if let Forked::Parent(child) = fork(hooks)? {
        drop(writer);
        // It ends as soon as it has forked.
        let _ = waitpid(child, None);
        return Ok(Detached::Foreground(news(reader)));
    }
    drop(reader);
    setsid().map_err(|errno| Error::system("begin a session", errno))?;
    match fork(hooks)? {
        Forked::Parent(_) => exit_now(ExitReason::Ok),
        Forked::Child => Ok(Detached::Background(Background(writer))),
    }
}

fn news(pipe: OwnedFd) -> Option<ExitReason> {
    let mut byte = [0];
    File::from(pipe).read_exact(&mut byte).ok()?;
    ExitReason::from_code(byte[0].into())
}

impl Background {
    /// Lets the process in the foreground end like this: [`ExitReason::Ok`] when the server has started.
    pub fn tell(self, reason: ExitReason) {
        // Nobody may be waiting any more.
        let _ = write(&self.0, &[reason.code()]);
    }
}

/// Which of the standard streams are given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// Standard input.
    Input,
    /// Standard input, output and error.
    All,
}

/// From now on these standard streams, and `log` if it is given, lead nowhere (`/dev/null`).
///
/// # Errors
/// There is no `/dev/null`.
pub fn discard(streams: Streams, log: Option<BorrowedFd<'_>>) -> Result<(), Error> {
    let failed = |source| Error::System { action: "open `/dev/null`", source };
    let nowhere = OpenOptions::new().read(true).write(true).open("/dev/null").map_err(failed)?;
    let replaced = dup2_stdin(&nowhere).and_then(|()| match streams {
        Streams::Input => Ok(()),
        Streams::All => dup2_stdout(&nowhere).and_then(|()| dup2_stderr(&nowhere)),
    });
    replaced.map_err(|errno| Error::system("give up the standard streams", errno))?;
    log.map_or(Ok(()), |log| replace(log, &nowhere))
}

/// From now on standard output and error lead to this file.
///
/// # Errors
/// Standard output or error is closed for good.
pub fn capture(file: impl AsFd) -> Result<(), Error> {
    let captured = dup2_stdout(&file).and_then(|()| dup2_stderr(&file));
    captured.map_err(|errno| Error::system("capture the standard streams", errno))
}

/// From now on the file behind the descriptor of `log` is the one that `by` stands for.
///
/// # Errors
/// The system has no room.
pub fn redirect(log: impl AsFd, by: impl AsFd) -> Result<(), Error> {
    replace(log.as_fd(), by)
}

/// Opens the standard streams that are closed, so that no other descriptor gets their number: what a program prints would go there.
///
/// # Errors
/// There is no `/dev/null`.
pub fn occupy_streams() -> Result<(), Error> {
    loop {
        let nowhere = open("/dev/null", OFlag::O_RDWR, Mode::empty())
            .map_err(|errno| Error::system("open `/dev/null`", errno))?;
        // The kernel gives the lowest number that is free.
        if nowhere.as_raw_fd() > libc::STDERR_FILENO {
            return Ok(());
        }
        let _ = nowhere.into_raw_fd();
    }
}

/// Makes a descriptor of ours stand for another open file.
fn replace(descriptor: BorrowedFd<'_>, by: impl AsFd) -> Result<(), Error> {
    let (by, descriptor) = (by.as_fd().as_raw_fd(), descriptor.as_raw_fd());
    // SAFETY: both are open, as they are borrowed; whoever owns the replaced one still owns its number.
    match unsafe { libc::dup3(by, descriptor, libc::O_CLOEXEC) } {
        -1 => Err(Error::system("redirect a log", std::io::Error::last_os_error())),
        _ => Ok(()),
    }
}
