//! Applications that end or exhaust their process: nothing but that process suffers.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::{Client, Server};

const APP: &str = "
import ctypes, os, resource, threading
from stage import answer

def leave():
    os._exit(7)

def segfault():
    ctypes.string_at(0)

def abort():
    os.abort()

def recurse():
    recurse()

def recurse_in_c():
    # Newer Pythons stop a recursion of their own in time; the parser of the C library does not.
    ctypes.CDLL(None).regcomp(ctypes.create_string_buffer(4096), b'(' * 10_000_000, 1)

def ask_for_too_much():
    bytes(1 << 62)

def use_up_memory():
    pages = int(open('/proc/self/statm').read().split()[0])
    limit = pages * os.sysconf('SC_PAGE_SIZE') + (64 << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    try:
        hoard = []
        while True:
            hoard.append(bytearray(1 << 20))
    finally:
        hoard.clear()

def leak_threads():
    for number in range(50):
        threading.Thread(target=threading.Event().wait, daemon=number % 2 == 0).start()

ACTS = {
    '/exit': leave, '/segfault': segfault, '/abort': abort, '/recursion': recurse, '/c-recursion': recurse_in_c,
    '/too-much': ask_for_too_much, '/memory': use_up_memory, '/threads': leak_threads,
}

def application(environ, start_response):
    ACTS.get(environ['PATH_INFO'], int)()
    return answer(start_response, os.getpid())
";

/// A client of each of two workers, with the worker's process id.
fn one_of_each(server: &Server) -> [(Client, String); 2] {
    let connect = || {
        let mut client = server.client();
        let worker = client.get("/").text().to_owned();
        (client, worker)
    };
    let first = connect();
    loop {
        let other = connect();
        if other.1 != first.1 {
            return [first, other];
        }
    }
}

/// The worker dies of a request: its client sees the connection end, others notice nothing, another worker comes.
#[track_caller]
fn is_replaced(threads: &str, path: &str, lines: &[&str]) {
    let server = Server::wsgi(APP).args(["--threads", threads]).workers(2).start();
    let [(mut victim, dead), (mut other, alive)] = one_of_each(&server);
    victim.ask(path);
    assert!(victim.is_closed_silently(), "{path}");
    assert_eq!(other.get("/").text(), alive, "{path}");
    for line in lines {
        server.wait_log(&line.replace("PID", &dead));
    }
    server.wait_log_times("Worker ready (pid: ", 3);
    assert_eq!(server.worker_pids().len(), 2, "{path}");
    let [(_, one), (_, another)] = one_of_each(&server);
    assert!(one != dead && another != dead, "{path}");
}

#[test]
fn a_worker_that_the_application_ends_is_replaced() {
    for threads in ["1", "3"] {
        let last = "Worker (pid:PID) was at 1 request; the last that began was `GET /exit`";
        is_replaced(threads, "/exit", &["Worker (pid:PID) exited with code 7", last]);
    }
}

#[test]
fn a_worker_that_crashes_is_replaced_and_the_log_has_its_python_stack() {
    for threads in ["1", "3"] {
        for (path, signal, function) in
            [("/segfault", "SIGSEGV", "in segfault"), ("/abort", "SIGABRT", "in abort")]
        {
            let died = format!("Worker (pid:PID) was sent {signal}!");
            let last = format!("Worker (pid:PID) was at 1 request; the last that began was `GET {path}`");
            is_replaced(threads, path, &["(most recent call first):", function, &died, &last]);
        }
    }
}

#[test]
fn a_worker_whose_c_stack_overflows_is_replaced() {
    for threads in ["1", "3"] {
        let last = "Worker (pid:PID) was at 1 request; the last that began was `GET /c-recursion`";
        is_replaced(threads, "/c-recursion", &["Worker (pid:PID) was sent SIG", last]);
    }
}

#[test]
fn a_request_that_python_itself_stops_ends_alone() {
    for threads in ["1", "3"] {
        let server = Server::wsgi(APP).args(["--threads", threads]).start();
        let worker = server.worker_pid().to_string();
        for (path, error) in
            [("/recursion", "RecursionError: "), ("/too-much", "MemoryError"), ("/memory", "MemoryError")]
        {
            assert_eq!(server.get(path).status, 500, "{path}");
            server.wait_log(&format!("Error handling request GET {path}"));
            server.wait_log(error);
            assert_eq!(server.get("/").text(), worker, "after {path}");
        }
    }
}

#[test]
fn threads_that_nobody_ends_do_not_keep_the_server() {
    let mut server = Server::wsgi(APP).args(["--graceful-timeout", "1"]).start();
    let mut client = server.client();
    let worker = client.get("/").text().to_owned();
    for _ in 0..4 {
        assert_eq!(client.get("/threads").text(), worker);
    }
    drop(client);
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
    server.wait_log("Python did not end in time");
}

const HANGS: &str = "
import faulthandler, os
from stage import tell, wait
from rwsgi import RequestTimeout
if os.path.exists('own'):
    faulthandler.enable(open('own', 'a'))
def hang():
    tell('hangs')
    wait('never')
hang()
";

#[test]
fn a_worker_that_hangs_in_an_import_tells_where_when_it_is_aborted() {
    let server = Server::wsgi(HANGS);
    let (hangs, _never) = (server.gate("hangs"), server.gate("never"));
    let server = server.launch();
    hangs.wait();
    abort(server.worker_pid());
    server.wait_log("Fatal Python error: Aborted");
    server.wait_log("in hang");
    server.wait_log("was sent SIGABRT!");
}

#[test]
fn an_application_that_enables_faulthandler_itself_gets_what_it_wants() {
    let server = Server::wsgi(HANGS).file("own", "");
    let (hangs, _never) = (server.gate("hangs"), server.gate("never"));
    let server = server.launch();
    hangs.wait();
    abort(server.worker_pid());
    server.wait_log("was sent SIGABRT!");
    let own = std::fs::read_to_string(server.folder().join("own")).unwrap();
    assert!(own.contains("Fatal Python error: Aborted") && own.contains("in hang"), "{own}");
    assert!(!server.log().text().contains("Fatal Python error"));
}

fn abort(worker: u32) {
    kill(Pid::from_raw(worker.try_into().unwrap()), Signal::SIGABRT).unwrap();
}
