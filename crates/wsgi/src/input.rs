//! `wsgi.input`: a body that has arrived completely, read as a file.

use std::io::{self, BufRead};

use pyo3::types::{PyAnyMethods, PyBytes, PyList, PyListMethods};
use pyo3::{Bound, Py, PyRefMut, PyResult, Python, pyclass, pymethods};

use crate::Body;

/// The input stream of PEP 3333. Without a body it is a shared, always empty file.
#[pyclass(module = "rwsgi", name = "InputStream")]
pub(crate) struct InputStream {
    body: Option<Body>,
    left: u64,
}

impl InputStream {
    pub(crate) fn empty() -> Self {
        Self { body: None, left: 0 }
    }

    pub(crate) fn new(body: Body) -> Self {
        Self { left: body.length, body: Some(body) }
    }

    /// Up to `limit` bytes; fewer only at the end of the body.
    fn take<'py>(&mut self, py: Python<'py>, limit: Option<usize>) -> PyResult<Bound<'py, PyBytes>> {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let wanted = limit.map_or(left, |limit| limit.min(left));
        let Some(body) = self.body.as_mut().filter(|_| wanted > 0) else {
            return Ok(PyBytes::new(py, b""));
        };
        self.left -= wanted as u64;
        PyBytes::new_with(py, wanted, |buffer| {
            if body.on_disk {
                py.detach(|| body.reader.read_exact(buffer))?;
            } else {
                body.reader.read_exact(buffer)?;
            }
            Ok(())
        })
    }

    /// One line with its newline, at most `limit` bytes of it.
    fn line<'py>(&mut self, py: Python<'py>, limit: Option<usize>) -> PyResult<Bound<'py, PyBytes>> {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let limit = limit.map_or(left, |limit| limit.min(left));
        let Some(body) = self.body.as_mut().filter(|_| limit > 0) else {
            return Ok(PyBytes::new(py, b""));
        };
        let line = if body.on_disk {
            py.detach(|| read_line(&mut *body.reader, limit))?
        } else {
            read_line(&mut *body.reader, limit)?
        };
        self.left -= line.len() as u64;
        Ok(PyBytes::new(py, &line))
    }
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
            total += line.len()?;
            lines.append(line)?;
        }
        Ok(lines.unbind())
    }

    fn __iter__(this: PyRefMut<'_, Self>) -> PyRefMut<'_, Self> {
        this
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.line(py, None).map(Some)
    }
}
