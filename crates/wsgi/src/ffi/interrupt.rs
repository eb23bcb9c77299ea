//! An exception that one thread raises in another.

use std::ffi::c_long;

use pyo3::types::PyType;
use pyo3::{Bound, Python, ffi};

/// The calling thread, as `threading.get_ident` numbers it.
pub(crate) fn current_thread() -> c_long {
    // SAFETY: the call needs neither the GIL nor an interpreter. The number fits: CPython passes it through this type itself.
    unsafe { ffi::PyThread_get_thread_ident() as c_long }
}

/// Lets `exception` be raised in `thread` as soon as it runs Python code; whether there is such a thread.
pub(crate) fn raise_in(thread: c_long, exception: &Bound<'_, PyType>) -> bool {
    // SAFETY: a `Bound` proves that the calling thread is attached; CPython takes a reference of its own to the class.
    unsafe { ffi::PyThreadState_SetAsyncExc(thread, exception.as_ptr()) == 1 }
}

/// Forgets an exception that was to be raised in `thread` and has not been.
pub(crate) fn forget(_: Python<'_>, thread: c_long) {
    // SAFETY: the token proves that the calling thread is attached; null takes back what is pending.
    unsafe { ffi::PyThreadState_SetAsyncExc(thread, std::ptr::null_mut()) };
}
