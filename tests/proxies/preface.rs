//! PROXY headers, byte by byte and from those who may not send any.

use super::{APP, value};
use crate::harness::{Client, Server};

const V1: &str = "PROXY TCP6 2001:db8::9 2001:db8::1 4711 443\r\n";
const GET: &str = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

#[test]
fn a_proxy_header_may_come_in_pieces_and_with_pipelined_requests() {
    let server = Server::wsgi(APP).args(["--proxy-protocol", "v1"]).start();
    let mut client = server.client();
    for byte in V1.bytes() {
        client.send([byte]);
    }
    client.send([GET, GET].concat());
    for _ in 0..2 {
        let response = client.response();
        assert_eq!(value(&response, "REMOTE_ADDR"), Some("2001:db8::9"));
        assert_eq!(value(&response, "PROXY_PROTOCOL"), Some("TCP6"));
    }
    assert_eq!(value(&client.get("/"), "REMOTE_PORT"), Some("4711"));
}

#[test]
fn a_proxy_header_of_somebody_else_is_forbidden() {
    let options = ["--proxy-protocol", "auto", "--proxy-allow-from", "192.0.2.0/24,unix"];
    let server = Server::wsgi(APP).args(options).start();
    let mut client = server.client();
    client.send([V1, GET].concat());
    assert_eq!(client.response().status, 403);
    assert!(client.is_closed_silently());
    server.wait_log(
        "[WARNING] Invalid request from ip=127.0.0.1: a PROXY header of a peer that `--proxy-allow-from` does not name (403)",
    );
    assert_eq!(value(&server.get("/"), "REMOTE_ADDR"), Some("127.0.0.1"));
}

#[test]
fn a_malformed_proxy_header_is_a_bad_request() {
    let server = Server::wsgi(APP).args(["--proxy-protocol", "auto"]).start();
    for header in ["PROXY TCP4 nobody 127.0.0.1 1 2\r\n", "\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c"] {
        let mut client = server.client();
        client.send([header, GET].concat());
        let response = client.response();
        assert_eq!((response.status, response.header("Connection")), (400, Some("close")), "{header:?}");
        assert!(client.is_closed_silently());
    }
    server.wait_log_times("[WARNING] Invalid request from ip=127.0.0.1: a PROXY header ", 2);
}

#[test]
fn without_the_setting_a_proxy_header_is_no_request() {
    let server = Server::wsgi(APP).start();
    let mut client = server.client();
    client.send([V1, GET].concat());
    assert_eq!(client.response().status, 400);
    assert!(client.is_closed_silently());
}

#[test]
fn an_unknown_client_is_the_peer() {
    let server = Server::wsgi(APP).args(["--proxy-protocol", "v1"]).bind(Some("unix:socket")).start();
    let mut client = Client::unix(&server.folder().join("socket"));
    client.send(["PROXY UNKNOWN\r\n", GET].concat());
    let response = client.response();
    assert_eq!(value(&response, "REMOTE_ADDR"), Some(""));
    assert_eq!((value(&response, "REMOTE_PORT"), value(&response, "PROXY_PROTOCOL")), (None, None));
}

#[test]
fn the_client_of_a_proxy_that_passes_bytes_on_is_not_believed_by_default() {
    let request = "GET / HTTP/1.1\r\nHost: test\r\nX-Forwarded-Proto: https\r\n\r\n";
    for (options, start, expected) in
        [(&[][..], V1, "http"), (&[], "", "https"), (&["--forwarded-allow-ips", "127.0.0.1"], V1, "https")]
    {
        let server = Server::wsgi(APP).args(["--proxy-protocol"]).args(options.iter().copied()).start();
        let mut client = server.client();
        client.send([start, request].concat());
        let response = client.response();
        assert_eq!(value(&response, "wsgi.url_scheme"), Some(expected), "{options:?} {start}");
        if expected == "http" {
            assert_eq!(value(&response, "HTTP_X_FORWARDED_PROTO"), None);
            server.wait_log(
                "header `x-forwarded-proto` is removed: `--forwarded-allow-ips` does not name its sender",
            );
        }
    }
}

#[test]
fn a_sender_on_a_unix_socket_is_believed_when_the_setting_says_unix() {
    let request = "GET / HTTP/1.1\r\nHost: test\r\nX-Forwarded-Proto: https\r\n\r\n";
    for (allowed, expected) in [("127.0.0.1", "http"), ("127.0.0.1,unix", "https")] {
        let server =
            Server::wsgi(APP).args(["--forwarded-allow-ips", allowed]).bind(Some("unix:socket")).start();
        let mut client = Client::unix(&server.folder().join("socket"));
        client.send(request);
        assert_eq!(value(&client.response(), "wsgi.url_scheme"), Some(expected), "{allowed}");
        if expected == "http" {
            let line = server.wait_log("header `x-forwarded-proto` is removed");
            assert!(line.contains("`--forwarded-allow-ips` does not name its sender: add `unix`"), "{line}");
        }
    }
}
