//! A Python process that is about to be forked again and again: what must not be shared is closed, the rest is kept as it is.

use pyo3::types::{PyAnyMethods, PyModule};
use pyo3::{PyResult, Python};

use crate::Error;
use crate::error::traceback;

/// A thread that `threading` knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownThread {
    /// Its name.
    pub name: String,
    /// Its number in the kernel, where Python knows it.
    pub id: Option<u32>,
}

/// Closes Django's database connections, so that no two processes use one, and has the garbage collector forget what lives:
/// it would write to the memory of all these objects, which the forked processes share until then.
///
/// # Errors
/// The Python exception, should `gc` refuse. One of Django's is told in the log: a connection that cannot be closed
/// is no reason not to serve.
pub fn settle() -> Result<(), Error> {
    Python::attach(|py| -> PyResult<()> {
        if let Err(error) = close_connections(py) {
            tracing::warn!("cannot close Django's database connections\n{}", traceback(py, &error));
        }
        let gc = PyModule::import(py, "gc")?;
        gc.call_method0("collect")?;
        gc.call_method0("freeze").map(drop)
    })
    .map_err(|error| Error::python("settle Python's memory", &error))
}

fn close_connections(py: Python<'_>) -> PyResult<()> {
    let modules = PyModule::import(py, "sys")?.getattr("modules")?;
    if !modules.contains("django.db")? {
        return Ok(());
    }
    modules.get_item("django.db")?.getattr("connections")?.call_method0("close_all").map(drop)
}

/// The threads of `threading.enumerate()` but for the main one.
///
/// # Errors
/// The Python exception, for one that the application has put into the list.
pub fn python_threads() -> Result<Vec<KnownThread>, Error> {
    Python::attach(|py| -> PyResult<Vec<KnownThread>> {
        let threading = PyModule::import(py, "threading")?;
        let main = threading.call_method0("main_thread")?;
        let mut known = Vec::new();
        for thread in threading.call_method0("enumerate")?.try_iter()? {
            let thread = thread?;
            if !thread.is(&main) {
                let id = thread.getattr("native_id")?.extract()?;
                known.push(KnownThread { name: thread.getattr("name")?.extract()?, id });
            }
        }
        Ok(known)
    })
    .map_err(|error| Error::python("list the threads", &error))
}
