//! The signals that end the server.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::harness::{Client, Gate, PATIENCE, Server};

const APP: &str = "
from stage import answer, say, wait
def application(environ, start_response):
    if environ['PATH_INFO'] == '/wait':
        say(environ, 'waiting')
        wait('gate')
    return answer(start_response, 'done')
";

/// Longer than any test waits: a server that uses it up fails the test.
const ENDLESS: [&str; 2] = ["--graceful-timeout", "600"];

/// A server with one request that waits at the gate.
fn busy(options: &[&str]) -> (Server, Client, Gate) {
    let server = Server::wsgi(APP).workers(2).args(options).args(["--timeout", "0"]).start();
    let gate = server.gate("gate");
    let mut client = server.client();
    client.ask("/wait");
    server.wait_log("waiting");
    (server, client, gate)
}

#[test]
fn term_closes_idle_connections_and_finishes_requests() {
    let server = Server::wsgi(APP).workers(2).args(ENDLESS).args(["--keep-alive", "600", "--timeout", "0"]);
    let mut server = server.start();
    let gate = server.gate("gate");
    let mut idle: Vec<Client> = (0..4).map(|_| server.client()).collect();
    for client in &mut idle {
        assert_eq!(client.get("/").status, 200);
    }
    let mut silent = server.client();
    let mut waiting = server.client();
    waiting.ask("/wait");
    server.wait_log("waiting");
    server.signal(Signal::SIGTERM);
    for client in &mut idle {
        assert!(client.is_closed_silently());
    }
    assert!(silent.is_closed_silently());
    gate.open();
    let response = waiting.response();
    assert_eq!((response.status, response.text(), response.is_whole), (200, "done", true));
    assert_eq!(response.header("Connection").map(str::to_ascii_lowercase).as_deref(), Some("close"));
    assert_eq!(server.wait_exit().code(), Some(0));
    server.wait_log("Handling signal: term");
    server.wait_log("Shutting down: Master");
}

#[test]
fn after_term_new_connections_are_refused() {
    let (mut server, mut waiting, gate) = busy(&ENDLESS);
    server.signal(Signal::SIGTERM);
    let address = server.addresses().swap_remove(0);
    let limit = Instant::now() + PATIENCE;
    while TcpStream::connect(&address).is_ok() {
        assert!(limit > Instant::now(), "connections are still accepted");
        std::thread::yield_now();
    }
    gate.open();
    assert_eq!(waiting.response().status, 200);
    assert_eq!(server.wait_exit().code(), Some(0));
}

#[test]
fn a_connection_in_the_listen_queue_at_term_is_still_served() {
    let (mut server, mut waiting, gate) = busy(&ENDLESS);
    let mut clients: Vec<Client> = (0..8).map(|_| server.client()).collect();
    clients.iter_mut().for_each(|client| client.ask("/"));
    server.signal(Signal::SIGTERM);
    gate.open();
    for client in &mut clients {
        assert_eq!(client.response().status, 200);
    }
    assert_eq!(waiting.response().status, 200);
    assert_eq!(server.wait_exit().code(), Some(0));
}

/// Too much for the kernel to send before the client has confirmed a part of it.
const MUCH: &str = "
from stage import answer
def application(environ, start_response):
    return answer(start_response, 'x' * 8_000_000)
";

/// Long enough for a handshake, shorter than the second after which TCP tries again.
const MOMENT: Duration = Duration::from_millis(200);

#[test]
fn whoever_has_connected_may_speak_when_nobody_else_is_let_in() {
    let servers = [Some(Server::wsgi(MUCH)), Server::wsgi(MUCH).without_privileges()];
    for server in servers.into_iter().flatten() {
        let mut server = server.args(ENDLESS).start();
        let address = server.addresses().swap_remove(0).parse().unwrap();
        let mut silent = server.client();
        server.signal(Signal::SIGTERM);
        let limit = Instant::now() + PATIENCE;
        while TcpStream::connect_timeout(&address, MOMENT).is_ok() {
            assert!(limit > Instant::now(), "connections are still accepted");
        }
        let response = silent.get("/");
        assert_eq!((response.status, response.body.len(), response.is_whole), (200, 8_000_000, true));
        assert_eq!(server.wait_exit().code(), Some(0));
        let log = server.log().text();
        assert!(!log.contains("turn new connections away"), "{log}");
    }
}

#[test]
fn a_request_that_outlasts_the_graceful_time_is_cut() {
    let (mut server, mut waiting, _gate) = busy(&["--graceful-timeout", "0.5"]);
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
    assert!(waiting.is_closed_silently());
}

