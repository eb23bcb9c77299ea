//! `--queue-size`, `--queue-timeout`: requests that wait for Python.

use std::sync::mpsc::{Receiver, channel};
use std::thread;

use crate::harness::{Client, Gate, Response, Server};

const APP: &str = "
import ctypes
from stage import answer, say, wait
def application(environ, start_response):
    match environ['PATH_INFO']:
        case '/hold':
            say(environ, 'holding')
            wait('gate')
        case '/gil':
            say(environ, 'holding')
            ctypes.PyDLL(None).usleep(2_000_000)
    return answer(start_response, 'hello')
";

/// A server whose Python threads are all held, by these clients until the gate opens.
fn held(options: &[&str], threads: usize) -> (Server, Vec<Client>, Gate) {
    let server =
        Server::wsgi(APP).args(options.iter().copied()).args(["--threads", &threads.to_string()]).start();
    let gate = server.gate("gate");
    let holders = (0..threads).map(|_| {
        let mut client = server.client();
        client.ask("/hold");
        client
    });
    let holders = holders.collect();
    server.wait_log_times("holding", threads);
    (server, holders, gate)
}

#[track_caller]
fn is_refused(response: &Response) {
    assert_eq!((response.status, response.header("Retry-After")), (503, Some("1")));
    assert_eq!(response.header("Connection").map(str::to_ascii_lowercase).as_deref(), Some("close"));
}

/// Sends a request on each connection; the answers in the order in which they come.
fn answers(clients: Vec<Client>) -> Receiver<Response> {
    let (sender, answers) = channel();
    for mut client in clients {
        let sender = sender.clone();
        client.ask("/");
        thread::spawn(move || sender.send(client.response()));
    }
    answers
}

#[test]
fn a_request_that_waits_too_long_is_refused_while_all_threads_are_held() {
    for threads in [1, 2] {
        let (server, mut holders, gate) = held(&["--queue-timeout", "0.5"], threads);
        is_refused(&server.get("/"));
        server.wait_log(
            "[WARNING] answered 1 request with 503: no Python thread for 500ms (`--queue-timeout`)",
        );
        (0..threads).for_each(|_| gate.open());
        holders.iter_mut().for_each(|holder| assert_eq!(holder.response().status, 200));
        assert_eq!(server.get("/").status, 200);
    }
}

#[test]
fn a_request_that_waits_too_long_is_refused_while_a_c_call_holds_the_gil() {
    let server = Server::wsgi(APP).args(["--queue-timeout", "0.2"]).start();
    let mut holder = server.client();
    holder.ask("/gil");
    server.wait_log("holding");
    is_refused(&server.get("/"));
    assert_eq!(holder.response().status, 200);
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn requests_beyond_the_queue_are_refused_at_once_and_the_flood_is_one_line_a_second() {
    let (server, mut holders, gate) = held(&["--queue-size", "2"], 1);
    let clients = (0..9).map(|_| server.client()).collect();
    let answers = answers(clients);
    (0..7).for_each(|_| is_refused(&answers.recv().unwrap()));
    server.wait_log("[WARNING] answered 1 request with 503: 2 wait already (`--queue-size`)");
    server.wait_log("[WARNING] answered 6 requests with 503: 2 wait already (`--queue-size`)");
    gate.open();
    assert_eq!(holders[0].response().status, 200);
    (0..2).for_each(|_| assert_eq!(answers.recv().unwrap().status, 200));
}

#[test]
fn a_lone_worker_tells_new_connections_that_its_queue_is_full() {
    let (server, mut holders, gate) = held(&["--queue-size", "270"], 1);
    let clients = (0..290).map(|_| server.client()).collect();
    let answers = answers(clients);
    (0..20).for_each(|_| is_refused(&answers.recv().unwrap()));
    gate.open();
    assert_eq!(holders[0].response().status, 200);
    (0..270).for_each(|_| assert_eq!(answers.recv().unwrap().status, 200));
}
