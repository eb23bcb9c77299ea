//! Settings files in Python: what they define as JSON, and how they fail.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::Python;
use pyo3::types::{PyAnyMethods, PyModule};
use tempfile::TempDir;

use super::site::python;
use crate::{FileError, SettingsFile, SettingsSource};

/// Loggers and the module of the settings belong to the whole process.
pub(super) fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    python();
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file in a directory of its own.
pub(super) fn file(source: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gunicorn.conf.py");
    std::fs::write(&path, source).unwrap();
    (folder, path)
}

pub(super) fn execute(source: &str) -> Result<SettingsFile, FileError> {
    let (_folder, path) = file(source);
    SettingsFile::execute(&SettingsSource::Path(path))
}

/// The values of a file, each as `name line value`.
fn values(source: &str) -> String {
    let json = execute(source).unwrap().values_json().unwrap();
    Python::attach(|py| {
        let loaded = PyModule::import(py, "json").unwrap().call_method1("loads", (json,)).unwrap();
        let values = loaded.get_item("values").unwrap();
        let dumps = PyModule::import(py, "json").unwrap().getattr("dumps").unwrap();
        let line = |value: pyo3::Bound<'_, pyo3::PyAny>| {
            let item = |name: &str| value.get_item(name).unwrap();
            format!("{} {} {}", item("name"), item("line"), dumps.call1((item("value"),)).unwrap())
        };
        values.try_iter().unwrap().map(|value| line(value.unwrap())).collect::<Vec<_>>().join("\n")
    })
}

#[test]
fn values_are_told_in_the_order_of_the_file_with_the_line_of_the_last_assignment() {
    let _alone = alone();
    let source = "workers = 1
bind = ['a', ('b', 2)]
if True:
    workers = 4
for port in (1, 2): pass
def worker_exit(server, worker):
    workers = 17
timeout: int = 30
";
    let expected = "workers 4 4\nbind 2 [\"a\", [\"b\", 2]]\nport 5 2\n\
        worker_exit 6 {\"function\": {\"name\": \"worker_exit()\", \"parameters\": 2}}\ntimeout 8 30";
    assert_eq!(values(source), expected);
}

