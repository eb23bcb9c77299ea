//! `wsgi.file_wrapper`: an iterable over a file-like object (PEP 3333, "Optional Platform-Specific File Handling").

use pyo3::types::PyAnyMethods;
use pyo3::{Bound, Py, PyAny, PyRef, PyResult, Python, intern, pyclass, pymethods};

/// Wraps an object with `read(size)`, and `close()` if it has one.
#[pyclass(frozen, module = "rwsgi", name = "FileWrapper")]
pub(crate) struct FileWrapper {
    file: Py<PyAny>,
    block_size: usize,
}

#[pymethods]
impl FileWrapper {
    #[new]
    #[pyo3(signature = (filelike, blksize=8192))]
    fn new(filelike: Py<PyAny>, blksize: usize) -> Self {
        Self { file: filelike, block_size: blksize }
    }

    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let block = self.file.bind(py).call_method1(intern!(py, "read"), (self.block_size,))?;
        Ok(block.is_truthy()?.then_some(block))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        match self.file.bind(py).getattr_opt(intern!(py, "close"))? {
            Some(close) => close.call0().map(drop),
            None => Ok(()),
        }
    }
}
