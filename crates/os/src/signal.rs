use std::{
    ffi::c_int,
    mem,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    ptr,
    sync::atomic::{AtomicI32, AtomicUsize, Ordering},
};

use nix::{
    errno::Errno,
    fcntl::OFlag,
    sys::signal::{SaFlags, SigAction, SigHandler, SigSet, sigaction},
    unistd::{getpid, pipe2, read},
};

use crate::Error;

/// A signal by name.
pub use nix::sys::signal::Signal;

type Handler = extern "C" fn(c_int);

const NO_PIPE: i32 = -1;
const SIGNALS: usize = 65;

/// The write end that the handler tells; process-wide because a handler is.
static PIPE: AtomicI32 = AtomicI32::new(NO_PIPE);

/// The process whose pipe that is.
static OWNER: AtomicI32 = AtomicI32::new(0);

/// Address of the handler that this module installed last for each signal number, 0 for none.
static INSTALLED: [AtomicUsize; SIGNALS] = [const { AtomicUsize::new(0) }; SIGNALS];

/// Signals as bytes in a pipe, for a loop that polls. One of these can be in use in a process at a time.
///
/// `signalfd` would need the signals blocked, and subprocesses of the application would inherit that; other
/// libraries chain to the handler that was there before, which in the wheel is CPython's.
#[derive(Debug)]
pub struct Signals {
    reader: OwnedFd,
    writer: OwnedFd,
}

impl Signals {
    /// Takes these signals from now on, unblocks them, and ignores `SIGPIPE`. `SIGINT` stays ignored where it
    /// was ignored at the start (`nohup`, or `&` in a shell without job control).
    ///
    /// # Errors
    /// No file descriptor is left for the pipe.
    pub fn install(signals: &[Signal]) -> Result<Self, Error> {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
            .map_err(|errno| Error::system("open the signal pipe", errno))?;
        OWNER.store(getpid().as_raw(), Ordering::SeqCst);
        PIPE.store(writer.as_raw_fd(), Ordering::SeqCst);
        let mut taken = SigSet::empty();
        for &signal in signals {
            take(signal, tell_pipe)?;
            taken.add(signal);
        }
        set_plain(Signal::SIGPIPE, SigHandler::SigIgn)?;
        taken.thread_unblock().map_err(|errno| Error::system("unblock the signals", errno))?;
        Ok(Self { reader, writer })
    }

    /// The signals that came since the last call, in order; never blocks.
    pub fn drain(&self) -> Vec<Signal> {
        let mut signals = Vec::new();
        let mut bytes = [0; 64];
        loop {
            match read(&self.reader, &mut bytes) {
                Ok(0) => break,
                Ok(count) => signals.extend(
                    bytes[..count].iter().filter_map(|&byte| Signal::try_from(c_int::from(byte)).ok()),
                ),
                Err(Errno::EINTR) => {}
                Err(_) => break,
            }
        }
        signals
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        // Another pipe may have taken the place of this one: that one stays.
        let _ = PIPE.compare_exchange(self.writer.as_raw_fd(), NO_PIPE, Ordering::SeqCst, Ordering::SeqCst);
    }
}

/// The handlers of a worker that is still booting: `TERM`, `INT` and `QUIT` leave at once with code 0, since
/// nothing was accepted yet; `HUP`, `USR1`, `USR2`, `WINCH`, `TTIN` and `TTOU` do nothing; `CHLD` is default.
/// They keep CPython away from `SIGINT` too.
///
/// # Errors
/// None that a caller could bring about.
pub fn boot_handlers() -> Result<(), Error> {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT] {
        take(signal, leave)?;
    }
    // Not SIG_IGN: programs that the application starts would inherit that.
    for signal in
        [Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGWINCH, Signal::SIGTTIN, Signal::SIGTTOU]
    {
        take(signal, nothing)?;
    }
    hear_of_children()
}

/// Makes the ends of children known to this process. Whoever started it may ignore `CHLD`, which is inherited: the kernel
/// buries children unseen then, and nobody can wait for them.
///
/// # Errors
/// None that a caller could bring about.
pub fn hear_of_children() -> Result<(), Error> {
    set_plain(Signal::SIGCHLD, SigHandler::SigDfl)
}

