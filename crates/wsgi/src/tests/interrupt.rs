//! Requests that are over their time: the exception, the module it comes from, and what an application knows of its time.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pyo3::Python;
use pyo3::types::{PyAnyMethods, PyModule};

use super::mock::{Mock, Request};
use super::recorder::logged;
use super::site::{Site, options, python};
use crate::{
    Bridge, Deadline, NoTime, PythonThread, RequestTimeout, publish_request_timeout, run_python, spawn,
};

/// Long enough for the slowest machine; a test that passes never waits this long.
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn the_exception_can_be_imported_and_is_no_exception_that_anybody_catches_by_mistake() {
    python();
    publish_request_timeout().unwrap();
    publish_request_timeout().unwrap();
    let site = Site::new(
        "
import importlib.util, rwsgi
from rwsgi import RequestTimeout
application = print
facts = [issubclass(RequestTimeout, Exception), RequestTimeout.__module__, RequestTimeout.__qualname__,
         importlib.util.find_spec('rwsgi').name]
class Own(RequestTimeout):
    pass
",
    );
    assert_eq!(site.eval("facts"), "[False, 'rwsgi', 'RequestTimeout', 'rwsgi']");
    assert_eq!(
        site.eval("str(RequestTimeout('own words')), RequestTimeout(1, 2).args"),
        "('own words', (1, 2))"
    );
    assert_eq!(site.eval("str(RequestTimeout()), str(Own())").matches("the request").count(), 2);
    Python::attach(|py| {
        let class = py.get_type::<RequestTimeout>();
        class.setattr("limit", 2.5).unwrap();
        assert_eq!(
            class.call0().unwrap().to_string(),
            "the request has run for longer than `--timeout` 2.5 s"
        );
        class.setattr("limit", py.None()).unwrap();
        assert_eq!(class.call0().unwrap().to_string(), "the request is over its time");
    });
}

/// What a thread answers that runs `source` and is interrupted in it, if `is_due`.
fn interrupted(is_due: bool) -> String {
    python();
    let (begin, begun) = channel();
    let (end, ended) = channel();
    // The loop has a function of its own: CPython 3.13 covers the jump back of a loop, where exceptions are raised, by no `try` of the
    // same function.
    let source = c"
import time
def spin():
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        pass
def run():
    try:
        spin()
    except BaseException as error:
        return type(error).__name__
    return 'undisturbed'
";
    spawn("rwsgi-interrupted", move || {
        Python::attach(|py| {
            let module = PyModule::from_code(py, source, c"run.py", c"run").unwrap();
            begin.send(PythonThread::current()).unwrap();
            end.send(module.call_method0("run").unwrap().to_string()).unwrap();
        });
    })
    .unwrap();
    let thread = begun.recv_timeout(LIMIT).unwrap();
    let mut woken = false;
    assert_eq!(thread.interrupt(|| is_due, || woken = true), is_due);
    assert_eq!(woken, is_due);
    ended.recv_timeout(LIMIT).unwrap()
}

#[test]
fn a_thread_is_interrupted_if_that_is_still_due_when_the_gil_is_there() {
    assert_eq!(interrupted(true), "RequestTimeout");
    assert_eq!(interrupted(false), "undisturbed");
}

#[test]
fn an_interruption_can_be_taken_back() {
    python();
    run_python(|| {
        let own = PythonThread::current();
        // Rust code holds the GIL all the while, so that nothing is raised.
        for is_due in [true, false] {
            assert_eq!(own.interrupt(|| is_due, || ()), is_due);
            own.forget_interrupt();
            Python::attach(|py| {
                assert_eq!(py.eval(c"sum(range(10_000))", None, None).unwrap().to_string(), "49995000")
            });
        }
    });
}

#[test]
fn a_request_that_is_interrupted_leaves_no_traceback() {
    python();
    publish_request_timeout().unwrap();
    let site = Site::new(
        "
from rwsgi import RequestTimeout
class Body:
    def __iter__(self): return iter([b'body'])
    def close(self): raise RequestTimeout
def application(environ, start_response):
    if environ['PATH_INFO'] == '/call': raise RequestTimeout
    start_response('200 OK', [])
    return Body()
",
    );
    let (answer, log) = site.serve_logged(Request::get("/call"));
    assert_eq!(answer.calls, [super::mock::Call::Fail]);
    assert!(log.starts_with("DEBUG GET /call was ended: the request "), "{log}");
    assert_eq!(log.lines().count(), 1);
    assert_eq!(site.serve(Request::get("/close")).status(), 200);
}

/// Says what it was asked, and refuses what it is told to.
#[derive(Clone, Debug, Default)]
struct Clock(Arc<Mutex<(Vec<Duration>, Option<NoTime>)>>);

impl Deadline for Clock {
    fn remaining(&self) -> Result<Option<Duration>, NoTime> {
        self.0.lock().unwrap().1.map_or(Ok(Some(Duration::from_millis(1_500))), Err)
    }

    fn extend(&self, by: Duration) -> Result<(), NoTime> {
        let mut state = self.0.lock().unwrap();
        state.0.push(by);
        state.1.map_or(Ok(()), Err)
    }
}

#[test]
fn the_deadline_in_environ_asks_whoever_knows() {
    let site = Site::new(
        "
said = []
def application(environ, start_response):
    deadline = environ['rwsgi.deadline']
    for ask in (deadline.remaining, lambda: deadline.extend(0), lambda: deadline.extend(2.5), lambda: deadline.extend(-1),
                lambda: deadline.extend(float('inf')), lambda: deadline.extend('1')):
        try:
            said.append(ask())
        except Exception as error:
            said.append(type(error).__name__)
    start_response('200 OK', [])
    return []
",
    );
    let clock = Clock::default();
    let mut bridge = Bridge::new(&site.application, &options(), Box::new(clock.clone())).unwrap();
    let mut call = || logged(|| bridge.call(Box::new(Mock::new(Request::get("/")).0)));
    call();
    assert_eq!(site.eval("said"), "[1.5, None, None, 'ValueError', 'ValueError', 'TypeError']");
    assert_eq!(clock.0.lock().unwrap().0, [Duration::ZERO, Duration::from_millis(2_500)]);
    clock.0.lock().unwrap().1 = Some(NoTime::Idle);
    call();
    assert_eq!(site.eval("said[6:9]"), "['RuntimeError', 'RuntimeError', 'RuntimeError']");
}
