//! A settings file in Python (`gunicorn.conf.py`): executed as Gunicorn does it, its values told as JSON.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use pyo3::types::{PyAnyMethods, PyBytes, PyDict, PyModule, PyModuleMethods};
use pyo3::{Bound, Py, PyErr, PyResult, Python};

use crate::Error;
use crate::embedded::SETTINGS_FILE;
use crate::error::traceback;

/// Which file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingsSource {
    /// A file, whatever it is called; `file:PATH` and plain `PATH` of `--config`.
    Path(PathBuf),
    /// A module that is imported; `python:MODULE` of `--config`.
    Module(String),
}

/// Why a settings file could not be executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {message}", path.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct FileError {
    /// The file; `python:MODULE` for a module whose file is not known.
    pub path: PathBuf,
    /// The line of the innermost frame in that file, or that of a syntax error.
    pub line: Option<u32>,
    /// Type and text of the exception, as `ValueError: not a number`.
    pub message: String,
    /// As Python prints it, from the file on; none where line and message say all.
    pub traceback: Option<String>,
}

/// A settings file that has been executed.
#[derive(Debug)]
pub struct SettingsFile {
    module: Py<PyModule>,
    source: Py<PyBytes>,
}

impl SettingsFile {
    /// Executes the file on the calling thread, which is attached to Python. `sys.path` and the directory are those of the
    /// process.
    ///
    /// # Errors
    /// What it raised, `SystemExit` too.
    pub fn execute(source: &SettingsSource) -> Result<Self, FileError> {
        Python::attach(|py| {
            let (function, argument) = match source {
                SettingsSource::Path(path) => ("execute", path.as_os_str()),
                SettingsSource::Module(name) => ("load", OsStr::new(name)),
            };
            let executed = || -> PyResult<(Py<PyModule>, Py<PyBytes>)> {
                SETTINGS_FILE.module(py)?.call_method1(function, (argument,))?.extract()
            };
            executed()
                .map(|(module, source)| Self { module, source })
                .map_err(|error| FileError::of(py, &error, Path::new(argument)))
        })
    }

    /// The names that the file defines, in its order, with line and value:
    /// `{"path": "/srv/gunicorn.conf.py", "values": [{"name": "workers", "line": 3, "value": 4}]}`.
    ///
    /// A value is null, a boolean, a number, a string, an array (list, tuple, set), or an object of one key: `map` (pairs of a
    /// dict), `function` (`name`, and `parameters`: how many positional ones, null for any number), `class`, `module`, `bytes`
    /// (as Latin-1), `other` (the type). The line is that of the last assignment, null when it cannot be told.
    ///
    /// # Errors
    /// The Python exception, should an object of the file's raise when it is looked at.
    pub fn values_json(&self) -> Result<String, Error> {
        Python::attach(|py| {
            let described =
                SETTINGS_FILE.module(py)?.call_method1("describe", (&self.module, &self.source))?;
            described.extract()
        })
        .map_err(|error| Error::python("describe the settings file", &error))
    }

    pub(crate) fn namespace<'py>(&self, py: Python<'py>) -> Bound<'py, PyDict> {
        self.module.bind(py).dict()
    }
}

impl FileError {
    /// What `settings_file.py` says, or a failure of its own.
    fn of(py: Python<'_>, error: &PyErr, path: &Path) -> Self {
        type Told = (PathBuf, Option<u32>, String, Option<String>);
        let told = error.value(py).getattr("args").and_then(|told| told.extract::<Told>());
        match told {
            Ok((path, line, message, traceback)) => Self { path, line, message, traceback },
            Err(_) => Self {
                path: path.to_owned(),
                line: None,
                message: error.to_string(),
                traceback: Some(traceback(py, error)),
            },
        }
    }
}
