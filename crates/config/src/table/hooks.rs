//! Rows: functions of a Python file that are called when something happens.

use crate::{
    kind::Kind,
    setting::{Flag, Gunicorn, Section, Setting},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "on_starting",
        help: "at the start, before anything else",
        kind: Kind::Hook { parameters: &["server"] },
        ..SERVER
    },
    Setting {
        name: "when_ready",
        help: "before the first worker is forked",
        kind: Kind::Hook { parameters: &["server"] },
        ..SERVER
    },
    Setting {
        name: "nworkers_changed",
        help: "when the number of workers has been set",
        more: "`old` is None the first time.",
        kind: Kind::Hook { parameters: &["server", "new", "old"] },
        ..SERVER
    },
    Setting {
        name: "pre_fork",
        help: "before each worker is forked",
        kind: Kind::Hook { parameters: &["server", "worker"] },
        ..SERVER
    },
    Setting {
        name: "child_exit",
        help: "when a worker has ended",
        kind: Kind::Hook { parameters: &["server", "worker"] },
        ..SERVER
    },
    Setting {
        name: "on_reload",
        help: "at a reload, before its first worker",
        kind: Kind::Hook { parameters: &["server"] },
        ..SERVER
    },
    Setting {
        name: "pre_exec",
        help: "before another master is started (SIGUSR2)",
        kind: Kind::Hook { parameters: &["server"] },
        ..SERVER
    },
    Setting {
        name: "on_exit",
        help: "when the server ends, last of all",
        kind: Kind::Hook { parameters: &["server"] },
        ..SERVER
    },
    Setting {
        name: "post_fork",
        help: "in a new worker, before the application is loaded",
        kind: Kind::Hook { parameters: &["server", "worker"] },
        ..ROW
    },
    Setting {
        name: "post_worker_init",
        help: "in a worker that has loaded the application",
        kind: Kind::Hook { parameters: &["worker"] },
        ..ROW
    },
    Setting {
        name: "pre_request",
        help: "in a worker, before each request",
        kind: Kind::Hook { parameters: &["worker", "req"] },
        ..ROW
    },
    Setting {
        name: "post_request",
        help: "in a worker, after each request",
        more: "May take the first two, three or all four of its arguments.",
        kind: Kind::Hook { parameters: &["worker", "req", "environ=", "resp="] },
        ..ROW
    },
    Setting {
        name: "worker_int",
        help: "in a worker that got SIGINT or SIGQUIT",
        kind: Kind::Hook { parameters: &["worker"] },
        ..ROW
    },
    Setting {
        name: "worker_abort",
        help: "in a worker that got SIGABRT, mostly for a timeout",
        kind: Kind::Hook { parameters: &["worker"] },
        ..ROW
    },
    Setting {
        name: "worker_exit",
        help: "in a worker that ends",
        kind: Kind::Hook { parameters: &["server", "worker"] },
        ..ROW
    },
];

/// Of those that Gunicorn calls in the master.
const SERVER: Setting = Setting {
    gunicorn: Gunicorn::Differs(
        "runs in the process that has executed the file, since the master runs no Python",
    ),
    ..ROW
};

const ROW: Setting = Setting { flag: Flag::None, metavar: "FUNCTION", section: Section::Hooks, ..super::ROW };
