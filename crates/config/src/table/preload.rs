//! Rows: the application in memory before the workers are forked.

use crate::{
    kind::Kind,
    setting::{Flag, Gunicorn, Section, Setting},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "preload_app",
        flag: Flag::Long("preload"),
        default: Some("false"),
        help: "load the application once and fork the workers from there",
        more: "Saves memory and makes new workers start in milliseconds. See docs/preload.md.",
        gunicorn: Gunicorn::Differs(
            "a process of its own loads it, a new one at each reload, so that new code is seen",
        ),
        kind: Kind::Switch { flag: true, store: |config, is_on| config.preload_app = is_on },
        ..ROW
    },
    Setting {
        name: "preload_warm",
        flag: Flag::Long("preload-warm"),
        metavar: "/PATH,/PATH",
        help: "paths to request before the workers are forked",
        more: "Each is requested once from the application, without a network, so that what it builds at \
               the first request is shared too.",
        gunicorn: Gunicorn::Own,
        kind: Kind::UrlPaths(|config, paths| config.preload_warm = paths),
        ..ROW
    },
    Setting {
        name: "preload_strict",
        flag: Flag::Long("preload-strict"),
        default: Some("false"),
        help: "refuse an application that starts threads as it loads",
        more: "Without it each worker loads such an application for itself, since threads do not survive \
               a fork, and the log says so.",
        gunicorn: Gunicorn::Own,
        kind: Kind::Switch { flag: true, store: |config, is_on| config.preload_strict = is_on },
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::Preload, ..super::ROW };
