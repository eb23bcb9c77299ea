//! `wsgi.errors`: text from the application, straight into the error log.

use pyo3::types::{PyAnyMethods, PyString, PyStringMethods};
use pyo3::{Bound, PyAny, PyResult, pyclass, pymethods};

/// The error stream of PEP 3333: `write`, `writelines` and `flush`.
#[pyclass(frozen, module = "rwsgi", name = "ErrorStream")]
pub(crate) struct ErrorStream {
    sink: fn(&[u8]),
}

impl ErrorStream {
    pub(crate) fn new(sink: fn(&[u8])) -> Self {
        Self { sink }
    }
}

#[pymethods]
impl ErrorStream {
    /// Writes text; it is in the log when the call returns.
    fn write(&self, text: &Bound<'_, PyString>) -> PyResult<usize> {
        // A lone surrogate, as in a file name that is not UTF-8, must not keep the rest out of the log.
        (self.sink)(text.to_string_lossy().as_bytes());
        text.len()
    }

    /// Writes each of the strings.
    fn writelines(&self, lines: &Bound<'_, PyAny>) -> PyResult<()> {
        for line in lines.try_iter()? {
            self.write(line?.cast()?)?;
        }
        Ok(())
    }

    /// Nothing is held back, so there is nothing to flush.
    #[expect(clippy::unused_self, reason = "a method of the file protocol")]
    fn flush(&self) {}
}
