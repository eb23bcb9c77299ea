//! The error log's lines: Gunicorn's shape or JSON, written so that nobody ever waits for them.

use std::fmt::{self, Write as _};
use std::io;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rwsgi_config::{Config, LogFormat, LogLevel, LogTarget};
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

use super::syslog::Syslog;
use super::{journal, python};
use crate::error::Error;
use crate::statsd;

/// Events of this target are worse than errors: `WORKER TIMEOUT`.
const CRITICAL: &str = "critical";

/// Events of targets that begin like this come from Python's loggers, and must not go back there.
const PYTHONS: &str = "logging";

/// Libraries that warn of what a client does without saying which: the server does so itself.
const LIBRARIES: [&str; 2] = ["h2", "hyper"];

/// Where the traceback begins in a message that has one.
const TRACEBACK: &str = "\nTraceback (most recent call last):";

/// How long the last lines may take to leave.
const LAST_LINES: Duration = Duration::from_millis(200);

/// Replaced whole; written to only while the process has one thread.
static STYLE: RwLock<Option<Arc<Style>>> = RwLock::new(None);

/// The least severity that is shown, as a number of [`LogLevel`].
static LEAST: AtomicU8 = AtomicU8::new(0);

/// How lines are written, and where to beside the log's file.
#[derive(Debug)]
pub(super) struct Style {
    level: LogLevel,
    format: LogFormat,
    journal: bool,
    syslog: Option<Syslog>,
}

/// One event.
struct Line<'a> {
    severity: LogLevel,
    message: &'a str,
    /// What says it, if not the server.
    source: Option<&'static str>,
}

impl Style {
    pub(super) fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self {
            level: config.log_level,
            format: config.log_format,
            journal: config.error_log == LogTarget::Std && journal::reads(io::stderr()),
            syslog: Syslog::new(config, "error")?,
        })
    }

    fn write(&self, line: &Line<'_>) {
        let body = match self.format {
            LogFormat::Text => line.text(),
            LogFormat::Json => line.json(),
        };
        if self.journal {
            super::write_raw(journal::prefixed(line.severity, &body).as_bytes());
        } else {
            super::write_raw(body.as_bytes());
        }
        if let Some(syslog) = &self.syslog {
            let message = if self.format == LogFormat::Json { body.trim_end() } else { line.message };
            // Whoever does not get it has no other way to be told.
            let _ = syslog.send(line.severity, message.as_bytes());
        }
    }
}

impl Line<'_> {
    /// `[2026-11-22 15:04:05 +0000] [PID] [LEVEL] message`
    fn text(&self) -> String {
        let time = chrono::Local::now().format("%Y-%m-%d %H:%M:%S %z");
        let (process, level) = (std::process::id(), name(self.severity));
        format!("[{time}] [{process}] [{level}] {}\n", self.message)
    }

    fn json(&self) -> String {
        let time = chrono::Local::now().format("%Y-%m-%dT%H:%M:%S%.3f%:z");
        let (process, level) = (std::process::id(), name(self.severity));
        let (message, traceback) = match self.message.find(TRACEBACK) {
            Some(place) => (&self.message[..place], Some(&self.message[place + 1..])),
            None => (self.message, None),
        };
        let mut line = format!("{{\"time\":\"{time}\",\"pid\":{process},\"level\":\"{level}\"");
        let mut member = |name, text: &str| {
            // Writing to a String cannot fail.
            let _ = write!(line, ",\"{name}\":{}", Value::from(text));
        };
        member("message", message);
        traceback.into_iter().for_each(|text| member("traceback", text));
        self.source.into_iter().for_each(|text| member("source", text));
        line.push_str("}\n");
        line
    }
}

fn name(severity: LogLevel) -> &'static str {
    match severity {
        LogLevel::Critical => "CRITICAL",
        LogLevel::Error => "ERROR",
        LogLevel::Warning => "WARNING",
        LogLevel::Info => "INFO",
        LogLevel::Debug => "DEBUG",
    }
}

