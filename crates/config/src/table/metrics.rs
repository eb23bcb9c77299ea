//! Rows: what the server tells of itself in numbers.

use crate::{
    kind::Kind,
    setting::{Flag, Gunicorn, Section, Setting},
    statsd,
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "metrics_bind",
        flag: Flag::Long("metrics-bind"),
        metavar: "ADDRESS",
        help: "answer Prometheus at this address, as for --bind; repeatable [default: off]",
        more: "The numbers and their labels stand in docs/metrics.md. The address should not be open to everybody.",
        kind: Kind::Addresses(|config, addresses| config.metrics_bind = addresses),
        ..OWN
    },
    Setting {
        name: "health_path",
        flag: Flag::Long("health-path"),
        metavar: "PATH",
        help: "answer PATH, PATH/live and PATH/ready without the application [default: off]",
        more: "Both on the addresses of the application, which never sees these paths then, and on those of \
               `--metrics-bind`. `PATH/live` is answered 200 by every worker whose loop turns, `PATH/ready` 200 when a \
               worker is ready and the server does not stop, else 503; `PATH` is the same as `PATH/ready`.",
        kind: Kind::RootPath(|config, path| config.health_path = Some(path).filter(|path| !path.is_empty())),
        ..OWN
    },
    Setting {
        name: "statsd_host",
        flag: Flag::Long("statsd-host"),
        metavar: "ADDRESS",
        help: "send metrics to the statsd at HOST:PORT, [IPV6]:PORT or unix://PATH [default: off]",
        more: "Without a port it is 8125.",
        kind: Kind::Parsed {
            parse: |config, text| statsd::parse(text).map(|address| config.statsd_host = Some(address)),
            expects: statsd::EXPECTS,
        },
        ..ROW
    },
    Setting {
        name: "dogstatsd_tags",
        flag: Flag::Long("dogstatsd-tags"),
        default: Some(""),
        metavar: "TAGS",
        help: "tags behind each metric for statsd, with commas between them",
        kind: Kind::Text(|config, tags| config.dogstatsd_tags = tags),
        ..ROW
    },
    Setting {
        name: "statsd_prefix",
        flag: Flag::Long("statsd-prefix"),
        default: Some(""),
        metavar: "PREFIX",
        help: "put before the name of each metric for statsd, with a dot between them",
        gunicorn: Gunicorn::Differs("a prefix of one letter gets its dot too"),
        kind: Kind::Text(|config, prefix| config.statsd_prefix = prefix),
        ..ROW
    },
    Setting {
        name: "enable_backlog_metric",
        flag: Flag::Long("enable-backlog-metric"),
        default: Some("false"),
        help: "tell statsd every second how many connections wait to be accepted",
        gunicorn: Gunicorn::Differs("those of unix sockets are counted too, where the system tells"),
        kind: Kind::Switch { flag: true, store: |config, is_on| config.enable_backlog_metric = is_on },
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::Metrics, ..super::ROW };
const OWN: Setting = Setting { gunicorn: Gunicorn::Own, ..ROW };
