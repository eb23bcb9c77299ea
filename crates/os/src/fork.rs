use std::{
    fs,
    fs::File,
    io::{self, Read, Write},
    os::fd::OwnedFd,
    thread,
    time::Duration,
};

use nix::{
    fcntl::OFlag,
    sys::{
        prctl,
        signal::{SigSet, SigmaskHow},
        wait::waitpid,
    },
    unistd::{getpid, getppid, pipe2},
};

use crate::{Error, ExitReason, Pid, descendant::fork_our_own, exit_now, signal};

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
    let pid = unsafe { fork_our_own() };
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

/// Makes this process the parent of descendants whose parent has ended (`PR_SET_CHILD_SUBREAPER`), so that
/// [`fork_for`] can give it children.
///
/// # Errors
/// The kernel is too old for it.
pub fn adopt_orphans() -> Result<(), Error> {
    prctl::set_child_subreaper(true).map_err(|errno| Error::system("become the parent of orphans", errno))
}

/// Forks a child for `guardian`, an ancestor that has called [`adopt_orphans`]; else like [`fork`]. It returns
/// in the child when that is the guardian's.
///
/// The process between the two ends at once, and the kernel gives its child away.
///
/// # Errors
/// As [`fork`], or no descriptor is left.
pub fn fork_for(guardian: Pid, hooks: &dyn ForkHooks) -> Result<Forked, Error> {
    assert_single_threaded()?;
    let (reader, writer) =
        pipe2(OFlag::O_CLOEXEC).map_err(|errno| Error::system("open a pipe for a fork", errno))?;
    hooks.before();
    let mask = swap_mask(&SigSet::all());
    // SAFETY: as in `fork`.
    let between = unsafe { fork_our_own() };
    let failure = io::Error::last_os_error();
    if between == 0 {
        drop(reader);
        go_between(writer, guardian);
        swap_mask(&mask);
        hooks.child();
        return Ok(Forked::Child);
    }
    drop(writer);
    let answer = if between == -1 { Err(failure) } else { hear(reader, Pid::from_raw(between)) };
    swap_mask(&mask);
    hooks.parent();
    answer.map(Forked::Parent).map_err(|failure| Error::system("fork a process", failure))
}

/// In the process between: forks, tells how that went, and ends. Returns in the child, as the guardian's, with
/// all signals blocked.
fn go_between(writer: OwnedFd, guardian: Pid) {
    let between = getpid();
    // SAFETY: as in `fork`: the only thread of a process that was just forked from one with one thread.
    let pid = unsafe { fork_our_own() };
    if pid != 0 {
        let failure = io::Error::last_os_error().raw_os_error().unwrap_or(libc::EAGAIN);
        let answer = if pid > 0 { pid } else { -failure };
        let told = File::from(writer).write_all(&answer.to_ne_bytes());
        exit_now(if told.is_ok() { ExitReason::Ok } else { ExitReason::Internal });
    }
    drop(writer);
    while getppid() == between {
        thread::sleep(ADOPTION);
    }
    // `PR_SET_PDEATHSIG` would fire at the end of the process between, so the caller sets it behind this.
    if getppid() != guardian {
        exit_now(ExitReason::MasterGone);
    }
    signal::become_child();
}

/// In the process that wants the child: its pid, as the process between tells it.
fn hear(reader: OwnedFd, between: Pid) -> io::Result<Pid> {
    let mut answer = [0; 4];
    let told = File::from(reader).read_exact(&mut answer);
    let _ = waitpid(between, None);
    told?;
    match i32::from_ne_bytes(answer) {
        pid if pid > 0 => Ok(Pid::from_raw(pid)),
        errno => Err(io::Error::from_raw_os_error(-errno)),
    }
}

/// How long a child sleeps between two looks at who its parent is: less than an exit takes.
const ADOPTION: Duration = Duration::from_micros(50);

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
