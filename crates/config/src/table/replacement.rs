//! Rows: when workers are replaced, and how.

use crate::{
    kind::{Kind, MOST_WORKERS},
    setting::{Flag, Gunicorn, Section, Setting},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "max_requests",
        flag: Flag::Long("max-requests"),
        default: Some("0"),
        metavar: "N",
        help: "requests a worker serves; 0: no limit",
        more: "Against applications whose memory grows.",
        gunicorn: Gunicorn::Differs("the next worker is ready before the old one goes"),
        kind: Kind::LimitedNumber(|config, limit| config.max_requests = limit.map(|number| number as u64)),
        ..ROW
    },
    Setting {
        name: "max_requests_jitter",
        flag: Flag::Long("max-requests-jitter"),
        default: Some("0"),
        metavar: "N",
        help: "up to this many requests more, at random",
        more: "Drawn for each worker, so that not all of them are replaced at once.",
        kind: Kind::Number {
            least: 0,
            most: u32::MAX,
            store: |config, number| config.max_requests_jitter = number.into(),
        },
        ..ROW
    },
    Setting {
        name: "max_worker_lifetime",
        flag: Flag::Long("max-worker-lifetime"),
        default: Some("0"),
        metavar: "SECONDS",
        help: "seconds a worker serves; 0: no limit",
        gunicorn: Gunicorn::Own,
        kind: Kind::Seconds(|config, limit| config.max_worker_lifetime = limit),
        ..ROW
    },
    Setting {
        name: "max_worker_lifetime_jitter",
        flag: Flag::Long("max-worker-lifetime-jitter"),
        default: Some("0"),
        metavar: "SECONDS",
        help: "up to this many seconds more, at random",
        gunicorn: Gunicorn::Own,
        kind: Kind::Seconds(|config, jitter| config.max_worker_lifetime_jitter = jitter.unwrap_or_default()),
        ..ROW
    },
    Setting {
        name: "max_worker_memory",
        flag: Flag::Long("max-worker-memory"),
        default: Some("0"),
        metavar: "SIZE",
        help: "memory of a worker (RSS); 0: no limit",
        more: "Memory that is shared with other processes counts.",
        gunicorn: Gunicorn::Own,
        kind: Kind::Size(|config, limit| config.max_worker_memory = limit),
        ..ROW
    },
    Setting {
        name: "reload_surge",
        flag: Flag::Long("reload-surge"),
        default: Some("1"),
        metavar: "N",
        help: "extra workers during a reload",
        more: "How many workers more than wanted there may be while the old ones are replaced one after \
               the other.",
        gunicorn: Gunicorn::Own,
        kind: Kind::Number {
            least: 0,
            most: MOST_WORKERS,
            store: |config, number| config.reload_surge = number as usize,
        },
        ..ROW
    },
    Setting {
        name: "reload_max_unavailable",
        flag: Flag::Long("reload-max-unavailable"),
        default: Some("0"),
        metavar: "N",
        help: "missing workers during a reload",
        more: "For machines that have no memory for one more: with 1, and `reload_surge` 0, an old \
               worker stops before its successor starts.",
        gunicorn: Gunicorn::Own,
        kind: Kind::Number {
            least: 0,
            most: MOST_WORKERS,
            store: |config, number| config.reload_max_unavailable = number as usize,
        },
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::Replacement, ..super::ROW };
