//! Rows: options that print something and end.

use crate::{
    kind::{Action, Kind},
    setting::{Flag, Gunicorn, Section, Setting},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "check_config",
        flag: Flag::Long("check-config"),
        default: Some("false"),
        help: "check the settings and load the application, then exit",
        gunicorn: Gunicorn::Same,
        kind: Kind::Switch { flag: true, store: |config, is_on| config.check_config = is_on },
        ..ROW
    },
    Setting {
        name: "print_config",
        flag: Flag::Long("print-config"),
        default: Some("false"),
        help: "print the settings and where they come from, check, then exit",
        gunicorn: Gunicorn::Differs("shows for each value where it comes from"),
        kind: Kind::Switch { flag: true, store: |config, is_on| config.print_config = is_on },
        ..ROW
    },
    Setting {
        name: "generate",
        flag: Flag::Long("generate"),
        metavar: "FORM",
        help: "print the manual (man, markdown, json) or completions (bash, zsh, fish) and exit",
        more: "`rwsgi --generate bash > ~/.local/share/bash-completion/completions/rwsgi` installs the \
               completions of bash.",
        kind: Kind::Manual,
        ..ROW
    },
    Setting {
        name: "version",
        flag: Flag::Long("version"),
        short: Some('v'),
        help: "print the version and exit",
        kind: Kind::Action(Action::Version),
        ..ROW
    },
    Setting {
        name: "help",
        flag: Flag::Long("help"),
        short: Some('h'),
        help: "print this help and exit",
        kind: Kind::Action(Action::Help),
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::Information, gunicorn: Gunicorn::Own, ..super::ROW };
