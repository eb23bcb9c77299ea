//! Rows: options that print something and end.

use crate::{
    kind::{Action, Kind},
    setting::{Flag, Section, Setting},
};

pub(super) const ROWS: &[Setting] = &[
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

const ROW: Setting = Setting { section: Section::Information, ..super::ROW };
