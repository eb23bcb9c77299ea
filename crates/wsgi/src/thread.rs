//! Threads that call the application, known to Python as `threading` knows its own.

use std::sync::Mutex;

use pyo3::types::{PyAnyMethods, PyCFunction, PyDict, PyModule};
use pyo3::{PyResult, Python};

use crate::{Error, run_python};

/// Starts a Python thread called `name` that runs `work` and keeps the GIL as [`run_python`] does.
///
/// Through `threading.Thread`, so that `threading.enumerate()` and debuggers show it by its name, and as a daemon: a
/// request that never ends must not keep the worker from exiting.
///
/// # Errors
/// The Python exception, when no thread can be started.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    let work = Mutex::new(Some(work));
    Python::attach(|py| -> PyResult<()> {
        let target = PyCFunction::new_closure(py, None, None, move |_, _| {
            let work = work.lock().ok().and_then(|mut slot| slot.take());
            if let Some(work) = work {
                run_python(work);
            }
        })?;
        let arguments = PyDict::new(py);
        arguments.set_item("target", target)?;
        arguments.set_item("name", name)?;
        arguments.set_item("daemon", true)?;
        PyModule::import(py, "threading")?
            .getattr("Thread")?
            .call((), Some(&arguments))?
            .call_method0("start")?;
        Ok(())
    })
    .map_err(|error| Error::python("start a Python thread", &error))
}
