//! `pre_request` and `post_request`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::{HeaderMap, Version};
use pyo3::types::{PyAnyMethods, PyDict, PyList, PyListMethods, PyString, PyStringMethods, PyTuple};
use pyo3::{Bound, IntoPyObject, Py, PyAny, PyErr, PyResult, Python, intern};

use super::hook::Hook;
use super::noted::{Noted, Tally};
use crate::embedded::HOOK_OBJECTS;
use crate::environ::target;
use crate::error::traceback;
use crate::exchange::Exchange;
use crate::ffi::text::latin1;
use crate::process::leave;

/// The two hooks, ready to be called round each request.
#[derive(Debug)]
pub(crate) struct RequestHooks {
    hooks: Py<PyAny>,
    worker: Py<PyAny>,
    request: Py<PyAny>,
    response: Py<PyAny>,
    before: Option<Py<PyAny>>,
    after: Option<Py<PyAny>>,
    /// How many arguments `post_request` takes.
    taken: usize,
}

impl RequestHooks {
    pub(crate) fn new(py: Python<'_>, hooks: &Bound<'_, PyAny>, has: [bool; 2]) -> PyResult<Self> {
        let objects = HOOK_OBJECTS.module(py)?;
        let functions = hooks.getattr("functions")?;
        let function = |hook: Hook| functions.get_item(hook.name()).map(Bound::unbind);
        let [has_before, has_after] = has;
        let taken = if has_after { hooks.call_method0("post_request_takes")?.extract()? } else { 0 };
        Ok(Self {
            hooks: hooks.clone().unbind(),
            worker: hooks.getattr("worker")?.unbind(),
            request: objects.getattr("Request")?.unbind(),
            response: objects.getattr("Response")?.unbind(),
            before: has_before.then(|| function(Hook::PreRequest)).transpose()?,
            after: has_after.then(|| function(Hook::PostRequest)).transpose()?,
            taken,
        })
    }

    /// Tells the log that a hook raised, by its name.
    fn report(&self, py: Python<'_>, hook: Hook, error: &PyErr) {
        let told =
            self.hooks.bind(py).call_method1("report", (hook.name(), error.value(py), error.traceback(py)));
        if let Err(other) = told {
            tracing::error!("Exception in the hook `{}`: {}", hook.name(), traceback(py, &other));
        }
    }
}

/// One request on its way past the hooks.
pub(crate) struct Visit<'py, 'a> {
    hooks: &'a RequestHooks,
    request: Bound<'py, PyAny>,
    headers: Bound<'py, PyList>,
    /// How many headers the client sent.
    sent: usize,
    environ: Option<Bound<'py, PyDict>>,
    response: Option<(Bound<'py, PyAny>, Arc<Tally>)>,
}

impl<'py, 'a> Visit<'py, 'a> {
    pub(crate) fn new(py: Python<'py>, hooks: &'a RequestHooks, exchange: &dyn Exchange) -> PyResult<Self> {
        let head = exchange.head();
        let headers = headers(py, &head.headers)?;
        let target = target(&head.uri);
        let line = (
            head.method.as_str(),
            target.as_ref(),
            head.uri.path(),
            head.uri.query().unwrap_or_default(),
            version(head.version),
            if exchange.is_https() { "https" } else { "http" },
        );
        let peer = match exchange.remote_port().and_then(|port| port.parse::<u16>().ok()) {
            Some(port) => (exchange.remote_addr(), port).into_pyobject(py)?.into_any(),
            None => PyString::new(py, exchange.remote_addr()).into_any(),
        };
        let request = hooks.request.bind(py).call1((line, &headers, peer))?;
        let sent = headers.len();
        Ok(Self { hooks, request, headers, sent, environ: None, response: None })
    }

    /// The exchange to answer through: one that is noted if the hook wants to know.
    pub(crate) fn watch(&mut self, exchange: Box<dyn Exchange>) -> PyResult<Box<dyn Exchange>> {
        if self.hooks.taken < 4 {
            return Ok(exchange);
        }
        let tally = Arc::new(Tally::default());
        let response = self.hooks.response.bind(self.request.py()).call1((&self.request,))?;
        self.response = Some((response, Arc::clone(&tally)));
        Ok(Box::new(Noted { exchange, tally }))
    }

    /// Calls `pre_request`.
    pub(crate) fn before(&self) -> PyResult<()> {
        let py = self.request.py();
        let Some(before) = &self.hooks.before else { return Ok(()) };
        before.bind(py).call1((&self.hooks.worker, &self.request)).map(drop)
    }

    /// Tells the log that `pre_request` raised.
    pub(crate) fn report_before(&self, error: &PyErr) {
        self.hooks.report(self.request.py(), Hook::PreRequest, error);
    }

    /// Adds the headers that `pre_request` has added to the request.
    pub(crate) fn extend(&mut self, environ: &Bound<'py, PyDict>) -> PyResult<()> {
        for added in self.headers.iter().skip(self.sent) {
            let (name, value) = added.extract::<(Bound<'_, PyString>, Bound<'_, PyString>)>()?;
            let name = name.to_str()?.to_ascii_uppercase().replace('-', "_");
            let key = match name.as_str() {
                "CONTENT_TYPE" | "CONTENT_LENGTH" => name,
                _ => format!("HTTP_{name}"),
            };
            environ.set_item(key, value)?;
        }
        if self.hooks.taken > 2 {
            self.environ = Some(environ.clone());
        }
        Ok(())
    }

    /// The `start_response` to call the application with.
    pub(crate) fn start_response(&self, plain: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        match &self.response {
            Some((response, _)) => response.call_method1(intern!(plain.py(), "noting"), (plain,)),
            None => Ok(plain.clone()),
        }
    }

    /// Calls `post_request`; whatever it raises is told in the log and forgotten.
    pub(crate) fn after(self, is_descendant: fn() -> bool) {
        let py = self.request.py();
        let Some(after) = &self.hooks.after else { return };
        let called = self.arguments(py).and_then(|arguments| after.bind(py).call1(arguments));
        if let Err(error) = &called {
            self.hooks.report(py, Hook::PostRequest, error);
        }
        if is_descendant() {
            // `os._exit` does not return; when it cannot be called, nothing is left to be done.
            let _ = leave(py, called.is_err().into());
        }
    }

    fn arguments(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let (worker, request) = (self.hooks.worker.bind(py).clone(), self.request.clone());
        let environ = self.environ.as_ref().map_or_else(|| PyDict::new(py), Bound::clone).into_any();
        let response = match &self.response {
            None => py.None().into_bound(py),
            Some((response, tally)) => {
                response.setattr("sent", tally.bytes.load(Ordering::Relaxed))?;
                response.setattr("headers_sent", tally.has_head.load(Ordering::Relaxed))?;
                response.setattr("chunked", tally.is_chunked.load(Ordering::Relaxed))?;
                response.clone()
            }
        };
        PyTuple::new(py, [worker, request, environ, response].into_iter().take(self.hooks.taken))
    }
}

fn headers<'py>(py: Python<'py>, headers: &HeaderMap) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for (name, value) in headers {
        list.append((name.as_str().to_ascii_uppercase(), latin1(py, value.as_bytes())?))?;
    }
    Ok(list)
}

/// As Gunicorn's requests have it.
fn version(version: Version) -> (u8, u8) {
    match version {
        Version::HTTP_10 => (1, 0),
        Version::HTTP_2 => (2, 0),
        _ => (1, 1),
    }
}
