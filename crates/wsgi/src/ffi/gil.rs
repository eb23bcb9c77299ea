//! Holding the GIL across many requests, and letting go of it while the loop sleeps.
//!
//! A thread inside [`run_python`] keeps the GIL. The event loop calls [`park`] before it sleeps and [`resume`] after,
//! on whatever thread drives it: both do nothing on a thread that does not hold the GIL this way (the stand-in).

use std::cell::Cell;
use std::ptr;

use pyo3::{Python, ffi};

thread_local! {
    /// The thread state that `park` put away; null while the GIL is held or the thread is none of Python's.
    static PARKED: Cell<*mut ffi::PyThreadState> = const { Cell::new(ptr::null_mut()) };
    /// Whether this thread keeps the GIL between Python calls.
    static KEEPS: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` on a thread that keeps the GIL until `work` returns, but for the times between [`park`] and [`resume`].
pub fn run_python<T>(work: impl FnOnce() -> T) -> T {
    Python::attach(|_| {
        let _keeping = Keeping::set(true);
        work()
    })
}

/// Runs `work` without the GIL on a thread that keeps it.
pub fn detached<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let _keeping = Keeping::set(false);
    Python::attach(|py| py.detach(work))
}

/// A value of [`KEEPS`] for a while. After a panic too: a thread that no longer parks would hold the GIL in its sleep.
struct Keeping {
    before: bool,
}

impl Keeping {
    fn set(keeps: bool) -> Self {
        Self { before: KEEPS.replace(keeps) }
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        KEEPS.set(self.before);
    }
}

/// The loop is going to sleep: objects that other threads let go of are freed, then the GIL is released.
pub fn park() {
    if !KEEPS.get() {
        return;
    }
    // An attach of a thread that is attached already costs little and frees what was dropped without the GIL.
    Python::attach(|_| {});
    // SAFETY: `KEEPS` is set on this thread only, by `run_python`, which attached it; it is not parked, since
    // `resume` clears `PARKED` before anything else runs here.
    PARKED.set(unsafe { ffi::PyEval_SaveThread() });
}

/// Runs `work` with the GIL on a thread that may be parked; if it was, it is parked again afterwards.
pub fn unparked<T>(work: impl FnOnce() -> T) -> T {
    let was_parked = !PARKED.get().is_null();
    resume();
    let result = work();
    if was_parked {
        park();
    }
    result
}

/// The loop woke up: takes the GIL back.
pub fn resume() {
    let state = PARKED.replace(ptr::null_mut());
    if !state.is_null() {
        // SAFETY: `state` came from `PyEval_SaveThread` on this very thread (`PARKED` is thread-local).
        unsafe { ffi::PyEval_RestoreThread(state) }
    }
}
