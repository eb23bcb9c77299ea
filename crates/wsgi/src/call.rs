//! One request through the application: environ, call, chunks, `close()`.

use std::sync::Arc;

use pyo3::exceptions::{PyRuntimeError, PySystemExit, PyTypeError};
use pyo3::types::{
    PyAnyMethods, PyBytes, PyBytesMethods, PyDict, PyList, PyListMethods, PyTuple, PyTupleMethods,
    PyTypeMethods,
};
use pyo3::{Bound, PyAny, PyErr, PyResult, Python, intern};

use crate::body::Output;
use crate::deadline::Deadline;
use crate::environ::Environ;
use crate::error::traceback;
use crate::exchange::Exchange;
use crate::file_wrapper::plain_file;
use crate::hooks::{RequestHooks, Visit};
use crate::input::BrokenBody;
use crate::process::leave;
use crate::start_response::{Callable, Response};
use crate::watched::Watched;
use crate::{Application, Error, HeaderRules, Hooks, RequestTimeout};

/// What the application is told of the server.
#[derive(Clone, Debug)]
pub struct Options {
    /// `SERVER_SOFTWARE`, for example `rwsgi/0.1.0`.
    pub server_software: String,
    /// `wsgi.multithread`: whether another thread of this process may call the application at the same time.
    pub multithread: bool,
    /// `wsgi.multiprocess`: whether another process serves the same application.
    pub multiprocess: bool,
    /// Which request headers reach the application.
    pub headers: Arc<HeaderRules>,
    /// The variables of the environ whose values go with each [`Head`](crate::Head), in lower case.
    pub watched: Arc<[String]>,
    /// Where `wsgi.errors` writes.
    pub errors: fn(&[u8]),
    /// Whether this process is a child that the application forked while it was called.
    pub is_descendant: fn() -> bool,
}

/// Calls the application; each Python thread has one of its own.
pub struct Bridge<'a> {
    application: &'a Application,
    environ: Environ,
    callable: Callable,
    watched: Arc<[String]>,
    is_descendant: fn() -> bool,
    hooks: Option<Arc<RequestHooks>>,
}

impl std::fmt::Debug for Bridge<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bridge").field("application", self.application).finish_non_exhaustive()
    }
}

impl<'a> Bridge<'a> {
    /// Prepares what is the same for all requests; `deadline` is that of the thread which will call.
    ///
    /// # Errors
    /// Out of memory.
    pub fn new(
        application: &'a Application,
        options: &Options,
        deadline: Box<dyn Deadline>,
    ) -> Result<Self, Error> {
        Python::attach(|py| {
            let (environ, callable) = (Environ::new(py, options, deadline)?, Callable::new(py)?);
            let (watched, is_descendant) = (Arc::clone(&options.watched), options.is_descendant);
            Ok(Self { application, environ, callable, watched, is_descendant, hooks: None })
        })
        .map_err(|error| Error::python("prepare the environ", &error))
    }

    /// Has the hooks of a settings file called round each request, if it defines any for that.
    ///
    /// # Errors
    /// The Python exception, should the file have changed what the hooks are called with.
    pub fn with_hooks(mut self, hooks: Option<&Hooks>) -> Result<Self, Error> {
        if let Some(hooks) = hooks {
            self.hooks = Python::attach(|py| hooks.of_requests(py))?.map(Arc::new);
        }
        Ok(self)
    }

    /// Answers one request. Whatever the application does, the exchange is answered when this returns.
    pub fn call(&mut self, exchange: Box<dyn Exchange>) {
        Python::attach(|py| {
            if let Err(error) = self.run(py, exchange) {
                // Only our own preparations can end up here; the exchange answers 500 when it is dropped.
                tracing::error!("cannot call the application: {}", traceback(py, &error));
            }
            self.environ.finish_errors();
            if !self.callable.is_free(py) {
                match self.callable.renewed(py) {
                    Ok(callable) => self.callable = callable,
                    Err(error) => {
                        tracing::error!("cannot make start_response: {}", traceback(py, &error))
                    }
                }
            }
        });
    }

