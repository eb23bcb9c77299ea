//! `wsgi.input`: the body of a request, read as a file.

use std::io::{self, BufRead, Read};

use pyo3::exceptions::{PyConnectionResetError, PyOSError};
use pyo3::types::{PyAnyMethods, PyBytes, PyList, PyListMethods};
use pyo3::{Bound, Py, PyErr, PyRefMut, PyResult, Python, create_exception, pyclass, pymethods};

use crate::Body;
use crate::ffi::bytes::{self, Room};
use crate::ffi::gil::detached;

/// Up to this many bytes are read straight into the object that Python gets. Memory for more is taken as they come: a
/// client that has only promised a large body must not cost as much.
const AT_ONCE: usize = 1024 * 1024;

/// The input stream of PEP 3333. Without a body it is a shared, always empty file.
#[pyclass(module = "rwsgi", name = "InputStream")]
pub(crate) struct InputStream {
    body: Option<Body>,
    /// How many bytes there are at most; what is known from the beginning when the body has a length.
    left: u64,
    /// The request is over.
    closed: bool,
}

impl InputStream {
    pub(crate) fn empty() -> Self {
        Self { body: None, left: 0, closed: false }
    }

    pub(crate) fn new(body: Body) -> Self {
        Self { left: body.length.unwrap_or(u64::MAX), body: Some(body), closed: false }
    }

    /// Lets go of the body: the environ may live on in a reference cycle, until the garbage collector comes by, and memory and
    /// disk with it.
    pub(crate) fn close(&mut self) {
        self.body = None;
        self.closed = true;
    }

    /// The body, if `wanted` bytes are any.
    fn readable(&mut self, wanted: usize) -> PyResult<Option<&mut Body>> {
        if self.closed {
            return Err(PyOSError::new_err("the request is over, its body cannot be read"));
        }
        Ok(self.body.as_mut().filter(|_| wanted > 0))
    }

    /// Up to `limit` bytes; fewer only at the end of the body.
    fn take<'py>(&mut self, py: Python<'py>, limit: Option<usize>) -> PyResult<Bound<'py, PyBytes>> {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let wanted = limit.map_or(left, |limit| limit.min(left));
        let Some(body) = self.readable(wanted)? else { return Ok(PyBytes::new(py, b"")) };
        if body.length.is_none() || (body.may_wait && wanted > AT_ONCE) {
            let bytes = detached(|| read_up_to(&mut *body.reader, wanted)).map_err(failed)?;
            self.left = if bytes.len() < wanted { 0 } else { self.left - wanted as u64 };
            return Ok(PyBytes::new(py, &bytes));
        }
        let bytes = bytes::filled(py, wanted, |room| {
            if body.may_wait {
                detached(|| fill(&mut *body.reader, room)).map_err(failed)
            } else {
                fill(&mut *body.reader, room).map_err(failed)
            }
        })?;
        self.left -= wanted as u64;
        Ok(bytes)
    }

    /// One line with its newline, at most `limit` bytes of it.
    fn line<'py>(&mut self, py: Python<'py>, limit: Option<usize>) -> PyResult<Bound<'py, PyBytes>> {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let limit = limit.map_or(left, |limit| limit.min(left));
        let Some(body) = self.readable(limit)? else { return Ok(PyBytes::new(py, b"")) };
        let line = if body.may_wait {
            detached(|| read_line(&mut *body.reader, limit))
        } else {
            read_line(&mut *body.reader, limit)
        }
        .map_err(failed)?;
        let is_last = line.len() < limit && line.last() != Some(&b'\n');
        self.left = if is_last { 0 } else { self.left - line.len() as u64 };
        Ok(PyBytes::new(py, &line))
    }
}

// Escaping from the application it says nothing about the application, and is logged so.
create_exception!(
    rwsgi,
    BrokenBody,
    PyConnectionResetError,
    "The body of the request breaks off: its client has gone, or what it sent was refused."
);

fn failed(error: io::Error) -> PyErr {
    if error.kind() == io::ErrorKind::ConnectionReset {
        return BrokenBody::new_err(error.to_string());
    }
    error.into()
}

/// Reads until there is no room any more, or the body has come to its end.
fn fill(reader: &mut dyn BufRead, room: &mut Room<'_>) -> io::Result<()> {
    while room.left() > 0 {
        match reader.fill_buf() {
            Ok([]) => break,
            Ok(available) => {
                let taken = room.put(available);
                reader.consume(taken);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads to the end or to `limit`, whichever comes first.
fn read_up_to(reader: &mut (dyn BufRead + Send + Sync), limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(limit as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads to the newline or to `limit`, whichever comes first.
fn read_line(reader: &mut (dyn BufRead + Send + Sync), limit: usize) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    while line.len() < limit {
        let available = reader.fill_buf()?;
        let window = &available[..available.len().min(limit - line.len())];
        let end = memchr::memchr(b'\n', window);
        let taken = end.map_or(window.len(), |index| index + 1);
        line.extend_from_slice(&window[..taken]);
        reader.consume(taken);
        if end.is_some() || taken == 0 {
            break;
        }
    }
    Ok(line)
}

/// A size argument: `None` and negative numbers mean "no limit", as with Python's files.
fn limit(size: Option<isize>) -> Option<usize> {
    size.and_then(|size| usize::try_from(size).ok())
}

#[pymethods]
impl InputStream {
    #[pyo3(signature = (size=None, /))]
    fn read<'py>(&mut self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        self.take(py, limit(size))
    }

    #[pyo3(signature = (size=None, /))]
    fn readline<'py>(&mut self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        self.line(py, limit(size))
    }

    #[pyo3(signature = (hint=None, /))]
    fn readlines(&mut self, py: Python<'_>, hint: Option<isize>) -> PyResult<Py<PyList>> {
        let lines = PyList::empty(py);
        let hint = limit(hint).filter(|hint| *hint > 0);
        let mut total = 0;
        while self.left > 0 && hint.is_none_or(|hint| total < hint) {
            let line = self.line(py, None)?;
            // A body without a length may turn out to be at its end.
            if line.is_empty()? {
                break;
            }
            total += line.len()?;
            lines.append(line)?;
        }
        Ok(lines.unbind())
    }

    fn __iter__(this: PyRefMut<'_, Self>) -> PyRefMut<'_, Self> {
        this
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let line = self.line(py, None)?;
        Ok(if line.is_empty()? { None } else { Some(line) })
    }
}
