//! `USR1`: the logs are opened again, as `logrotate` wants it.

use std::fs;
use std::path::Path;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::{Builder, Client, PATIENCE, Server};

const APP: &str = "
import os
from stage import answer, say, tell
os.chdir('/')
def application(environ, start_response):
    say(environ, environ['PATH_INFO'])
    return answer(start_response, 'hello')
";

const LOGS: [&str; 6] = [
    "--error-logfile",
    "logs/error.log",
    "--access-logfile",
    "logs/access.log",
    "--access-logformat",
    "%(U)s",
];

fn start() -> (Server, Client) {
    let server: Builder = Server::wsgi(APP).file("logs/error.log", "").args(LOGS).bind(Some("unix:socket"));
    let server = server.launch();
    let log = server.folder().join("logs/error.log");
    wait(|| read(&log).contains("1 worker ready"));
    let client = Client::unix(&server.folder().join("socket"));
    (server, client)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// A file tells nobody when it grows.
fn wait(is_so: impl Fn() -> bool) {
    let limit = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < limit, "it does not come");
        std::thread::yield_now();
    }
}

fn reopen(server: &Server) {
    kill(Pid::from_raw(server.worker_pid().try_into().unwrap()), Signal::SIGUSR1).unwrap();
}

#[test]
fn renamed_logs_keep_what_they_have_and_no_line_is_lost() {
    let (mut server, mut client) = start();
    let folder = server.folder().join("logs");
    let [error, access] = ["error.log", "access.log"].map(|name| folder.join(name));
    let [old_error, old_access] = ["error.log.1", "access.log.1"].map(|name| folder.join(name));
    assert_eq!(client.get("/first").status, 200);
    wait(|| read(&access).contains("/first"));
    fs::rename(&error, &old_error).unwrap();
    fs::rename(&access, &old_access).unwrap();
    reopen(&server);
    let mut asked = 1;
    let limit = Instant::now() + PATIENCE;
    while !(read(&access).contains('/') && read(&error).contains('/')) {
        assert!(Instant::now() < limit, "the logs are not opened again");
        asked += 1;
        assert_eq!(client.get(&format!("/{asked}")).status, 200);
    }
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
    let lines = |one: &Path, other: &Path| {
        let text = read(one) + &read(other);
        text.lines().filter(|line| line.starts_with('/')).count()
    };
    assert_eq!(lines(&old_access, &access), asked);
    assert_eq!(lines(&old_error, &error), asked);
    assert!(read(&error).contains("Worker exiting"));
}

#[test]
fn a_log_that_cannot_be_opened_again_goes_on_in_the_old_file() {
    let (server, mut client) = start();
    let old = server.folder().join("gone");
    fs::rename(server.folder().join("logs"), &old).unwrap();
    reopen(&server);
    wait(|| read(&old.join("error.log")).matches("again, the old file is kept: No such file").count() == 2);
    assert_eq!(client.get("/still").status, 200);
    wait(|| read(&old.join("access.log")).contains("/still"));
}

/// Its handler stays in Python when it is to open its file again, and so does the end of Python until the handler has gone on.
const SLOW_TO_OPEN: &str = "
import logging, os, sys
from stage import answer, tell, wait

begun, back = [], os.pipe()

class Slow(logging.FileHandler):
    def createLock(self):
        # `logging.shutdown` would wait for it.
        self.lock = None

    def _open(self):
        if begun:
            tell('reopening')
            wait('go on')
            os.write(back[1], b'x')
        return super()._open()

class Last:
    def __del__(self, read=os.read, begun=begun, back=back):
        if begun:
            read(back[0], 1)

logging.getLogger('x').addHandler(Slow('own.log'))
sys.modules['last'] = Last()

def application(environ, start_response):
    begun.append(True)
    return answer(start_response, 'hello')
";

#[test]
fn a_worker_that_is_to_leave_while_its_logs_are_opened_again_does_not_crash() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut server = Server::wsgi(SLOW_TO_OPEN).start();
        let [reopening, go_on] = ["reopening", "go on"].map(|name| server.gate(name));
        assert_eq!(server.get("/").status, 200);
        let worker = server.worker_pid();
        reopen(&server);
        reopening.wait();
        kill(Pid::from_raw(worker.try_into().unwrap()), signal).unwrap();
        // By then it has come as far as it gets.
        server.wait_log_times("Worker ready (pid: ", 2);
        go_on.open();
        server.wait_log(&format!("Worker (pid:{worker}) exited with code 0"));
        assert_eq!(server.stop(Signal::SIGTERM), Some(0));
    }
}
