//! `rwsgi.RequestTimeout`: what is raised in a request that is over its time, and how it gets there.

use std::ffi::c_long;
use std::path::Path;
use std::time::Duration;

use pyo3::exceptions::PyBaseException;
use pyo3::types::{PyAnyMethods, PyModule, PyModuleMethods, PyTuple, PyTupleMethods};
use pyo3::{Bound, PyAny, PyResult, Python, pyclass, pymethods};

use crate::Error;
use crate::ffi::interrupt;

/// The name under which an application imports the exception.
const MODULE: &str = "rwsgi";

/// Raised in a request that has run for longer than `--timeout`. Its client has been answered with 504 already.
///
/// Not an `Exception`: an application that catches those, as most frameworks do, must not take it for a failure that it can
/// answer. What it leaves by `finally` and `with` is done. `limit` is the timeout in seconds, `None` for no limit.
#[pyclass(frozen, subclass, extends = PyBaseException, module = "rwsgi", name = "RequestTimeout")]
#[derive(Debug)]
pub struct RequestTimeout;

#[pymethods]
impl RequestTimeout {
    /// Any arguments, as every exception takes them; `BaseException` itself keeps them.
    #[new]
    #[pyo3(signature = (*_arguments))]
    fn new(_arguments: &Bound<'_, PyTuple>) -> Self {
        Self
    }

    #[classattr]
    fn limit() -> Option<f64> {
        None
    }

    /// Says the limit; the server raises the exception without arguments.
    fn __str__(this: &Bound<'_, Self>) -> PyResult<String> {
        let arguments = this.getattr("args")?.cast_into::<PyTuple>()?;
        if !arguments.is_empty() {
            let text = this.py().get_type::<PyBaseException>().call_method1("__str__", (this,))?;
            return text.extract();
        }
        let limit: Option<f64> = this.get_type().getattr("limit")?.extract()?;
        Ok(limit.map_or_else(
            || "the request is over its time".to_owned(),
            |limit| format!("the request has run for longer than `--timeout` {limit} s"),
        ))
    }
}

/// Makes `from rwsgi import RequestTimeout` work where the server is not itself a Python package. A module called `rwsgi`
/// of the application's own stays what it is; the wheel's, when it is installed but not the host, would be another
/// copy of this class, which nobody raises.
///
/// # Errors
/// The Python exception, should the import system be broken.
pub fn publish_request_timeout() -> Result<(), Error> {
    Python::attach(|py| -> PyResult<()> {
        let modules = PyModule::import(py, "sys")?.getattr("modules")?;
        if modules.contains(MODULE)? {
            return Ok(());
        }
        let found = PyModule::import(py, "importlib.util")?.call_method1("find_spec", (MODULE,))?;
        if !found.is_none() && !is_wheel(&found) {
            return Ok(());
        }
        let module = PyModule::new(py, MODULE)?;
        module.add("RequestTimeout", py.get_type::<RequestTimeout>())?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        let machinery = PyModule::import(py, "importlib.machinery")?;
        module.add("__spec__", machinery.call_method1("ModuleSpec", (MODULE, py.None()))?)?;
        modules.set_item(MODULE, module)
    })
    .map_err(|error| Error::python("publish the module `rwsgi`", &error))
}

/// Whether this module specification is that of our own wheel: a package with the extension module in it.
fn is_wheel(spec: &Bound<'_, PyAny>) -> bool {
    let folders = spec.getattr("submodule_search_locations").and_then(|found| found.extract::<Vec<String>>());
    folders.unwrap_or_default().iter().any(|folder| {
        let entries = Path::new(folder).read_dir().into_iter().flatten().flatten();
        entries.into_iter().any(|entry| entry.file_name().as_encoded_bytes().starts_with(b"_rwsgi."))
    })
}

/// Prepares the main thread, which calls this, to be woken by `signal` from a system call in which it waits, so that
/// it raises what is due; `limit` is what [`RequestTimeout`] says.
///
/// The handler is a Python function on purpose: the interpreter raises pending exceptions where it runs Python code, and after an
/// interrupted `sleep` or `recv` that handler is the only code before the call goes on.
///
/// # Errors
/// The Python exception.
pub fn allow_interrupts(signal: i32, limit: Option<Duration>) -> Result<(), Error> {
    Python::attach(|py| -> PyResult<()> {
        py.get_type::<RequestTimeout>().setattr("limit", limit.map(|limit| limit.as_secs_f64()))?;
        let handler = py.eval(c"lambda number, frame: None", None, None)?;
        PyModule::import(py, "signal")?.call_method1("signal", (signal, handler)).map(drop)
    })
    .map_err(|error| Error::python("prepare for interruptions", &error))
}

/// A thread that runs Python code and can be interrupted in it.
#[derive(Clone, Copy, Debug)]
pub struct PythonThread(c_long);

impl PythonThread {
    /// The calling thread.
    #[must_use]
    pub fn current() -> Self {
        Self(interrupt::current_thread())
    }

    /// Raises [`RequestTimeout`] in this thread. Waits for the GIL, which may take until a C call ends: `is_due` is asked when
    /// it is there, and decides. `wake` is called last, before any other thread can run Python code.
    pub fn interrupt(self, is_due: impl FnOnce() -> bool, wake: impl FnOnce()) -> bool {
        Python::attach(|py| {
            let raised = is_due() && interrupt::raise_in(self.0, &py.get_type::<RequestTimeout>());
            if raised {
                wake();
            }
            raised
        })
    }

    /// Takes an interruption back that has not been noticed; this thread itself calls it.
    ///
    /// It is raised here, where it does no harm: CPython up to 3.12 looks for one that was withdrawn in every loop of every request
    /// from then on, which costs up to a fifth of their speed.
    pub fn forget_interrupt(self) {
        Python::attach(|py| {
            let is_set = interrupt::raise_in(self.0, &py.get_type::<RequestTimeout>());
            let raised = py.eval(c"None", None, None).err();
            let is_raised = raised.is_some_and(|error| error.is_instance_of::<RequestTimeout>(py));
            // What a signal handler of the application raised may have come before.
            if is_set && !is_raised {
                interrupt::forget(py, self.0);
            }
        });
    }
}
