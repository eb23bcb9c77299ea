//! What can go wrong here, by the action that failed.

use std::path::PathBuf;

use pyo3::types::{PyAnyMethods, PyModule};
use pyo3::{PyErr, PyResult, Python};

/// An action of this crate that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// CPython could not be started.
    #[error("cannot start Python for `{}`: {message}", executable.display())]
    Boot {
        /// The executable whose environment was to be used.
        executable: PathBuf,
        /// CPython's own words.
        message: String,
    },
    /// Python code of ours or of the standard library failed.
    #[error("cannot {action}: {message}")]
    Python {
        /// What was being done.
        action: &'static str,
        /// The exception, with its traceback.
        message: String,
    },
    /// The pipe through which stacks are read could not be made.
    #[error("cannot make the pipe for stack dumps")]
    Pipe(#[source] std::io::Error),
}

/// Why the application could not be loaded.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot load the application `{spec}`: {reason}")]
pub struct LoadError {
    /// The application as it was given.
    pub spec: String,
    /// One sentence.
    pub reason: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The Python traceback, when Python code raised.
    pub traceback: Option<String>,
}

impl Error {
    pub(crate) fn python(action: &'static str, error: &PyErr) -> Self {
        Self::Python { action, message: Python::attach(|py| traceback(py, error)) }
    }
}

/// The exception as Python would print it, without the newline at the end.
pub(crate) fn traceback(py: Python<'_>, error: &PyErr) -> String {
    let lines = || -> PyResult<String> {
        let formatted = PyModule::import(py, "traceback")?
            .call_method1("format_exception", (error.get_type(py), error.value(py), error.traceback(py)))?;
        formatted.try_iter()?.map(|line| line?.extract::<String>()).collect()
    };
    // An exception whose own __str__ raises must not hide the first one.
    lines().map_or_else(|_| error.to_string(), |text| text.trim_end().to_owned())
}
