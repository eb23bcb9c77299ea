use std::io;

use nix::unistd::{Pid, gettid};

use crate::{Error, Signal};

/// A thread of this process, by the kernel's id.
///
/// Not a `pthread_t`: signalling one of those after its thread ended is undefined. A thread that is gone is
/// an error here, and an id that the kernel gave out anew can only be another thread of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreadId(Pid);

impl ThreadId {
    /// The calling thread.
    #[must_use]
    pub fn current() -> Self {
        Self(gettid())
    }

    /// Sends `signal` to that thread (`tgkill(2)`); the caller has a handler installed that suits the signal.
    ///
    /// # Errors
    /// The thread is gone.
    pub fn signal(self, signal: Signal) -> Result<(), Error> {
        // SAFETY: three integers; a thread that is gone, or of another process after a fork, is refused with
        // ESRCH.
        let answer = unsafe {
            libc::syscall(libc::SYS_tgkill, libc::getpid(), self.0.as_raw(), signal as libc::c_int)
        };
        if answer == 0 { Ok(()) } else { Err(Error::system("signal a thread", io::Error::last_os_error())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_is_gone_is_an_error() {
        let thread = std::thread::spawn(ThreadId::current);
        let id = thread.join().unwrap();
        assert_ne!(id, ThreadId::current());
        // `join` returns when the thread is about to leave; the kernel forgets its id a moment later.
        while id.signal(Signal::SIGWINCH).is_ok() {
            std::thread::yield_now();
        }
    }
}
