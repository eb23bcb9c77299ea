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
        more: "Removed at the end. One that a living server has written prevents a second one.",
        kind: Kind::Path(|config, path| config.pid = Some(path)),
        ..ROW
    },
    Setting {
        name: "daemon",
        flag: Flag::Long("daemon"),
        short: Some('D'),
        default: Some("false"),
        help: "go into the background",
        more: "The start has succeeded when the command comes back with 0.",
        gunicorn: Gunicorn::Differs(
            "what keeps the server from starting still reaches the terminal; the umask stays",
        ),
        kind: Kind::Switch { flag: true, store: |config, is_on| config.daemon = is_on },
        ..ROW
    },
    Setting {
        name: "user",
        flag: Flag::Long("user"),
        short: Some('u'),
        metavar: "USER",
        help: "run the workers as this user, a name or a number",
        more: "The master stays what it was, runs no code of the application, and binds ports and opens \
               logs with its own rights.",
        gunicorn: Gunicorn::Differs(
            "the workers lose the other groups of root too; Gunicorn leaves them those without `initgroups`",
        ),
        kind: Kind::Account(|config, user| config.user = Some(user)),
        ..ROW
    },
    Setting {
        name: "group",
        flag: Flag::Long("group"),
        short: Some('g'),
        metavar: "GROUP",
        help: "run the workers as this group, a name or a number",
        kind: Kind::Account(|config, group| config.group = Some(group)),
        ..ROW
    },
    Setting {
        name: "initgroups",
        flag: Flag::Long("initgroups"),
        default: Some("false"),
        help: "give the workers all groups that the user is in",
        kind: Kind::Switch { flag: true, store: |config, is_on| config.initgroups = is_on },
        ..ROW
    },
    Setting {
        name: "umask",
        flag: Flag::Long("umask"),
        short: Some('m'),
        metavar: "MODE",
        help: "mode bits that unix sockets lack, as 0117 [default: sockets are 0660]",
        more: "Octal with a leading 0, else decimal.",
        gunicorn: Gunicorn::Differs(
            "without it a unix socket has the mode 0660 and the umask of the process stays; Gunicorn lets everybody connect",
        ),
        kind: Kind::Mode(|config, mode| config.umask = Some(mode)),
        ..ROW
    },
    Setting {
        name: "proc_name",
        flag: Flag::Long("name"),
        short: Some('n'),
        metavar: "NAME",
        help: "name in the titles of the processes [default: the application]",
        more: "`ps` shows `rwsgi: master [NAME]`, `rwsgi: worker [NAME]`, `rwsgi: mold [NAME]` and `rwsgi: reloader [NAME]`, cut to \
               the length of the command line that was typed. A master that was started by `USR2`, and its processes, add `.2` to the \
               name as long as the first one is there. What `pgrep -x` and `killall` look for stays `rwsgi`.",
        gunicorn: Gunicorn::Differs(
            "the titles begin with `rwsgi:` and are there without the package setproctitle, which an application may use all the same",
        ),
        kind: Kind::Text(|config, name| config.proc_name = name),
        ..ROW
    },
    Setting {
        name: "default_proc_name",
        flag: Flag::None,
        default: Some("gunicorn"),
        metavar: "NAME",
        help: "name in those titles without `proc_name`",
        more: "`gunicorn` stands for the application as it was named.",
        kind: Kind::Text(|config, name| config.default_proc_name = name),
        ..ROW
    },
    Setting {
        name: "server_header",
        flag: Flag::Long("server-header"),
        default: Some("rwsgi"),
        metavar: "TEXT",
        help: "text of the Server header, or off",
        more: "Those of the application are left out.",
        gunicorn: Gunicorn::Own,
        kind: Kind::HeaderText(|config, text| config.server_header = text),
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::Mechanics, ..super::ROW };
