//! `start_response` and the `write` callable that it returns (PEP 3333, "The start_response() Callable").

use std::sync::{Mutex, MutexGuard};

use pyo3::exceptions::{PyAssertionError, PyRuntimeError, PyTypeError};
use pyo3::types::{PyAnyMethods, PyBytes, PyTuple, PyTupleMethods};
use pyo3::{Bound, Py, PyAny, PyErr, PyResult, Python, pyclass};

use crate::body::Output;
use crate::ffi::count::references;
use crate::ffi::method::{Arguments, Definition, Method};
use crate::head::Heads;

/// The object behind both callables; it holds the answer while the application runs.
#[pyclass(frozen, module = "rwsgi", name = "Response")]
pub(crate) struct Response {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    output: Option<Output>,
    heads: Heads,
    /// The `write` method, made once for all requests that this object serves.
    write: Option<Py<PyAny>>,
}

impl State {
    fn output(&mut self) -> PyResult<&mut Output> {
        self.output.as_mut().ok_or_else(|| PyRuntimeError::new_err("the request is over"))
    }
}

impl Response {
    /// Never blocks: if the application uses one answer from two threads, waiting for the other one with the GIL in hand would be
    /// a deadlock.
    fn state(&self) -> PyResult<MutexGuard<'_, State>> {
        self.state.try_lock().map_err(|_| PyRuntimeError::new_err("the response is in use by another thread"))
    }

    /// Lends the answer to `work`; nobody else can use it meanwhile.
    pub(crate) fn with_output<T>(&self, work: impl FnOnce(&mut Output) -> T) -> PyResult<T> {
        self.state()?.output().map(work)
    }
}

/// Sets status and headers; they go out with the first bytes of the body.
struct StartResponse;

static START_RESPONSE: Definition<StartResponse> = Definition::new(c"start_response");

impl Method for StartResponse {
    type Owner = Response;

    /// PEP 3333 wants them without names; middleware that was written with Gunicorn may name them all the same.
    const PARAMETERS: &[&str] = &["status", "headers", "exc_info"];

    fn call<'py>(
        response: &Bound<'py, Response>,
        arguments: &Arguments<'_, 'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (Some(status), Some(headers), None) = (arguments.at(0), arguments.at(1), arguments.at(3)) else {
            return Err(PyTypeError::new_err(format!(
                "start_response takes status, headers and exc_info, not {} arguments",
                arguments.len()
            )));
        };
        let state = &mut *response.get().state()?;
        let output = state.output()?;
        match arguments.at(2).filter(|info| !info.is_none()) {
            Some(info) if output.sent() => return Err(raised(&info)?),
            None if output.started() => {
                return Err(PyAssertionError::new_err("start_response was called twice without exc_info"));
            }
            _ => {}
        }
        let head = state.heads.read(&status, &headers)?;
        state.output()?.start(head);
        match &state.write {
            Some(write) => Ok(write.bind(response.py()).clone()),
            // Its request is over, and nobody can write.
            None => WRITE.bind(response),
        }
    }
}

/// Sends bytes at once; the head goes first.
struct Write;

static WRITE: Definition<Write> = Definition::new(c"write");

impl Method for Write {
    type Owner = Response;

    const PARAMETERS: &[&str] = &["data"];

    fn call<'py>(
        response: &Bound<'py, Response>,
        arguments: &Arguments<'_, 'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let data = arguments.at(0).filter(|_| arguments.len() == 1);
        let data = data.as_ref().and_then(|data| data.cast::<PyBytes>().ok());
        let data = data.ok_or_else(|| PyTypeError::new_err("write() takes bytes"))?;
        response.get().with_output(|output| output.send(&data))?;
        Ok(response.py().None().into_bound(response.py()))
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
    write: Py<PyAny>,
}

impl Callable {
    pub(crate) fn new(py: Python<'_>) -> PyResult<Self> {
        Self::with(py, Heads::default())
    }

    fn with(py: Python<'_>, heads: Heads) -> PyResult<Self> {
        let state = State { heads, ..State::default() };
        let response = Bound::new(py, Response { state: Mutex::new(state) })?;
        let write = WRITE.bind(&response)?.unbind();
        response.get().state()?.write = Some(write.clone_ref(py));
        let method = START_RESPONSE.bind(&response)?.unbind();
        Ok(Self { response: response.unbind(), method, write })
    }

    /// Another one, which knows what this one has learned.
    pub(crate) fn renewed(&self, py: Python<'_>) -> PyResult<Self> {
        let heads = self.response.get().state().map(|mut state| std::mem::take(&mut state.heads));
        Self::with(py, heads.unwrap_or_default())
    }

    pub(crate) fn load(&self, output: Output) -> PyResult<()> {
        self.response.get().state()?.output = Some(output);
        Ok(())
    }

    /// The request is over.
    pub(crate) fn unload(&self) -> PyResult<()> {
        let output = self.response.get().state()?.output.take();
        drop(output);
        Ok(())
    }

    /// Whether nobody else holds one of the callables, so that they can serve the next request.
    pub(crate) fn is_free(&self, py: Python<'_>) -> bool {
        // References to the object: ours, and one from each of the two methods; to `write`: ours, and that of the object.
        let holders = |object: &Py<PyAny>| references(object.bind(py));
        holders(&self.method) == 1
            && holders(&self.write) == 2
            && references(self.response.bind(py).as_any()) == 3
            && !self.response.get().state.is_poisoned()
    }

    pub(crate) fn response(&self) -> &Response {
        self.response.get()
    }

    pub(crate) fn method<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        self.method.bind(py)
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
