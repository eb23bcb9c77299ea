//! Rows: how long a client may take.

use crate::{
    kind::Kind,
    setting::{Flag, Gunicorn, Section, Setting},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "header_timeout",
        flag: Flag::Long("header-timeout"),
        default: Some("10"),
        metavar: "SECONDS",
        help: "seconds until all headers are there; 0: no limit",
        more: "From the first byte of the request on; then 408.",
        gunicorn: Gunicorn::Own,
        kind: Kind::Seconds(|config, timeout| config.header_timeout = timeout),
        ..ROW
    },
    Setting {
        name: "body_timeout",
        flag: Flag::Long("body-timeout"),
        default: Some("30"),
        metavar: "SECONDS",
        help: "seconds of silence in a body; 0: no limit",
        more: "Then 408.",
        gunicorn: Gunicorn::Own,
        kind: Kind::Seconds(|config, timeout| config.body_timeout = timeout),
        ..ROW
    },
    Setting {
        name: "body_min_rate",
        flag: Flag::Long("body-min-rate"),
        default: Some("500"),
        metavar: "SIZE",
        help: "average bytes per second of a body; 0: no limit",
        more: "One that is slower on average is answered 408.",
        gunicorn: Gunicorn::Own,
        kind: Kind::Size(|config, rate| config.body_min_rate = rate),
        ..ROW
    },
    Setting {
        name: "body_grace",
        flag: Flag::Long("body-grace"),
        default: Some("10"),
        metavar: "SECONDS",
        help: "seconds before --body-min-rate counts; 0: at once",
        gunicorn: Gunicorn::Own,
        kind: Kind::Seconds(|config, grace| config.body_grace = grace.unwrap_or_default()),
        ..ROW
    },
    Setting {
        name: "write_timeout",
        flag: Flag::Long("write-timeout"),
        default: Some("60"),
        metavar: "SECONDS",
        help: "seconds a response may stand still; 0: no limit",
        more: "A client that takes nothing of its answer for this long is cut off.",
        gunicorn: Gunicorn::Own,
        kind: Kind::Seconds(|config, timeout| config.write_timeout = timeout),
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::SlowClients, ..super::ROW };
