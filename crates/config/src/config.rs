//! The result: every setting with its final value and its real type.

use std::{path::PathBuf, time::Duration};

use crate::{bind::Address, network::Networks, statsd::StatsdAddress, syslog::SyslogAddress};

/// What the server is asked to do, one field for each row of [`SETTINGS`](crate::SETTINGS).
///
/// [`Draft::finish`](crate::Draft::finish) makes it. Its `Default` is the blank form that the rows fill in, not the
/// settings' defaults: those stand in the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// The WSGI application as it was named, for example `mysite.wsgi:application`; never empty.
    pub app: String,
    /// The addresses to listen on, in the given order; at least one.
    pub bind: Vec<Address>,
    /// Connections the kernel may hold for each address until they are accepted (`listen(2)`).
    pub backlog: u32,
    /// Whether other servers may listen at the same ports (`SO_REUSEPORT`, `socket(7)`).
    pub reuse_port: bool,
    /// How many worker processes to keep.
    pub workers: Workers,
    /// Threads that run the application in each worker, at least 1.
    pub threads: usize,
    /// Connections that one worker holds at a time, at least 1.
    pub worker_connections: usize,
    /// How long one request may run until it is answered 504; `None` is for ever.
    pub timeout: Option<Duration>,
    /// How long a request over `timeout` may still run until its worker is replaced; zero replaces it at once.
    pub timeout_kill: Duration,
    /// How long a request runs until its stack is logged; `None` logs none.
    pub slow_log: Option<Duration>,
    /// How long requests in flight may still run when the server stops; zero ends them at once.
    pub graceful_timeout: Duration,
    /// How long an idle connection is kept for a further request; `None` closes after each response.
    pub keep_alive: Option<Duration>,
    /// How long a complete request waits for a Python thread before it is answered 503; `None` is for ever.
    pub queue_timeout: Option<Duration>,
    /// Requests that wait in one worker for a Python thread at once, at least 1; one more is answered 503.
    pub queue_size: usize,
    /// How long a worker may take from its fork until it is ready; `None` is for ever.
    pub boot_timeout: Option<Duration>,
    /// Requests that a worker answers before it is replaced; `None` is any number.
    pub max_requests: Option<u64>,
    /// Up to this many more, drawn for each worker, so that not all of them go at once.
    pub max_requests_jitter: u64,
    /// How long a worker serves before it is replaced; `None` is for ever.
    pub max_worker_lifetime: Option<Duration>,
    /// Up to this much longer, drawn for each worker.
    pub max_worker_lifetime_jitter: Duration,
    /// Bytes of memory (resident set) with which a worker is replaced; `None` is any number.
    pub max_worker_memory: Option<u64>,
    /// Workers above their number that a reload may run; at least 1 if `reload_max_unavailable` is 0.
    pub reload_surge: usize,
    /// Workers below their number that a reload may leave.
    pub reload_max_unavailable: usize,
    /// Whether workers are forked from a process that has loaded the application.
    pub preload_app: bool,
    /// Paths of URLs, each with a `/` at its beginning, to call the application for before it is forked.
    pub preload_warm: Vec<String>,
    /// Whether an application that has started threads before the fork is refused.
    pub preload_strict: bool,
    /// Bytes of a request line; `None` is any number. One too long is answered 414.
    pub limit_request_line: Option<usize>,
    /// Headers of a request; `None` is any number. One too many is answered 431.
    pub limit_request_fields: Option<usize>,
    /// Bytes of one header's line; `None` is any number. One too long is answered 431.
    pub limit_request_field_size: Option<usize>,
    /// Bytes of a request's body; `None` is any number. One too long is answered 413.
    pub limit_request_body: Option<u64>,
    /// Connections of one address at a time; `None` is any number.
    pub limit_connections_per_ip: Option<usize>,
    /// How long the head of a request may take from its first byte on; `None` is for ever.
    pub header_timeout: Option<Duration>,
    /// How long a client may be silent within a body; `None` is for ever.
    pub body_timeout: Option<Duration>,
    /// Bytes per second that a body arrives with on average at least; `None` is any number.
    pub body_min_rate: Option<u64>,
    /// How long a body may take before `body_min_rate` counts; zero counts at once.
    pub body_grace: Duration,
    /// How long a client may take nothing of its response; `None` is for ever.
    pub write_timeout: Option<Duration>,
    /// Whether bodies are complete before the application is called.
    pub request_buffering: bool,
    /// Bytes of memory for all bodies that wait in one worker; `None` is any number. Further ones go to
    /// temporary files.
    pub body_memory: Option<u64>,
    /// Bytes of memory that one response may wait in; `None` is any number.
    pub response_buffer: Option<u64>,
    /// Bytes of a temporary file that one response may wait in beyond that; `None` is any number.
    pub response_temp_max: Option<u64>,
    /// The directory for temporary files of bodies and responses; `None` is the system's.
    pub body_temp_dir: Option<PathBuf>,
    /// Whether files go out by `sendfile(2)`.
    pub sendfile: bool,
    /// The files that an application may name to be sent: prefixes of URL paths, which begin with `/`, with
    /// their directories, both as they were written, in the given order and each prefix once.
    pub sendfile_roots: Vec<(String, PathBuf)>,
    /// Peers whose forwarding headers count.
    pub forwarded_allow_ips: Networks,
    /// Whether somebody has named them, rather than the defaults.
    pub forwarded_allow_ips_given: bool,
    /// Headers of trusted peers, in upper case, with the value that means `https`; each name once.
    pub secure_scheme_headers: Vec<(String, String)>,
    /// Whether `REMOTE_ADDR` is what trusted peers say in `X-Forwarded-For` or `Forwarded`.
    pub forwarded_for: bool,
    /// Names of headers with an underscore, in upper case, that trusted peers may send; `*` is any.
    pub forwarder_headers: Vec<String>,
    /// What is done with a header whose name has an underscore.
    pub header_map: HeaderMap,
    /// Whether connections begin with a header of the PROXY protocol.
    pub proxy_protocol: ProxyProtocol,
    /// Peers that may send a header of the PROXY protocol.
    pub proxy_allow_ips: Networks,
    /// The path that the application is mounted at (`SCRIPT_NAME`): empty, or begins with `/` and does not
    /// end with one.
    pub root_path: String,
    /// The text of the `Server` header; `None` sends none.
    pub server_header: Option<String>,
    /// The directory to change to before the application is loaded.
    pub chdir: Option<PathBuf>,
    /// Directories to put first on `sys.path`, in this order.
    pub pythonpath: Vec<PathBuf>,
    /// Environment variables to set for the application, in the given order.
    pub env: Vec<(String, String)>,
    /// The file to write the master's process id to.
    pub pid: Option<PathBuf>,
    /// Whether the server goes into the background.
    pub daemon: bool,
    /// The user whom workers run as, by name or number; `None` changes nothing.
    pub user: Option<String>,
    /// The group that workers run as, by name or number; `None` changes nothing.
    pub group: Option<String>,
    /// Whether workers get all groups that the user is a member of (`initgroups(3)`).
    pub initgroups: bool,
    /// Permission bits that unix sockets do not get, at most `0o777`; `None` gives them the mode 0660.
    pub umask: Option<u32>,
    /// The name in the titles of the processes; empty where [`Config::process_name`] is another one.
    pub proc_name: String,
    /// The name without that one, or `gunicorn`, which stands for the application.
    pub default_proc_name: String,
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
    /// How lines of both logs are written.
    pub log_format: LogFormat,
    /// The header by which requests are told apart, in lower case; `None`: there is none.
    pub request_id: Option<String>,
    /// Whether standard output and error go to the file of the error log.
    pub capture_output: bool,
    /// Whether the logs go to syslog too.
    pub syslog: bool,
    /// Where syslog is.
    pub syslog_address: SyslogAddress,
    /// The name in the middle of `gunicorn.NAME.error`; `None` is the application's.
    pub syslog_prefix: Option<String>,
    /// The number of the facility (RFC 5424).
    pub syslog_facility: u8,
    /// Whether the access log does not go to syslog.
    pub syslog_without_access: bool,
    /// The class of Python that logs, as it was named.
    pub logger_class: Option<String>,
    /// A configuration of Python's loggers (`logging.config.fileConfig`).
    pub log_config: Option<PathBuf>,
    /// The same as JSON (`logging.config.dictConfig`).
    pub log_config_json: Option<PathBuf>,
    /// The same as a dictionary of a Python file, as JSON.
    pub log_config_dict: Option<String>,
    /// The addresses at which the server tells its numbers, in the given order.
    pub metrics_bind: Vec<Address>,
    /// The path under which the server says how it is, without a slash at its end; `None`: nowhere.
    pub health_path: Option<String>,
    /// The statsd that metrics are sent to, if any.
    pub statsd_host: Option<StatsdAddress>,
    /// What goes before the name of each of them, for a dot to be put between.
    pub statsd_prefix: String,
    /// What is put behind each of them.
    pub dogstatsd_tags: String,
    /// Whether the lengths of the listen queues are among them.
    pub enable_backlog_metric: bool,
    /// Whether a server in the background keeps its standard streams.
    pub enable_stdio_inheritance: bool,
    /// The names of the hooks that a file defines (`post_fork`), in the order of the table. The functions are with whoever
    /// has executed the file.
    pub hooks: Vec<&'static str>,
    /// Whether to check the settings and the application, and end.
    pub check_config: bool,
    /// Whether to print the settings first.
    pub print_config: bool,
    /// Whether a change of the code reloads the server.
    pub reload: bool,
    /// How such a change is seen.
    pub reload_engine: ReloadEngine,
    /// Paths of further files, or patterns for them, whose change counts too; not expanded here.
    pub reload_extra_files: Vec<String>,
}

