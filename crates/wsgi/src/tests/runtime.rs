//! The interpreter around the bridge: threads, the GIL, stacks, paths and variables.

use std::ffi::CString;
use std::sync::mpsc::channel;
use std::time::Duration;

use pyo3::Python;
use pyo3::types::{PyAnyMethods, PyModule, PyModuleMethods};

use super::mock::others_run_python;
use super::site::python;
use crate::{
    StackDump, detached, linked_version, park, prepend_paths, resume, run_python, set_environment, spawn,
};

/// Long enough for the slowest machine; a test that passes never waits this long.
const LIMIT: Duration = Duration::from_secs(60);

fn eval(expression: &str) -> String {
    Python::attach(|py| {
        let os = PyModule::import(py, "os").unwrap().dict();
        py.eval(&CString::new(expression).unwrap(), Some(&os), None).unwrap().to_string()
    })
}

#[test]
fn a_spawned_thread_is_known_to_threading() {
    python();
    let (sender, receiver) = channel();
    spawn("rwsgi-follower", move || {
        let name = Python::attach(|py| {
            let threading = PyModule::import(py, "threading").unwrap();
            let thread = threading.call_method0("current_thread").unwrap();
            format!("{} {}", thread.getattr("name").unwrap(), thread.getattr("daemon").unwrap())
        });
        sender.send(name).unwrap();
    })
    .unwrap();
    assert_eq!(receiver.recv_timeout(LIMIT).unwrap(), "rwsgi-follower True");
}

/// Runs `work` on a thread that keeps the GIL.
fn keeping_the_gil(work: impl FnOnce()) {
    python();
    run_python(work);
}

#[test]
fn a_parked_thread_lets_others_run_python() {
    keeping_the_gil(|| {
        park();
        others_run_python();
        resume();
    });
}

#[test]
fn detached_work_lets_others_run_python_and_parking_does_nothing_meanwhile() {
    keeping_the_gil(|| {
        detached(|| {
            park();
            others_run_python();
            resume();
        });
        park();
        others_run_python();
        resume();
    });
}

#[test]
fn a_thread_parks_again_after_a_panic_in_detached_work() {
    keeping_the_gil(|| {
        let panicked = std::panic::catch_unwind(|| detached(|| std::panic::resume_unwind(Box::new(()))));
        assert!(panicked.is_err());
        park();
        others_run_python();
        resume();
    });
}

#[test]
fn parking_is_nothing_on_a_thread_that_does_not_keep_the_gil() {
    python();
    park();
    resume();
    Python::attach(|_| {
        park();
        resume();
    });
}

#[test]
fn the_stack_of_a_thread_can_be_read_when_a_signal_reaches_it() {
    python();
    let user_signal: i32 = eval("__import__('signal').SIGUSR2.value").parse().unwrap();
    let dump = StackDump::register(user_signal).unwrap();
    Python::attach(|py| {
        let source = c"
import signal, threading
def stuck_here(number):
    signal.pthread_kill(threading.get_ident(), number)
";
        let module = PyModule::from_code(py, source, c"stuck.py", c"stuck").unwrap();
        module.call_method1("stuck_here", (user_signal,)).unwrap();
    });
    let text = dump.read_some();
    assert!(text.contains(r#"File "stuck.py", line 4 in stuck_here"#), "{text}");
}

#[test]
fn paths_come_first_and_only_once() {
    python();
    let first = tempfile::tempdir().unwrap();
    let second = tempfile::tempdir().unwrap();
    let paths = [first.path().to_owned(), second.path().to_owned()];
    prepend_paths(&[second.path().to_owned()]).unwrap();
    prepend_paths(&paths).unwrap();
    Python::attach(|py| {
        let list: Vec<String> =
            PyModule::import(py, "sys").unwrap().getattr("path").unwrap().extract().unwrap();
        let ours: Vec<_> = list.iter().filter(|path| paths.iter().any(|own| *own == **path)).collect();
        assert_eq!(ours, [paths[0].to_str().unwrap(), paths[1].to_str().unwrap()]);
    });
}

#[test]
fn variables_reach_os_environ() {
    python();
    set_environment(&[("RWSGI_TEST_VARIABLE".to_owned(), "value=1".to_owned())]).unwrap();
    assert_eq!(eval("environ['RWSGI_TEST_VARIABLE']"), "value=1");
    let error = set_environment(&[("A=B".to_owned(), String::new())]).unwrap_err().to_string();
    assert!(error.starts_with("cannot set the environment: Traceback"), "{error}");
}

#[test]
fn the_version_of_libpython_is_told_before_it_starts() {
    python();
    let (major, minor, _) = linked_version();
    assert_eq!(eval("__import__('sys').version_info[:2]"), format!("({major}, {minor})"));
}
