//! Rows: what is served, and the Python world it is loaded in.

use crate::{
    kind::Kind,
    setting::{Flag, Gunicorn, Section, Setting},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "wsgi_app",
        flag: Flag::Positional,
        metavar: "APPLICATION",
        help: "what to serve, as package.module:name (without a name: application)",
        more: r#"The name may be a path of attributes, `pkg.mod:site.application`, or the call of a factory with literal arguments, `pkg.mod:make("production", debug=False)`. On the command line it wins over the file's."#,
        kind: Kind::Application(|config, app| config.app = app),
        ..ROW
    },
    Setting {
        name: "config",
        flag: Flag::Long("config"),
        short: Some('c'),
        metavar: "FILE",
        help: "settings: a .py or .toml file, or python:MODULE [default: rwsgi.toml, gunicorn.conf.py]",
        more: "`python:MODULE` takes what a Python module defines; `file:` may stand before a path. A path that ends with `.toml` is read as \
               TOML, `pyproject.toml` from its table `[tool.rwsgi]`, and any other is executed by Python. An empty text is as if the \
               option were not there; `/dev/null` reads no file at all. A file cannot name another one.",
        gunicorn: Gunicorn::Differs("`rwsgi.toml` and `[tool.rwsgi]` in `pyproject.toml` are looked for too"),
        // Whoever opens the settings looks at it before there are any.
        kind: Kind::Text(|_, _| {}),
        ..ROW
    },
    Setting {
        name: "chdir",
        flag: Flag::Long("chdir"),
        metavar: "DIR",
        help: "change to this directory before the application is loaded",
        more: "The directory is also put on the Python path, in front of the start directory. The settings file is looked for \
               before that, in the start directory.",
        kind: Kind::Path(|config, path| config.chdir = Some(path)),
        ..ROW
    },
    Setting {
        name: "pythonpath",
        flag: Flag::Long("pythonpath"),
        metavar: "DIR,DIR",
        help: "directories to put first on the Python path, separated by commas",
        more: "Relative ones count from the directory of `chdir`. As in Gunicorn the last one is searched first, and that \
               directory after all of them.",
        kind: Kind::Paths(|config, paths| config.pythonpath = paths),
        ..ROW
    },
    Setting {
        name: "raw_env",
        flag: Flag::Long("env"),
        short: Some('e'),
        metavar: "NAME=VALUE",
        help: "environment variable to set for the application; repeatable",
        more: "Set before the application is loaded.",
        kind: Kind::Variables(|config, variables| config.env = variables),
        ..ROW
    },
    Setting {
        name: "python",
        flag: Flag::Long("python"),
        metavar: "PATH",
        help: "python or virtual environment to run for; native program only",
        gunicorn: Gunicorn::Own,
        kind: Kind::Path(|config, path| config.python = Some(path)),
        ..ROW
    },
];

const ROW: Setting = Setting { section: Section::Application, ..super::ROW };