/// Writes events like this from now on.
pub(super) fn start(style: Style) {
    LEAST.store(style.level as u8, Ordering::Relaxed);
    let before = STYLE.write().unwrap_or_else(PoisonError::into_inner).replace(Arc::new(style));
    if before.is_none() {
        // The first one stays: it looks the style up.
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(ErrorLog));
        std::panic::set_hook(Box::new(|panic| tracing::error!("internal error: {panic}")));
    } else {
        tracing::callsite::rebuild_interest_cache();
    }
}

fn style() -> Option<Arc<Style>> {
    STYLE.read().unwrap_or_else(PoisonError::into_inner).clone()
}

pub(super) fn flush() {
    style().iter().filter_map(|style| style.syslog.as_ref()).for_each(|syslog| syslog.flush(LAST_LINES));
}

/// What the application writes to `wsgi.errors`: as it is, or an object of JSON for each line.
pub(crate) fn write_errors(bytes: &[u8]) {
    let Some(style) = style().filter(|style| style.format == LogFormat::Json) else {
        return super::write_raw(bytes);
    };
    for message in String::from_utf8_lossy(bytes).lines() {
        style.write(&Line { severity: LogLevel::Error, message, source: Some("wsgi.errors") });
    }
}

/// Takes the events of this process.
struct ErrorLog;

impl<S: Subscriber> Layer<S> for ErrorLog {
    // Where nothing is shown nothing is asked again: the level changes only at a reload.
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_shown(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        is_shown(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match LEAST.load(Ordering::Relaxed) {
            least if least <= LogLevel::Debug as u8 => LevelFilter::DEBUG,
            least if least <= LogLevel::Info as u8 => LevelFilter::INFO,
            least if least <= LogLevel::Warning as u8 => LevelFilter::WARN,
            _ => LevelFilter::ERROR,
        })
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(style) = style() else { return };
        let mut message = Message(String::new());
        event.record(&mut message);
        let severity = severity(event.metadata());
        statsd::count_line(severity, message.0.contains(TRACEBACK));
        let is_pythons = event.metadata().target().starts_with(PYTHONS);
        if is_pythons || !python::tell(severity, &message.0) {
            style.write(&Line { severity, message: &message.0, source: None });
        }
    }
}

fn is_shown(metadata: &Metadata<'_>) -> bool {
    severity(metadata) as u8 >= LEAST.load(Ordering::Relaxed) && *metadata.level() <= Level::DEBUG
}

fn severity(metadata: &Metadata<'_>) -> LogLevel {
    let library = metadata.target().split("::").next().unwrap_or_default();
    match *metadata.level() {
        _ if LIBRARIES.contains(&library) => LogLevel::Debug,
        _ if metadata.target().ends_with(CRITICAL) => LogLevel::Critical,
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warning,
        Level::INFO => LogLevel::Info,
        Level::DEBUG | Level::TRACE => LogLevel::Debug,
    }
}

/// The text of an event, behind it other fields if there are any.
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.0, "{value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str) -> Line<'_> {
        Line { severity: LogLevel::Error, message, source: None }
    }

    #[test]
    fn json_holds_a_traceback_apart() {
        let text =
            line("Error handling \"/\"\nmore\nTraceback (most recent call last):\n  x\u{1b}\nError").json();
        assert_eq!(text.lines().count(), 1);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["message"], "Error handling \"/\"\nmore");
        assert_eq!(value["traceback"], "Traceback (most recent call last):\n  x\u{1b}\nError");
        assert_eq!((&value["level"], &value["pid"]), (&"ERROR".into(), &std::process::id().into()));
        chrono::DateTime::parse_from_rfc3339(value["time"].as_str().unwrap()).unwrap();
    }

    #[test]
    fn text_has_gunicorns_shape() {
        let text = line("what happened").text();
        let (time, rest) = text.split_once("] [").unwrap();
        assert_eq!(time.len(), "[2026-11-22 15:04:05 +0000".len());
        assert_eq!(rest, format!("{}] [ERROR] what happened\n", std::process::id()));
    }
}