impl Config {
    /// What the processes are called in their titles: as somebody said, or like the application.
    #[must_use]
    pub fn process_name(&self) -> &str {
        match (&*self.proc_name, &*self.default_proc_name) {
            ("", "" | "gunicorn") => &self.app,
            ("", name) | (name, _) => name,
        }
    }
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

/// How lines of the logs are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// As Gunicorn writes them.
    #[default]
    Text,
    /// An object of JSON each.
    Json,
}

impl LogFormat {
    /// Every format, in the order of [`LogFormat::WORDS`].
    pub(crate) const ALL: [Self; 2] = [Self::Text, Self::Json];

    /// The formats as the command line writes them.
    pub(crate) const WORDS: &'static [&'static str] = &["text", "json"];
}

/// What is done with a header whose name has an underscore, which the environ cannot tell from the one with
/// a hyphen (`X_Forwarded_For`), unless `forwarder_headers` allows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HeaderMap {
    /// The header is left out.
    #[default]
    Drop,
    /// The request is answered 400.
    Refuse,
    /// The application sees it as if it had a hyphen.
    Dangerous,
}

impl HeaderMap {
    /// Every way, in the order of [`HeaderMap::WORDS`].
    pub(crate) const ALL: [Self; 3] = [Self::Drop, Self::Refuse, Self::Dangerous];

