//! Whether a dict has been changed.

use pyo3::Bound;
use pyo3::types::PyDict;

/// A number that no dict has twice: any change gives it another one. `None` from CPython 3.14 on, which counts no more.
#[cfg(not(Py_3_14))]
pub(crate) fn version(dict: &Bound<'_, PyDict>) -> Option<u64> {
    // SAFETY: a `Bound<PyDict>` points to a live `PyDictObject` and proves that the thread is attached. The field is deprecated,
    // and kept up to date by all versions that have it (PEP 509, PEP 699).
    #[allow(deprecated)]
    Some(unsafe { (*dict.as_ptr().cast::<pyo3::ffi::PyDictObject>()).ma_version_tag })
}

#[cfg(Py_3_14)]
pub(crate) fn version(_: &Bound<'_, PyDict>) -> Option<u64> {
    None
}
