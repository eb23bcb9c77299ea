//! What applications know from Gunicorn in the processes that run Python: its loggers, and the hooks of the settings file.

use rwsgi_config::{Config, LogLevel};
use rwsgi_wsgi::{LoggerOptions, Loggers};

use crate::logging;

/// Makes `gunicorn.error` and `gunicorn.access` write to our logs.
pub(crate) fn publish_loggers(config: &Config) -> Result<Loggers, rwsgi_wsgi::Error> {
    Loggers::publish(&LoggerOptions {
        level: number(config.log_level),
        write: logging::write_raw,
        write_access: config.access_log.is_some().then_some(logging::write_access as fn(&[u8])),
    })
}

/// The level as Python's `logging` counts.
fn number(level: LogLevel) -> u8 {
    match level {
        LogLevel::Debug => 10,
        LogLevel::Info => 20,
        LogLevel::Warning => 30,
        LogLevel::Error => 40,
        LogLevel::Critical => 50,
    }
}