    /// The ways as the command line writes them.
    pub(crate) const WORDS: &'static [&'static str] = &["drop", "refuse", "dangerous"];
}

/// Which versions of the PROXY protocol connections may begin with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// None: its header is a malformed request.
    #[default]
    Off,
    /// Version 1, a line of text.
    V1,
    /// Version 2, binary.
    V2,
    /// Either version.
    Auto,
}

impl ProxyProtocol {
    /// Every choice, in the order of [`ProxyProtocol::WORDS`].
    pub(crate) const ALL: [Self; 4] = [Self::Off, Self::V1, Self::V2, Self::Auto];

    /// The choices as the command line writes them.
    pub(crate) const WORDS: &'static [&'static str] = &["off", "v1", "v2", "auto"];

    /// What Gunicorn takes for them too.
    pub(crate) const SYNONYMS: &'static [(&'static str, &'static str)] =
        &[("false", "off"), ("none", "off"), ("0", "off"), ("true", "auto"), ("1", "auto")];
}

/// How a change of a file is seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReloadEngine {
    /// By inotify where it works, else by looking.
    #[default]
    Auto,
    /// By looking at the files again and again.
    Poll,
    /// The kernel tells (`inotify(7)`).
    Inotify,
}

impl ReloadEngine {
    /// Every way, in the order of [`ReloadEngine::WORDS`].
    pub(crate) const ALL: [Self; 3] = [Self::Auto, Self::Poll, Self::Inotify];

    /// The ways as the command line writes them.
    pub(crate) const WORDS: &'static [&'static str] = &["auto", "poll", "inotify"];
}
