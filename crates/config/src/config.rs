//! The result: every setting with its final value and its real type.

use std::{path::PathBuf, time::Duration};

use crate::bind::Address;

/// What the server is asked to do, one field for each row of [`SETTINGS`](crate::SETTINGS).
///
/// [`read`](crate::read) makes it. Its `Default` is the blank form that the rows fill in, not the
/// settings' defaults: those stand in the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// The WSGI application as it was named, for example `mysite.wsgi:application`; never empty.
    pub app: String,
    /// The addresses to listen on, in the given order; at least one.
    pub bind: Vec<Address>,
    /// Connections the kernel may hold for each address until they are accepted (`listen(2)`).
    pub backlog: u32,
    /// How many worker processes to keep.
    pub workers: Workers,
    /// Threads that run the application in each worker, at least 1.
    pub threads: usize,
    /// Connections that one worker holds at a time, at least 1.
    pub worker_connections: usize,
    /// How long one request may run; `None` is for ever.
    pub timeout: Option<Duration>,
    /// How long requests in flight may still run when the server stops; zero ends them at once.
    pub graceful_timeout: Duration,
    /// How long an idle connection is kept for a further request; `None` closes after each response.
    pub keep_alive: Option<Duration>,
    /// The directory to change to before the application is loaded.
    pub chdir: Option<PathBuf>,
    /// Directories to put first on `sys.path`, in this order.
    pub pythonpath: Vec<PathBuf>,
    /// Environment variables to set for the application, in the given order.
    pub env: Vec<(String, String)>,
    /// The file to write the master's process id to.
    pub pid: Option<PathBuf>,
    /// The Python, or the virtual environment, to run the application for (native program only).
    pub python: Option<PathBuf>,
    /// The least severity that the error log shows.
    pub log_level: LogLevel,
    /// Where the error log goes; [`LogTarget::Std`] is standard error.
    pub error_log: LogTarget,
    /// Where the access log goes, if anywhere; [`LogTarget::Std`] is standard output.
    pub access_log: Option<LogTarget>,
    /// The shape of a line of the access log, in Gunicorn's `%(x)s` notation; not parsed here.
    pub access_log_format: String,
}

/// The number of worker processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Workers {
    /// As many as the processors that this process may use.
    #[default]
    Auto,
    /// This many, at least 1.
    Count(usize),
}

/// Where a log goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LogTarget {
    /// The standard stream that belongs to the log, written as `-`.
    #[default]
    Std,
    /// A file to append to.
    File(PathBuf),
}

/// The severities of the error log, from the most talkative to the quietest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Details for finding a fault.
    Debug,
    /// Starts, stops and other normal events.
    #[default]
    Info,
    /// Something is odd and was dealt with.
    Warning,
    /// Something failed.
    Error,
    /// The server cannot go on.
    Critical,
}

impl LogLevel {
    /// Every level, in the order of [`LogLevel::WORDS`].
    pub(crate) const ALL: [Self; 5] = [Self::Debug, Self::Info, Self::Warning, Self::Error, Self::Critical];

    /// The levels as the command line writes them.
    pub(crate) const WORDS: &'static [&'static str] = &["debug", "info", "warning", "error", "critical"];
}
