//! From the server's logs to Python's loggers, through one thread: what `--logger-class` and `--log-config` ask for.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::types::{PyAnyMethods, PyBytes, PyModule};
use pyo3::{Bound, Py, PyAny, PyResult, Python};

use crate::embedded::{GLOGGING, HOOK_OBJECTS, LOG_BRIDGE, LOGS};
use crate::error::traceback;
use crate::loggers::{Loggers, PYTHONS};
use crate::request_timeout::publish_request_timeout;
use crate::{Error, SettingsFile};

/// Events that may wait for Python.
const WAITING: usize = 1024;

/// How the loggers of Python are set up by the settings.
#[derive(Clone, Copy, Debug)]
pub struct LoggerSettings<'a> {
    /// All settings as a JSON object: what the class of the logger gets as `cfg`.
    pub settings: &'a str,
    /// A settings file in Python, whose objects JSON cannot hold.
    pub file: Option<&'a SettingsFile>,
}

/// Makes the object of the settings' class, which configures `logging`. `sinks` are what writes to the server's logs.
pub(crate) fn logger<'py>(
    py: Python<'py>,
    settings: LoggerSettings<'_>,
    sinks: (&Bound<'py, PyAny>, &Bound<'py, PyAny>, Option<Bound<'py, PyAny>>),
) -> PyResult<Bound<'py, PyAny>> {
    publish(py)?;
    let namespace = settings.file.map(|file| file.namespace(py));
    LOG_BRIDGE.module(py)?.call_method1("logger", (settings.settings, namespace, sinks))
}

/// Makes `rwsgi.glogging` importable where the wheel is not installed, for a settings file that has a logger class.
///
/// # Errors
/// The Python exception.
pub fn publish_glogging() -> Result<(), Error> {
    Python::attach(publish).map_err(|error| Error::python("publish the module `rwsgi.glogging`", &error))
}

fn publish(py: Python<'_>) -> PyResult<()> {
    // The module that it belongs to.
    publish_request_timeout().map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    LOGS.module(py)?;
    HOOK_OBJECTS.module(py)?;
    LOG_BRIDGE.module(py)?.call_method1("publish", (GLOGGING,)).map(drop)
}

/// Opens the files of all handlers of `logging` in this process again, as Gunicorn does it with those of applications too. Takes the GIL.
pub fn reopen_file_handlers() {
    let reopened = Python::attach(|py| {
        // An application that does not log has no files.
        if PyModule::import(py, "sys")?.getattr("modules")?.contains("logging")? {
            publish(py)?;
            PyModule::import(py, "rwsgi.glogging")?.call_method0("reopen_files")?;
        }
        PyResult::Ok(())
    });
    if let Err(error) = reopened {
        Python::attach(|py| {
            tracing::error!("cannot open the files of `logging` again\n{}", traceback(py, &error));
        });
    }
}

/// The thread of this process that makes records.
#[derive(Debug)]
pub struct LogThread(SyncSender<Item>);

#[derive(Debug)]
enum Item {
    Event(u8, String),
    /// Lines of the access log, and who waits until they are told.
    Lines(Vec<u8>, SyncSender<()>),
    End(SyncSender<()>),
}

impl LogThread {
    /// Starts it, for these loggers.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(loggers: &Loggers) -> std::io::Result<Self> {
        Self::spawn(Python::attach(|py| loggers.logger.clone_ref(py)))
    }

    /// Starts one for the access log, where the settings file or the application has given `gunicorn.access` filters, handlers or
    /// a level of its own; `None` where nobody has. `settings` are those of [`LoggerSettings`].
    ///
    /// # Errors
    /// The Python exception; the system gives no thread.
    pub fn of_changed_access(settings: &str) -> Result<Option<Self>, Error> {
        let started = Python::attach(|py| {
            if !LOGS.module(py)?.call_method0("is_access_changed")?.extract()? {
                return PyResult::Ok(None);
            }
            publish(py)?;
            let logger = LOG_BRIDGE.module(py)?.call_method1("changed_access", (settings,))?;
            Ok(Some(Self::spawn(logger.unbind())?))
        });
        started.map_err(|error| Error::python("look at the logger `gunicorn.access`", &error))
    }

    fn spawn(logger: Py<PyAny>) -> std::io::Result<Self> {
        let (sender, items) = sync_channel(WAITING);
        thread::Builder::new().name("rwsgi-python-log".to_owned()).spawn(move || run(&items, &logger))?;
        Ok(Self(sender))
    }

    /// Has a record made of an event, without waiting; `level` as Python counts. False: too many wait, or the thread has
    /// ended.
    #[must_use]
    pub fn tell(&self, level: u8, text: String) -> bool {
        !matches!(
            self.0.try_send(Item::Event(level, text)),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_))
        )
    }

    /// Has records made of lines of the access log, each an object as `Format::for_python` of the HTTP room describes it. Waits until
    /// that is done.
    pub fn write(&self, lines: &[u8]) {
        let (told, done) = sync_channel(1);
        if self.0.send(Item::Lines(lines.to_vec(), told)).is_ok() {
            // Nobody answers when the thread has ended.
            let _ = done.recv();
        }
    }

    /// Ends it when it has told what it has got, which may take no longer than `limit`. Called without the GIL.
    pub fn end(&self, limit: Duration) {
        let (told, done) = sync_channel(1);
        if self.0.try_send(Item::End(told)).is_ok() {
            let _ = done.recv_timeout(limit);
        }
    }
}

fn run(items: &Receiver<Item>, logger: &Py<PyAny>) {
    let mut is_failing = false;
    let mut tell = |work: &dyn Fn(Python<'_>) -> PyResult<()>| {
        Python::attach(|py| match work(py) {
            Ok(()) => is_failing = false,
            // Said once for each time that it begins.
            Err(error) if !is_failing => {
                is_failing = true;
                tracing::error!(target: PYTHONS, "Error in the logger\n{}", traceback(py, &error));
            }
            Err(_) => {}
        });
    };
    while let Ok(item) = items.recv() {
        let done = match item {
            Item::Event(level, text) => {
                tell(&|py| event(py, logger, (level, &text)));
                continue;
            }
            Item::Lines(lines, done) => {
                let each = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
                each.for_each(|line| tell(&|py| access(py, logger, line)));
                done
            }
            Item::End(done) => {
                let _ = done.send(());
                return;
            }
        };
        // Who waited may have gone.
        let _ = done.send(());
    }
}

fn event(py: Python<'_>, logger: &Py<PyAny>, (level, text): (u8, &str)) -> PyResult<()> {
    module(py)?.call_method1("tell_error", (logger, level, text)).map(drop)
}

fn access(py: Python<'_>, logger: &Py<PyAny>, line: &[u8]) -> PyResult<()> {
    module(py)?.call_method1("tell_access", (logger, PyBytes::new(py, line))).map(drop)
}

fn module(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    LOG_BRIDGE.module(py)
}
