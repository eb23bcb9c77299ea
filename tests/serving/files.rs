//! Files that an application hands to `wsgi.file_wrapper`, over real sockets.

use std::fs;
use std::path::Path;

use crate::harness::{Client, Server};

const APP: &str = "
import os
from stage import answer
class Fragile:
    'What is not a file of the system.'
    def __init__(self, file):
        self.read = file.read
def application(environ, start_response):
    path = environ['PATH_INFO']
    if path == '/open':
        links = [os.readlink(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd')
                 if os.path.exists(f'/proc/self/fd/{fd}')]
        return answer(start_response, sum(link.endswith('/large') for link in links))
    if path == '/small':
        return answer(start_response, 'small')
    start_response('200 OK', [('Content-Length', '20000000')] if path == '/promised' else [])
    file = open('large', 'rb')
    file.seek(int(environ['QUERY_STRING'] or '0'))
    return environ['wsgi.file_wrapper'](Fragile(file) if path == '/read' else file)
";

/// Another byte at each of many places, and more than sockets hold.
fn large() -> Vec<u8> {
    (0..10_000_019_u32).map(|index| (index / 3 % 251) as u8).collect()
}

/// A server on a TCP port and on a unix socket.
fn server(arguments: &[&str]) -> Server {
    let builder = Server::wsgi(APP).args(["--bind", "unix:socket"]).args(arguments.iter().copied());
    fs::write(builder.folder().join("large"), large()).unwrap();
    builder.start()
}

fn clients(server: &Server) -> [Client; 2] {
    [server.client(), Client::unix(&server.folder().join(Path::new("socket")))]
}

fn receive(client: &mut Client, expected: &[u8]) {
    let response = client.response();
    assert_eq!(response.header("Content-Length"), Some(&*expected.len().to_string()));
    assert!(response.is_whole && response.body == expected);
}

#[test]
fn a_file_arrives_as_it_is() {
    let (server, large) = (server(&[]), large());
    for mut client in clients(&server) {
        for _ in 0..2 {
            client.ask("/");
            receive(&mut client, &large);
        }
        // More than one answer on its way, with others between them.
        for path in ["/?5000000", "/small", "/?10000018", "/?9000000"] {
            client.ask(path);
        }
        receive(&mut client, &large[5_000_000..]);
        receive(&mut client, b"small");
        receive(&mut client, &large[10_000_018..]);
        receive(&mut client, &large[9_000_000..]);
        client.ask("/?10000019");
        receive(&mut client, b"");
        client.send("HEAD / HTTP/1.1\r\nHost: test\r\n\r\n");
        assert_eq!(client.head().header("Content-Length"), Some("10000019"));
        assert_eq!(client.get("/small").text(), "small");
        client.send("GET / HTTP/1.0\r\n\r\n");
        receive(&mut client, &large);
        assert!(client.is_closed_silently());
    }
}

#[test]
fn a_slow_reader_of_a_file_holds_up_nobody() {
    let (server, large) = (server(&[]), large());
    for mut slow in clients(&server) {
        slow.ask("/");
        assert_eq!(server.get("/small").text(), "small");
        // Python has closed its file; the server's own descriptor is left.
        assert_eq!(server.get("/open").text(), "1");
        receive(&mut slow, &large);
        assert_eq!(server.get("/open").text(), "0");
    }
}

#[test]
fn a_client_that_leaves_takes_the_descriptor_with_it() {
    let server = server(&[]);
    let mut slow = server.client();
    slow.ask("/");
    assert_eq!(server.get("/open").text(), "1");
    drop(slow);
    // The loop sees the reset before a request that comes after it, or one turn later.
    while server.get("/open").text() != "0" {}
}

#[test]
fn a_promise_that_the_file_does_not_keep_breaks_the_connection() {
    let (server, large) = (server(&[]), large());
    for mut client in clients(&server) {
        client.ask("/promised");
        let response = client.response();
        assert_eq!(response.header("Content-Length"), Some("20000000"));
        assert!(!response.is_whole && response.body == large);
    }
    server.wait_log_times("Error handling request GET /promised: the file is 9999981 bytes shorter", 2);
}

#[test]
fn a_file_that_shrinks_while_it_is_sent_breaks_the_connection() {
    let server = server(&[]);
    let mut slow = server.client();
    slow.ask("/");
    assert_eq!(server.get("/open").text(), "1");
    fs::File::options().write(true).open(server.folder().join("large")).unwrap().set_len(1000).unwrap();
    assert!(!slow.response().is_whole);
    assert_eq!(server.get("/small").text(), "small");
}

#[test]
fn what_is_not_a_file_is_read() {
    let (server, large) = (server(&[]), large());
    let response = server.get("/read");
    assert_eq!(response.header("Content-Length"), None);
    assert!(response.is_whole && response.body == large);
}
