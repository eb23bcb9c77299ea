//! `--threads`: what runs at the same time, what waits, and that reading goes on meanwhile.

use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Client, Server};

const MEETING: &str = "
import threading
from stage import answer
barrier = threading.Barrier(16)
def application(environ, start_response):
    barrier.wait(50)
    return answer(start_response, threading.current_thread().name)
";

#[test]
fn sixteen_threads_run_sixteen_requests_at_the_same_time() {
    let server = Server::wsgi(MEETING).args(["--threads", "16"]).start();
    let mut clients: Vec<Client> = (0..16).map(|_| server.client()).collect();
    for _ in 0..2 {
        clients.iter_mut().for_each(|client| client.ask("/"));
        let mut names = Vec::new();
        for client in &mut clients {
            let response = client.response();
            assert_eq!(response.status, 200);
            names.push(response.text().to_owned());
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 16, "{names:?}");
    }
}

const ALONE: &str = "
import threading, time
from stage import answer
running = threading.Lock()
def application(environ, start_response):
    assert running.acquire(blocking=False), 'another request is running'
    try:
        time.sleep(0.01)
        assert threading.current_thread() is threading.main_thread()
        return answer(start_response, 'alone')
    finally:
        running.release()
";

#[test]
fn one_thread_never_runs_two_requests_at_a_time() {
    let server = Server::wsgi(ALONE).start();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = server.client();
                for _ in 0..10 {
                    assert_eq!(client.get("/").text(), "alone");
                }
            });
        }
    });
}

const QUEUE: &str = "
from stage import answer, say, wait
called = []
def application(environ, start_response):
    called.append(environ['PATH_INFO'])
    if environ['PATH_INFO'] == '/first':
        say(environ, 'waiting')
        wait('gate')
    body = environ['wsgi.input'].read().decode()
    return answer(start_response, ' '.join([*called, body]))
";

/// Sends a head, and the body when the server asks for it: then it has been read while Python was busy.
fn send_in_two_steps(client: &mut Client, path: &str) {
    client.send(format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
    ));
    assert_eq!(client.response().status, 100);
    client.send("body");
}

#[test]
fn while_the_one_thread_is_blocked_others_are_read_and_queued_and_the_vanished_never_called() {
    let server = Server::wsgi(QUEUE).start();
    let gate = server.gate("gate");
    let mut first = server.client();
    first.ask("/first");
    server.wait_log("waiting");
    let mut second = server.client();
    send_in_two_steps(&mut second, "/second");
    let mut vanished = server.client();
    vanished.ask("/vanished");
    drop(vanished);
    // A client that has just closed its sending side might still want its answer.
    let left = Instant::now();
    while left.elapsed() < Duration::from_millis(250) {
        let mut refused = server.client();
        refused.send("?\r\n\r\n");
        assert_eq!(refused.response().status, 400);
    }
    // Everything that came before these two steps has been seen when they are done.
    let mut third = server.client();
    send_in_two_steps(&mut third, "/third");
    let mut fourth = server.client();
    send_in_two_steps(&mut fourth, "/fourth");
    gate.open();
    assert_eq!(first.response().text(), "/first ");
    assert_eq!(second.response().text(), "/first /second body");
    assert_eq!(third.response().text(), "/first /second /third body");
    assert_eq!(fourth.response().text(), "/first /second /third /fourth body");
}

const GIL: &str = "
import ctypes
from stage import answer, say
def application(environ, start_response):
    if environ['PATH_INFO'] == '/hold':
        say(environ, 'holding')
        ctypes.PyDLL(None).usleep(1_000_000)
    return answer(start_response, environ['wsgi.input'].read().decode())
";

#[test]
fn while_a_c_call_holds_the_gil_others_are_read() {
    for threads in ["1", "4"] {
        let server = Server::wsgi(GIL).args(["--threads", threads]).start();
        let mut holder = server.client();
        holder.ask("/hold");
        server.wait_log("holding");
        let mut other = server.client();
        send_in_two_steps(&mut other, "/");
        assert_eq!(holder.response().status, 200);
        assert_eq!(other.response().text(), "body");
    }
}

const COUNTED: &str = "
from stage import answer
called = []
def application(environ, start_response):
    called.append(environ['PATH_INFO'])
    return answer(start_response, ' '.join(called))
";

#[test]
fn a_connection_beyond_the_limit_waits_until_another_one_is_closed() {
    let server = Server::wsgi(COUNTED).args(["--worker-connections", "2"]).start();
    // Never idle: the next request has begun before the last one is answered.
    let get = |client: &mut Client, path: &str| {
        client.send(format!("ET {path} HTTP/1.1\r\nHost: test\r\n\r\nG"));
        client.response().text().to_owned()
    };
    let (mut one, mut two) = (server.client(), server.client());
    one.send("G");
    two.send("G");
    get(&mut one, "/1");
    get(&mut two, "/2");
    let mut three = server.client();
    three.ask("/3");
    for _ in 0..3 {
        assert!(!get(&mut one, "/1").contains('3'));
        assert!(!get(&mut two, "/2").contains('3'));
    }
    drop(one);
    assert!(three.response().text().ends_with("/2 /3"));
}

#[test]
fn beyond_the_limit_the_connection_that_is_idle_longest_gives_way() {
    for workers in [1, 2] {
        let options = ["--worker-connections", "2", "--keep-alive", "300"];
        let server = Server::wsgi(COUNTED).args(options).workers(workers).start();
        let mut clients: Vec<Client> = (0..2 * workers).map(|_| server.client()).collect();
        clients.iter_mut().for_each(|client| assert_eq!(client.get("/old").status, 200));
        for _ in 0..3 {
            assert_eq!(server.get("/new").status, 200);
        }
        let mut late: Vec<Client> = (0..2 * workers).map(|_| server.client()).collect();
        late.iter_mut().for_each(|client| assert_eq!(client.get("/late").status, 200));
        // Each of several workers chooses among its own.
        if workers == 1 {
            clients.iter_mut().for_each(|client| assert!(client.is_closed_silently()));
        }
    }
}
