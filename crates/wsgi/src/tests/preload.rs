//! An application that is loaded before the fork: requests without clients, and what must not be shared.

use pyo3::Python;
use pyo3::types::{PyAnyMethods, PyModule, PyModuleMethods};

use super::recorder::logged;
use super::site::{Site, options, python};
use crate::{KnownThread, python_threads, settle};

const APP: &str = "
seen = []
def application(environ, start_response):
    path = environ['PATH_INFO']
    seen.append((environ['REQUEST_METHOD'], path, environ['QUERY_STRING'], environ['HTTP_HOST'], environ['SERVER_NAME']))
    if path == '/raises': raise ValueError('out of order')
    if path == '/nothing': return []
    start_response({'/500': '503 Busy', '/404': '404 Not Found'}.get(path, '200 OK'), [])
    return Closing([b'one', b'two'])
";

fn warm(site: &Site, paths: &[&str]) -> String {
    let paths: Vec<String> = paths.iter().map(|&path| path.to_owned()).collect();
    logged(|| site.application.rehearse(&paths, &options()).unwrap()).1
}

#[test]
fn an_application_is_called_with_requests_that_nobody_sent() {
    let site = Site::new(APP);
    let unconfigured = "class settings:\n    configured = False";
    with_django(unconfigured, || assert_eq!(warm(&site, &["/", "/health/?all=1", "/404"]), ""));
    let expected = "[('GET', '/', '', 'localhost', 'localhost'), ('GET', '/health/', 'all=1', 'localhost', 'localhost'), \
        ('GET', '/404', '', 'localhost', 'localhost')]";
    assert_eq!(site.eval("seen"), expected);
    assert_eq!(site.events(), "close close close", "bodies are read to their ends");
}

#[test]
fn failures_are_told_and_the_other_paths_are_still_called() {
    let site = Site::new(APP);
    let log = warm(&site, &["/500", "/raises", "/nothing", "no path", "/"]);
    assert!(log.contains("WARN `/500` could not be warmed up: the application answered 503\n"), "{log}");
    assert!(log.contains("ERROR Error handling request GET /raises\nTraceback"), "{log}");
    assert!(log.contains("WARN `/raises` could not be warmed up: the application failed\n"), "{log}");
    assert!(log.contains("WARN `/nothing` could not be warmed up: the application failed\n"), "{log}");
    assert!(log.contains("WARN `no path` cannot be warmed up: it is no path of a URL\n"), "{log}");
    assert_eq!(site.eval("seen[-1][1]"), "'/'");
}

/// Runs `work` while a Django of this source is loaded. Tests of this kind share it.
fn with_django(source: &str, work: impl FnOnce()) {
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    python();
    let modules = Python::attach(|py| {
        let source = std::ffi::CString::new(source).unwrap();
        let django = PyModule::from_code(py, &source, c"django.py", c"django_for_tests").unwrap();
        let modules = PyModule::import(py, "sys").unwrap().getattr("modules").unwrap();
        for name in ["django.conf", "django.db"] {
            modules.set_item(name, &django).unwrap();
        }
        modules.unbind()
    });
    work();
    Python::attach(|py| ["django.conf", "django.db"].map(|name| modules.bind(py).del_item(name).unwrap()));
}

#[test]
fn django_is_asked_under_a_name_that_it_answers_to() {
    for (allowed, host) in [
        ("['site.example', 'other']", "site.example"),
        ("['.site.example']", "site.example"),
        ("['*']", "localhost"),
        ("['[::1]']", "localhost"),
        ("[]", "localhost"),
        ("None", "localhost"),
    ] {
        let site = Site::new(APP);
        let django = format!("class settings:\n    configured = True\n    ALLOWED_HOSTS = {allowed}");
        with_django(&django, || assert_eq!(warm(&site, &["/"]), ""));
        assert_eq!(site.eval("seen[0][3]"), format!("'{host}'"), "{allowed}");
    }
}

#[test]
fn connections_are_closed_and_what_lives_is_frozen() {
    let django = "
closed = []
class connections:
    @staticmethod
    def close_all():
        closed.append(True)
";
    with_django(django, || {
        let ((), log) = logged(|| settle().unwrap());
        assert_eq!(log, "");
        Python::attach(|py| {
            let modules = PyModule::import(py, "sys").unwrap().getattr("modules").unwrap();
            let closed = modules.get_item("django.db").unwrap().getattr("closed").unwrap();
            assert_eq!(closed.to_string(), "[True]");
            let gc = PyModule::import(py, "gc").unwrap();
            assert!(gc.call_method0("get_freeze_count").unwrap().extract::<usize>().unwrap() > 0);
            gc.call_method0("unfreeze").unwrap();
        });
    });
}

#[test]
fn a_connection_that_cannot_be_closed_is_told() {
    with_django("class connections:\n    def close_all(): raise OSError('gone')", || {
        let ((), log) = logged(|| settle().unwrap());
        assert!(log.starts_with("WARN cannot close Django's database connections\nTraceback"), "{log}");
    });
}

#[test]
fn threads_that_python_knows_are_named() {
    python();
    Python::attach(|py| {
        let source = c"
import threading
stop = threading.Event()
thread = threading.Thread(target=stop.wait, name='of-the-import')
thread.start()
";
        let module = PyModule::from_code(py, source, c"import.py", c"starts_a_thread").unwrap();
        let id = module.getattr("thread").unwrap().getattr("native_id").unwrap().extract().unwrap();
        let known = python_threads().unwrap();
        assert!(known.contains(&KnownThread { name: "of-the-import".to_owned(), id: Some(id) }), "{known:?}");
        assert!(!known.iter().any(|thread| thread.name == "MainThread"), "{known:?}");
        module.dict().get_item("stop").unwrap().call_method0("set").unwrap();
        module.getattr("thread").unwrap().call_method0("join").unwrap();
    });
}