#[test]
fn int_and_quit_wait_for_no_request() {
    for signal in [Signal::SIGINT, Signal::SIGQUIT] {
        let (mut server, mut waiting, _gate) = busy(&ENDLESS);
        assert_eq!(server.stop(signal), Some(0), "{signal}");
        assert!(waiting.is_closed_silently());
    }
}

/// Supervisors and shells may send it twice, and to the whole group.
#[test]
fn term_again_changes_nothing() {
    let (mut server, mut waiting, gate) = busy(&ENDLESS);
    server.signal_group(Signal::SIGTERM);
    server.wait_log("Handling signal: term");
    server.signal_group(Signal::SIGTERM);
    server.wait_log_times("Handling signal: term", 2);
    gate.open();
    assert_eq!(waiting.response().status, 200);
    assert_eq!(server.wait_exit().code(), Some(0));
    assert!(!server.log().text().contains("Killing"));
}

#[test]
fn int_and_quit_during_a_graceful_stop_wait_for_no_request() {
    for hurry in [Signal::SIGINT, Signal::SIGQUIT] {
        let (mut server, mut waiting, _gate) = busy(&ENDLESS);
        server.signal(Signal::SIGTERM);
        server.wait_log("Handling signal: term");
        assert_eq!(server.stop(hurry), Some(0), "{hurry}");
        assert!(waiting.is_closed_silently());
    }
}

#[test]
fn term_to_the_whole_group_is_graceful_too() {
    let (mut server, mut waiting, gate) = busy(&ENDLESS);
    server.signal_group(Signal::SIGTERM);
    server.wait_log("Handling signal: term");
    gate.open();
    assert_eq!(waiting.response().status, 200);
    assert_eq!(server.wait_exit().code(), Some(0));
    assert!(!server.log().text().contains("Starting a worker in place of"), "nobody is replaced at a stop");
}

#[test]
fn ctrl_c_reaches_the_whole_group() {
    let (mut server, mut waiting, _gate) = busy(&ENDLESS);
    server.signal_group(Signal::SIGINT);
    assert_eq!(server.wait_exit().code(), Some(0));
    assert!(waiting.is_closed_silently());
    assert!(!server.log().text().contains("KeyboardInterrupt"));
}

#[test]
fn term_while_the_application_is_loaded_does_not_wait_for_it() {
    let app = "
import stage, sys
print('loading', file=sys.stderr, flush=True)
stage.wait('gate')
";
    let server = Server::wsgi(app).args(ENDLESS);
    let _gate = server.gate("gate");
    let mut server = server.launch();
    server.wait_log("loading");
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
}

const HANDLERS: &str = "
import signal
from stage import answer, say
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, lambda *_: None)
def application(environ, start_response):
    return answer(start_response, 'done')
";

#[test]
fn handlers_of_the_application_do_not_keep_the_server_from_stopping() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut server = Server::wsgi(HANDLERS).args(ENDLESS).start();
        server.wait_log("the application's handler for SIGTERM is replaced");
        assert_eq!(server.get("/").status, 200);
        assert_eq!(server.stop(signal), Some(0));
        assert!(!server.log().text().contains("Killing"));
    }
}

const TAKEN: &str = "
import signal
from stage import answer
def application(environ, start_response):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    return answer(start_response, 'taken')
";

#[test]
fn signals_that_a_request_takes_do_not_keep_the_server_from_stopping() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut server = Server::wsgi(TAKEN).args(["--graceful-timeout", "0.5"]).start();
        assert_eq!(server.get("/").text(), "taken");
        assert_eq!(server.stop(signal), Some(0));
    }
}

const THREADS: &str = "
import atexit, sys, threading, time
from stage import answer
atexit.register(lambda: print('atexit ran', file=sys.stderr, flush=True))
threading.Thread(target=time.sleep, args=(600,), daemon=DAEMON).start()
def application(environ, start_response):
    return answer(start_response, 'done')
";

#[test]
fn a_thread_of_the_application_that_never_ends_does_not_keep_the_server_from_stopping() {
    let app = THREADS.replace("DAEMON", "False");
    let mut server = Server::wsgi(&app).args(["--graceful-timeout", "1"]).start();
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
}

#[test]
fn atexit_runs_at_the_end_of_a_worker() {
    let app = THREADS.replace("DAEMON", "True");
    let mut server = Server::wsgi(&app).start();
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
    server.wait_log("atexit ran");
}
