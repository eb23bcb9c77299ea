//! Latin-1 text, the only encoding that PEP 3333 knows ("native strings").

use pyo3::types::PyString;
use pyo3::{Bound, PyAny, PyErr, PyResult, Python, ffi};

/// A `str` whose code points are the bytes.
pub(crate) fn latin1<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyString>> {
    // A Rust slice is never longer than isize::MAX bytes.
    let length = bytes.len() as ffi::Py_ssize_t;
    // SAFETY: the pointer is valid for `length` bytes for the time of the call, CPython copies them, and the result
    // is a new reference to a `str` or null with an exception set.
    unsafe {
        let object = ffi::PyUnicode_DecodeLatin1(bytes.as_ptr().cast(), length, std::ptr::null());
        if object.is_null() {
            return Err(PyErr::fetch(py));
        }
        Ok(Bound::<PyAny>::from_owned_ptr(py, object).cast_into_unchecked())
    }
}
