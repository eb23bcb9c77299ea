//! Where the access log goes: to its file, to syslog, or to both; or through Python.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Mutex, OnceLock};

use http::HeaderName;
use rwsgi_config::{Config, LogFormat, LogLevel, LogTarget, Settled};
use rwsgi_http::{AccessLog, Format};
use rwsgi_worker::OpenAccessLog;

use super::python::Records;
use super::syslog::Syslog;
use super::{ACCESS_LOG, Log, absolute, is_python, journal, lock, python};
use crate::error::Error;

/// In a worker whose loggers are Python's: where their lines go.
static LINES: OnceLock<Mutex<Lines>> = OnceLock::new();

/// Where and how requests are logged.
#[derive(Debug)]
pub(crate) struct Access {
    target: Option<LogTarget>,
    format: Format,
}

impl Access {
    /// The access log of the settings, if there is one; its file is opened once, so that a mistake is told at once.
    pub(crate) fn new(settled: &Settled) -> Result<Option<Self>, Error> {
        let config = &settled.config;
        let request_id = config.request_id.as_deref().and_then(|name| HeaderName::try_from(name).ok());
        let format = match config.log_format {
            _ if is_python(config) => Format::for_python(&config.access_log_format, request_id.as_ref()),
            LogFormat::Json => Format::json(request_id.as_ref()),
            LogFormat::Text => {
                Format::compile(&config.access_log_format, request_id.as_ref()).map_err(|error| {
                    settled.invalid(
                        "access_log_format",
                        error.to_string(),
                        "`rwsgi --help` shows the default",
                    )
                })?
            }
        };
        let goes_to_syslog = config.syslog && !config.syslog_without_access;
        if config.access_log.is_none() && !goes_to_syslog && !is_python(config) {
            return Ok(None);
        }
        let access = Self { target: config.access_log.clone().map(absolute), format };
        access.create()?;
        Ok(Some(access))
    }

    /// Makes the file, where the workers may not.
    pub(crate) fn create(&self) -> Result<(), Error> {
        match &self.target {
            Some(target) => super::open(target, "access log", io::stdout()).map(drop),
            None => Ok(()),
        }
    }

    /// The variables of the environ that its lines show.
    pub(crate) fn environ(&self) -> &[String] {
        self.format.environ()
    }

    /// Opens it in this process, which is attached to Python. `settings` are those of `LoggerSettings`.
    pub(crate) fn start(&self, config: &Config, settings: &str) -> Result<Box<dyn OpenAccessLog>, Error> {
        let file = match &self.target {
            Some(target) => {
                let log = Log::open(target, "access log", io::stdout())?;
                Some(&ACCESS_LOG.get_or_init(|| log).file)
            }
            None => None,
        };
        let lines = Lines {
            file,
            journal: self.target == Some(LogTarget::Std) && journal::reads(io::stdout()),
            syslog: if config.syslog_without_access { None } else { Syslog::new(config, "access")? },
            is_failing: false,
        };
        let (format, records) = (self.format.clone(), python::start()?);
        Ok(Box::new(Opening { format, lines, records, settings: settings.to_owned() }))
    }
}

/// An access log of which only the application can tell by which way its lines go.
#[derive(Debug)]
struct Opening {
    format: Format,
    lines: Lines,
    /// The way through Python, if the settings ask for that.
    records: Option<Records>,
    settings: String,
}

impl OpenAccessLog for Opening {
    fn open(self: Box<Self>) -> io::Result<AccessLog> {
        let Self { format, lines, records, settings } = *self;
        let Some(records) = records.or_else(|| python::detour(&settings)) else {
            return AccessLog::start(format, lines);
        };
        LINES.get_or_init(|| Mutex::new(lines));
        AccessLog::start(format.as_python(), records)
    }
}

/// Lines as they are, for `gunicorn.access` in a worker.
pub(crate) fn write_access(bytes: &[u8]) {
    if let Some(lines) = LINES.get() {
        // Its thread is not one that serves. Whoever cannot write has nowhere to complain.
        let _ = lock(lines).write_all(bytes);
    } else if let Some(log) = ACCESS_LOG.get() {
        rwsgi_os::write_if_ready(&log.file, bytes);
    }
}

/// Takes whole lines, in the thread that writes the access log.
#[derive(Debug)]
struct Lines {
    file: Option<&'static File>,
    journal: bool,
    syslog: Option<Syslog>,
    is_failing: bool,
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(syslog) = &self.syslog {
            let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            let lost = lines.map(|line| syslog.send(LogLevel::Info, line)).filter_map(Result::err).last();
            if let Some(error) = lost.as_ref().filter(|_| !self.is_failing) {
                tracing::error!("cannot send the access log to syslog, lines are lost: {error}");
            }
            self.is_failing = lost.is_some();
        }
        match self.file {
            Some(mut file) if self.journal => {
                let lines = String::from_utf8_lossy(bytes);
                file.write_all(journal::prefixed(LogLevel::Info, &lines).as_bytes())?;
            }
            Some(mut file) => file.write_all(bytes)?,
            None => {}
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
