use std::{fs, io};

use nix::sys::signal::{SigSet, SigmaskHow};

use crate::{Error, Pid, signal};

/// What the host must do round a fork: nothing for a process without Python, `PyOS_BeforeFork` and its
/// siblings with it.
pub trait ForkHooks {
    /// Runs before the fork.
    fn before(&self);
    /// Runs in the parent after the fork, also when the fork failed.
    fn parent(&self);
    /// Runs in the child.
    fn child(&self);
}

/// The hooks of a process that has nothing to do round a fork.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHooks;

impl ForkHooks for NoHooks {
    fn before(&self) {}
    fn parent(&self) {}
    fn child(&self) {}
}

/// On which side of the fork the caller is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forked {
    /// The process that was there before, with the pid of the new one.
    Parent(Pid),
    /// The new process.
    Child,
}

/// Forks; returns in both processes.
///
/// Signals are blocked meanwhile. The child has left the parent's signal pipe and runs with
/// [`crate::boot_handlers`] before the first signal can reach it, so none is lost and none is told to the
/// parent.
///
/// # Errors
/// The process has more than one thread, or the kernel refuses a new process (`EAGAIN`, `ENOMEM`).
pub fn fork(hooks: &dyn ForkHooks) -> Result<Forked, Error> {
    assert_single_threaded()?;
    hooks.before();
    let mask = swap_mask(&SigSet::all());
    // SAFETY: this is the only thread (checked above, and only this one could start another), so the child
    // finds no lock held by a thread that it does not have, and may go on like any process.
    let pid = unsafe { libc::fork() };
    let failure = io::Error::last_os_error();
    if pid == 0 {
        signal::become_child();
    }
    swap_mask(&mask);
    match pid {
        0 => {
            hooks.child();
            Ok(Forked::Child)
        }
        -1 => {
            hooks.parent();
            Err(Error::system("fork a process", failure))
        }
        pid => {
            hooks.parent();
            Ok(Forked::Parent(Pid::from_raw(pid)))
        }
    }
}

/// Whether this process may fork: it has one thread. Where there is no `/proc` nobody can tell, and that
/// counts as yes.
///
/// # Errors
/// [`Error::Threads`] with their count and names.
pub fn assert_single_threaded() -> Result<(), Error> {
    let Ok(tasks) = fs::read_dir("/proc/self/task") else { return Ok(()) };
    let names: Vec<String> = tasks
        .flatten()
        .map(|task| {
            fs::read_to_string(task.path().join("comm"))
                .map_or_else(|_| "?".to_owned(), |name| name.trim().to_owned())
        })
        .collect();
    if names.len() > 1 {
        return Err(Error::Threads { count: names.len(), names: names.join(", ") });
    }
    Ok(())
}

fn swap_mask(mask: &SigSet) -> SigSet {
    mask.thread_swap_mask(SigmaskHow::SIG_SETMASK)
        .expect("SIG_SETMASK with a set made by the library is always valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_thread_is_counted_and_named() {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let (started, running) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("extra".to_owned()).spawn(move || {
            started.send(()).unwrap();
            let _ = stopped.recv();
        });
        running.recv().unwrap();
        let refusal = fork(&NoHooks).unwrap_err();
        drop(stop);
        thread.unwrap().join().unwrap();
        assert!(
            matches!(&refusal, Error::Threads { count, names } if *count >= 2 && names.contains("extra")),
            "{refusal}"
        );
    }
}
