//! Rows: the two logs.

use crate::{
    choices::{LogFormat, LogLevel},
    header,
    kind::Kind,
    setting::{Flag, Gunicorn, Section, Setting},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "loglevel",
        flag: Flag::Long("log-level"),
        default: Some("info"),
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
        metavar: "FILE",
        help: "error log; -: standard error",
        kind: Kind::Log(|config, target| config.error_log = target),
        ..ROW
    },
    Setting {
        name: "accesslog",
        flag: Flag::Long("access-logfile"),
        metavar: "FILE",
        help: "access log; -: standard output [default: off]",
        kind: Kind::Log(|config, target| config.access_log = Some(target)),
        ..ROW
    },
    Setting {
        name: "access_log_format",
        flag: Flag::Long("access-logformat"),
        default: Some(r#"%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s""#),
        metavar: "FORMAT",
        help: "line of the access log",
        kind: Kind::Text(|config, format| config.access_log_format = format),
        ..ROW
    },
    Setting {
        name: "log_format",
        flag: Flag::Long("log-format"),
        default: Some("text"),
        metavar: "FORMAT",
        help: "lines of both logs: text or json",
        gunicorn: Gunicorn::Own,
        kind: Kind::Choice {
            words: LogFormat::WORDS,
            store: |config, index| config.log_format = LogFormat::ALL[index],
        },
        ..ROW
    },
    Setting {
        name: "request_id",
        flag: Flag::Long("request-id"),
        default: Some("off"),
        metavar: "HEADER",
        help: "on: X-Request-ID, taken from trusted peers or made; or another header",
        gunicorn: Gunicorn::Own,
        kind: Kind::Parsed {
            parse: |config, text| header::name_or_off(text).map(|name| config.request_id = name),
            expects: header::EXPECTS_NAME_OR_OFF,
        },
        ..ROW
    },
    Setting {
        name: "capture_output",
        flag: Flag::Long("capture-output"),
        default: Some("false"),
        help: "send standard output and error to the error log's file",
        kind: Kind::Switch { flag: true, store: |config, is_on| config.capture_output = is_on },
        ..ROW
    },
    Setting {
        name: "enable_stdio_inheritance",
        flag: Flag::Long("enable-stdio-inheritance"),
        short: Some('R'),
        default: Some("false"),
        help: "keep standard input, output and error with --daemon",
        kind: Kind::Switch { flag: true, store: |config, is_on| config.enable_stdio_inheritance = is_on },
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::Logging, ..super::ROW };
