//! Rows: the loggers of Python's standard library.

use crate::{
    kind::Kind,
    setting::{Flag, Gunicorn, Section, Setting},
};

pub(super) const ROWS: &[Setting] = &[
    Setting {
        name: "logger_class",
        flag: Flag::Long("logger-class"),
        default: Some("gunicorn.glogging.Logger"),
        metavar: "CLASS",
        help: "class of Python that logs; slow",
        gunicorn: Gunicorn::Differs(
            "the base class is `rwsgi.glogging.Logger`, and the master does not use it",
        ),
        more: "Gunicorn's own class, and `simple`, stand for none: then nothing of Python logs. Otherwise each record is made \
               in Python, by one thread of each worker.",
        kind: Kind::Class {
            check: |_| Ok(()),
            expects: "a class, such as `mysite.logs.Logger`",
            store: |config, class| {
                config.logger_class = (!NO_LOGGER_CLASS.contains(&class.as_str())).then_some(class);
            },
        },
        ..ROW
    },
    Setting {
        name: "logconfig",
        flag: Flag::Long("log-config"),
        metavar: "FILE",
        help: "configure Python's loggers from an INI file; slow",
        kind: Kind::Path(|config, path| config.log_config = Some(path)),
        ..ROW
    },
    Setting {
        name: "logconfig_json",
        flag: Flag::Long("log-config-json"),
        metavar: "FILE",
        help: "configure Python's loggers from a JSON file; slow",
        gunicorn: Gunicorn::Differs("a file that is not there is an error"),
        kind: Kind::Path(|config, path| config.log_config_json = Some(path)),
        ..ROW
    },
    Setting {
        name: "logconfig_dict",
        flag: Flag::None,
        metavar: "DICT",
        help: "configure Python's loggers with a dictionary; slow",
        kind: Kind::Dictionary(|config, json| {
            config.log_config_dict = Some(json).filter(|json| json != "{}")
        }),
        ..ROW
    },
];

/// The logger classes that add nothing to what is done without Python.
const NO_LOGGER_CLASS: [&str; 3] = ["gunicorn.glogging.Logger", "simple", "rwsgi.glogging.Logger"];

const ROW: Setting = Setting { section: Section::PythonLoggers, ..super::ROW };