    fn run(&mut self, py: Python<'_>, exchange: Box<dyn Exchange>) -> PyResult<()> {
        match self.hooks.clone() {
            None => self.serve(py, exchange, None),
            Some(hooks) => self.run_hooked(py, exchange, &hooks),
        }
    }

    fn run_hooked(
        &mut self,
        py: Python<'_>,
        exchange: Box<dyn Exchange>,
        hooks: &RequestHooks,
    ) -> PyResult<()> {
        let mut visit = Visit::new(py, hooks, &*exchange)?;
        let exchange = visit.watch(exchange)?;
        let result = match self.unless_descendant(py, visit.before()) {
            Ok(()) => self.serve(py, exchange, Some(&mut visit)),
            Err(error) => {
                visit.report_before(&error);
                Output::new(exchange, None).abort();
                Ok(())
            }
        };
        visit.after(self.is_descendant);
        result
    }

    fn serve<'py>(
        &mut self,
        py: Python<'py>,
        mut exchange: Box<dyn Exchange>,
        visit: Option<&mut Visit<'py, '_>>,
    ) -> PyResult<()> {
        let (environ, input) = self.environ.build(py, &mut *exchange)?;
        let result = match visit {
            None => self.answer(py, (environ, self.callable.method(py)), exchange),
            Some(visit) => {
                visit.extend(&environ)?;
                let start_response = visit.start_response(self.callable.method(py))?;
                self.answer(py, (environ, &start_response), exchange)
            }
        };
        // A thread of the application that reads it just now keeps it for itself.
        if let Some(mut input) = input.as_ref().and_then(|input| input.try_borrow_mut().ok()) {
            input.close();
        }
        self.environ.release(py);
        result
    }

    fn answer(
        &self,
        py: Python<'_>,
        (environ, start_response): (Bound<'_, PyDict>, &Bound<'_, PyAny>),
        exchange: Box<dyn Exchange>,
    ) -> PyResult<()> {
        let watched = (!self.watched.is_empty())
            .then(|| Watched { environ: environ.clone().unbind(), names: Arc::clone(&self.watched) });
        self.callable.load(Output::new(exchange, watched))?;
        let response = self.callable.response();
        let called = self.application.callable().bind(py).call1((environ, start_response));
        match self.unless_descendant(py, called) {
            Ok(iterable) => match only_item(&iterable) {
                Some(only) => response.with_output(|output| {
                    let sent = only.and_then(|bytes| send_known(output, &bytes));
                    finish(py, output, sent);
                })?,
                None => {
                    let sent = self.unless_descendant(py, send(self, response, &iterable));
                    let finished = response.with_output(|output| finish(py, output, sent));
                    close(&iterable, response);
                    self.unless_descendant(py, finished)?;
                }
            },
            Err(error) => response.with_output(|output| finish(py, output, Err(error)))?,
        }
        self.callable.unload()
    }

    /// Passes `result` on in the worker. A child that the application forked ends here instead, as its own `python`
    /// would have ended: it must neither answer for the worker nor drive its loop.
    fn unless_descendant<T>(&self, py: Python<'_>, result: PyResult<T>) -> PyResult<T> {
        if !(self.is_descendant)() {
            return result;
        }
        let left = end_descendant(py, result.as_ref().err());
        // `os._exit` does not return; when it cannot be called, nothing is left to be done.
        left.and_then(|()| Err(PyRuntimeError::new_err("a forked child could not leave")))
    }
}

/// Ends a forked child with the exit code of `SystemExit`, 1 and the traceback for another exception, else 0.
fn end_descendant(py: Python<'_>, error: Option<&PyErr>) -> PyResult<()> {
    let code = match error {
        None => 0,
        Some(error) if error.is_instance_of::<PySystemExit>(py) => {
            let code = error.value(py).getattr(intern!(py, "code"))?;
            if code.is_none() { 0 } else { code.extract::<i32>().unwrap_or(1) }
        }
        Some(error) => {
            error.print(py);
            1
        }
    };
    leave(py, code)
}

