//! `logging.getLogger("gunicorn.error")` and `("gunicorn.access")`, whose records go to the server's own logs.

use pyo3::types::{PyAnyMethods, PyCFunction, PyString, PyStringMethods, PyTuple};
use pyo3::{Bound, Py, PyAny, PyResult, Python};

use crate::Error;
use crate::embedded::LOGS;
use crate::log_bridge::{self, LoggerSettings};

/// Where records go.
#[derive(Clone, Debug)]
pub struct LoggerOptions<'a> {
    /// The least level that is told, in Python's numbers: 10 `debug`, 20 `info`, 30 `warning`, 40 `error`, 50 `critical`.
    pub level: u8,
    /// Writes to the error log as it is.
    pub write: fn(&[u8]),
    /// Writes to the access log as it is; `None`: there is none.
    pub write_access: Option<fn(&[u8])>,
    /// What the settings say of Python's loggers; `None`: nothing.
    pub settings: Option<LoggerSettings<'a>>,
}

/// The loggers of this process.
#[derive(Debug)]
pub struct Loggers {
    pub(crate) logger: Py<PyAny>,
    pub(crate) emit: Py<PyAny>,
}

impl Loggers {
    /// Gives both loggers a handler, so that applications find them as under Gunicorn. What this handler gets without a format of its
    /// own becomes an event of `tracing` with the record's level.
    ///
    /// # Errors
    /// The Python exception, should `logging` not be what it was.
    pub fn publish(options: &LoggerOptions<'_>) -> Result<Self, Error> {
        Python::attach(|py| -> PyResult<Self> {
            let emit = PyCFunction::new_closure(py, Some(c"emit"), None, |arguments, _| {
                let (level, text) = arguments.extract::<(i64, Bound<'_, PyString>)>()?;
                tell(level, &text.to_string_lossy());
                PyResult::Ok(())
            })?;
            let write = writer(py, options.write)?;
            let access = options.write_access.map(|write| writer(py, write)).transpose()?;
            let logger = match options.settings {
                None => {
                    let logger = LOGS.module(py)?.getattr("Logger")?.call1((&emit, write, access))?;
                    logger.call_method1("set_level", (options.level,))?;
                    logger
                }
                Some(settings) => {
                    let access = access.map(Bound::into_any);
                    log_bridge::logger(py, settings, (emit.as_any(), write.as_any(), access))?
                }
            };
            Ok(Self { logger: logger.unbind(), emit: emit.into_any().unbind() })
        })
        .map_err(|error| Error::python("set up `logging`", &error))
    }
}

fn writer(py: Python<'_>, write: fn(&[u8])) -> PyResult<Bound<'_, PyCFunction>> {
    PyCFunction::new_closure(py, Some(c"write"), None, move |arguments: &Bound<'_, PyTuple>, _| {
        // A lone surrogate must not keep the rest out of the log.
        let (text,) = arguments.extract::<(Bound<'_, PyString>,)>()?;
        write(text.to_string_lossy().as_bytes());
        PyResult::Ok(())
    })
}

/// The target of events that come from Python's loggers: they must not go back there.
pub(crate) const PYTHONS: &str = "logging";

fn tell(level: i64, text: &str) {
    match level {
        50.. => tracing::error!(target: "logging::critical", "{text}"),
        40.. => tracing::error!(target: PYTHONS, "{text}"),
        30.. => tracing::warn!(target: PYTHONS, "{text}"),
        20.. => tracing::info!(target: PYTHONS, "{text}"),
        _ => tracing::debug!(target: PYTHONS, "{text}"),
    }
}
