//! The way to statsd, and what of the log it is told.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rwsgi_config::{Config, StatsdAddress};
use rwsgi_os::{Statsd, StatsdTarget};
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use crate::ui;

/// Who is told of lines of the log: the one of the settings that were read last, or that this worker was forked with.
static OF_THE_LOG: Mutex<Option<Arc<Statsd>>> = Mutex::new(None);

/// How the report of an exception looks, however it begins.
const TRACEBACK: &str = "Traceback (most recent call last)";

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

/// A line is about to be written to the log.
pub(crate) fn count_line(event: &Event<'_>, is_critical: bool) {
    let name = match *event.metadata().level() {
        _ if is_critical => "gunicorn.log.critical",
        Level::ERROR if is_exception(event) => "gunicorn.log.exception",
        Level::ERROR => "gunicorn.log.error",
        Level::WARN => "gunicorn.log.warning",
        _ => return,
    };
    let statsd = OF_THE_LOG.lock().unwrap_or_else(PoisonError::into_inner).clone();
    statsd.into_iter().for_each(|statsd| statsd.count(name, 1));
}

fn is_exception(event: &Event<'_>) -> bool {
    let mut look = Look(false);
    event.record(&mut look);
    look.0
}

struct Look(bool);

impl Visit for Look {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0 |= field.name() == "message" && format!("{value:?}").contains(TRACEBACK);
    }
}
