//! Rows: options that print something and end.

use crate::{
    kind::{Action, Kind},
    setting::{Flag, Gunicorn, Section, Setting},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "generate",
        flag: Flag::Long("generate"),
        metavar: "FORM",
        help: "print the manual (man, markdown, json) or completions (bash, zsh, fish) and exit",
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
