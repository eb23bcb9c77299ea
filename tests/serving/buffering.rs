//! Answers that wait for their clients, so that Python does not.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::harness::{Client, PATIENCE, Server, resident_memory_of};

const APP: &str = "
import os
from stage import answer, say, tell
def large(environ, megabytes):
    for number in range(megabytes * 16):
        yield bytes([number % 251]) * 65536
    say(environ, 'sent all')
def broken(environ):
    yield from large(environ, 20)
    raise RuntimeError
def larger(environ):
    for number, chunk in enumerate(large(environ, 32)):
        if number == 18 * 16: say(environ, 'sent 18 MiB')
        yield chunk
def heavy(environ):
    for _ in range(2):
        yield b'x' * (16 << 20)
    say(environ, 'asked for more')
    yield b'end'
def spools():
    paths = (f'/proc/self/fd/{fd}' for fd in os.listdir('/proc/self/fd'))
    links = [os.readlink(path) for path in paths if os.path.islink(path)]
    return [link for link in links if '(deleted)' in link]
def application(environ, start_response):
    match environ['PATH_INFO']:
        case '/large':
            start_response('200 OK', [])
            return large(environ, 20)
        case '/larger':
            start_response('200 OK', [])
            return larger(environ)
        case '/heavy':
            start_response('200 OK', [('X-Accel-Buffering', 'no')])
            return heavy(environ)
        case '/unbuffered':
            start_response('200 OK', [('X-Accel-Buffering', 'no')])
            return large(environ, 20)
        case '/broken':
            start_response('200 OK', [])
            return broken(environ)
        case '/whole':
            start_response('200 OK', [])
            return [b'x' * (14 << 20)]
        case '/spools':
            return answer(start_response, '\\n'.join(spools()))
    return answer(start_response, 'small')
";

fn large() -> Vec<u8> {
    body(20)
}

fn body(megabytes: u32) -> Vec<u8> {
    (0..16 * megabytes).flat_map(|number| [(number % 251) as u8; 65536]).collect()
}

/// Reads the head of an answer and no more.
fn stalled(server: &Server, path: &str) -> Client {
    let mut client = server.client();
    client.ask(path);
    client
}

#[test]
fn a_client_that_stalls_holds_up_nobody_and_gets_everything() {
    let server = Server::wsgi(APP).start();
    let mut slow = stalled(&server, "/large");
    for _ in 0..3 {
        assert_eq!(server.get("/").text(), "small");
    }
    server.wait_log("sent all");
    assert!(!server.get("/spools").text().is_empty());
    let response = slow.response();
    assert!(response.is_whole && response.body == large());
    assert_eq!(slow.get("/spools").text(), "");
}

#[test]
fn an_answer_that_breaks_off_is_sent_as_far_as_it_came() {
    let server = Server::wsgi(APP).start();
    let mut slow = stalled(&server, "/broken");
    server.wait_log("RuntimeError");
    let response = slow.response();
    assert!(!response.is_whole && response.body == large());
}

#[test]
fn many_clients_that_stall_hold_up_nobody() {
    let server = Server::wsgi(APP).start();
    let mut slow: Vec<Client> = (0..8).map(|_| stalled(&server, "/large")).collect();
    server.wait_log_times("sent all", 8);
    assert_eq!(server.get("/").text(), "small");
    for client in &mut slow {
        let response = client.response();
        assert!(response.is_whole && response.body == large());
    }
}

#[test]
fn a_client_that_leaves_takes_its_temporary_file_with_it() {
    let server = Server::wsgi(APP).start();
    let slow = stalled(&server, "/large");
    server.wait_log("sent all");
    assert!(!server.get("/spools").text().is_empty());
    drop(slow);
    // The loop sees the reset before a request that comes after it, or one turn later.
    while !server.get("/spools").text().is_empty() {}
}

#[test]
fn an_answer_that_wants_no_buffer_waits_for_its_client() {
    let server = Server::wsgi(APP).args(["--threads", "2"]).start();
    let mut slow = stalled(&server, "/unbuffered");
    assert_eq!(server.get("/spools").text(), "");
    assert!(!server.log().text().contains("sent all"));
    let response = slow.response();
    assert_eq!(response.header("X-Accel-Buffering"), Some("no"));
    assert!(response.is_whole && response.body == large());
    server.wait_log("sent all");
}

#[test]
fn http_1_0_gets_everything_too() {
    let server = Server::wsgi(APP).start();
    let mut slow = server.client();
    slow.send("GET /large HTTP/1.0\r\n\r\n");
    server.wait_log("sent all");
    assert!(slow.response().body == large());
}