/// The signals that this module had taken and that somebody else has handled since, such as an application
/// that calls `signal.signal` while it is imported. To take them back, install again.
#[must_use]
pub fn replaced_handlers() -> Vec<Signal> {
    Signal::iterator()
        .filter(|&signal| {
            let ours = INSTALLED[signal as usize].load(Ordering::SeqCst);
            ours != 0 && disposition(signal) != Some(ours)
        })
        .collect()
}

/// Leaves the parent's pipe and takes the boot handlers; the caller has all signals blocked.
pub(crate) fn become_child() {
    PIPE.store(NO_PIPE, Ordering::SeqCst);
    // The same calls worked in the parent; a failure would leave that signal's handler in place, which then
    // tells nobody.
    let _ = boot_handlers();
}

/// In a child that the application forked: signals do what they do by default, and the worker does not hear of
/// them. Keeps to what signal-safety(7) allows.
pub(crate) fn forget_in_child() {
    PIPE.store(NO_PIPE, Ordering::SeqCst);
    for signal in Signal::iterator() {
        let ours = INSTALLED[signal as usize].load(Ordering::SeqCst);
        if ours != 0 && disposition(signal) == Some(ours) {
            // The application's own handlers stay. There is nobody to tell of a failure, and none is possible.
            let _ = set_plain(signal, SigHandler::SigDfl);
        }
    }
}

fn take(signal: Signal, handler: Handler) -> Result<(), Error> {
    if signal == Signal::SIGINT && disposition(signal) == Some(libc::SIG_IGN) {
        return Ok(());
    }
    let action = SigAction::new(SigHandler::Handler(handler), SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the three handlers of this module keep to what signal-safety(7) allows: they load an atomic,
    // write a byte, call `_exit`.
    unsafe { sigaction(signal, &action) }
        .map_err(|errno| Error::system("install a signal handler", errno))?;
    INSTALLED[signal as usize].store(handler as *const () as usize, Ordering::SeqCst);
    Ok(())
}

fn set_plain(signal: Signal, disposition: SigHandler) -> Result<(), Error> {
    let action = SigAction::new(disposition, SaFlags::empty(), SigSet::empty());
    // SAFETY: called with SIG_DFL and SIG_IGN only, which run no code.
    unsafe { sigaction(signal, &action) }.map_err(|errno| Error::system("reset a signal handler", errno))?;
    INSTALLED[signal as usize].store(0, Ordering::SeqCst);
    Ok(())
}

/// The address of the handler of `signal` (or `SIG_DFL`, `SIG_IGN`).
fn disposition(signal: Signal) -> Option<usize> {
    // SAFETY: `sigaction` is a C struct of integers, a mask and an optional function pointer: all zeroes is a
    // value of it.
    let mut current: libc::sigaction = unsafe { mem::zeroed() };
    // SAFETY: a null new action makes this a query; `current` lives through the call.
    let answer = unsafe { libc::sigaction(signal as c_int, ptr::null(), &raw mut current) };
    (answer == 0).then_some(current.sa_sigaction)
}

extern "C" fn tell_pipe(number: c_int) {
    let pipe = PIPE.load(Ordering::SeqCst);
    if pipe == NO_PIPE {
        return;
    }
    if getpid().as_raw() != OWNER.load(Ordering::SeqCst) {
        // A child so young that it has not given up the handlers yet (`forget_in_child`): it is meant, not its parent.
        // SAFETY: signal(2) and raise(3) may be called here; the signal comes again when this handler returns.
        unsafe {
            libc::signal(number, libc::SIG_DFL);
            libc::raise(number);
        }
        return;
    }
    let errno = Errno::last_raw();
    let byte = number.to_le_bytes()[0];
    // SAFETY: one byte of a local; `pipe` is open, since `Signals` forgets it here before it closes it. A
    // full pipe drops the byte: then the loop has thousands to wake for.
    unsafe { libc::write(pipe, (&raw const byte).cast(), 1) };
    // The code that was interrupted may be about to look at its own errno.
    Errno::set_raw(errno);
}

extern "C" fn leave(_: c_int) {
    crate::exit_now(crate::ExitReason::Ok)
}

extern "C" fn nothing(_: c_int) {}
