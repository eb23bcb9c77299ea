//! Processes that the application forks from a worker or mold: they are none, and must not act as one.
//!
//! A child has a copy of all that the worker has: its signal handlers with their pipe, its listeners, its loop. The first two
//! are taken from it right after the fork; that it is a child is remembered, so that the worker's code can leave.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use crate::{Error, signal};

/// Listeners that can be closed in children.
const LISTENERS: usize = 64;
const NONE: i32 = -1;

static IS_DESCENDANT: AtomicBool = AtomicBool::new(false);
/// This process is about to fork for the server itself.
static IS_OUR_FORK: AtomicBool = AtomicBool::new(false);
static CLOSED_IN_CHILDREN: [AtomicI32; LISTENERS] = [const { AtomicI32::new(NONE) }; LISTENERS];

/// From now on children of this process that `fork(3)` makes give up what is the worker's, but for those of [`crate::fork`] and
/// [`crate::fork_for`]. To be called in a worker or mold, after its own fork and before the application is loaded: it may fork
/// then already. What those inherit that are forked from it needs no other call.
///
/// # Errors
/// Out of memory.
pub fn guard_descendants() -> Result<(), Error> {
    static ONCE: Once = Once::new();
    let mut answer = 0;
    ONCE.call_once(|| {
        // SAFETY: the handler keeps to what signal-safety(7) allows, as a child of a process with threads must.
        answer = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
    if answer == 0 {
        return Ok(());
    }
    Err(Error::system("prepare for forks of the application", std::io::Error::from_raw_os_error(answer)))
}

/// `fork(2)` by which the server makes a process of its own, which keeps all that this one has.
///
/// # Safety
/// As for `fork(2)`, in a process with one thread: the fork of another one would count for the server's too.
pub(crate) unsafe fn fork_our_own() -> libc::pid_t {
    IS_OUR_FORK.store(true, Ordering::SeqCst);
    // SAFETY: the caller's.
    let pid = unsafe { libc::fork() };
    IS_OUR_FORK.store(false, Ordering::SeqCst);
    pid
}

/// Whether this process was forked from a worker or mold by the application.
#[must_use]
pub fn is_descendant() -> bool {
    IS_DESCENDANT.load(Ordering::Relaxed)
}

/// A listener that children do not keep open; else the port would stay taken after the server has ended.
#[derive(Debug)]
pub struct ClosedInChildren(usize);

impl ClosedInChildren {
    /// Remembers the descriptor; drop this before the descriptor is closed. `None` when there are too many.
    #[must_use]
    pub fn new(descriptor: i32) -> Option<Self> {
        let free = |place: &AtomicI32| {
            place.compare_exchange(NONE, descriptor, Ordering::SeqCst, Ordering::SeqCst).is_ok()
        };
        CLOSED_IN_CHILDREN.iter().position(free).map(Self)
    }
}

impl Drop for ClosedInChildren {
    fn drop(&mut self) {
        CLOSED_IN_CHILDREN[self.0].store(NONE, Ordering::SeqCst);
    }
}

extern "C" fn in_child() {
    if IS_OUR_FORK.load(Ordering::SeqCst) {
        return;
    }
    IS_DESCENDANT.store(true, Ordering::SeqCst);
    signal::forget_in_child();
    for place in &CLOSED_IN_CHILDREN {
        let descriptor = place.swap(NONE, Ordering::SeqCst);
        if descriptor != NONE {
            // SAFETY: the descriptor is open, since `ClosedInChildren` is dropped before it is closed; the Rust object that
            // owns it in this copy of the process is never used again: the child leaves before it could be.
            unsafe { libc::close(descriptor) };
        }
    }
}
