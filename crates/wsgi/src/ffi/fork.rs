//! What CPython wants to be told around a fork (docs.python.org, "Operating System Utilities").
//!
//! Called on the thread that is attached to the interpreter, in this order: [`before`], the fork, then
//! [`after_in_parent`] or [`after_in_child`].

use pyo3::{Python, ffi};

/// Before the fork: takes the import lock and runs `os.register_at_fork(before=...)`.
pub fn before() {
    Python::attach(|_| {
        // SAFETY: the thread is attached, as `attach` has just seen to.
        unsafe { ffi::PyOS_BeforeFork() }
    });
}

/// In the parent: releases what [`before`] took.
pub fn after_in_parent() {
    Python::attach(|_| {
        // SAFETY: the thread is attached and called `before` in this process.
        unsafe { ffi::PyOS_AfterFork_Parent() }
    });
}

/// In the child: makes the calling thread the main thread and renews the runtime's locks.
///
/// `Python::attach` comes second: nothing of pyo3 may take a lock before CPython has renewed them.
pub fn after_in_child() {
    // SAFETY: the caller is the thread that forked, the only one of the child, and it was attached at the fork.
    unsafe { ffi::PyOS_AfterFork_Child() }
}
