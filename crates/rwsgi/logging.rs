//! The error log: Gunicorn's line shape, written so that nobody ever waits for it.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use rwsgi_config::{Config, LogLevel, LogTarget};
use rwsgi_os::Owner;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::error::Error;
use crate::statsd;

/// Events of this target are worse than errors: `WORKER TIMEOUT`.
const CRITICAL: &str = "critical";

static LOG: OnceLock<Log> = OnceLock::new();

/// In a worker, if there is one.
static ACCESS_LOG: OnceLock<Log> = OnceLock::new();

/// A log that this process writes, and where it lies; a standard stream has no place.
struct Log {
    what: &'static str,
    file: File,
    path: Option<PathBuf>,
}

/// Whom log files are given to when the master opens them.
static OWNER: Mutex<Owner> = Mutex::new(Owner { user: None, group: None });

/// Opens the error log and sends all events of this process and its workers there. Log files belong to `owner` from now on.
pub(crate) fn start(config: &Config, owner: Owner) -> Result<(), Error> {
    *OWNER.lock().unwrap_or_else(PoisonError::into_inner) = owner;
    let file = open(&config.error_log, "error log", io::stderr())?;
    // The first one stays: a process starts its log once.
    let _ = LOG.set(Log { what: "error log", file, path: path_of(absolute(config.error_log.clone())) });
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level(config.log_level))
        .event_format(Line { critical_only: config.log_level == LogLevel::Critical })
        .with_writer(|| LogWriter)
        .finish();
    let _ = tracing::subscriber::set_global_default(subscriber);
    std::panic::set_hook(Box::new(|panic| tracing::error!("internal error: {panic}")));
    Ok(())
}

/// Whether this process has its error log.
pub(crate) fn is_started() -> bool {
    LOG.get().is_some()
}

/// Whether this process has its error log somewhere else than on stderr, where the person who typed the command looks.
pub(crate) fn is_elsewhere() -> bool {
    LOG.get().is_some_and(|log| log.path.is_some())
}

/// Opens a log file for appending; `standard` stands for `-`.
pub(crate) fn open(target: &LogTarget, what: &'static str, standard: impl AsFd) -> Result<File, Error> {
    let failed = |path: &Path, source| Error::OpenLog { what, path: path.to_owned(), source };
    match target {
        LogTarget::Std => standard
            .as_fd()
            .try_clone_to_owned()
            .map(File::from)
            .map_err(|source| failed(Path::new("-"), source)),
        LogTarget::File(path) => {
            let opened = OpenOptions::new().append(true).create(true).open(path);
            let file = opened.map_err(|source| failed(path, source))?;
            give(&file, path).map_err(|source| Error::GiveLog { what, path: path.to_owned(), source })?;
            Ok(file)
        }
    }
}

/// So that the workers, which are not root, can open the log again. Where it belongs to them nothing is left to do: a worker
/// could give nothing away.
pub(crate) fn give(file: &File, path: &Path) -> io::Result<()> {
    let owner = *OWNER.lock().unwrap_or_else(PoisonError::into_inner);
    let found = file.metadata()?;
    let is_theirs = |wanted: Option<u32>, found| wanted.is_none_or(|wanted| wanted == found);
    if is_theirs(owner.user, found.uid()) && is_theirs(owner.group, found.gid()) {
        return Ok(());
    }
    rwsgi_os::give_log(file, path, owner)
}

/// Opens the access log of this process, to be opened again by [`reopen`].
pub(crate) fn open_access_log(target: &LogTarget) -> Result<&'static File, Error> {
    let file = open(target, "access log", io::stdout())?;
    let log = Log { what: "access log", file, path: path_of(target.clone()) };
    Ok(&ACCESS_LOG.get_or_init(|| log).file)
}

/// Opens the log files of this process again, behind the same descriptors: `logrotate` has renamed the old ones. One that cannot
/// be opened goes on in the old file.
pub(crate) fn reopen() {
    for Log { what, file, path } in [&LOG, &ACCESS_LOG].into_iter().filter_map(OnceLock::get) {
        let Some(path) = path else { continue };
        let reopened = rwsgi_os::reopen(file, path).and_then(|()| give(file, path));
        if let Err(error) = reopened {
            tracing::error!(
                "cannot open the {what} `{}` again, the old file is kept: {error}",
                path.display()
            );
        }
    }
}

/// The same file, from whatever directory the application changes to.
pub(crate) fn absolute(target: LogTarget) -> LogTarget {
    match target {
        LogTarget::File(path) => LogTarget::File(std::path::absolute(&path).unwrap_or(path)),
        LogTarget::Std => LogTarget::Std,
    }
}

fn path_of(target: LogTarget) -> Option<PathBuf> {
    match target {
        LogTarget::File(path) => Some(path),
        LogTarget::Std => None,
    }
}

/// The error log's descriptor, for what writes to it while the process crashes.
pub(crate) fn file() -> Option<BorrowedFd<'static>> {
    LOG.get().map(|log| log.file.as_fd())
}

/// Bytes as they are, for `wsgi.errors`.
pub(crate) fn write_raw(bytes: &[u8]) {
    if let Some(log) = LOG.get() {
        // A log that cannot be written must not stop a request; there is nowhere to complain either.
        rwsgi_os::write_if_ready(&log.file, bytes);
    }
}

/// Lines as they are, for `gunicorn.access` in a worker.
pub(crate) fn write_access(bytes: &[u8]) {
    if let Some(log) = ACCESS_LOG.get() {
        rwsgi_os::write_if_ready(&log.file, bytes);
    }
}

fn level(level: LogLevel) -> Level {
    match level {
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Info => Level::INFO,
        LogLevel::Warning => Level::WARN,
        LogLevel::Error | LogLevel::Critical => Level::ERROR,
    }
}

/// Writes whole lines to the log.
struct LogWriter;

impl io::Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write_raw(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `[2026-11-22 15:04:05 +0000] [PID] [LEVEL] message`
struct Line {
    critical_only: bool,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let critical = event.metadata().target() == CRITICAL;
        statsd::count_line(event, critical);
        if self.critical_only && !critical {
            return Ok(());
        }
        let time = chrono::Local::now().format("%Y-%m-%d %H:%M:%S %z");
        let level = match *event.metadata().level() {
            _ if critical => "CRITICAL",
            Level::ERROR => "ERROR",
            Level::WARN => "WARNING",
            Level::INFO => "INFO",
            Level::DEBUG | Level::TRACE => "DEBUG",
        };
        write!(writer, "[{time}] [{}] [{level}] ", std::process::id())?;
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}
