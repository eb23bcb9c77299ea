//! `--timeout`.

use nix::sys::signal::Signal;

use crate::harness::Server;

const APP: &str = "
import ctypes, os, socket, time
from rwsgi import RequestTimeout
from stage import answer, say, wait

def stuck_in_sleep():
    time.sleep(600)

def stuck_in_python():
    while True:
        pass

def stuck_in_c():
    # Locked twice by one thread: no signal ends that.
    mutex, lock = ctypes.create_string_buffer(64), ctypes.PyDLL(None).pthread_mutex_lock
    lock(mutex)
    lock(mutex)

def stuck_in_c_calls():
    while True:
        ctypes.PyDLL(None).usleep(20_000)

def stuck_in_recv():
    ours, theirs = socket.socketpair()
    ours.recv(1)

def catching(caught):
    while True:
        try:
            stuck_in_sleep()
        except caught:
            pass

def application(environ, start_response):
    try:
        return respond(environ, start_response)
    except RequestTimeout as timeout:
        say(environ, f'put in order: {timeout}')
        raise

def respond(environ, start_response):
    path = environ['PATH_INFO']
    say(environ, f'called {path}')
    match path:
        case '/sleep': stuck_in_sleep()
        case '/naps':
            while True:
                time.sleep(0.01)
        case '/socket': stuck_in_recv()
        case '/exception': catching(Exception)
        case '/everything': catching(BaseException)
        case '/tidy':
            try:
                stuck_in_sleep()
            finally:
                say(environ, 'begins to tidy')
                wait('gate')
                say(environ, 'is tidy')
        case '/python': stuck_in_python()
        case '/c': stuck_in_c()
        case '/calls': stuck_in_c_calls()
        case '/wait': wait('gate')
        case '/large':
            start_response('200 OK', [])
            return iter([b'x' * (1 << 20)] * 64)
        case '/stall':
            start_response('200 OK', [])
            return stall(environ)
    return answer(start_response, os.getpid())

def stall(environ):
    try:
        yield b'first'
        time.sleep(600)
    except RequestTimeout:
        say(environ, 'closed in time')
";

/// Nothing but the stuck request is left, so a worker that leaves does not use up its graceful time.
const SHORT: [&str; 4] = ["--timeout", "0.5", "--graceful-timeout", "600"];

/// The lines that a request over its time leaves, whatever comes of it.
#[track_caller]
fn is_answered(server: &Server, path: &str, function: &str) {
    let worker = server.worker_pid();
    let response = server.get(&format!("{path}?query=1"));
    assert_eq!(response.status, 504);
    let timeout = server.wait_log(&format!("WORKER TIMEOUT (pid:{worker})"));
    assert!(timeout.contains("[CRITICAL]"), "{timeout}");
    let age = server.wait_log(&format!("GET {path}?query=1 was ended after "));
    assert!(age.contains("[ERROR]"), "{age}");
    server.wait_log(&format!("in {function}"));
}

/// A request that can be interrupted: 504, its stack in the log, and the same worker goes on.
#[track_caller]
fn is_interrupted(path: &str, function: &str, threads: &str) {
    let options = ["--threads", threads, "--timeout-kill", "600"];
    let server = Server::wsgi(APP).args(SHORT).args(options).start();
    let worker = server.worker_pid();
    is_answered(&server, path, function);
    let line = server.wait_log(&format!("GET {path}?query=1 ended "));
    assert!(
        line.contains("[INFO]") && line.ends_with(&format!("the worker goes on (pid:{worker})")),
        "{line}"
    );
    assert_eq!(server.get("/pid").text(), worker.to_string());
    server.wait_log("put in order: the request has run for longer than `--timeout` 0.5 s");
    assert!(!server.log().text().contains("Traceback"), "{}", server.log().text());
}

/// A request that cannot: 504, its stack in the log, and another worker.
#[track_caller]
fn is_ended(path: &str, function: &str, threads: &str) {
    let options = ["--threads", threads, "--timeout-kill", "0.5"];
    let server = Server::wsgi(APP).args(SHORT).args(options).start();
    let stuck = server.worker_pid();
    is_answered(&server, path, function);
    server.wait_log(&format!("GET {path}?query=1 did not end within `--timeout-kill` 0.5 s"));
    server.wait_log(&format!("Worker (pid:{stuck}) exited with code 71: a request went over its time"));
    server.wait_log_times("Worker ready (pid: ", 2);
    assert_eq!(server.get("/pid").text(), server.worker_pid().to_string());
    assert_ne!(server.worker_pid(), stuck);
}

#[test]
fn a_request_that_sleeps_is_ended() {
    is_interrupted("/sleep", "stuck_in_sleep", "1");
    is_interrupted("/sleep", "stuck_in_sleep", "4");
}

#[test]
fn a_request_that_computes_is_ended() {
    is_interrupted("/python", "stuck_in_python", "1");
    is_interrupted("/python", "stuck_in_python", "4");
}

#[test]
fn a_request_that_waits_for_a_socket_is_ended() {
    is_interrupted("/socket", "stuck_in_recv", "1");
    is_interrupted("/socket", "stuck_in_recv", "4");
}

