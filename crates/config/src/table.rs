//! All settings. Data only: what the columns mean stands in `setting`, what the kinds accept in `kind`.

use crate::{
    config::{HeaderMap, LogLevel, ProxyProtocol},
    kind::{Action, Kind, Words},
    setting::{Flag, Gunicorn, Section, Setting, Variable},
};

/// Every setting, in the order of the help.
pub static SETTINGS: &[Setting] = &[
    Setting {
        name: "wsgi_app",
        flag: Flag::Positional,
        section: Section::Application,
        metavar: "APPLICATION",
        help: "what to serve, as package.module:name (without a name: application)",
        kind: Kind::Application(|config, app| config.app = app),
        ..ROW
    },
    Setting {
        name: "chdir",
        flag: Flag::Long("chdir"),
        section: Section::Application,
        metavar: "DIR",
        help: "change to this directory before the application is loaded",
        kind: Kind::Path(|config, path| config.chdir = Some(path)),
        ..ROW
    },
    Setting {
        name: "pythonpath",
        flag: Flag::Long("pythonpath"),
        section: Section::Application,
        metavar: "DIR,DIR",
        help: "directories to put first on the Python path, separated by commas",
        kind: Kind::Paths(|config, paths| config.pythonpath = paths),
        ..ROW
    },
    Setting {
        name: "raw_env",
        flag: Flag::Long("env"),
        short: Some('e'),
        section: Section::Application,
        metavar: "NAME=VALUE",
        help: "environment variable to set for the application; repeatable",
        kind: Kind::Variables(|config, variables| config.env = variables),
        ..ROW
    },
    Setting {
        name: "python",
        flag: Flag::Long("python"),
        section: Section::Application,
        metavar: "PATH",
        help: "python or virtual environment to run for; native program only",
        gunicorn: Gunicorn::Own,
        kind: Kind::Path(|config, path| config.python = Some(path)),
        ..ROW
    },
    Setting {
        name: "bind",
        flag: Flag::Long("bind"),
        short: Some('b'),
        env: Some(Variable { name: "PORT", prefix: "0.0.0.0:", empty_counts: false }),
        default: Some("127.0.0.1:8000"),
        section: Section::Socket,
        metavar: "ADDRESS",
        help: "listen on HOST:PORT, PORT, [IPV6]:PORT or unix:PATH; repeatable",
        gunicorn: Gunicorn::Differs("a number alone is a port on 127.0.0.1, not a host name"),
        kind: Kind::Addresses(|config, addresses| config.bind = addresses),
        ..ROW
    },
    Setting {
        name: "backlog",
        flag: Flag::Long("backlog"),
        default: Some("2048"),
        section: Section::Socket,
        metavar: "N",
        help: "connections that may wait to be accepted, for each address",
        // listen(2) takes a C int.
        kind: Kind::Number {
            least: 1,
            most: i32::MAX as u32,
            store: |config, number| config.backlog = number,
        },
        ..ROW
    },
    Setting {
        name: "workers",
        flag: Flag::Long("workers"),
        short: Some('w'),
        env: Some(Variable { name: "WEB_CONCURRENCY", prefix: "", empty_counts: false }),
        default: Some("1"),
        section: Section::Workers,
        metavar: "N",
        help: "worker processes, or auto",
        gunicorn: Gunicorn::Differs("`auto` is accepted too; 0 is refused"),
        kind: Kind::Workers(|config, workers| config.workers = workers),
        ..ROW
    },
    Setting {
        name: "threads",
        flag: Flag::Long("threads"),
        default: Some("1"),
        section: Section::Workers,
        metavar: "N",
        help: "threads that run the application in each worker",
        kind: Kind::Number {
            least: 1,
            most: 65_535,
            store: |config, number| config.threads = number as usize,
        },
        ..ROW
    },
    Setting {
        name: "worker_connections",
        flag: Flag::Long("worker-connections"),
        default: Some("1000"),
        section: Section::Workers,
        metavar: "N",
        help: "connections that each worker holds at a time",
        kind: Kind::Number {
            least: 1,
            most: u32::MAX,
            store: |config, number| config.worker_connections = number as usize,
        },
        ..ROW
    },
    Setting {
        name: "timeout",
        flag: Flag::Long("timeout"),
        short: Some('t'),
        default: Some("30"),
        section: Section::Workers,
        metavar: "SECONDS",
        help: "seconds one request may run; 0: no limit",
        gunicorn: Gunicorn::Differs(
            "counts for each request with any number of threads; Gunicorn's threads are not watched",
        ),
        kind: Kind::Seconds(|config, timeout| config.timeout = timeout),
        ..ROW
    },
    Setting {
        name: "graceful_timeout",
        flag: Flag::Long("graceful-timeout"),
        default: Some("30"),
        section: Section::Workers,
        metavar: "SECONDS",
        help: "seconds requests may still run at a stop",
        kind: Kind::Seconds(|config, timeout| {
            config.graceful_timeout = timeout.unwrap_or_default();
        }),
        ..ROW
    },
    Setting {
        name: "keepalive",
        flag: Flag::Long("keep-alive"),
        default: Some("5"),
        section: Section::Workers,
        metavar: "SECONDS",
        help: "seconds an idle connection is kept; 0: not at all",
        gunicorn: Gunicorn::Differs(
            "5 s, not 2 s: a balancer that reuses a connection just as it closes answers 502",
        ),
        kind: Kind::Seconds(|config, timeout| config.keep_alive = timeout),
        ..ROW
    },
    Setting {
        name: "queue_timeout",
        flag: Flag::Long("queue-timeout"),
        default: Some("30"),
        section: Section::Workers,
        metavar: "SECONDS",
        help: "seconds a request waits for a thread; 0: no limit",
        gunicorn: Gunicorn::Own,
        kind: Kind::Seconds(|config, timeout| config.queue_timeout = timeout),
        ..ROW
    },
    Setting {
        name: "queue_size",
        flag: Flag::Long("queue-size"),
        default: Some("1024"),
        section: Section::Workers,
        metavar: "N",
        help: "requests that wait in a worker, more: 503",
        gunicorn: Gunicorn::Own,
        kind: Kind::Number {
            least: 1,
            most: u32::MAX,
            store: |config, number| config.queue_size = number as usize,
        },
        ..ROW
    },
    Setting {
        name: "limit_request_line",
        flag: Flag::Long("limit-request-line"),
        default: Some("4094"),
        section: Section::Limits,
        metavar: "N",
        help: "bytes of a request line; 0: no limit",
        gunicorn: Gunicorn::Differs("every number is honoured; Gunicorn takes more than 8190 for 8190"),
        kind: Kind::LimitedNumber(|config, limit| config.limit_request_line = limit),
        ..ROW
    },
    Setting {
        name: "limit_request_fields",
        flag: Flag::Long("limit-request-fields"),
        default: Some("100"),
        section: Section::Limits,
        metavar: "N",
        help: "headers of a request; 0: no limit",
        gunicorn: Gunicorn::Differs(
            "every number is honoured; Gunicorn takes more than 32768, and 0, for 32768",
        ),
        kind: Kind::LimitedNumber(|config, limit| config.limit_request_fields = limit),
        ..ROW
    },
    Setting {
        name: "limit_request_field_size",
        flag: Flag::Long("limit-request-field_size"),
        alias: Some("limit-request-field-size"),
        default: Some("8190"),
        section: Section::Limits,
        metavar: "N",
        help: "bytes of one header; 0: no limit",
        gunicorn: Gunicorn::Differs("0 is no limit; Gunicorn takes it for 8190"),
        kind: Kind::LimitedNumber(|config, limit| config.limit_request_field_size = limit),
        ..ROW
    },
    Setting {
        name: "limit_request_body",
        flag: Flag::Long("limit-request-body"),
        default: Some("1G"),
        section: Section::Limits,
        metavar: "SIZE",
        help: "bytes of a body; 0: no limit",
        gunicorn: Gunicorn::Own,
        kind: Kind::Size(|config, limit| config.limit_request_body = limit),
        ..ROW
    },
    Setting {
        name: "limit_connections_per_ip",
        flag: Flag::Long("limit-connections-per-ip"),
        default: Some("256"),
        section: Section::Limits,
        metavar: "N",
        help: "connections of one client; 0: no limit",
        gunicorn: Gunicorn::Own,
        kind: Kind::LimitedNumber(|config, limit| config.limit_connections_per_ip = limit),
        ..ROW
    },
    Setting {
        name: "header_timeout",
        flag: Flag::Long("header-timeout"),
        default: Some("10"),
        section: Section::SlowClients,
        metavar: "SECONDS",
        help: "seconds until all headers are there; 0: no limit",
        gunicorn: Gunicorn::Own,
        kind: Kind::Seconds(|config, timeout| config.header_timeout = timeout),
        ..ROW
    },
    Setting {
        name: "body_timeout",
        flag: Flag::Long("body-timeout"),
        default: Some("30"),
        section: Section::SlowClients,
        metavar: "SECONDS",
        help: "seconds of silence in a body; 0: no limit",
        gunicorn: Gunicorn::Own,
        kind: Kind::Seconds(|config, timeout| config.body_timeout = timeout),
        ..ROW
    },
    Setting {
        name: "body_min_rate",
        flag: Flag::Long("body-min-rate"),
        default: Some("500"),
        section: Section::SlowClients,
        metavar: "SIZE",
        help: "average bytes per second of a body; 0: no limit",
        gunicorn: Gunicorn::Own,
        kind: Kind::Size(|config, rate| config.body_min_rate = rate),
        ..ROW
    },
    Setting {
        name: "body_grace",
        flag: Flag::Long("body-grace"),
        default: Some("10"),
        section: Section::SlowClients,
        metavar: "SECONDS",
        help: "seconds before that rate counts; 0: at once",
        gunicorn: Gunicorn::Own,
        kind: Kind::Seconds(|config, grace| config.body_grace = grace.unwrap_or_default()),
        ..ROW
    },
    Setting {
        name: "write_timeout",
        flag: Flag::Long("write-timeout"),
        default: Some("60"),
        section: Section::SlowClients,
        metavar: "SECONDS",
        help: "seconds a response may stand still; 0: no limit",
        gunicorn: Gunicorn::Own,
        kind: Kind::Seconds(|config, timeout| config.write_timeout = timeout),
        ..ROW
    },
    Setting {
        name: "request_buffering",
        flag: Flag::Long("no-request-buffering"),
        default: Some("true"),
        section: Section::Bodies,
        help: "let the application read bodies as they come",
        gunicorn: Gunicorn::Own,
        kind: Kind::Switch { flag: false, store: |config, is_on| config.request_buffering = is_on },
        ..ROW
    },
    Setting {
        name: "body_memory",
        flag: Flag::Long("body-memory"),
        default: Some("64M"),
        section: Section::Bodies,
        metavar: "SIZE",
        help: "memory of a worker for bodies, then files; 0: no limit",
        gunicorn: Gunicorn::Own,
        kind: Kind::Size(|config, size| config.body_memory = size),
        ..ROW
    },
    Setting {
        name: "response_buffer",
        flag: Flag::Long("response-buffer"),
        default: Some("1M"),
        section: Section::Bodies,
        metavar: "SIZE",
        help: "memory of a response, then a file; 0: no limit",
        gunicorn: Gunicorn::Own,
        kind: Kind::Size(|config, size| config.response_buffer = size),
        ..ROW
    },
    Setting {
        name: "response_temp_max",
        flag: Flag::Long("response-temp-max"),
        default: Some("1G"),
        section: Section::Bodies,
        metavar: "SIZE",
        help: "size of a response's file; 0: no limit",
        gunicorn: Gunicorn::Own,
        kind: Kind::Size(|config, size| config.response_temp_max = size),
        ..ROW
    },
    Setting {
        name: "body_temp_dir",
        flag: Flag::Long("body-temp-dir"),
        section: Section::Bodies,
        metavar: "DIR",
        help: "directory of these files [default: the system's]",
        gunicorn: Gunicorn::Own,
        kind: Kind::Path(|config, path| config.body_temp_dir = Some(path)),
        ..ROW
    },
    Setting {
        name: "sendfile",
        flag: Flag::Long("no-sendfile"),
        env: Some(Variable { name: "SENDFILE", prefix: "", empty_counts: false }),
        default: Some("true"),
        section: Section::Bodies,
        help: "do not send files by sendfile; also SENDFILE=false",
        gunicorn: Gunicorn::Differs(
            "`sendfile = True` in a file does not switch it off; a `SENDFILE` that is neither true nor false is refused",
        ),
        kind: Kind::Switch { flag: false, store: |config, is_on| config.sendfile = is_on },
        ..ROW
    },
    Setting {
        name: "sendfile_roots",
        flag: Flag::Long("sendfile-root"),
        section: Section::Bodies,
        metavar: "/PREFIX=DIR",
        help: "what X-Accel-Redirect, X-Sendfile may name; repeatable",
        gunicorn: Gunicorn::Own,
        kind: Kind::Mapping(|config, roots| config.sendfile_roots = roots),
        ..ROW
    },
    Setting {
        name: "forwarded_allow_ips",
        flag: Flag::Long("forwarded-allow-ips"),
        env: Some(Variable { name: "FORWARDED_ALLOW_IPS", prefix: "", empty_counts: true }),
        default: Some("127.0.0.1,::1,unix"),
        section: Section::Proxies,
        metavar: "LIST",
        help: "trusted proxies: addresses, networks, unix or *",
        gunicorn: Gunicorn::Differs(
            "peers on a Unix socket are trusted only with `unix` or `*`; the default does not count for clients behind a PROXY header",
        ),
        kind: Kind::Networks(|config, networks| config.forwarded_allow_ips = networks),
        given: |config| config.forwarded_allow_ips_given = true,
        ..ROW
    },
    Setting {
        name: "secure_scheme_headers",
        flag: Flag::Long("secure-scheme-headers"),
        default: Some("X-FORWARDED-PROTOCOL=ssl, X-FORWARDED-PROTO=https, X-FORWARDED-SSL=on"),
        section: Section::Proxies,
        metavar: "LIST",
        help: "headers by which they say https",
        gunicorn: Gunicorn::Differs("has an option; Gunicorn takes it from a file only"),
        kind: Kind::SchemeHeaders(|config, headers| config.secure_scheme_headers = headers),
        ..ROW
    },
    Setting {
        name: "forwarded_for",
        flag: Flag::Long("forwarded-for"),
        default: Some("false"),
        section: Section::Proxies,
        help: "believe their X-Forwarded-For or Forwarded",
        gunicorn: Gunicorn::Own,
        kind: Kind::Switch { flag: true, store: |config, is_on| config.forwarded_for = is_on },
        ..ROW
    },
    Setting {
        name: "forwarder_headers",
        flag: Flag::Long("forwarder-headers"),
        default: Some("SCRIPT_NAME,PATH_INFO"),
        section: Section::Proxies,
        metavar: "NAMES",
        help: "names with an underscore they may send, or *",
        kind: Kind::NameList(|config, names| config.forwarder_headers = names),
        ..ROW
    },
    Setting {
        name: "header_map",
        flag: Flag::Long("header-map"),
        default: Some("drop"),
        section: Section::Proxies,
        metavar: "WORD",
        help: "other such names: drop, refuse or dangerous",
        kind: Kind::Choice {
            words: HeaderMap::WORDS,
            store: |config, index| config.header_map = HeaderMap::ALL[index],
        },
        ..ROW
    },
    Setting {
        name: "proxy_protocol",
        flag: Flag::Long("proxy-protocol"),
        default: Some("off"),
        section: Section::Proxies,
        metavar: "WORD",
        help: "PROXY protocol: off, v1, v2, auto; alone: auto",
        gunicorn: Gunicorn::Differs("an application that follows the option is not taken for its value"),
        kind: Kind::OptionalChoice {
            choice: Words { words: ProxyProtocol::WORDS, synonyms: ProxyProtocol::SYNONYMS },
            alone: "auto",
            store: |config, index| config.proxy_protocol = ProxyProtocol::ALL[index],
        },
        ..ROW
    },
    Setting {
        name: "proxy_allow_ips",
        flag: Flag::Long("proxy-allow-from"),
        default: Some("127.0.0.1,::1,unix"),
        section: Section::Proxies,
        metavar: "LIST",
        help: "who may speak it, as above",
        gunicorn: Gunicorn::Differs("peers on a Unix socket may only with `unix` or `*`"),
        kind: Kind::Networks(|config, networks| config.proxy_allow_ips = networks),
        ..ROW
    },
    Setting {
        name: "root_path",
        flag: Flag::Long("root-path"),
        env: Some(Variable { name: "SCRIPT_NAME", prefix: "", empty_counts: false }),
        section: Section::Proxies,
        metavar: "PATH",
        help: "SCRIPT_NAME of the application",
        gunicorn: Gunicorn::Differs("counts for WSGI, where Gunicorn has only the variable `SCRIPT_NAME`"),
        kind: Kind::RootPath(|config, path| config.root_path = path),
        ..ROW
    },
    Setting {
        name: "pidfile",
        flag: Flag::Long("pid"),
        short: Some('p'),
        section: Section::Mechanics,
        metavar: "FILE",
        help: "write the process id of the master to this file",
        kind: Kind::Path(|config, path| config.pid = Some(path)),
        ..ROW
    },
    Setting {
        name: "server_header",
        flag: Flag::Long("server-header"),
        default: Some("rwsgi"),
        section: Section::Mechanics,
        metavar: "TEXT",
        help: "text of the Server header, or off",
        gunicorn: Gunicorn::Own,
        kind: Kind::HeaderText(|config, text| config.server_header = text),
        ..ROW
    },
    Setting {
        name: "loglevel",
        flag: Flag::Long("log-level"),
        default: Some("info"),
        section: Section::Logging,
        metavar: "LEVEL",
        help: "debug, info, warning, error or critical",
        gunicorn: Gunicorn::Differs("an unknown level is refused, not taken for `info`"),
        kind: Kind::Choice {
            words: LogLevel::WORDS,
            store: |config, index| config.log_level = LogLevel::ALL[index],
        },
        ..ROW
    },
    Setting {
        name: "errorlog",
        flag: Flag::Long("error-logfile"),
        alias: Some("log-file"),
        default: Some("-"),
        section: Section::Logging,
        metavar: "FILE",
        help: "error log; -: standard error",
        kind: Kind::Log(|config, target| config.error_log = target),
        ..ROW
    },
    Setting {
        name: "accesslog",
        flag: Flag::Long("access-logfile"),
        section: Section::Logging,
        metavar: "FILE",
        help: "access log; -: standard output [default: off]",
        kind: Kind::Log(|config, target| config.access_log = Some(target)),
        ..ROW
    },
    Setting {
        name: "access_log_format",
        flag: Flag::Long("access-logformat"),
        default: Some(r#"%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s""#),
        section: Section::Logging,
        metavar: "FORMAT",
        help: "line of the access log",
        kind: Kind::Text(|config, format| config.access_log_format = format),
        ..ROW
    },
    Setting {
        name: "version",
        flag: Flag::Long("version"),
        short: Some('v'),
        section: Section::Information,
        help: "print the version and exit",
        kind: Kind::Action(Action::Version),
        ..ROW
    },
    Setting {
        name: "help",
        flag: Flag::Long("help"),
        short: Some('h'),
        section: Section::Information,
        help: "print this help and exit",
        kind: Kind::Action(Action::Help),
        ..ROW
    },
];

/// What a row says when it leaves a column out.
const ROW: Setting = Setting {
    name: "",
    flag: Flag::Positional,
    short: None,
    alias: None,
    env: None,
    default: None,
    section: Section::Information,
    metavar: "",
    help: "",
    gunicorn: Gunicorn::Same,
    kind: Kind::Action(Action::Help),
    given: |_| {},
};
