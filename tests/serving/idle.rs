//! A worker with nothing to do does nothing, and holds up nobody.

use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::{Client, PATIENCE, Server, sleeps_of, threads};

const APP: &str = "
from stage import answer
def application(environ, start_response):
    return answer(start_response, 'hello')
";

/// Lets as much time pass as the server needs to close an idle connection (`--keep-alive`).
fn let_keep_alive_pass(clock: &Server) {
    let mut client: Client = clock.client();
    assert_eq!(client.get("/").status, 200);
    assert!(client.is_closed_silently());
}

#[test]
fn an_idle_worker_does_not_wake_up() {
    let clock = Server::wsgi(APP).args(["--keep-alive", "0.7"]).start();
    for options in [["--threads", "1"], ["--threads", "4"], ["--metrics-bind", "127.0.0.1:0"]] {
        let server = Server::wsgi(APP).args(options).args(["--keep-alive", "300"]).start();
        let mut client = server.client();
        assert_eq!(client.get("/").status, 200);
        // The threads settle down first.
        let_keep_alive_pass(&clock);
        let worker = server.worker_pid();
        let before = (sleeps_of(worker), sleeps_of(server.pid()));
        let_keep_alive_pass(&clock);
        assert_eq!((sleeps_of(worker), sleeps_of(server.pid())), before, "{options:?}");
        // It shows when a worker works: after its answer it goes to sleep again.
        while sleeps_of(worker) == before.0 {
            assert_eq!(client.get("/").status, 200);
        }
        assert_eq!(threads(server.pid()).len(), 1, "the master has one thread");
    }
}

#[test]
fn an_idle_worker_turns_its_loop_when_its_master_asks() {
    let server = Server::wsgi(APP).args(["--log-level", "debug"]).start();
    let worker = server.worker_pid();
    let before = sleeps_of(worker);
    kill(Pid::from_raw(worker.try_into().unwrap()), Signal::SIGWINCH).unwrap();
    let limit = Instant::now() + PATIENCE;
    while sleeps_of(worker) == before {
        assert!(Instant::now() < limit, "it sleeps on");
    }
    assert_eq!(server.get("/").status, 200);
    assert!(!server.log().text().contains("WINCH"));
}

const BACKGROUND: &str = "
import threading
from stage import answer, tell, wait
def work():
    while True:
        wait('gate')
        tell('done')
threading.Thread(target=work, daemon=True).start()
def application(environ, start_response):
    return answer(start_response, 'hello')
";

#[test]
fn the_last_connection_gone_the_threads_of_the_application_run_and_the_access_log_is_written() {
    for threads in ["1", "4"] {
        // Without a timeout the master never asks whether the loop still turns, which would wake it.
        let options = ["--timeout", "0", "--access-logfile", "-", "--threads", threads];
        let server = Server::wsgi(BACKGROUND).args(options);
        let (gate, done) = (server.gate("gate"), server.gate("done"));
        let server = server.start();
        for number in 1..=5 {
            let mut client = server.client();
            client.send(format!("GET /{number} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"));
            assert_eq!(client.response().text(), "hello");
            assert!(client.is_closed_silently());
            server.stdout().wait(&format!("GET /{number} "));
            gate.open();
            done.wait();
        }
    }
}
