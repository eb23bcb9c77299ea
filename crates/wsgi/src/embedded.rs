//! Python code that belongs to the server, as modules of its own in the process.

use std::ffi::CStr;

use pyo3::types::{PyAnyMethods, PyModule};
use pyo3::{Bound, PyResult, Python};

/// A module whose source is in this program.
pub(crate) struct Embedded {
    name: &'static CStr,
    /// What tracebacks call its file.
    file: &'static CStr,
    source: &'static CStr,
}

pub(crate) const SETTINGS_FILE: Embedded = Embedded {
    name: c"_rwsgi_settings_file",
    file: c"<rwsgi/settings_file.py>",
    source: source(concat!(include_str!("../python/settings_file.py"), "\0")),
};

pub(crate) const LOGS: Embedded = Embedded {
    name: c"_rwsgi_logs",
    file: c"<rwsgi/logs.py>",
    source: source(concat!(include_str!("../python/logs.py"), "\0")),
};

pub(crate) const HOOK_OBJECTS: Embedded = Embedded {
    name: c"_rwsgi_hook_objects",
    file: c"<rwsgi/hook_objects.py>",
    source: source(concat!(include_str!("../python/hook_objects.py"), "\0")),
};

pub(crate) const HOOKS: Embedded = Embedded {
    name: c"_rwsgi_hooks",
    file: c"<rwsgi/hooks.py>",
    source: source(concat!(include_str!("../python/hooks.py"), "\0")),
};

pub(crate) const LOG_BRIDGE: Embedded = Embedded {
    name: c"_rwsgi_log_bridge",
    file: c"<rwsgi/log_bridge.py>",
    source: source(concat!(include_str!("../python/log_bridge.py"), "\0")),
};

/// A module of the wheel, which applications import.
pub(crate) const GLOGGING: &str = include_str!("../../../python/rwsgi/glogging.py");

const fn source(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("Python source text holds no NUL"),
    }
}

impl Embedded {
    /// The module, executed when it is asked for the first time.
    pub(crate) fn module<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyModule>> {
        let name = self.name.to_string_lossy();
        let known = PyModule::import(py, "sys")?.getattr("modules")?.call_method1("get", (name,))?;
        match known.cast_into::<PyModule>() {
            Ok(module) => Ok(module),
            Err(_) => PyModule::from_code(py, self.source, self.file, self.name),
        }
    }
}
