//! What applications know from Gunicorn in the processes that run Python: its loggers, and the hooks of the settings file.

use std::sync::Arc;

use rwsgi_config::LogLevel;
use rwsgi_master::{Attendant, Occasion};
use rwsgi_os::{ExitReason, Pid};
use rwsgi_wsgi::{Hook, Hooks, LoggerOptions, LoggerSettings, Loggers, ServerFacts, SettingsFile, unparked};

use crate::error::Error;
use crate::logging;
use crate::plan::Plan;

/// Calls the hooks of the server in its mold, as the master tells it.
pub(crate) struct Steward<'a> {
    pub(crate) hooks: Option<&'a Hooks>,
}

impl Attendant for Steward<'_> {
    fn before_fork(&mut self, number: u64) -> bool {
        self.hooks.is_none_or(|hooks| unparked(|| hooks.pre_fork(number)))
    }

    fn forked(&mut self, number: u64, pid: Pid) {
        self.hooks
            .into_iter()
            .for_each(|hooks| unparked(|| hooks.forked(number, pid.as_raw().unsigned_abs())));
    }

    fn attend(&mut self, occasion: Occasion) -> bool {
        self.hooks.is_none_or(|hooks| unparked(|| attend(hooks, occasion)))
    }

    fn reopen_logs(&mut self) {
        logging::reopen();
        unparked(rwsgi_wsgi::reopen_file_handlers);
    }
}

fn attend(hooks: &Hooks, occasion: Occasion) -> bool {
    match occasion {
        Occasion::Starting => hooks.on_server(Hook::OnStarting),
        Occasion::Ready => hooks.on_server(Hook::WhenReady),
        Occasion::Reloaded => hooks.on_server(Hook::OnReload),
        Occasion::WorkersChanged { new, old } => hooks.nworkers_changed(new, old),
        Occasion::ChildExited { pid, number } => hooks.child_exit(number, pid.as_raw().unsigned_abs()),
        Occasion::Executing => hooks.on_server(Hook::PreExec),
        Occasion::Exiting => hooks.on_server(Hook::OnExit),
    }
}

/// Finds the hooks of a settings file that has been executed in this process; `settings` are [`rwsgi_config::Settled::typed`].
pub(crate) fn find(
    file: &SettingsFile,
    (plan, settings): (&Plan, &str),
    master: Pid,
) -> Result<Hooks, Error> {
    let master = master.as_raw().unsigned_abs();
    let facts = ServerFacts { master, application: &plan.config.app, settings };
    let loggers = publish_loggers(plan, LoggerSettings { settings, file: Some(file) })?;
    Hooks::new(file, &loggers, &facts).map_err(|error| {
        error.traceback.iter().for_each(|traceback| tracing::error!("{traceback}"));
        Error::Hooks(error)
    })
}

/// Begins a worker: calls `post_fork`, before the worker is anybody else and before the application is loaded.
///
/// # Errors
/// How the worker is to end; the log has been told why.
pub(crate) fn begin(hooks: &Hooks, number: u64) -> Result<(), ExitReason> {
    if !hooks.post_fork(number) {
        return Err(ExitReason::BootFailed);
    }
    hooks.catch_abort(logging::file()).map_err(|error| {
        tracing::error!("{error}");
        ExitReason::BootFailed
    })
}

/// Makes `gunicorn.error` and `gunicorn.access` write to our logs, or to what the settings say of Python's loggers.
pub(crate) fn publish_loggers(
    plan: &Plan,
    settings: LoggerSettings<'_>,
) -> Result<Arc<Loggers>, rwsgi_wsgi::Error> {
    let config = &plan.config;
    // Classes and hooks that the settings name may lie beside the application.
    rwsgi_wsgi::set_environment(&config.env)?;
    rwsgi_wsgi::prepend_paths(&plan.paths())?;
    let is_python = logging::is_python(config);
    let has_access = config.access_log.is_some() || (config.syslog && !config.syslog_without_access);
    let loggers = Arc::new(Loggers::publish(&LoggerOptions {
        level: number(config.log_level),
        write: logging::write_raw,
        write_access: has_access.then_some(logging::write_access as fn(&[u8])),
        settings: is_python.then_some(settings),
    })?);
    if is_python {
        logging::set_loggers(Arc::clone(&loggers));
    }
    Ok(loggers)
}

/// The level as Python's `logging` counts.
pub(crate) fn number(level: LogLevel) -> u8 {
    match level {
        LogLevel::Debug => 10,
        LogLevel::Info => 20,
        LogLevel::Warning => 30,
        LogLevel::Error => 40,
        LogLevel::Critical => 50,
    }
}
