//! `wsgi.errors`: text from the application, a line at a time into the error log.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::types::{PyAnyMethods, PyString, PyStringMethods};
use pyo3::{Bound, PyAny, PyResult, pyclass, pymethods};

/// How much of a line is held back, in bytes; as much as Python's own streams do.
const LONGEST: usize = 8 * 1024;

/// The error stream of PEP 3333: `write`, `writelines` and `flush`.
#[pyclass(frozen, module = "rwsgi", name = "ErrorStream")]
pub(crate) struct ErrorStream {
    sink: fn(&[u8]),
    /// The beginning of a line: `print` writes the text and its end apart, and between the two another process that
    /// has the same log may write.
    unfinished: Mutex<Vec<u8>>,
    /// Whether there is one: asked at the end of each request.
    is_unfinished: AtomicBool,
}

impl ErrorStream {
    pub(crate) fn new(sink: fn(&[u8])) -> Self {
        Self { sink, unfinished: Mutex::default(), is_unfinished: AtomicBool::new(false) }
    }

    /// Writes what has come of a line, if anything has.
    pub(crate) fn finish(&self) {
        if !self.is_unfinished.load(Ordering::Relaxed) {
            return;
        }
        let mut unfinished = self.unfinished();
        (self.sink)(&unfinished);
        unfinished.clear();
        self.is_unfinished.store(false, Ordering::Relaxed);
    }

    fn take(&self, bytes: &[u8]) {
        let mut unfinished = self.unfinished();
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
        let (lines, rest) = bytes.split_at(end);
        if !lines.is_empty() && unfinished.is_empty() {
            (self.sink)(lines);
        } else if !lines.is_empty() {
            unfinished.extend_from_slice(lines);
            (self.sink)(&unfinished);
            unfinished.clear();
        }
        unfinished.extend_from_slice(rest);
        if unfinished.len() > LONGEST {
            (self.sink)(&unfinished);
            *unfinished = Vec::new();
        }
        self.is_unfinished.store(!unfinished.is_empty(), Ordering::Relaxed);
    }

    fn unfinished(&self) -> MutexGuard<'_, Vec<u8>> {
        self.unfinished.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl ErrorStream {
    /// Writes text; the lines that it ends are in the log when the call returns.
    fn write(&self, text: &Bound<'_, PyString>) -> PyResult<usize> {
        // A lone surrogate, as in a file name that is not UTF-8, must not keep the rest out of the log.
        self.take(text.to_string_lossy().as_bytes());
        text.len()
    }

    /// Writes each of the strings.
    fn writelines(&self, lines: &Bound<'_, PyAny>) -> PyResult<()> {
        for line in lines.try_iter()? {
            self.write(line?.cast()?)?;
        }
        Ok(())
    }

    /// Writes a line that has no end yet.
    fn flush(&self) {
        self.finish();
    }
}
