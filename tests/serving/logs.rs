//! Access log and error log: what they hold, and that nobody ever waits for them.

use std::fs;

use nix::sys::signal::Signal;

use crate::harness::{Builder, Client, Server};

const APP: &str = "
import os
from stage import answer, say, tell
if os.path.exists('loaded'):
    tell('loaded')
def application(environ, start_response):
    if environ['PATH_INFO'] == '/say':
        say(environ, 's' * 4000)
    return answer(start_response, 'hello')
";

/// More than a pipe holds.
const FLOOD: usize = 64;

fn long_path(number: usize) -> String {
    format!("/{number}/{}", "x".repeat(4000))
}

#[test]
fn the_access_log_has_gunicorns_format() {
    let server = Server::wsgi(APP).args(["--access-logfile", "-"]).start();
    let mut client = server.client();
    client.send(
        "GET /path?query=1 HTTP/1.1\r\nHost: test\r\nUser-Agent: tester\r\nReferer: http://there/\r\n\r\n",
    );
    assert_eq!(client.response().status, 200);
    let line = server.stdout().wait("GET");
    let (begin, end) = line.split_once(']').unwrap();
    let (peer, time) = begin.split_once('[').unwrap();
    assert_eq!((peer, time.len()), ("127.0.0.1 - - ", "22/Nov/2026:15:04:05 +0000".len()), "{line}");
    assert_eq!(end, " \"GET /path?query=1 HTTP/1.1\" 200 5 \"http://there/\" \"tester\"");
}

#[test]
fn the_access_log_is_written_to_a_file_with_a_format_of_ones_own() {
    let options =
        ["--access-logfile", "access.log", "--access-logformat", "%(m)s|%(U)s|%(q)s|%(s)s|%({x-a}i)s"];
    let mut server = Server::wsgi(APP).args(options).start();
    let mut client = server.client();
    client.send("POST /p?a=b HTTP/1.1\r\nHost: test\r\nX-A: value\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.response().status, 200);
    assert_eq!(client.get("/second").status, 200);
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
    let mut lines: Vec<String> =
        fs::read_to_string(server.folder().join("access.log")).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["GET|/second||200|-", "POST|/p|a=b|200|value"]);
}

#[test]
fn a_full_disk_stops_no_request() {
    let options = ["--access-logfile", "/dev/full", "--error-logfile", "/dev/full"];
    let (mut server, mut client) = start_unheard(Server::wsgi(APP).args(options));
    for number in 0..FLOOD {
        assert_eq!(client.get(&long_path(number)).status, 200);
        assert_eq!(client.get("/say").status, 200);
    }
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
}

/// Starts a server whose log tells nothing, on a unix socket, and connects to it.
fn start_unheard(server: Builder) -> (Server, Client) {
    let server = server.bind(Some("unix:socket"));
    // It listens before it loads the application.
    let loaded = server.gate("loaded");
    let server = server.launch();
    loaded.wait();
    let client = Client::unix(&server.folder().join("socket"));
    (server, client)
}

#[test]
fn an_access_log_that_nobody_reads_stops_no_request_and_no_ending() {
    // A server that used up its graceful time on the log would fail the test.
    let options = ["--access-logfile", "-", "--graceful-timeout", "600"];
    let mut server = Server::wsgi(APP).args(options).start();
    server.stdout().stop_reading();
    let mut client = server.client();
    for number in 0..FLOOD {
        assert_eq!(client.get(&long_path(number)).status, 200);
    }
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
}

#[test]
fn an_error_log_that_nobody_reads_stops_no_request_and_no_ending() {
    let mut server = Server::wsgi(APP).start();
    let mut client = server.client();
    server.log().stop_reading();
    for _ in 0..FLOOD {
        assert_eq!(client.get("/say").status, 200);
    }
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
}

#[test]
fn closed_standard_streams_stop_nothing() {
    let server = Server::wsgi(APP).args(["--access-logfile", "-"]);
    let (mut server, mut client) = start_unheard(server.under(["sh", "-c", "exec \"$@\" >&- 2>&-", "sh"]));
    assert_eq!(client.get("/say").status, 200);
    assert_eq!(client.get("/").text(), "hello");
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
}

#[test]
fn the_log_level_holds_back_what_is_below_it() {
    let mut server = Server::wsgi("raise RuntimeError('on purpose')").args(["--log-level", "error"]).launch();
    assert_eq!(server.wait_exit().code(), Some(4));
    let log = server.log().wait_end();
    assert!(log.contains("[ERROR]") && !log.contains("[INFO]") && !log.contains("[WARNING]"), "{log}");
}

#[test]
fn the_error_log_has_gunicorns_line_shape_in_its_file() {
    let (mut server, mut client) = start_unheard(Server::wsgi(APP).args(["--error-logfile", "error.log"]));
    assert_eq!(client.get("/").status, 200);
    let worker = server.worker_pid();
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
    let log = fs::read_to_string(server.folder().join("error.log")).unwrap();
    for message in ["Listening at: unix:socket", "Handling signal: term", "Shutting down: Master"] {
        let ending = format!("] [{}] [INFO] {message}", server.pid());
        assert!(log.lines().any(|line| line.starts_with('[') && line.contains(&ending)), "{log}");
    }
    for message in [format!("Booting worker with pid: {worker}"), format!("Worker exiting (pid: {worker})")] {
        let ending = format!("] [{worker}] [INFO] {message}");
        assert!(log.lines().any(|line| line.ends_with(&ending)), "{log}");
    }
    assert_eq!(server.log().wait_end(), "");
}