#[test]
fn every_kind_of_value_has_a_form() {
    let _alone = alone();
    let cases = [
        ("None", "null"),
        ("True", "true"),
        ("1.5", "1.5"),
        ("float('nan')", r#"{"other": "float"}"#),
        ("10 ** 30", "1000000000000000000000000000000"),
        ("'\\ud800'", r#""?""#),
        ("{'b', 'a'}", r#"["a", "b"]"#),
        ("{'a': 1, 2: [None]}", r#"{"map": [["a", 1], [2, [null]]]}"#),
        ("lambda *a: 0", r#"{"function": {"name": "<lambda>()", "parameters": null}}"#),
        ("lambda a, b=1, *, c=2: 0", r#"{"function": {"name": "<lambda>()", "parameters": 2}}"#),
        (
            "__import__('functools').partial(max, 1)",
            r#"{"function": {"name": "partial()", "parameters": null}}"#,
        ),
        ("__import__('logging').Logger", r#"{"class": "logging.Logger"}"#),
        ("__import__('os')", r#"{"module": "os"}"#),
        ("b'a\\xff'", "{\"bytes\": \"a\\u00ff\"}"),
        ("object()", r#"{"other": "object"}"#),
        ("__import__('pathlib').PurePosixPath('/')", r#"{"other": "PurePosixPath"}"#),
        ("__import__('enum').IntEnum('E', 'a').a", "1"),
        ("__import__('enum').Enum('E', {'a': 'text'}, type=str).a", r#""text""#),
        ("1 << 4096", r#"{"other": "int"}"#),
        ("[1 << 99999]", r#"[{"other": "int"}]"#),
    ];
    for (value, expected) in cases {
        assert_eq!(values(&format!("x = {value}")), format!("x 1 {expected}"), "{value}");
    }
    assert!(
        values("x = []\nx.append(x)").contains(r#"{"other": "list"}"#),
        "a list in itself comes to an end"
    );
}

#[test]
fn an_object_that_raises_when_it_is_looked_at_is_none_of_our_business() {
    let _alone = alone();
    let source = "class Proxy:
    def fail(self, *rest): raise RuntimeError('too early')
    __class__ = property(fail)
    __getattr__ = __repr__ = fail
class Items(list): __iter__ = Proxy.fail
current_app, items, inner, workers = Proxy(), Items(), [Proxy()], 2
";
    let values = values(source);
    let expected = "current_app 6 {\"other\": \"Proxy\"}\nitems 6 {\"other\": \"Items\"}\n\
        inner 6 [{\"other\": \"Proxy\"}]\nworkers 6 2";
    assert!(values.ends_with(expected), "{values}");
}

#[test]
fn a_file_knows_its_place_and_may_pickle_what_it_defines() {
    let _alone = alone();
    let source = "import dataclasses, pickle, os
@dataclasses.dataclass
class Point:
    x: int
copy = pickle.loads(pickle.dumps(Point(3))).x
place = os.path.basename(__file__), os.path.isabs(__file__), __name__
";
    assert!(values(source).ends_with("copy 5 3\nplace 6 [\"gunicorn.conf.py\", true, \"__config__\"]"));
}

#[test]
fn an_exception_is_told_with_the_innermost_line_of_the_file() {
    let _alone = alone();
    let source = "import json\ndef read():\n    return json.loads('{')\nworkers = read()\n";
    let error = execute(source).unwrap_err();
    assert_eq!(error.line, Some(3));
    assert!(error.message.starts_with("json.decoder.JSONDecodeError: Expecting property name"), "{error}");
    assert!(error.path.ends_with("gunicorn.conf.py"));
    let traceback = error.traceback.unwrap();
    assert!(traceback.starts_with("Traceback (most recent call last):\n  File \"/"), "{traceback}");
    assert!(!traceback.contains("settings_file.py"), "{traceback}");
}

#[test]
fn a_file_that_wants_to_leave_has_failed_like_any_other() {
    let _alone = alone();
    for (source, message) in [
        ("import sys\nsys.exit('no')", "SystemExit: no"),
        ("\nraise KeyboardInterrupt", "KeyboardInterrupt"),
        ("\nassert 0, 'zero'", "AssertionError: zero"),
    ] {
        let error = execute(source).unwrap_err();
        assert_eq!((error.line, error.message.as_str()), (Some(2), message));
    }
}

#[test]
fn a_syntax_error_is_told_with_its_line() {
    let _alone = alone();
    let error = execute("workers = 1\nbind = = 2\n").unwrap_err();
    assert_eq!((error.line, error.message.as_str()), (Some(2), "invalid syntax: `bind = = 2`"));
    assert_eq!(error.traceback, None);
    assert!(error.to_string().ends_with("gunicorn.conf.py:2: invalid syntax: `bind = = 2`"), "{error}");
    let error = execute("a = 1\0").unwrap_err();
    assert!(error.message.contains("null bytes"), "{error}");
}

#[test]
fn a_file_that_is_not_there_and_a_module_that_is_not_there_are_told() {
    let _alone = alone();
    let error = SettingsFile::execute(&SettingsSource::Path("/nowhere/at/all.py".into())).unwrap_err();
    assert_eq!(error.to_string(), "/nowhere/at/all.py: No such file or directory");
    let error = SettingsFile::execute(&SettingsSource::Module("no_such_settings".into())).unwrap_err();
    assert!(error.to_string().starts_with("python:no_such_settings: ModuleNotFoundError"), "{error}");
}

#[test]
fn a_module_is_imported() {
    let _alone = alone();
    let (folder, path) = file("workers = 5\n");
    std::fs::rename(path, folder.path().join("told_settings.py")).unwrap();
    crate::prepend_paths(&[folder.path().to_owned()]).unwrap();
    let file = SettingsFile::execute(&SettingsSource::Module("told_settings".into())).unwrap();
    let json = file.values_json().unwrap();
    assert!(
        json.ends_with(r#"told_settings.py", "values": [{"name": "workers", "line": 1, "value": 5}]}"#),
        "{json}"
    );
}
