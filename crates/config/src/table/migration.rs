//! Rows: options that look at how Gunicorn is started, print what becomes of it and end.

use std::path::PathBuf;

use crate::{
    kind::Kind,
    migration::Migration,
    setting::{Flag, Gunicorn, Section, Setting},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "from_gunicorn",
        flag: Flag::Long("from-gunicorn"),
        metavar: "COMMAND",
        help: "print what becomes of a command line of Gunicorn",
        more: "It is one word, so quote it: `rwsgi --from-gunicorn 'gunicorn -w 3 mysite.wsgi'`. A settings file is looked at, nothing is \
               executed. The exit code is 1 if an option is refused.",
        kind: Kind::Migration(Migration::Command),
        ..ROW
    },
    Setting {
        name: "from_unit",
        flag: Flag::Long("from-unit"),
        metavar: "FILE",
        help: "print what becomes of a systemd unit that starts Gunicorn",
        more: "The unit is not changed. The exit code is 1 if an option is refused.",
        kind: Kind::Migration(|path| Migration::Unit(PathBuf::from(path))),
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::Information, gunicorn: Gunicorn::Own, ..super::ROW };
