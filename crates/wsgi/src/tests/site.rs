//! An application given as source text, and a bridge that calls it.

use std::cell::RefCell;
use std::ffi::CString;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};

use pyo3::types::{PyAnyMethods, PyModule};
use pyo3::{Py, Python};

use super::mock::{Answer, Mock, Request};
use super::recorder::logged;
use crate::deadline::Unlimited;
use crate::{Application, Bridge, Options};

/// What every test application may use: its calls leave their traces in `events`.
const PRELUDE: &str = r#"
events = []

class Closing:
    """An iterable that says when it is closed."""
    def __init__(self, chunks):
        self.chunks = iter(chunks)
    def __iter__(self):
        return self
    def __next__(self):
        return next(self.chunks)
    def close(self):
        events.append("close")
"#;

thread_local! {
    static WRITES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Starts the interpreter, once for all tests.
pub(crate) fn python() {
    static ONCE: Once = Once::new();
    ONCE.call_once(Python::initialize);
}

/// A module whose `application` is called.
pub(super) struct Site {
    name: String,
    module: Py<PyModule>,
    pub(super) application: Application,
}

/// The answers to some requests, and what was logged meanwhile.
pub(super) struct Served {
    pub(super) answers: Vec<Answer>,
    pub(super) log: String,
    /// What the application wrote to `wsgi.errors`.
    pub(super) errors: String,
    /// The pieces that it came in.
    pub(super) writes: Vec<String>,
}

pub(super) fn options() -> Options {
    Options {
        server_software: "rwsgi/test".to_owned(),
        multithread: false,
        multiprocess: true,
        headers: Arc::default(),
        watched: Arc::default(),
        is_descendant: || false,
        errors: |bytes| {
            let text = std::str::from_utf8(bytes).unwrap().to_owned();
            WRITES.with_borrow_mut(|writes| writes.push(text));
        },
    }
}

impl Site {
    pub(super) fn new(source: &str) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        python();
        let name = format!("site_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let text = |text: &str| CString::new(text).unwrap();
        let module = Python::attach(|py| {
            let source = text(&format!("{PRELUDE}{source}"));
            PyModule::from_code(py, &source, &text("served.py"), &text(&name)).unwrap().unbind()
        });
        let application = Application::load(&format!("{name}:application")).unwrap();
        Self { name, module, application }
    }

    /// Serves the requests with one bridge, one after the other.
    pub(super) fn serve_all(&self, requests: impl IntoIterator<Item = Request>) -> Served {
        self.serve_with(&options(), requests)
    }

    /// The same with other options.
    pub(super) fn serve_with(
        &self,
        options: &Options,
        requests: impl IntoIterator<Item = Request>,
    ) -> Served {
        let mut bridge = Bridge::new(&self.application, options, Box::new(Unlimited)).unwrap();
        let (answers, log) = logged(|| {
            requests
                .into_iter()
                .map(|request| {
                    let (mock, answer) = Mock::new(request);
                    bridge.call(Box::new(mock));
                    let answer = std::mem::take(&mut *answer.lock().unwrap());
                    answer.check();
                    answer
                })
                .collect()
        });
        let writes = WRITES.take();
        Served { answers, log, errors: writes.concat(), writes }
    }

    /// Serves a request to an application that does nothing wrong: nothing is logged.
    pub(super) fn serve(&self, request: Request) -> Answer {
        let mut served = self.serve_all([request]);
        assert_eq!(served.log, "");
        served.answers.remove(0)
    }

    /// Serves a request that leaves something in the log.
    pub(super) fn serve_logged(&self, request: Request) -> (Answer, String) {
        let mut served = self.serve_all([request]);
        (served.answers.remove(0), served.log)
    }

    /// A Python expression in the module, as `repr` shows it.
    pub(super) fn eval(&self, expression: &str) -> String {
        Python::attach(|py| {
            let globals = self.module.bind(py).getattr("__dict__").unwrap().cast_into().unwrap();
            let value = py.eval(&CString::new(expression).unwrap(), Some(&globals), None).unwrap();
            value.repr().unwrap().to_string()
        })
    }

    /// What the application noted in `events`.
    pub(super) fn events(&self) -> String {
        self.eval("' '.join(events)").trim_matches('\'').to_owned()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        Python::attach(|py| {
            let modules = PyModule::import(py, "sys").unwrap().getattr("modules").unwrap();
            modules.del_item(&self.name).unwrap();
        });
    }
}
