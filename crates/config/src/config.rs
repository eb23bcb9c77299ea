//! The result: every setting with its final value and its real type.

use std::{path::PathBuf, time::Duration};

use crate::{
    acme::Acme,
    bind::Address,
    choices::{HeaderMap, LogFormat, LogLevel, LogTarget, ProxyProtocol, ReloadEngine, Workers},
    compression::Compression,
    http_version::{Cleartext, HttpVersion},
    network::Networks,
    protection::{PathRate, Rate},
    static_files::StaticFiles,
    statsd::StatsdAddress,
    syslog::SyslogAddress,
    tls::{CertReqs, TlsVersion},
};

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
    /// Certificates that are fetched from an authority.
    pub acme: Acme,
    /// The versions of HTTP that TLS offers, the best first; at least one, each once.
    pub http_protocols: Vec<HttpVersion>,
    /// How HTTP/2 may begin without TLS, where it comes from a peer of `forwarded_allow_ips`.
    pub http2_cleartext: Cleartext,
    /// Requests at a time in an HTTP/2 connection, at least 1.
    pub http2_max_concurrent_streams: u32,
    /// Bytes that an HTTP/2 client may send in a request before it must wait, from 1 to 2^31 - 1.
    pub http2_initial_window_size: u32,
    /// Bytes of a frame that an HTTP/2 client may send, from 16,384 to 16,777,215.
    pub http2_max_frame_size: u32,
    /// Bytes of the headers of an HTTP/2 request; `None` is any number.
    pub http2_max_header_list_size: Option<usize>,
    /// The files of the server's certificates; TLS is spoken if there is one, or a key.
    pub certfile: Vec<PathBuf>,
    /// The files of their keys, in the same order; none, or as many.
    pub keyfile: Vec<PathBuf>,
    /// The file with the password of encrypted keys.
    pub key_password_file: Option<PathBuf>,
    /// The oldest version of TLS that is spoken.
    pub tls_min: TlsVersion,
    /// The cipher suites, by OpenSSL's names; empty takes all.
    pub ciphers: Vec<String>,
    /// The file of the authorities that certificates of clients come from.
    pub ca_certs: Option<PathBuf>,
    /// Whether clients show certificates.
    pub cert_reqs: CertReqs,
    /// Whether the end of a connection is taken for the end of TLS.
    pub suppress_ragged_eofs: bool,
    /// The addresses whose clients are sent to HTTPS, in the given order.
    pub https_redirect: Vec<Address>,
    /// The value of `Strict-Transport-Security`, if that is sent.
    pub hsts: Option<String>,
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
    /// Files that are sent without the application.
    pub files: StaticFiles,
    /// How responses of the application are compressed.
    pub compression: Compression,
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
    /// The hosts whose requests are answered: names in lower case, IPv6 addresses in brackets; `.NAME`, `*.NAME` and `*` for several. Empty: all.
    pub allow_host: Vec<String>,
    /// Whether those of Django's `ALLOWED_HOSTS` are added to them.
    pub django_hosts: bool,
    /// Patterns of paths that are answered 404, in which `*` stands for anything.
    pub deny_path: Vec<String>,
    /// How often a client may ask for anything that `rate_limit_path` does not name; `None` is any number of times.
    pub rate_limit: Option<Rate>,
    /// How often a client may ask for these, in the given order.
    pub rate_limit_path: Vec<PathRate>,
    /// Names and values of headers for every answer, in the given order.
    pub header: Vec<(String, String)>,
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
    /// Whether TLS is spoken, as in Gunicorn.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        !(self.certfile.is_empty() && self.keyfile.is_empty() && self.acme.domains.is_empty())
    }

    /// What the processes are called in their titles: as somebody said, or like the application.
    #[must_use]
    pub fn process_name(&self) -> &str {
        match (&*self.proc_name, &*self.default_proc_name) {
            ("", "" | "gunicorn") => &self.app,
            ("", name) | (name, _) => name,
        }
    }
}
