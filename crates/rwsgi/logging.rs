//! The logs: where they are, and what of the settings a running process can change about them.

mod access;
mod event;
mod journal;
mod python;
mod syslog;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rwsgi_config::{Config, LogTarget};
use rwsgi_os::Owner;

use crate::error::Error;

pub(crate) use access::Access;
pub(crate) use access::write_access;
pub(crate) use event::write_errors;
pub(crate) use python::{is_python, leave as leave_python, set_loggers};

static LOG: OnceLock<Log> = OnceLock::new();

/// In a worker, if there is one.
static ACCESS_LOG: OnceLock<Log> = OnceLock::new();

/// Whom log files are given to when the master opens them.
static OWNER: Mutex<Owner> = Mutex::new(Owner { user: None, group: None });

/// Whether the standard streams follow the error log's file.
static CAPTURES: Mutex<bool> = Mutex::new(false);

/// A log that this process writes.
struct Log {
    what: &'static str,
    /// Its descriptor stays the same: what it stands for changes.
    file: File,
    /// Where it lies; a standard stream has no place.
    place: Mutex<Option<PathBuf>>,
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each is replaced in one assignment, so a panic elsewhere leaves none half written.
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    fn open(target: &LogTarget, what: &'static str, standard: impl AsFd) -> Result<Self, Error> {
        let file = open(target, what, standard)?;
        Ok(Self { what, file, place: Mutex::new(place_of(target)) })
    }

    /// Goes on in another place.
    fn move_to(&self, target: &LogTarget, standard: impl AsFd) -> Result<(), Error> {
        let mut place = lock(&self.place);
        match target {
            LogTarget::Std if place.is_none() => {}
            LogTarget::Std => rwsgi_os::redirect(&self.file, standard)?,
            LogTarget::File(path) => {
                let failed = |source| Error::OpenLog { what: self.what, path: path.clone(), source };
                rwsgi_os::reopen(&self.file, path).map_err(failed)?;
                let failed = |source| Error::GiveLog { what: self.what, path: path.clone(), source };
                give(&self.file, path).map_err(failed)?;
            }
        }
        *place = place_of(target);
        Ok(())
    }

    fn reopen(&self) {
        let Some(path) = &*lock(&self.place) else { return };
        let reopened = rwsgi_os::reopen(&self.file, path).and_then(|()| give(&self.file, path));
        if let Err(error) = reopened {
            tracing::error!(
                "cannot open the {} `{}` again, the old file is kept: {error}",
                self.what,
                path.display()
            );
        }
    }
}

/// Opens the error log and sends all events of this process, and of those that it forks from now on, there. Where that has been
/// done before, for the settings before a reload, they go on as these settings say. Log files belong to `owner` from now on.
pub(crate) fn start(config: &Config, owner: Owner) -> Result<(), Error> {
    *lock(&OWNER) = owner;
    let target = absolute(config.error_log.clone());
    let style = event::Style::new(config)?;
    match LOG.get() {
        Some(log) => log.move_to(&target, io::stderr())?,
        None => {
            let log = Log::open(&target, "error log", io::stderr())?;
            let _ = LOG.set(log);
        }
    }
    event::start(style);
    *lock(&CAPTURES) = config.capture_output && target != LogTarget::Std;
    capture()
}

/// Sends the standard streams to the error log's file, if that is wanted: also after they have been given up.
pub(crate) fn capture() -> Result<(), Error> {
    match LOG.get() {
        Some(log) if *lock(&CAPTURES) => Ok(rwsgi_os::capture(&log.file)?),
        _ => Ok(()),
    }
}

/// Whether this process has its error log.
pub(crate) fn is_started() -> bool {
    LOG.get().is_some()
}

/// Whether this process has its error log somewhere else than on stderr, where the person who typed the command looks.
pub(crate) fn is_elsewhere() -> bool {
    LOG.get().is_some_and(|log| lock(&log.place).is_some())
}

/// Opens a log file for appending; `standard` stands for `-`.
fn open(target: &LogTarget, what: &'static str, standard: impl AsFd) -> Result<File, Error> {
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
fn give(file: &File, path: &Path) -> io::Result<()> {
    let owner = *lock(&OWNER);
    let found = file.metadata()?;
    let is_theirs = |wanted: Option<u32>, found| wanted.is_none_or(|wanted| wanted == found);
    if is_theirs(owner.user, found.uid()) && is_theirs(owner.group, found.gid()) {
        return Ok(());
    }
    rwsgi_os::give_log(file, path, owner)
}

/// Opens the log files of this process again, behind the same descriptors: `logrotate` has renamed the old ones. One that cannot
/// be opened goes on in the old file.
pub(crate) fn reopen() {
    [&LOG, &ACCESS_LOG].into_iter().filter_map(OnceLock::get).for_each(Log::reopen);
    if let Err(error) = capture() {
        tracing::error!("{}", crate::ui::chain(&error));
    }
}

/// The same file, from whatever directory the application changes to.
fn absolute(target: LogTarget) -> LogTarget {
    match target {
        LogTarget::File(path) => LogTarget::File(std::path::absolute(&path).unwrap_or(path)),
        LogTarget::Std => LogTarget::Std,
    }
}

fn place_of(target: &LogTarget) -> Option<PathBuf> {
    match target {
        LogTarget::File(path) => Some(path.clone()),
        LogTarget::Std => None,
    }
}

/// The error log's descriptor, for what writes to it while the process crashes.
pub(crate) fn file() -> Option<BorrowedFd<'static>> {
    LOG.get().map(|log| log.file.as_fd())
}

/// Bytes as they are.
pub(crate) fn write_raw(bytes: &[u8]) {
    if let Some(log) = LOG.get() {
        // A log that cannot be written must not stop a request; there is nowhere to complain either.
        rwsgi_os::write_if_ready(&log.file, bytes);
    }
}

/// Gives syslog a moment to take the last lines, at the end of a process.
pub(crate) fn flush() {
    event::flush();
}
