//! The way to statsd, and what of the log it is told.

use std::sync::{Arc, Mutex, PoisonError};

use rwsgi_config::{Config, LogLevel, StatsdAddress};
use rwsgi_os::{Statsd, StatsdTarget};

use crate::ui;

/// Who is told of lines of the log: the one of the settings that were read last, or that this worker was forked with.
static OF_THE_LOG: Mutex<Option<Arc<Statsd>>> = Mutex::new(None);

/// Finds the way, if the settings name one. A server that finds none serves all the same.
pub(crate) fn open(config: &Config) -> Option<Arc<Statsd>> {
    let target = match config.statsd_host.clone()? {
        StatsdAddress::Udp { host, port } => StatsdTarget::Udp { host, port },
        StatsdAddress::Unix(path) => StatsdTarget::Unix(path),
    };
    let opened = Statsd::open(&target, &config.statsd_prefix, &config.dogstatsd_tags);
    let found =
        opened.inspect_err(|error| tracing::warn!("no statsd is told anything: {}", ui::chain(error)));
    let statsd = found.ok().map(Arc::new);
    OF_THE_LOG.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&statsd);
    statsd
}

/// A line is about to be written to the log; `is_exception`: with a traceback.
pub(crate) fn count_line(severity: LogLevel, is_exception: bool) {
    let name = match severity {
        LogLevel::Critical => "gunicorn.log.critical",
        LogLevel::Error if is_exception => "gunicorn.log.exception",
        LogLevel::Error => "gunicorn.log.error",
        LogLevel::Warning => "gunicorn.log.warning",
        LogLevel::Info | LogLevel::Debug => return,
    };
    let statsd = OF_THE_LOG.lock().unwrap_or_else(PoisonError::into_inner).clone();
    statsd.into_iter().for_each(|statsd| statsd.count(name, 1));
}
