//! Latin-1 text, the only encoding that PEP 3333 knows ("native strings").

use pyo3::types::string::PyStringData;
use pyo3::types::{PyString, PyStringMethods};
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

/// The code points of `text` as bytes; `None` when one of them is beyond Latin-1.
///
/// # Errors
/// Out of memory.
pub(crate) fn latin1_bytes<'a>(text: &'a Bound<'_, PyString>) -> PyResult<Option<&'a [u8]>> {
    // SAFETY: the layout of a `str` is that of CPython on the little-endian 64-bit platforms that this server is for, and is
    // tested there. What it points to lives as long as the `str`, which never changes.
    let data = unsafe { text.data()? };
    // CPython keeps a `str` in the narrowest form that holds all of it.
    Ok(if let PyStringData::Ucs1(bytes) = data { Some(bytes) } else { None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_latin_1_has_bytes() {
        Python::initialize();
        Python::attach(|py| {
            let bytes = |expression: &std::ffi::CStr| {
                let text = py.eval(expression, None, None).unwrap().cast_into::<PyString>().unwrap();
                latin1_bytes(&text).unwrap().map(<[u8]>::to_vec)
            };
            assert_eq!(bytes(cr"''").as_deref(), Some(&b""[..]));
            assert_eq!(bytes(cr"'a\0b'").as_deref(), Some(&b"a\0b"[..]));
            assert_eq!(bytes(cr"'caf\xe9\xff'").as_deref(), Some(&b"caf\xe9\xff"[..]));
            assert_eq!(bytes(cr"type('S', (str,), {})('\xe9')").as_deref(), Some(&b"\xe9"[..]));
            // A part of a wider text, and one that was joined of several.
            assert_eq!(bytes(cr"'\u20ac\xe9'[1:]").as_deref(), Some(&b"\xe9"[..]));
            assert_eq!(bytes(cr"''.join(['a', '\xe9'])").as_deref(), Some(&b"a\xe9"[..]));
            assert_eq!(
                (bytes(cr"'\u0100'"), bytes(cr"'a\U0001f600'"), bytes(cr"'\ud800'")),
                (None, None, None)
            );
        });
    }
}
