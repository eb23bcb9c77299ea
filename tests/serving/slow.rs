//! `--slow-log`, and what an application knows of its time.

use nix::sys::signal::Signal;

use crate::harness::Server;

const APP: &str = "
import ctypes, functools, signal, threading, time
from stage import answer, say, wait

def stuck_in_c():
    # Locked twice by one thread: no signal ends that.
    mutex, lock = ctypes.create_string_buffer(64), ctypes.PyDLL(None).pthread_mutex_lock
    lock(mutex)
    lock(mutex)

def busy():
    end = time.monotonic() + 0.7
    while time.monotonic() < end:
        pass

def deaf():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGSTKFLT])
    wait('gate')
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGSTKFLT])

class LastsAtItsEnd:
    # Python code runs neither in it nor behind it.
    close = functools.partial(time.sleep, 0.8)

    def __iter__(self):
        return iter([b'soon'])

def application(environ, start_response):
    deadline = environ['rwsgi.deadline']
    path = environ['PATH_INFO']
    say(environ, f'called {path}')
    match path:
        case '/wait':
            deadline.extend(600)
            wait('gate')
        case '/busy': busy()
        case '/c': stuck_in_c()
        case '/deaf': deaf()
        case '/remaining':
            return answer(start_response, deadline.remaining())
        case '/extend':
            before = deadline.remaining()
            deadline.extend(600)
            busy()
            return answer(start_response, f'{before <= 0.5} {500 < deadline.remaining() < 601}')
        case '/late':
            try:
                busy()
            finally:
                say(environ, f'remaining {deadline.remaining()}')
                refused(environ, deadline, 1)
                refused(environ, deadline, -1)
                refused(environ, deadline, float('nan'))
        case '/keep':
            threading.Thread(target=keep, args=(environ, deadline)).start()
        case '/lasts':
            start_response('200 OK', [('Content-Length', '4')])
            return LastsAtItsEnd()
        case '/stalls':
            start_response('200 OK', [('X-Accel-Buffering', 'no')])
            return stalls(4)
        case '/spills':
            start_response('200 OK', [])
            return stalls(64)
    return answer(start_response, 'done')

def stalls(size):
    wait('begin')
    yield from [bytes(size << 20)] * 4
    time.sleep(600)

def keep(environ, deadline):
    wait('gate')
    refused(environ, deadline, 1)

def refused(environ, deadline, seconds):
    try:
        deadline.extend(seconds)
    except Exception as error:
        say(environ, f'{type(error).__name__}: {error}')
";

const SLOW: [&str; 4] = ["--slow-log", "0.2", "--timeout", "0"];

#[test]
fn a_slow_request_is_told_once_while_it_runs() {
    for threads in ["1", "2"] {
        let options = ["--threads", threads, "--keep-alive", "1"];
        let server = Server::wsgi(APP).args(SLOW).args(options).start();
        let (worker, gate) = (server.worker_pid(), server.gate("gate"));
        let mut idle = server.client();
        assert_eq!(idle.get("/").status, 200);
        let mut slow = server.client();
        slow.ask("/wait?query=1");
        let line = server.wait_log("slow request: GET /wait?query=1 has been running for ");
        assert!(line.contains("[WARNING]"), "{line}");
        assert!(
            line.contains(&format!(" s (pid:{worker}, thread ")) && line.ends_with("it is here:"),
            "{line}"
        );
        server.wait_log("in wait");
        // Several times as long passes until the server closes this one.
        assert!(idle.is_closed_silently());
        gate.open();
        assert_eq!(slow.response().status, 200);
        assert_eq!(server.log().text().matches("slow request").count(), 1);
        assert_eq!(server.get("/busy").status, 200);
        server.wait_log("slow request: GET /busy has been running for ");
        server.wait_log("in busy");
        assert!(!server.log().text().contains("TIMEOUT"));
    }
}

