//! `--timeout`.

use nix::sys::signal::Signal;

use crate::harness::Server;

const APP: &str = "
import ctypes, os, threading, time
from stage import answer, say, wait

def stuck_in_sleep():
    time.sleep(600)

def stuck_in_python():
    while True:
        pass

def stuck_in_c():
    ctypes.PyDLL(None).usleep(600_000_000)

def application(environ, start_response):
    path = environ['PATH_INFO']
    say(environ, f'called {path}')
    match path:
        case '/sleep': stuck_in_sleep()
        case '/python': stuck_in_python()
        case '/c': stuck_in_c()
        case '/wait': wait('gate')
        case '/large':
            start_response('200 OK', [])
            return iter([b'x' * (1 << 20)] * 64)
        case '/stall':
            start_response('200 OK', [])
            return stall()
    return answer(start_response, os.getpid())

def stall():
    yield b'first'
    time.sleep(600)
";

/// A request that gets stuck: 504, its stack in the log, and another worker.
#[track_caller]
fn is_ended(path: &str, function: &str, threads: &str) {
    // Nothing but the stuck request is left, so the worker does not use up its graceful time.
    let options = ["--timeout", "0.5", "--threads", threads, "--graceful-timeout", "600"];
    let server = Server::wsgi(APP).args(options).start();
    let stuck = server.worker_pid();
    let response = server.get(&format!("{path}?query=1"));
    assert_eq!(response.status, 504);
    let timeout = server.wait_log(&format!("WORKER TIMEOUT (pid:{stuck})"));
    assert!(timeout.contains("[CRITICAL]"), "{timeout}");
    let age = server.wait_log(&format!("GET {path}?query=1 was ended after 0."));
    assert!(age.contains("[ERROR]"), "{age}");
    server.wait_log(&format!("in {function}"));
    server.wait_log(&format!("Worker (pid:{stuck}) exited with code 71: a request went over its time"));
    server.wait_log_times("Worker ready (pid: ", 2);
    assert_eq!(server.get("/pid").text(), server.worker_pid().to_string());
    assert_ne!(server.worker_pid(), stuck);
}

#[test]
fn a_request_that_sleeps_is_ended() {
    is_ended("/sleep", "stuck_in_sleep", "1");
    is_ended("/sleep", "stuck_in_sleep", "4");
}

#[test]
fn a_request_that_computes_is_ended() {
    is_ended("/python", "stuck_in_python", "1");
    is_ended("/python", "stuck_in_python", "4");
}

#[test]
fn a_request_whose_c_call_keeps_the_gil_is_ended() {
    is_ended("/c", "stuck_in_c", "1");
    is_ended("/c", "stuck_in_c", "4");
}

#[test]
fn one_stuck_request_after_the_other_leaves_a_server_that_serves() {
    for threads in ["1", "2"] {
        let options = ["--timeout", "0.2", "--threads", threads, "--graceful-timeout", "600"];
        let server = Server::wsgi(APP).args(options).start();
        for count in 1..=8 {
            assert_eq!(server.get("/sleep").status, 504);
            server.wait_log_times("WORKER TIMEOUT", count);
        }
        assert_eq!(server.get("/pid").status, 200);
    }
}

#[test]
fn a_stream_that_stalls_is_cut() {
    let server = Server::wsgi(APP).args(["--timeout", "0.5"]).start();
    let response = server.get("/stall");
    assert_eq!((response.status, response.is_whole), (200, false));
    server.wait_log("GET /stall was ended after");
    server.wait_log("in stall");
}

#[test]
fn a_quick_request_is_served_while_another_one_is_stuck() {
    let server = Server::wsgi(APP).args(["--timeout", "2", "--threads", "4"]).start();
    let worker = server.worker_pid().to_string();
    let mut stuck = server.client();
    stuck.ask("/sleep");
    server.wait_log("called /sleep");
    for _ in 0..3 {
        assert_eq!(server.get("/pid").text(), worker);
    }
    assert!(!server.log().text().contains("WORKER TIMEOUT"));
    assert_eq!(stuck.response().status, 504);
    // The next worker is there for new connections.
    server.wait_log_times("Worker ready (pid: ", 2);
    assert_ne!(server.get("/pid").text(), worker);
}

#[test]
fn a_request_begun_before_the_end_of_another_one_is_finished() {
    let server = Server::wsgi(APP).args(["--timeout", "3", "--threads", "2"]).start();
    let gate = server.gate("gate");
    let mut stuck = server.client();
    stuck.ask("/sleep");
    server.wait_log("called /sleep");
    // An idle connection of a second server tells when two of the three seconds are over.
    let clock = Server::wsgi(APP).args(["--keep-alive", "2"]).start();
    let mut idle = clock.client();
    assert_eq!(idle.get("/pid").status, 200);
    assert!(idle.is_closed_silently());
    let mut other = server.client();
    other.ask("/wait");
    server.wait_log("called /wait");
    assert_eq!(stuck.response().status, 504);
    server.wait_log("is retiring, starting another");
    gate.open();
    let response = other.response();
    assert_eq!(response.status, 200);
    assert_eq!(response.header("Connection").map(str::to_ascii_lowercase).as_deref(), Some("close"));
}

#[test]
fn a_slow_reader_of_a_stream_is_no_timeout() {
    for threads in ["1", "2"] {
        let options = ["--timeout", "0.5", "--keep-alive", "1", "--threads", threads];
        let mut server = Server::wsgi(APP).args(options).start();
        let mut idle = server.client();
        assert_eq!(idle.get("/pid").status, 200);
        let mut reader = server.client();
        reader.ask("/large");
        server.wait_log("called /large");
        // Twice the time-out passes until the server closes this one.
        assert!(idle.is_closed_silently());
        let response = reader.response();
        assert_eq!((response.is_whole, response.body.len()), (true, 64 << 20));
        assert_eq!(server.stop(Signal::SIGTERM), Some(0));
        assert!(!server.log().text().contains("TIMEOUT"));
    }
}

#[test]
fn no_timeout_is_no_limit() {
    let server = Server::wsgi(APP).args(["--timeout", "0", "--keep-alive", "1"]).start();
    let gate = server.gate("gate");
    let mut idle = server.client();
    assert_eq!(idle.get("/pid").status, 200);
    let mut waiting = server.client();
    waiting.ask("/wait");
    assert!(idle.is_closed_silently());
    gate.open();
    assert_eq!(waiting.response().status, 200);
}
