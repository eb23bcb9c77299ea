//! Answers that wait for their clients, so that Python does not.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use crate::harness::{Client, PATIENCE, Server};

const APP: &str = "
import os
from stage import answer, say, tell
def large(environ, megabytes):
    for number in range(megabytes * 16):
        yield bytes([number % 251]) * 65536
    say(environ, 'sent all')
def broken():
    yield b'x' * 100000
    raise RuntimeError
def spools():
    paths = (f'/proc/self/fd/{fd}' for fd in os.listdir('/proc/self/fd'))
    links = [os.readlink(path) for path in paths if os.path.islink(path)]
    return [link for link in links if '(deleted)' in link]
def application(environ, start_response):
    match environ['PATH_INFO']:
        case '/large':
            start_response('200 OK', [])
            return large(environ, 20)
        case '/unbuffered':
            start_response('200 OK', [('X-Accel-Buffering', 'no')])
            return large(environ, 20)
        case '/broken':
            start_response('200 OK', [])
            return broken()
        case '/spools':
            return answer(start_response, '\\n'.join(spools()))
    return answer(start_response, 'small')
";

fn large() -> Vec<u8> {
    (0..320_u32).flat_map(|number| [(number % 251) as u8; 65536]).collect()
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