#[test]
fn a_slow_request_is_told_while_a_c_call_holds_the_gil() {
    for threads in ["1", "4"] {
        let server = Server::wsgi(APP).args(SLOW).args(["--threads", threads]).start();
        server.client().ask("/c");
        server.wait_log("slow request: GET /c has been running for ");
        server.wait_log("in stuck_in_c");
    }
}

#[test]
fn a_stack_that_came_too_late_is_not_taken_for_that_of_another_request() {
    let server = Server::wsgi(APP).args(SLOW).start();
    let gate = server.gate("gate");
    let mut deaf = server.client();
    deaf.ask("/deaf");
    server.wait_log("the thread does not react to signals");
    gate.open();
    assert_eq!(deaf.response().status, 200);
    assert_eq!(server.get("/busy").status, 200);
    server.wait_log("in busy");
    assert!(!server.log().text().contains("in deaf"), "{}", server.log().text());
}

#[test]
fn without_the_setting_nothing_is_slow() {
    let mut server = Server::wsgi(APP).args(["--timeout", "0"]).start();
    assert_eq!(server.get("/busy").status, 200);
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
    assert!(!server.log().text().contains("slow request"));
}

#[test]
fn a_request_can_ask_for_more_time() {
    for threads in ["1", "2"] {
        let server = Server::wsgi(APP).args(["--timeout", "0.5", "--threads", threads]).start();
        assert_eq!(server.get("/extend").text(), "True True");
        // It was asked for by one request, and the next one has its own time.
        assert_eq!(server.get("/busy").status, 504);
        assert!(!server.log().text().contains("GET /extend was ended"));
    }
}

#[test]
fn neither_the_queue_nor_the_upload_costs_a_request_its_time() {
    let server = Server::wsgi(APP).args(["--timeout", "600", "--keep-alive", "2"]).start();
    let gate = server.gate("gate");
    let [mut idle, mut first] = [server.client(), server.client()];
    let [mut queued, mut uploading] = [server.client(), server.client()];
    assert_eq!(idle.get("/").status, 200);
    first.ask("/wait");
    server.wait_log("called /wait");
    queued.ask("/remaining");
    uploading.send("POST /remaining HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx");
    // Two seconds pass until the server closes this one.
    assert!(idle.is_closed_silently());
    gate.open();
    uploading.send("x");
    for mut client in [queued, uploading] {
        let left: f64 = client.response().text().parse().unwrap();
        assert!(left > 599.0, "{left}");
    }
}

#[test]
fn a_request_over_its_time_gets_no_more() {
    let server = Server::wsgi(APP).args(["--timeout", "0.3"]).start();
    assert_eq!(server.get("/late").status, 504);
    server.wait_log("remaining 0.0");
    server.wait_log("RuntimeError: the request is over its time already");
    server.wait_log("ValueError: expected a number of seconds, 0 or more, not -1");
    server.wait_log("ValueError: expected a number of seconds, 0 or more, not NaN");
}

#[test]
fn a_deadline_that_is_kept_belongs_to_nobody() {
    let server = Server::wsgi(APP).args(["--timeout", "30"]).start();
    let gate = server.gate("gate");
    assert_eq!(server.get("/keep").status, 200);
    gate.open();
    server.wait_log("RuntimeError: no request runs in the thread that this deadline belongs to");
}

#[test]
fn without_a_limit_there_is_no_deadline() {
    let server = Server::wsgi(APP).args(["--timeout", "0"]).start();
    assert_eq!(server.get("/remaining").text(), "None");
    assert_eq!(server.get("/extend").status, 500);
    let server = Server::wsgi(APP).args(["--timeout", "30"]).start();
    let left: f64 = server.get("/remaining").text().parse().unwrap();
    assert!((20.0..=30.0).contains(&left), "{left}");
}

