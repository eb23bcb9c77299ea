//! Whether somebody else still holds an object that is to be used again.

use pyo3::{Bound, PyAny, ffi};

/// The number of references to `object`.
pub(crate) fn references(object: &Bound<'_, PyAny>) -> isize {
    // SAFETY: a `Bound` points to a live object and proves that the thread is attached.
    unsafe { ffi::Py_REFCNT(object.as_ptr()) }
}
