use std::{ffi::c_int, io};

use nix::{
    errno::Errno,
    sys::signal::{self, Signal},
    unistd::getppid,
};

use crate::Error;

/// A process id.
pub use nix::unistd::Pid;

/// How a process ended, by `waitpid(2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It left with this code.
    Code(i32),
    /// A signal ended it; real-time signals have numbers without a name.
    Signal {
        /// The number of the signal.
        number: i32,
        /// Whether the kernel wrote a core file.
        core_dumped: bool,
    },
}

/// A child that is gone and was reaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exited {
    /// Which one it was; can be a stranger when this process is pid 1 or a subreaper.
    pub pid: Pid,
    /// How it ended.
    pub ending: Ending,
}

/// Reaps every child that has ended so far; never blocks.
#[must_use]
pub fn reap() -> Vec<Exited> {
    let mut gone = Vec::new();
    loop {
        let mut status: c_int = 0;
        // SAFETY: `status` lives through the call. nix's wrapper is not used because it loses a child that
        // died of a real-time signal.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
        match pid {
            0 => return gone,
            -1 if Errno::last() == Errno::EINTR => {}
            -1 => return gone,
            pid => gone.extend(ending(status).map(|ending| Exited { pid: Pid::from_raw(pid), ending })),
        }
    }
}

/// Sends `signal` to one process. A process that is gone already is no error.
///
/// # Errors
/// The kernel refuses (`EPERM`), or `pid` is not the id of one process (0 and negative ids mean groups).
pub fn kill(pid: Pid, signal: Signal) -> Result<(), Error> {
    if pid.as_raw() <= 0 {
        return Err(Error::system("signal a process", io::Error::from(io::ErrorKind::InvalidInput)));
    }
    match signal::kill(pid, signal) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(errno) => Err(Error::system("signal a process", errno)),
    }
}

/// Asks the kernel to send this process `signal` when its parent ends (`PR_SET_PDEATHSIG`). False when `parent`
/// is gone already, which the kernel would never tell.
///
/// The second means beside the lifeline: it reaches a worker whose loop is not running.
#[must_use]
pub fn die_with_parent(parent: Pid, signal: Signal) -> bool {
    // SAFETY: PR_SET_PDEATHSIG takes a signal number and touches no memory of ours.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal as c_int) };
    getppid() == parent
}

/// The name of a signal as in `SIGKILL`, or `signal 40` for one without.
#[must_use]
pub fn signal_name(number: i32) -> String {
    Signal::try_from(number).map_or_else(|_| format!("signal {number}"), |signal| signal.as_str().to_owned())
}

fn ending(status: c_int) -> Option<Ending> {
    if libc::WIFEXITED(status) {
        Some(Ending::Code(libc::WEXITSTATUS(status)))
    } else if libc::WIFSIGNALED(status) {
        Some(Ending::Signal { number: libc::WTERMSIG(status), core_dumped: libc::WCOREDUMP(status) })
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_read_from_the_wait_status() {
        assert_eq!(ending(3 << 8), Some(Ending::Code(3)));
        assert_eq!(ending(9), Some(Ending::Signal { number: 9, core_dumped: false }));
        assert_eq!(ending(11 | 0x80), Some(Ending::Signal { number: 11, core_dumped: true }));
        assert_eq!(ending(40), Some(Ending::Signal { number: 40, core_dumped: false }));
    }

    #[test]
    fn groups_are_never_signalled() {
        for pid in [0, -1, -5] {
            assert!(kill(Pid::from_raw(pid), Signal::SIGTERM).is_err());
        }
    }

    #[test]
    fn signals_have_names() {
        assert_eq!(signal_name(9), "SIGKILL");
        assert_eq!(signal_name(40), "signal 40");
    }
}
