//! `bytes` objects that are filled in place. pyo3 writes zeroes first, which for a large body costs half as much as filling it.

use std::mem::MaybeUninit;
use std::{io, ptr, slice};

use pyo3::types::PyBytes;
use pyo3::{Bound, PyAny, PyErr, PyResult, Python, ffi};

/// The memory of an object that nobody else knows yet.
pub(crate) struct Room<'a> {
    memory: &'a mut [MaybeUninit<u8>],
    filled: usize,
}

impl Room<'_> {
    /// How many bytes there is room for.
    pub(crate) fn left(&self) -> usize {
        self.memory.len() - self.filled
    }

    /// Takes as many of the bytes as there is room for, and says how many.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.left());
        self.memory[self.filled..self.filled + count].write_copy_of_slice(&bytes[..count]);
        self.filled += count;
        count
    }
}

/// An object of `length` bytes, all of which `fill` must put.
///
/// # Errors
/// Out of memory; what `fill` says; `UnexpectedEof` when it has put fewer.
pub(crate) fn filled<'py>(
    py: Python<'py>,
    length: usize,
    fill: impl FnOnce(&mut Room<'_>) -> PyResult<()>,
) -> PyResult<Bound<'py, PyBytes>> {
    let size = ffi::Py_ssize_t::try_from(length)?;
    // SAFETY: without bytes to copy, this gives a new object whose bytes are to be written by whoever made it, or null with an
    // exception set. Its memory has `length` bytes and is reached only here as long as nobody else has the object, which is
    // dropped if they are not all written.
    let (object, memory) = unsafe {
        let object = ffi::PyBytes_FromStringAndSize(ptr::null(), size);
        if object.is_null() {
            return Err(PyErr::fetch(py));
        }
        let object = Bound::<PyAny>::from_owned_ptr(py, object);
        let memory = ffi::PyBytes_AsString(object.as_ptr()).cast();
        (object, slice::from_raw_parts_mut(memory, length))
    };
    let mut room = Room { memory, filled: 0 };
    fill(&mut room)?;
    if room.left() > 0 {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(object.cast_into::<PyBytes>()?)
}

#[cfg(test)]
mod tests {
    use pyo3::exceptions::{PyOSError, PyValueError};
    use pyo3::types::PyBytesMethods;

    use super::*;

    #[test]
    fn an_object_is_given_only_when_all_of_it_was_put() {
        Python::initialize();
        Python::attach(|py| {
            let whole = filled(py, 5, |room| {
                assert_eq!((room.put(b"ab"), room.left(), room.put(b"cdef"), room.put(b"g")), (2, 3, 3, 0));
                Ok(())
            });
            assert_eq!(whole.unwrap().as_bytes(), b"abcde");
            let put = |bytes: &'static [u8]| {
                move |room: &mut Room<'_>| {
                    room.put(bytes);
                    Ok(())
                }
            };
            let half = filled(py, 5, put(b"ab"));
            assert!(half.unwrap_err().is_instance_of::<PyOSError>(py));
            let failed = filled(py, 5, |_| Err(PyValueError::new_err("no")));
            assert!(failed.unwrap_err().is_instance_of::<PyValueError>(py));
            assert_eq!(filled(py, 0, |_| Ok(())).unwrap().as_bytes(), b"");
            // CPython has each object of one byte only once: none of them may be written.
            assert_eq!(filled(py, 1, put(b"x")).unwrap().as_bytes(), b"x");
        });
    }
}
