//! Rows: how many processes and threads there are, and how long they may take.

use crate::{
    kind::Kind,
    setting::{Flag, Gunicorn, Section, Setting, Variable},
    worker_class,
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "workers",
        flag: Flag::Long("workers"),
        short: Some('w'),
        env: Some(Variable { name: "WEB_CONCURRENCY", prefix: "", empty_counts: false }),
        default: Some("1"),
        metavar: "N",
        help: "worker processes, or auto",
        more: "`auto` is as many as the processors that the affinity mask and the limits of the \
               container leave.",
        gunicorn: Gunicorn::Differs("`auto` is accepted too; 0 is refused"),
        kind: Kind::Workers(|config, workers| config.workers = workers),
        ..ROW
    },
    Setting {
        name: "worker_class",
        flag: Flag::Long("worker-class"),
        short: Some('k'),
        default: Some("sync"),
        metavar: "WORD",
        help: "model: sync or gthread, the same here",
        gunicorn: Gunicorn::Differs(
            "both words mean the one model, in which `threads` alone decides; other classes are refused",
        ),
        kind: Kind::Class { check: worker_class::parse, expects: worker_class::EXPECTS, store: |_, _| {} },
        ..ROW
    },
    Setting {
        name: "threads",
        flag: Flag::Long("threads"),
        default: Some("1"),
        metavar: "N",
        help: "threads that run the application in each worker",
        more: "More than one help requests that wait, for a database or another server: such a thread \
               costs nothing. Requests that compute share one interpreter lock, for them start more \
               workers. Slow clients and idle connections take no thread.",
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
        metavar: "N",
        help: "connections that each worker holds at a time",
        more: "Idle ones count. Beyond it, the one that is idle longest gives way to a new one; when \
               none is idle, new ones wait in the listen queue.",
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
        metavar: "SECONDS",
        help: "seconds a request may run, then 504; 0: no limit",
        more: "The clock of a request starts when the application is called, and the client's own time \
               is not in it. At the end of it the client gets a 504, the log the Python stack, and the \
               thread `rwsgi.RequestTimeout`. See docs/timeouts.md.",
        gunicorn: Gunicorn::Differs(
            "counts for each request with any number of threads and ends with 504 and `RequestTimeout`; Gunicorn's threads are not watched",
        ),
        kind: Kind::Seconds(|config, timeout| config.timeout = timeout),
        ..ROW
    },
    Setting {
        name: "timeout_kill",
        flag: Flag::Long("timeout-kill"),
        default: Some("5"),
        metavar: "SECONDS",
        help: "seconds past --timeout, then its worker goes",
        more: "For a request that was interrupted and goes on nevertheless. With 0 each request over its \
               time costs its worker.",
        gunicorn: Gunicorn::Own,
        kind: Kind::Seconds(|config, grace| config.timeout_kill = grace.unwrap_or_default()),
        ..ROW
    },
    Setting {
        name: "slow_log",
        flag: Flag::Long("slow-log"),
        default: Some("0"),
        metavar: "SECONDS",
        help: "seconds until a running request is logged; 0: off",
        more: "Once for each request, with method, path, age and Python stack.",
        gunicorn: Gunicorn::Own,
        kind: Kind::Seconds(|config, limit| config.slow_log = limit),
        ..ROW
    },
    Setting {
        name: "graceful_timeout",
        flag: Flag::Long("graceful-timeout"),
        default: Some("30"),
        metavar: "SECONDS",
        help: "seconds requests may still run at a stop",
        more: "Counts for workers that leave, at a stop, a reload, or because they are replaced; those \
               that need longer are killed.",
        kind: Kind::Seconds(|config, timeout| {
            config.graceful_timeout = timeout.unwrap_or_default();
        }),
        ..ROW
    },
    Setting {
        name: "keepalive",
        flag: Flag::Long("keep-alive"),
        default: Some("5"),
        metavar: "SECONDS",
        help: "seconds an idle connection is kept; 0: not at all",
        more: "Behind a balancer it should be longer than the balancer's own idle time, or that will \
               send requests on connections that are being closed.",
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
        metavar: "SECONDS",
        help: "seconds a request waits for a thread; 0: no limit",
        more: "The client gets a 503 with `Retry-After` then, and the application is not called.",
        gunicorn: Gunicorn::Own,
        kind: Kind::Seconds(|config, timeout| config.queue_timeout = timeout),
        ..ROW
    },
    Setting {
        name: "queue_size",
        flag: Flag::Long("queue-size"),
        default: Some("1024"),
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
        name: "boot_timeout",
        flag: Flag::Long("boot-timeout"),
        default: Some("60"),
        metavar: "SECONDS",
        help: "seconds until a worker must be ready; 0: no limit",
        more: "The time in which a worker, or the process of `preload_app`, loads the application. One \
               that needs longer is aborted, with its Python stack in the log.",
        gunicorn: Gunicorn::Own,
        kind: Kind::Seconds(|config, timeout| config.boot_timeout = timeout),
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::Workers, ..super::ROW };
