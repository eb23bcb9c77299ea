//! Descriptors that Python's objects own.

use std::fs::File;
use std::os::fd::BorrowedFd;

use pyo3::exceptions::PyValueError;
use pyo3::types::PyAnyMethods;
use pyo3::{Bound, PyAny, PyResult};

/// A descriptor of our own for the file that `object.fileno()` names; its position is shared.
pub(crate) fn duplicate(object: &Bound<'_, PyAny>) -> PyResult<File> {
    let number: i32 = object.call_method0("fileno")?.extract()?;
    if number < 0 {
        return Err(PyValueError::new_err("not a descriptor"));
    }
    // SAFETY: the number is not -1, and it is used for one call of fcntl(2), which fails when nothing is open under it.
    // No Python code runs in between that could close it while this thread is attached.
    let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
    Ok(descriptor.try_clone_to_owned()?.into())
}