/// Sends what the application returned.
fn send(bridge: &Bridge<'_>, response: &Response, iterable: &Bound<'_, PyAny>) -> PyResult<()> {
    if let Some(file) = plain_file(iterable)
        && response.with_output(|output| output.send_file(file))?
    {
        return Ok(());
    }
    for chunk in iterable.try_iter()? {
        let chunk = as_bytes(bridge.unless_descendant(iterable.py(), chunk)?)?;
        let more = response.with_output(|output| send_chunk(output, &chunk)).flatten()?;
        if !more {
            break;
        }
    }
    Ok(())
}

/// The item of a list or tuple that has one: the usual case, and the length is known then.
fn only_item<'py>(iterable: &Bound<'py, PyAny>) -> Option<PyResult<Bound<'py, PyBytes>>> {
    let item = if let Ok(list) = iterable.cast_exact::<PyList>() {
        (list.len() == 1).then(|| list.get_item(0))?
    } else {
        let tuple = iterable.cast_exact::<PyTuple>().ok()?;
        (tuple.len() == 1).then(|| tuple.get_item(0))?
    };
    Some(item.and_then(as_bytes))
}

fn send_known(output: &mut Output, bytes: &Bound<'_, PyBytes>) -> PyResult<()> {
    if !output.started() {
        return Err(not_started());
    }
    if output.sent() {
        output.send(bytes)
    } else {
        output.send_all(bytes)
    }
    Ok(())
}

/// Whether the application is to be asked for more.
fn send_chunk(output: &mut Output, chunk: &Bound<'_, PyBytes>) -> PyResult<bool> {
    if !output.started() {
        return if chunk.as_bytes().is_empty() { Ok(true) } else { Err(not_started()) };
    }
    output.send(chunk);
    Ok(output.wants_more())
}

fn not_started() -> PyErr {
    pyo3::exceptions::PyAssertionError::new_err(
        "the application sent its body before it called start_response",
    )
}

fn as_bytes(chunk: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyBytes>> {
    chunk.cast_into::<PyBytes>().map_err(|error| {
        let object = error.into_inner();
        let kind = object.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
        PyTypeError::new_err(format!("the application must return bytes, not `{kind}`"))
    })
}

/// Calls `close()` when the iterable has one, however the request went (PEP 3333, "Specification Details").
fn close(iterable: &Bound<'_, PyAny>, response: &Response) {
    // These have none, and Python would make an exception to say so.
    if iterable.is_exact_instance_of::<PyList>() || iterable.is_exact_instance_of::<PyTuple>() {
        return;
    }
    let py = iterable.py();
    let closed = match iterable.getattr_opt(intern!(py, "close")) {
        Ok(Some(method)) => method.call0().map(drop),
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = closed
        && !error.is_instance_of::<RequestTimeout>(py)
    {
        let request = response.with_output(|output| output.request_line()).unwrap_or_default();
        tracing::error!("Error closing the response of {request}\n{}", traceback(py, &error));
    }
}

/// Before `close()`, so that the client need not wait for what the application does after its answer.
fn finish(py: Python<'_>, output: &mut Output, sent: PyResult<()>) {
    match sent {
        Ok(()) => output.finish(),
        Err(error) => {
            let request = output.request_line();
            if error.is_instance_of::<RequestTimeout>(py) {
                // Whoever raised it has told the log where the request was.
                tracing::debug!("{request} was ended: {}", error.value(py));
            } else if error.is_instance_of::<BrokenBody>(py) {
                tracing::info!("{request} was given up: {}", error.value(py));
            } else {
                tracing::error!("Error handling request {request}\n{}", traceback(py, &error));
            }
            output.abort();
        }
    }
}
