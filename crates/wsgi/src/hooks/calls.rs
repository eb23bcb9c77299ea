//! The hooks of a settings file, to be called from any thread of the process that may run Python.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::call::PyCallArgs;
use pyo3::types::{PyAnyMethods, PyCFunction};
use pyo3::{Py, PyAny, PyErr, PyResult, Python};

use super::hook::Hook;
use super::request::RequestHooks;
use crate::embedded::{HOOK_OBJECTS, HOOKS, SETTINGS_FILE};
use crate::error::traceback;
use crate::loggers::Loggers;
use crate::settings_file::SettingsFile;
use crate::{Application, Error};

/// What hooks are told of the server.
#[derive(Clone, Copy, Debug)]
pub struct ServerFacts<'a> {
    /// The process id of the master: `server.pid`, `worker.ppid`.
    pub master: u32,
    /// The application as it was given, for example `mysite.wsgi:application`.
    pub application: &'a str,
    /// All settings as a JSON object from Gunicorn's names to values, for `cfg`; values as in [`SettingsFile::values_json`].
    pub settings: &'a str,
}

/// What a worker does for its hooks.
pub trait Duties: Send + Sync {
    /// `worker.nr`: how many requests this worker has answered.
    fn requests(&self) -> u64;
    /// `worker.alive = False`: another worker is to take the place of this one.
    fn leave(&self);
}

/// Why the hooks of a settings file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HookError {
    /// One sentence.
    pub message: String,
    /// The Python traceback, when Python code raised.
    pub traceback: Option<String>,
}

/// The hooks. A clone calls the same ones.
#[derive(Clone, Debug)]
pub struct Hooks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    object: Py<PyAny>,
    /// Which are defined, by [`Hook::bit`].
    defined: u16,
    /// Whether `worker_exit` has been called.
    has_exited: AtomicBool,
}

impl Hooks {
    /// Finds the hooks of `file`, which are functions of its own or the names of such, `package.module.function`.
    ///
    /// # Errors
    /// A name that cannot be imported, or a function that does not take the arguments.
    pub fn new(file: &SettingsFile, loggers: &Loggers, facts: &ServerFacts<'_>) -> Result<Self, HookError> {
        Python::attach(|py| {
            let made = || -> PyResult<Inner> {
                SETTINGS_FILE.module(py)?;
                HOOK_OBJECTS.module(py)?;
                let told = (facts.master, facts.application, facts.settings);
                let class = HOOKS.module(py)?.getattr("Hooks")?;
                let object = class.call1((file.namespace(py), told, &loggers.logger, &loggers.emit))?;
                let mut defined = 0;
                for hook in Hook::ALL {
                    if object.call_method1("has", (hook.name(),))?.extract()? {
                        defined |= hook.bit();
                    }
                }
                Ok(Inner { object: object.unbind(), defined, has_exited: AtomicBool::new(false) })
            };
            made().map(|inner| Self(Arc::new(inner))).map_err(|error| HookError::of(py, &error))
        })
    }

    /// Whether the file defines it.
    #[must_use]
    pub fn has(&self, hook: Hook) -> bool {
        self.0.defined & hook.bit() != 0
    }

    /// Calls one that takes the server alone: `on_starting`, `on_reload`, `when_ready`, `pre_exec`, `on_exit`. Whether it ended without
    /// an exception, which is told in the log, as by all of these methods.
    pub fn on_server(&self, hook: Hook) -> bool {
        !self.has(hook) || self.call("on_server", (hook.name(),))
    }

    /// The number of workers is `new` from now on.
    pub fn nworkers_changed(&self, new: usize, old: Option<usize>) -> bool {
        self.call("nworkers_changed", (new, old))
    }

    /// A worker is about to be forked from this process; `age` counts them.
    pub fn pre_fork(&self, age: u64) -> bool {
        self.call("pre_fork", (age,))
    }

    /// It has been forked, from this process or from the master.
    pub fn forked(&self, age: u64, pid: u32) {
        self.call("forked", (age, pid));
    }

