//! What is set up in Python's own process state before the application is imported.

use std::path::PathBuf;

use pyo3::types::{PyAnyMethods, PyList, PyListMethods, PyModule};
use pyo3::{PyResult, Python};

use crate::Error;

/// Puts `paths` in front of `sys.path`, the first of them foremost; one that is there already moves.
///
/// # Errors
/// The Python exception, should `sys.path` be no list.
pub fn prepend_paths(paths: &[PathBuf]) -> Result<(), Error> {
    Python::attach(|py| -> PyResult<()> {
        let module = PyModule::import(py, "sys")?;
        let list = module.getattr("path")?.cast_into::<PyList>()?;
        // As `str`: the import system passes over `pathlib` objects in `sys.path`.
        for path in paths.iter().rev().map(|path| path.as_os_str()) {
            if let Ok(index) = list.index(path) {
                list.del_item(index)?;
            }
            list.insert(0, path)?;
        }
        Ok(())
    })
    .map_err(|error| Error::python("extend sys.path", &error))
}

/// Sets variables in `os.environ`, and so in the environment of the process.
///
/// # Errors
/// The Python exception, for instance for a name that the system refuses.
pub fn set_environment(variables: &[(String, String)]) -> Result<(), Error> {
    Python::attach(|py| -> PyResult<()> {
        let environ = PyModule::import(py, "os")?.getattr("environ")?;
        variables.iter().try_for_each(|(name, value)| environ.set_item(name, value))
    })
    .map_err(|error| Error::python("set the environment", &error))
}

/// Whether the application's environment has the package setproctitle.
#[must_use]
pub fn has_setproctitle() -> bool {
    let find = |py: Python<'_>| -> PyResult<bool> {
        let found = PyModule::import(py, "importlib.util")?.call_method1("find_spec", (SETPROCTITLE,))?;
        Ok(!found.is_none())
    };
    Python::attach(find).unwrap_or(false)
}

/// Has the package setproctitle look for the command line now.
pub fn begin_setproctitle() {
    let begin = |py: Python<'_>| PyModule::import(py, SETPROCTITLE)?.call_method0("getproctitle").map(drop);
    // Whoever uses it is told what is wrong with it.
    let _ = Python::attach(begin);
}

const SETPROCTITLE: &str = "setproctitle";

/// Takes variables out of `os.environ`, and so out of the environment of the process.
///
/// # Errors
/// The Python exception, should `os.environ` be no mapping.
pub fn unset_environment(names: impl IntoIterator<Item = &'static str>) -> Result<(), Error> {
    Python::attach(|py| -> PyResult<()> {
        let environ = PyModule::import(py, "os")?.getattr("environ")?;
        names.into_iter().try_for_each(|name| environ.call_method1("pop", (name, py.None())).map(drop))
    })
    .map_err(|error| Error::python("clean the environment", &error))
}

/// Ends a process that the application has forked: what Python holds to be written is written, nothing else is done.
///
/// # Errors
/// The Python exception; without one it does not return.
pub fn end_descendant(code: i32) -> Result<(), Error> {
    Python::attach(|py| leave(py, code)).map_err(|error| Error::python("leave a forked child", &error))
}

pub(crate) fn leave(py: Python<'_>, code: i32) -> PyResult<()> {
    let sys = PyModule::import(py, "sys")?;
    for stream in ["stdout", "stderr"] {
        // A stream that cannot be flushed must not keep the child alive.
        let _ = sys.getattr(stream).and_then(|stream| stream.call_method0("flush"));
    }
    PyModule::import(py, "os")?.call_method1("_exit", (code,)).map(drop)
}
