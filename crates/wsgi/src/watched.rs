//! The variables of the environ that somebody wants to see when the answer goes out: the access log.

use std::sync::Arc;

use bytes::Bytes;
use pyo3::types::{PyAnyMethods, PyDict, PyDictMethods, PyString, PyStringMethods};
use pyo3::{Bound, Py, PyAny, PyResult, Python};

/// The environ of a request, and the names in lower case of what is to be read from it.
pub(crate) struct Watched {
    pub(crate) environ: Py<PyDict>,
    pub(crate) names: Arc<[String]>,
}

impl Watched {
    /// The values as the application has left them, in the order of the names; `None`: there is none, or it cannot be shown.
    pub(crate) fn values(&self) -> Box<[Option<Bytes>]> {
        Python::attach(|py| {
            let environ = self.environ.bind(py);
            let mut values: Box<[_]> = vec![None; self.names.len()].into();
            for (key, value) in environ.iter() {
                let Some(place) = self.place(&key) else { continue };
                values[place] = text(&value).ok();
            }
            values
        })
    }

    /// Names of variables are compared as Gunicorn does, without regard to case.
    fn place(&self, key: &Bound<'_, PyAny>) -> Option<usize> {
        let key = key.cast::<PyString>().ok()?.to_str().ok()?;
        self.names.iter().position(|name| name.eq_ignore_ascii_case(key))
    }
}

fn text(value: &Bound<'_, PyAny>) -> PyResult<Bytes> {
    let text = value.str()?;
    Ok(Bytes::copy_from_slice(text.to_string_lossy().as_bytes()))
}