    /// A worker has ended.
    pub fn child_exit(&self, age: u64, pid: u32) -> bool {
        self.call("child_exit", (age, pid))
    }

    /// In the worker, before anything else of it.
    pub fn post_fork(&self, age: u64) -> bool {
        self.call("post_fork", (age,))
    }

    /// In the worker, when the application has been loaded. `duties` are what `worker.nr` and `worker.alive` stand for.
    pub fn post_worker_init(&self, application: &Application, duties: Arc<dyn Duties>) -> bool {
        Python::attach(|py| {
            let counts = Arc::clone(&duties);
            let requests =
                PyCFunction::new_closure(py, Some(c"requests"), None, move |_, _| counts.requests());
            let leave = PyCFunction::new_closure(py, Some(c"leave"), None, move |_, _| duties.leave());
            match (requests, leave) {
                (Ok(requests), Ok(leave)) => {
                    let functions = (requests.unbind(), leave.unbind());
                    self.call("post_worker_init", (application.callable(), functions.0, functions.1))
                }
                _ => false,
            }
        })
    }

    /// In the worker: INT or QUIT has come.
    pub fn worker_int(&self) -> bool {
        !self.has(Hook::WorkerInt) || self.call("worker_int", ())
    }

    /// In the worker: it is given up.
    pub fn worker_abort(&self) -> bool {
        !self.has(Hook::WorkerAbort) || self.call("worker_abort", ())
    }

    /// In the worker, last of all; the first time counts.
    pub fn worker_exit(&self) -> bool {
        let is_first = !self.0.has_exited.swap(true, Ordering::SeqCst);
        !is_first || !self.has(Hook::WorkerExit) || self.call("worker_exit", ())
    }

    /// In the worker, on its main thread: has `worker_abort` called before ABRT ends the process, when and if that thread comes to run
    /// Python. What [`dump_crashes`](crate::dump_crashes) writes to `log` comes before.
    ///
    /// # Errors
    /// The Python exception, should `signal` refuse.
    pub fn catch_abort(&self, log: Option<BorrowedFd<'static>>) -> Result<(), Error> {
        if !self.has(Hook::WorkerAbort) {
            return Ok(());
        }
        let descriptor = log.map(|log| log.as_raw_fd());
        Python::attach(|py| self.0.object.bind(py).call_method1("catch_abort", (descriptor,)).map(drop))
            .map_err(|error| Error::python("prepare for `worker_abort`", &error))
    }

    /// In the worker, after [`post_fork`](Self::post_fork): those round each request, if there are any.
    pub(crate) fn of_requests(&self, py: Python<'_>) -> Result<Option<RequestHooks>, Error> {
        if !self.has(Hook::PreRequest) && !self.has(Hook::PostRequest) {
            return Ok(None);
        }
        RequestHooks::new(
            py,
            self.0.object.bind(py),
            [Hook::PreRequest, Hook::PostRequest].map(|hook| self.has(hook)),
        )
        .map(Some)
        .map_err(|error| Error::python("prepare the hooks of requests", &error))
    }

    fn call<A: for<'py> PyCallArgs<'py>>(&self, method: &str, arguments: A) -> bool {
        Python::attach(|py| {
            let called = self.0.object.bind(py).call_method1(method, arguments);
            called.and_then(|fine| fine.is_truthy()).unwrap_or_else(|error| {
                tracing::error!("cannot call the hooks: {}", traceback(py, &error));
                false
            })
        })
    }
}

impl HookError {
    /// What `hooks.py` says, or a failure of its own.
    fn of(py: Python<'_>, error: &PyErr) -> Self {
        let told =
            error.value(py).getattr("args").and_then(|told| told.extract::<(String, Option<String>)>());
        match told {
            Ok((message, traceback)) => Self { message, traceback },
            Err(_) => Self { message: error.to_string(), traceback: Some(traceback(py, error)) },
        }
    }
}
