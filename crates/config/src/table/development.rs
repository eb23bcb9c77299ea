//! Rows: for those who write the application.

use crate::{
    choices::ReloadEngine,
    kind::Kind,
    setting::{Flag, Gunicorn, Section, Setting},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "reload",
        flag: Flag::Long("reload"),
        default: Some("false"),
        help: "reload when the code changes",
        more: "For development: one process watches the modules that the application has loaded, and \
               their directories.",
        gunicorn: Gunicorn::Differs(
            "goes through the same reload as SIGHUP: code that does not load leaves the old one serving",
        ),
        kind: Kind::Switch { flag: true, store: |config, is_on| config.reload = is_on },
        ..ROW
    },
    Setting {
        name: "reload_engine",
        flag: Flag::Long("reload-engine"),
        default: Some("auto"),
        metavar: "WORD",
        help: "how changes are seen: auto, poll or inotify",
        gunicorn: Gunicorn::Differs("`inotify` needs no further package"),
        kind: Kind::Choice {
            words: ReloadEngine::WORDS,
            store: |config, index| config.reload_engine = ReloadEngine::ALL[index],
        },
        ..ROW
    },
    Setting {
        name: "reload_extra_files",
        flag: Flag::Long("reload-extra-file"),
        metavar: "PATTERN",
        help: "path or pattern of further files; repeatable",
        more: "A path without a pattern must exist.",
        kind: Kind::Patterns(|config, patterns| config.reload_extra_files = patterns),
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::Development, ..super::ROW };
