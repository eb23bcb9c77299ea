//! Rows: where bodies wait, and files that go out as they are.

use crate::{
    kind::Kind,
    setting::{Flag, Gunicorn, Section, Setting, Variable},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "request_buffering",
        flag: Flag::Long("no-request-buffering"),
        default: Some("true"),
        help: "let the application read bodies as they come",
        more: "The application waits for its client then, so slow uploads occupy threads.",
        gunicorn: Gunicorn::Own,
        kind: Kind::Switch { flag: false, store: |config, is_on| config.request_buffering = is_on },
        ..ROW
    },
    Setting {
        name: "body_memory",
        flag: Flag::Long("body-memory"),
        default: Some("64M"),
        metavar: "SIZE",
        help: "memory of a worker for bodies, then files; 0: no limit",
        more: "What does not fit waits in files without a name in `body_temp_dir`.",
        gunicorn: Gunicorn::Own,
        kind: Kind::Size(|config, size| config.body_memory = size),
        ..ROW
    },
    Setting {
        name: "response_buffer",
        flag: Flag::Long("response-buffer"),
        default: Some("1M"),
        metavar: "SIZE",
        help: "memory of a streamed response, then a file; 0: no limit",
        more: "What a client has not read yet; Python goes on meanwhile. More waits in a file. A response in one \
               piece stays in memory until all of it is sent, however large it is.",
        gunicorn: Gunicorn::Own,
        kind: Kind::Size(|config, size| config.response_buffer = size),
        ..ROW
    },
    Setting {
        name: "response_temp_max",
        flag: Flag::Long("response-temp-max"),
        default: Some("1G"),
        metavar: "SIZE",
        help: "size of a streamed response's file; 0: no limit",
        more: "Past it the application waits for its client.",
        gunicorn: Gunicorn::Own,
        kind: Kind::Size(|config, size| config.response_temp_max = size),
        ..ROW
    },
    Setting {
        name: "body_temp_dir",
        flag: Flag::Long("body-temp-dir"),
        metavar: "DIR",
        help: "directory of temporary files [default: the system's]",
        gunicorn: Gunicorn::Own,
        kind: Kind::Path(|config, path| config.body_temp_dir = Some(path)),
        ..ROW
    },
    Setting {
        name: "sendfile",
        flag: Flag::Long("no-sendfile"),
        env: Some(Variable { name: "SENDFILE", prefix: "", empty_counts: false }),
        default: Some("true"),
        help: "do not send files by sendfile; also SENDFILE=false",
        gunicorn: Gunicorn::Differs(
            "`sendfile = True` in a file does not switch it off; a `SENDFILE` that is neither true nor false is refused",
        ),
        kind: Kind::Switch { flag: false, store: |config, is_on| config.sendfile = is_on },
        ..ROW
    },
    Setting {
        name: "sendfile_roots",
        flag: Flag::Long("sendfile-root"),
        metavar: "/PREFIX=DIR",
        help: "what X-Accel-Redirect, X-Sendfile may name; repeatable",
        more: "The header of the application names a path of a URL; below the prefix it is a file in the \
               directory, and nothing outside of the directory is ever sent.",
        gunicorn: Gunicorn::Own,
        kind: Kind::Mapping(|config, roots| config.sendfile_roots = roots),
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::Bodies, ..super::ROW };
