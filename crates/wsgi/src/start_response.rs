//! `start_response` and the `write` callable that it returns (PEP 3333, "The start_response() Callable").

use std::sync::{Mutex, MutexGuard};

use pyo3::exceptions::{PyAssertionError, PyRuntimeError, PyTypeError};
use pyo3::types::{PyAnyMethods, PyBytes, PyTuple, PyTupleMethods};
use pyo3::{Bound, Py, PyAny, PyErr, PyResult, Python, intern, pyclass, pymethods};

use crate::body::Output;
use crate::ffi::count::references;
use crate::head;

/// The object behind both callables; it holds the answer while the application runs.
#[pyclass(frozen, module = "rwsgi", name = "Response")]
pub(crate) struct Response {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    output: Option<Output>,
    /// The `write` method, made once for all requests that this object serves.
    write: Option<Py<PyAny>>,
}

impl Response {
    /// Never blocks: the lock is only ever held for a few instructions, unless the application uses one answer from
    /// two threads, and waiting for the other one with the GIL in hand would be a deadlock.
    fn state(&self) -> PyResult<MutexGuard<'_, State>> {
        self.state.try_lock().map_err(|_| PyRuntimeError::new_err("the response is in use by another thread"))
    }

    /// Lends the answer to `work`, with the lock released meanwhile.
    pub(crate) fn with_output<T>(&self, work: impl FnOnce(&mut Output) -> T) -> PyResult<T> {
        let mut output = self.take_output()?;
        let result = work(&mut output);
        self.state()?.output = Some(output);
        Ok(result)
    }

    pub(crate) fn take_output(&self) -> PyResult<Output> {
        self.state()?.output.take().ok_or_else(|| {
            PyRuntimeError::new_err("the request is over, or its response is in use by another thread")
        })
    }
}

#[pymethods]
impl Response {
    /// Sets status and headers; they go out with the first bytes of the body.
    #[pyo3(signature = (status, response_headers, exc_info=None, /))]
    fn start_response<'py>(
        this: &Bound<'py, Self>,
        status: &Bound<'py, PyAny>,
        response_headers: &Bound<'py, PyAny>,
        exc_info: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = this.py();
        let response = this.get();
        let (started, sent) = response.with_output(|output| (output.started(), output.sent()))?;
        match exc_info.filter(|info| !info.is_none()) {
            Some(info) if sent => return Err(raised(info)?),
            None if started => {
                return Err(PyAssertionError::new_err("start_response was called twice without exc_info"));
            }
            _ => {}
        }
        let head = head::read(status, response_headers)?;
        response.with_output(|output| output.start(head))?;
        if let Some(write) = &response.state()?.write {
            return Ok(write.bind(py).clone());
        }
        this.getattr(intern!(py, "write"))
    }

    /// Sends bytes at once; the head goes first.
    #[pyo3(signature = (data, /))]
    fn write(&self, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let data = data.cast::<PyBytes>().map_err(|_| PyTypeError::new_err("write() takes bytes"))?;
        self.with_output(|output| output.send(data))
    }
}

/// The exception of an `exc_info` tuple, to be raised again.
fn raised(info: &Bound<'_, PyAny>) -> PyResult<PyErr> {
    let info = info.cast::<PyTuple>().map_err(|_| PyTypeError::new_err("exc_info must be a tuple"))?;
    let error = PyErr::from_value(info.get_item(1)?);
    if let Ok(traceback) = info.get_item(2)?.cast_into() {
        error.set_traceback(info.py(), Some(traceback));
    }
    Ok(error)
}

/// A [`Response`] with its `start_response` method, used for one request after the other.
pub(crate) struct Callable {
    response: Py<Response>,
    method: Py<PyAny>,
}

impl Callable {
    pub(crate) fn new(py: Python<'_>) -> PyResult<Self> {
        let response = Bound::new(py, Response { state: Mutex::default() })?;
        let write = response.getattr(intern!(py, "write"))?.unbind();
        response.get().state()?.write = Some(write);
        let method = response.getattr(intern!(py, "start_response"))?.unbind();
        Ok(Self { response: response.unbind(), method })
    }

    pub(crate) fn load(&self, output: Output) -> PyResult<()> {
        self.response.get().state()?.output = Some(output);
        Ok(())
    }

    pub(crate) fn response(&self) -> &Response {
        self.response.get()
    }

    pub(crate) fn method<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        self.method.bind(py)
    }

    /// Whether nobody else holds one of the callables, so that they can serve the next request.
    pub(crate) fn is_free(&self, py: Python<'_>) -> bool {
        // References to the object: ours, and one from each of the two methods.
        let methods = references(self.method.bind(py)) == 1;
        let state = self.response.get().state.try_lock();
        let write =
            state.is_ok_and(|state| state.write.as_ref().is_none_or(|write| references(write.bind(py)) == 1));
        methods && write && references(self.response.bind(py).as_any()) == 3
    }
}

impl Drop for Callable {
    /// Breaks the cycle between the object and its `write` method.
    fn drop(&mut self) {
        if let Ok(mut state) = self.response.get().state.try_lock() {
            state.write = None;
        }
    }
}
