//! All settings. Data only: what the columns mean stands in `setting`, what the kinds accept in `kind`.

use crate::{
    config::LogLevel,
    kind::{Action, Kind},
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
        env: Some(Variable { name: "PORT", prefix: "0.0.0.0:" }),
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
        env: Some(Variable { name: "WEB_CONCURRENCY", prefix: "" }),
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
};
