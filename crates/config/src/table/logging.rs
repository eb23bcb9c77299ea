//! Rows: the two logs.

use crate::{
    config::{LogFormat, LogLevel},
    header,
    kind::Kind,
    setting::{Flag, Gunicorn, Section, Setting},
    syslog::{self, SyslogAddress},
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
        name: "logger_class",
        flag: Flag::Long("logger-class"),
        default: Some("gunicorn.glogging.Logger"),
        metavar: "CLASS",
        help: "class of Python that logs; slow",
        gunicorn: Gunicorn::Differs(
            "the base class is `rwsgi.glogging.Logger`, and the master does not use it",
        ),
        kind: Kind::Text(|config, class| config.logger_class = class),
        ..ROW
    },
    Setting {
        name: "logconfig",
        flag: Flag::Long("log-config"),
        metavar: "FILE",
        help: "configure Python's loggers from an INI file; slow",
        kind: Kind::Path(|config, path| config.log_config = Some(path)),
        ..ROW
    },
    Setting {
        name: "logconfig_json",
        flag: Flag::Long("log-config-json"),
        metavar: "FILE",
        help: "configure Python's loggers from a JSON file; slow",
        gunicorn: Gunicorn::Differs("a file that is not there is an error"),
        kind: Kind::Path(|config, path| config.log_config_json = Some(path)),
        ..ROW
    },
    Setting {
        name: "syslog",
        flag: Flag::Long("log-syslog"),
        default: Some("false"),
        help: "send the logs to syslog too",
        kind: Kind::Switch { flag: true, store: |config, is_on| config.syslog = is_on },
        ..ROW
    },
    Setting {
        name: "syslog_addr",
        flag: Flag::Long("log-syslog-to"),
        default: Some("udp://localhost:514"),
        metavar: "ADDR",
        help: "where syslog is: udp://, tcp://, unix://PATH#dgram or #stream",
        kind: Kind::Parsed {
            parse: |config, text| SyslogAddress::parse(text).map(|address| config.syslog_address = address),
            expects: syslog::EXPECTS,
        },
        ..ROW
    },
    Setting {
        name: "syslog_prefix",
        flag: Flag::Long("log-syslog-prefix"),
        metavar: "NAME",
        help: "name in gunicorn.NAME.error and gunicorn.NAME.access [default: application]",
        kind: Kind::Text(|config, prefix| config.syslog_prefix = Some(prefix)),
        ..ROW
    },
    Setting {
        name: "syslog_facility",
        flag: Flag::Long("log-syslog-facility"),
        default: Some("user"),
        metavar: "NAME",
        help: "facility of syslog, such as daemon or local0",
        kind: Kind::Choice {
            words: syslog::FACILITY_WORDS,
            store: |config, index| config.syslog_facility = syslog::FACILITIES[index].1,
        },
        ..ROW
    },
    Setting {
        name: "disable_redirect_access_to_syslog",
        flag: Flag::Long("disable-redirect-access-to-syslog"),
        default: Some("false"),
        help: "keep the access log out of syslog",
        kind: Kind::Switch { flag: true, store: |config, is_on| config.syslog_without_access = is_on },
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