#[test]
fn a_request_whose_c_call_keeps_the_gil_is_ended() {
    is_ended("/c", "stuck_in_c", "1");
    is_ended("/c", "stuck_in_c", "4");
}

#[test]
fn a_request_that_makes_one_c_call_after_the_other_is_ended() {
    is_interrupted("/calls", "stuck_in_c_calls", "1");
    is_interrupted("/calls", "stuck_in_c_calls", "4");
}

#[test]
fn a_request_that_catches_exceptions_is_ended_all_the_same() {
    is_interrupted("/exception", "stuck_in_sleep", "1");
}

#[test]
fn a_request_that_catches_everything_costs_the_worker() {
    is_ended("/everything", "stuck_in_sleep", "1");
    is_ended("/everything", "stuck_in_sleep", "2");
}

#[test]
fn a_thread_beside_the_main_one_is_interrupted_in_python_only() {
    let options = ["--timeout", "1", "--timeout-kill", "5", "--threads", "2", "--graceful-timeout", "600"];
    let server = Server::wsgi(APP).args(options).start();
    let worker = server.worker_pid();
    let [mut main, mut computing] = [server.client(), server.client()];
    main.ask("/sleep");
    server.wait_log("called /sleep");
    computing.ask("/naps");
    assert_eq!(main.response().status, 504);
    assert_eq!(computing.response().status, 504);
    // Naps end by themselves, and then there is Python code to run.
    server.wait_log_times("the worker goes on", 2);
    assert_eq!(server.get("/pid").text(), worker.to_string());
    let [mut main, mut sleeping] = [server.client(), server.client()];
    main.ask("/sleep");
    server.wait_log_times("called /sleep", 2);
    sleeping.ask("/sleep");
    assert_eq!(main.response().status, 504);
    assert_eq!(sleeping.response().status, 504);
    server.wait_log("GET /sleep did not end within `--timeout-kill` 5 s");
    server.wait_log(&format!("Worker (pid:{worker}) exited with code 71"));
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
    server.wait_log("closed in time");
    server.wait_log("GET /stall ended ");
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
    server.wait_log("the worker goes on");
    assert_eq!(server.get("/pid").text(), worker);
}

#[test]
fn a_request_begun_before_the_end_of_another_one_is_finished() {
    let options = ["--timeout", "3", "--timeout-kill", "0", "--threads", "2"];
    let server = Server::wsgi(APP).args(options).start();
    let gate = server.gate("gate");
    let mut stuck = server.client();
    stuck.ask("/everything");
    server.wait_log("called /everything");
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
fn the_other_workers_serve_while_one_is_stuck() {
    let server = Server::wsgi(APP).workers(2).args(["--timeout", "0.5", "--timeout-kill", "600"]).start();
    let mut stuck = server.client();
    stuck.ask("/everything");
    assert_eq!(stuck.response().status, 504);
    for _ in 0..20 {
        assert_eq!(server.get("/pid").status, 200);
    }
    assert_eq!(server.worker_pids().len(), 2);
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

#[test]
fn a_request_that_was_interrupted_may_put_its_things_in_order_before_the_end() {
    for threads in ["1", "2"] {
        let options = ["--timeout", "0.3", "--timeout-kill", "600", "--threads", threads];
        let mut server = Server::wsgi(APP).args(options).start();
        let gate = server.gate("gate");
        assert_eq!(server.get("/tidy").status, 504);
        server.wait_log("begins to tidy");
        server.signal(Signal::SIGTERM);
        server.wait_log("Handling signal: term");
        gate.open();
        assert_eq!(server.wait_exit().code(), Some(0));
        assert!(server.log().text().contains("is tidy"), "{}", server.log().text());
    }
}

#[test]
fn a_module_called_rwsgi_of_the_application_stays_what_it_is() {
    let source = "
import rwsgi, stage
def application(environ, start_response):
    return stage.answer(start_response, rwsgi.words)
";
    let server = Server::wsgi(source).file("rwsgi.py", "words = 'our own'").start();
    assert_eq!(server.get("/").text(), "our own");
}

#[test]
fn a_c_call_that_keeps_the_gil_while_others_wait_for_a_thread_stops_nothing_but_python() {
    let app = "
from stage import answer, say
def application(environ, start_response):
    if environ['PATH_INFO'] == '/count':
        say(environ, 'counting')
        sum(range(10 ** 13))
    return answer(start_response, 'done')
";
    let options = ["--threads", "4", "--timeout", "1", "--timeout-kill", "1"];
    let server = Server::wsgi(app).args(options).start();
    let worker = server.worker_pid();
    let mut counting = server.client();
    counting.ask("/count");
    server.wait_log("counting");
    // The lead goes to a thread that cannot have the GIL.
    let mut waiting: Vec<_> = (0..3).map(|_| server.client()).collect();
    waiting.iter_mut().for_each(|client| client.ask("/"));
    assert_eq!(counting.response().status, 504);
    server.wait_log(&format!("Worker (pid:{worker}) is retiring, starting another"));
    server.wait_log_times("Worker ready (pid: ", 2);
    assert_eq!(server.get("/").text(), "done");
    for client in &mut waiting {
        assert_eq!(client.response().status, 503);
    }
    server.wait_log(&format!("Worker (pid:{worker}) exited with code 71"));
}