/// How the answer to an HTTP/1.0 request ends that has no length.
fn end_of(server: &Server, path: &str) -> Result<(), ErrorKind> {
    let mut stream = TcpStream::connect(&server.addresses()[0]).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    stream.read_to_end(&mut Vec::new()).map(drop).map_err(|error| error.kind())
}

#[test]
fn an_answer_that_ends_with_its_connection_is_reset_when_it_breaks_off() {
    let server = Server::wsgi(APP).start();
    assert_eq!(end_of(&server, "/broken"), Err(ErrorKind::ConnectionReset));
    assert_eq!(end_of(&server, "/large"), Ok(()));
    assert_eq!(end_of(&server, "/unbuffered"), Ok(()));
}

#[test]
fn an_answer_that_ends_with_its_connection_is_reset_when_its_worker_dies() {
    let app = "
import os
from stage import wait
def application(environ, start_response):
    start_response('200 OK', [])
    yield b'begun'
    wait('gate')
    os._exit(7)
";
    let server = Server::wsgi(app).start();
    let mut stream = TcpStream::connect(&server.addresses()[0]).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut got = Vec::new();
    while !got.ends_with(b"begun") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        got.extend(byte);
    }
    server.gate("gate").open();
    let end = stream.read_to_end(&mut got).map_err(|error| error.kind());
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
}

/// On a unix socket, which holds hardly anything by itself.
fn unix_server(arguments: &[&str]) -> (Server, PathBuf) {
    let builder = Server::wsgi(APP).args(arguments);
    let path = builder.folder().join("socket");
    let address = format!("unix:{}", path.display());
    (builder.bind(Some(&address)).start(), path)
}

fn asked(path: &Path, target: &str) -> UnixStream {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {target}\r\nHost: test\r\n\r\n").unwrap();
    stream
}

#[test]
fn past_the_bounds_of_the_files_a_reader_is_waited_for_only_until_there_is_room() {
    for threads in ["1", "2"] {
        let (server, path) = unix_server(&["--threads", threads, "--response-temp-max", "20M"]);
        let mut slow = asked(&path, "/larger HTTP/1.0");
        server.wait_log("sent 18 MiB");
        let mut answer = vec![0; 16 << 20];
        slow.read_exact(&mut answer).unwrap();
        // Half of it has not been read yet.
        server.wait_log("sent all");
        assert_eq!(Client::unix(&path).get("/").text(), "small");
        slow.read_to_end(&mut answer).unwrap();
        assert!(answer.ends_with(&body(32)));
    }
}

#[test]
fn an_answer_whose_client_leaves_no_room_in_time_is_given_up() {
    for threads in ["1", "2"] {
        let (server, path) = unix_server(&["--threads", threads, "--write-timeout", "2", "--timeout", "1"]);
        let mut slow = asked(&path, "/heavy HTTP/1.1");
        // A byte at a time: it always moves, but 16 MiB take far longer.
        let mut byte = [0];
        while !server.log().text().contains("given up") {
            for _ in 0..10_000 {
                slow.read_exact(&mut byte).unwrap();
            }
        }
        let line = server.wait_log("GET /heavy was given up");
        assert!(line.contains("[INFO]") && line.contains("`--write-timeout` 2 s"), "{line}");
        assert_eq!(Client::unix(&path).get("/").text(), "small");
        let mut rest = Vec::new();
        slow.read_to_end(&mut rest).unwrap();
        assert!(rest.len() < 16 << 20 && !rest.ends_with(b"0\r\n\r\n"));
        let log = server.log().text();
        assert!(!log.contains("TIMEOUT") && !log.contains("asked for more"), "{log}");
    }
}

#[cfg_attr(not(target_env = "gnu"), ignore = "nothing is kept there")]
#[test]
fn memory_of_answers_that_waited_for_their_clients_goes_back_to_the_system() {
    const MEBIBYTE: usize = 1 << 20;
    let server = Server::wsgi(APP).args(["--write-timeout", "1", "--keep-alive", "1"]).start();
    let resident = || resident_memory_of(server.worker_pid());
    assert_eq!(server.get("/").text(), "small");
    let before = resident();
    let clients: Vec<Client> = (0..4).map(|_| stalled(&server, "/whole")).collect();
    server.wait_log_times("dropped the connection of ip=127.0.0.1: nothing of its response was read", 4);
    // Freed, and kept for the next ones.
    assert!(resident() > before + 40 * MEBIBYTE, "{before} {}", resident());
    let limit = Instant::now() + PATIENCE;
    while resident() > before + 20 * MEBIBYTE {
        assert!(Instant::now() < limit, "{before} {}", resident());
        // A second passes.
        let mut idle = server.client();
        assert_eq!(idle.get("/").text(), "small");
        assert!(idle.is_closed_silently());
    }
    drop(clients);
}
