//! The environ of the last request, to be used again.
//!
//! A copy of the template costs as much as all else that is done for a small request, and most requests of a busy
//! server differ from the one before in a value or two. So an environ that nobody holds any more and nobody has changed
//! gets the values of the next request, if that has the same keys.

use http::{Method, Version};
use pyo3::types::PyDict;
use pyo3::{Bound, Py, Python};

use crate::exchange::Exchange;
use crate::ffi::count::references;
use crate::ffi::version::version;

/// What decides which keys are set, beside the names of the headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    is_get: bool,
    version: Version,
    has_query: bool,
    has_script_name: bool,
    has_remote_port: bool,
    is_https: bool,
    /// Which secured connection it is, whose variables stay the same.
    connection: Option<u64>,
    /// Decides which headers are believed.
    is_trusted: bool,
}

impl Shape {
    /// `None` for what is too rare to be worth it.
    pub(crate) fn of(exchange: &dyn Exchange) -> Option<Self> {
        if exchange.proxied().is_some() {
            return None;
        }
        let head = exchange.head();
        Some(Self {
            is_get: head.method == Method::GET,
            version: head.version,
            has_query: head.uri.query().is_some(),
            has_script_name: !exchange.script_name().is_empty(),
            has_remote_port: exchange.remote_port().is_some(),
            is_https: exchange.is_https(),
            connection: exchange.tls().map(|tls| tls.connection),
            is_trusted: exchange.is_trusted(),
        })
    }
}

/// An environ as it was handed to the application.
pub(crate) struct Kept {
    environ: Py<PyDict>,
    version: u64,
    shape: Shape,
}

impl Kept {
    /// `None` where CPython does not tell whether a dict was changed.
    pub(crate) fn new(environ: &Bound<'_, PyDict>, shape: Shape) -> Option<Self> {
        Some(Self { environ: environ.clone().unbind(), version: version(environ)?, shape })
    }

    /// Whether it is as it was, and nobody else can see it.
    pub(crate) fn is_untouched(&self, py: Python<'_>) -> bool {
        let environ = self.environ.bind(py);
        references(environ.as_any()) == 1 && version(environ) == Some(self.version)
    }

    /// The environ, if one of this shape is to be made.
    pub(crate) fn reuse(self, py: Python<'_>, shape: Option<Shape>) -> Option<Bound<'_, PyDict>> {
        (shape == Some(self.shape) && self.is_untouched(py)).then(|| self.environ.into_bound(py))
    }
}
