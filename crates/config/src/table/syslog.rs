//! Rows: the logs in syslog.

use crate::{
    kind::Kind,
    setting::{Flag, Section, Setting},
    syslog::{self, SyslogAddress},
};

pub(super) const ROWS: &[Setting] = &[
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
        kind: Kind::Text(|config, prefix| {
            config.syslog_prefix = Some(prefix).filter(|prefix| !prefix.is_empty())
        }),
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
];

const ROW: Setting = Setting { section: Section::Syslog, ..super::ROW };
