//! Workers that die are replaced, and the log tells what they died of.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::Server;

const APP: &str = "
import os
from stage import answer
def application(environ, start_response):
    if environ['PATH_INFO'] == '/die':
        os._exit(9)
    return answer(start_response, os.getpid())
";

fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.try_into().unwrap()), signal).unwrap();
}

#[test]
fn a_killed_worker_is_replaced() {
    let server = Server::wsgi(APP).workers(2).start();
    let before = server.worker_pids();
    send(before[0], Signal::SIGKILL);
    server.wait_log(&format!("Worker (pid:{}) was sent SIGKILL!", before[0]));
    server.wait_log_times("Worker ready (pid: ", 3);
    let after = server.worker_pids();
    assert_eq!(after.len(), 2);
    assert!(after.contains(&before[1]) && !after.contains(&before[0]));
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn a_worker_that_ends_itself_is_replaced() {
    let server = Server::wsgi(APP).start();
    let before = server.worker_pid();
    let mut client = server.client();
    client.ask("/die");
    assert!(client.is_closed_silently());
    server.wait_log(&format!("Worker (pid:{before}) exited with code 9"));
    server.wait_log_times("Worker ready (pid: ", 2);
    assert_ne!(server.get("/").text(), before.to_string());
}

#[test]
fn a_worker_told_to_leave_is_replaced() {
    let server = Server::wsgi(APP).start();
    let before = server.worker_pid();
    send(before, Signal::SIGTERM);
    server.wait_log(&format!("Worker (pid:{before}) exited with code 0"));
    server.wait_log_times("Worker ready (pid: ", 2);
    assert_ne!(server.get("/").text(), before.to_string());
}

/// Dies in a different way at each start, until nothing is left of `ways`.
const DYING: &str = "
import os, pathlib, signal
from stage import answer
ways = pathlib.Path('ways')
first, _, rest = ways.read_text().partition(' ')
ways.write_text(rest)
match first:
    case 'exit': os._exit(9)
    case 'kill': os.kill(os.getpid(), signal.SIGKILL)
    case 'raise': raise RuntimeError('on purpose')
def application(environ, start_response):
    return answer(start_response, os.getpid())
";

#[test]
fn a_worker_that_dies_before_it_is_ready_is_tried_again_later_and_later() {
    let server = Server::wsgi(DYING).file("ways", "exit kill exit ").start();
    server.wait_log_times("exited with code 9", 2);
    server.wait_log("was sent SIGKILL!");
    server.wait_log("at once: it failed once");
    server.wait_log("in 1 s: it failed 2 times in a row");
    server.wait_log("in 2 s: it failed 3 times in a row");
    assert_eq!(server.get("/").text(), server.worker_pid().to_string());
}

#[test]
fn an_application_that_stops_loading_does_not_end_a_server_that_has_served() {
    let server = Server::wsgi(DYING).file("ways", "serve raise serve ").start();
    send(server.worker_pid(), Signal::SIGKILL);
    server.wait_log("RuntimeError: on purpose");
    server.wait_log("exited with code 4: the application could not be loaded");
    // The one that was killed had not lived for long either.
    server.wait_log("in 1 s: it failed 2 times in a row");
    server.wait_log_times("Worker ready (pid: ", 2);
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn signals_that_a_worker_gets_by_mistake_end_nothing() {
    let server = Server::wsgi(APP).start();
    let worker = server.worker_pid();
    for signal in [Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGWINCH] {
        send(worker, signal);
    }
    assert_eq!(server.get("/").text(), worker.to_string());
}
