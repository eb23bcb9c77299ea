//! Rows: the server process itself.

use crate::{
    kind::Kind,
    setting::{Flag, Gunicorn, Section, Setting},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "pidfile",
        flag: Flag::Long("pid"),
        short: Some('p'),
        metavar: "FILE",
        help: "write the process id of the master to this file",
        kind: Kind::Path(|config, path| config.pid = Some(path)),
        ..ROW
    },
    Setting {
        name: "server_header",
        flag: Flag::Long("server-header"),
        default: Some("rwsgi"),
        metavar: "TEXT",
        help: "text of the Server header, or off",
        gunicorn: Gunicorn::Own,
        kind: Kind::HeaderText(|config, text| config.server_header = text),
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::Mechanics, ..super::ROW };
