//! The logs of a worker on their way through Python's loggers (`--logger-class`, `--log-config`).

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rwsgi_config::{Config, LogLevel};
use rwsgi_wsgi::{LogThread, Loggers};

use super::lock;
use crate::error::Error;
use crate::hooks::number;

/// How long the last records may take.
const LAST_RECORDS: Duration = Duration::from_secs(1);

/// The loggers of this process, and of those that it forks.
static LOGGERS: Mutex<Option<Arc<Loggers>>> = Mutex::new(None);

/// Where events go in a worker instead of the error log.
static ROUTE: RwLock<Option<Arc<Route>>> = RwLock::new(None);

#[derive(Debug)]
struct Route {
    thread: LogThread,
    /// A child that the application has forked has no such thread.
    process: u32,
    /// Whether it takes events, too.
    takes_events: bool,
}

/// Whether the settings ask for Python's loggers.
pub(crate) fn is_python(config: &Config) -> bool {
    let is_configured =
        config.log_config.is_some() || config.log_config_json.is_some() || config.log_config_dict.is_some();
    is_configured || config.logger_class.is_some()
}

/// Makes these the loggers of this process.
pub(crate) fn set_loggers(loggers: Arc<Loggers>) {
    *lock(&LOGGERS) = Some(loggers);
}

/// Sends events through the loggers from now on, if there are any; gives what takes the lines of the access log.
pub(super) fn start() -> Result<Option<Records>, Error> {
    let Some(loggers) = lock(&LOGGERS).clone() else { return Ok(None) };
    let thread = LogThread::start(&loggers).map_err(Error::AccessLog)?;
    Ok(Some(take(thread, true)))
}

/// What takes the lines of the access log where the logger `gunicorn.access` is not what the server has made it: whoever gives it a
/// filter wants it to see them.
pub(super) fn detour(settings: &str) -> Option<Records> {
    match LogThread::of_changed_access(settings) {
        Ok(thread) => {
            let records = take(thread?, false);
            tracing::info!(
                "The logger gunicorn.access has filters, handlers or a level of its own: Python writes the access log, \
                 for some 40 microseconds of processor time a line"
            );
            Some(records)
        }
        Err(error) => {
            tracing::error!("{error}");
            None
        }
    }
}

fn take(thread: LogThread, takes_events: bool) -> Records {
    let route = Arc::new(Route { thread, process: std::process::id(), takes_events });
    *ROUTE.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&route));
    Records(route)
}

/// Whether an event has been taken; the error log gets the others.
pub(super) fn tell(severity: LogLevel, message: &str) -> bool {
    let route = ROUTE.read().unwrap_or_else(PoisonError::into_inner).clone();
    route
        .filter(|route| route.takes_events && route.process == std::process::id())
        .is_some_and(|route| route.thread.tell(number(severity), message.to_owned()))
}

/// Python ends: the last records are made, and what comes goes to the error log itself.
pub(crate) fn leave() {
    let route = ROUTE.write().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(route) = route.filter(|route| route.process == std::process::id()) {
        rwsgi_wsgi::detached(|| route.thread.end(LAST_RECORDS));
    }
}

/// Takes the lines of the access log, in the thread that writes it.
#[derive(Debug)]
pub(super) struct Records(Arc<Route>);

impl Write for Records {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.thread.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