/// A request that waits for its client goes on unseen, while the only other one has all the time in the world.
#[test]
fn a_request_that_stalls_after_its_client_has_read_is_ended_in_time() {
    let options = ["--timeout", "0.5", "--timeout-kill", "600", "--threads", "2", "--keep-alive", "1"];
    // Who waits in the queue is looked after too, which would help here.
    let server = Server::wsgi(APP).args(options).args(["--queue-timeout", "0"]).start();
    let (_gate, begin) = (server.gate("gate"), server.gate("begin"));
    let [mut idle, mut patient, mut reader] = [server.client(), server.client(), server.client()];
    assert_eq!(idle.get("/").status, 200);
    patient.ask("/wait");
    server.wait_log("called /wait");
    reader.ask("/stalls");
    server.wait_log("called /stalls");
    // No thread of Python is left that could drive: an answer without Python shows that another one does.
    let mut refused = server.client();
    refused.send("nonsense\r\n\r\n");
    assert_eq!(refused.response().status, 400);
    begin.open();
    // Twice the time-out passes until the server closes this one.
    assert!(idle.is_closed_silently());
    let response = reader.response();
    assert_eq!((response.is_whole, response.body.len()), (false, 16 << 20));
    server.wait_log("GET /stalls was ended after");
}

/// The thread that watches finds nothing to watch while an answer goes to the disk.
#[test]
fn a_request_that_stalls_after_its_answer_went_to_the_disk_is_ended_in_time() {
    let options = ["--timeout", "0.5", "--timeout-kill", "600", "--threads", "2"];
    let server = Server::wsgi(APP).args(options).start();
    let begin = server.gate("begin");
    let mut reader = server.client();
    reader.ask("/spills");
    server.wait_log("called /spills");
    // The other thread has the lead from now on.
    assert_eq!(server.get("/").status, 200);
    begin.open();
    server.wait_log("GET /spills was ended after");
    server.wait_log("in stalls");
}

#[test]
fn an_exception_that_came_too_late_does_not_hit_the_next_request() {
    let server = Server::wsgi(APP).args(["--timeout", "0.3", "--threads", "2"]).start();
    let worker = server.worker_pid();
    let gate = server.gate("gate");
    // The main thread would be woken: it is at something else.
    let mut main = server.client();
    main.ask("/wait");
    server.wait_log("called /wait");
    let mut client = server.client();
    assert_eq!(client.get("/lasts").text(), "soon");
    server.wait_log("GET /lasts was ended after");
    server.wait_log("the worker goes on");
    for _ in 0..5 {
        assert_eq!(client.get("/").status, 200);
    }
    gate.open();
    assert_eq!(main.response().status, 200);
    assert_eq!(server.worker_pid(), worker);
}

/// Requests that end right when they are ended, or when their thread is interrupted, with others right behind them.
#[test]
fn no_exception_ever_hits_another_request() {
    let app = "
import os, time
from stage import answer

def application(environ, start_response):
    start = time.monotonic()
    end = start + float(environ['QUERY_STRING'] or 0)
    while time.monotonic() < end:
        pass
    return answer(start_response, os.getpid())
";
    for threads in ["1", "2"] {
        let server = Server::wsgi(app).args(["--timeout", "0.02", "--threads", threads]).start();
        let worker = server.worker_pid().to_string();
        let mut answered = [0, 0];
        for number in 0..100_u32 {
            // The stack takes some 50 ms to be read; then comes the exception.
            let base = if number % 2 == 0 { 0.018 } else { 0.068 };
            let duration = base + f64::from(number / 2) * 0.000_2;
            let [mut client, mut next] = [server.client(), server.client()];
            client.ask(&format!("/?{duration}"));
            next.ask("/");
            // On a busy machine the next one may itself be over its time. An exception that is not its own would be a 500.
            for response in [client.response(), next.response()] {
                match response.status {
                    200 => answered[0] += 1,
                    504 => answered[1] += 1,
                    other => panic!("{other} for {duration}"),
                }
                assert!(response.status == 504 || response.text() == worker, "behind {duration}");
            }
        }
        assert!(answered.iter().all(|&count| count > 0), "{answered:?}");
        server.wait_log_times("the worker goes on", answered[1]);
    }
}
