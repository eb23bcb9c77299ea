//! Behind HAProxy, which speaks the PROXY protocol.

use super::frontend::Frontend;
use super::{APP, value};
use crate::harness::Server;

/// The connection that HAProxy claims to have accepted.
const ENDS: &str = "tcp-request connection set-src str(203.0.113.9)
    tcp-request connection set-src-port int(4711)
    tcp-request connection set-dst str(198.51.100.2)
    tcp-request connection set-dst-port int(443)";

fn server() -> Server {
    Server::wsgi(APP).args(["--proxy-protocol", "--access-logfile", "-"]).start()
}

fn haproxy(server: &Server, mode: &str, options: &str) -> Frontend {
    let address = &server.addresses()[0];
    Frontend::haproxy(&format!(
        "listen app\n    mode {mode}\n    LISTEN\n    {ENDS}\n    server app {address} {options}"
    ))
}

#[test]
fn every_request_of_a_connection_has_the_address_that_haproxy_names() {
    for options in ["send-proxy", "send-proxy-v2"] {
        for mode in ["tcp", "http"] {
            let server = server();
            let haproxy = haproxy(&server, mode, options);
            let mut client = haproxy.client();
            for number in 0..3 {
                let response = client.get("/");
                let is = |key, expected| {
                    assert_eq!(value(&response, key), Some(expected), "{options} {mode} {number}");
                };
                is("REMOTE_ADDR", "203.0.113.9");
                is("REMOTE_PORT", "4711");
                is("PROXY_PROTOCOL", "TCP4");
                is("PROXY_ADDR", "198.51.100.2");
                is("PROXY_PORT", "443");
            }
            for line in server.stdout().wait_times("\"GET / ", 3) {
                assert!(line.starts_with("203.0.113.9 - - ["), "{line}");
            }
        }
    }
}

#[test]
fn notes_of_haproxy_are_skipped() {
    let server = server();
    let haproxy = haproxy(&server, "http", "send-proxy-v2 proxy-v2-options unique-id,crc32c");
    assert_eq!(value(&haproxy.client().get("/"), "REMOTE_ADDR"), Some("203.0.113.9"));
}

#[test]
fn health_checks_of_haproxy_speak_for_haproxy() {
    for options in ["send-proxy", "send-proxy-v2"] {
        let server = server();
        let checks = format!("{options} check check-send-proxy inter 50ms\n    option httpchk GET /health");
        let _haproxy = haproxy(&server, "http", &checks);
        let line = server.wait_log("asked by");
        assert!(line.ends_with("asked by 127.0.0.1"), "{options}: {line}");
    }
}

#[test]
fn the_address_passes_a_unix_socket_too() {
    let server = Server::wsgi(APP).bind(Some("unix:socket")).args(["--proxy-protocol=v2"]).start();
    let path = server.folder().join("socket");
    let haproxy = Frontend::haproxy(&format!(
        "listen app\n    mode tcp\n    LISTEN\n    {ENDS}\n    server app unix@{} send-proxy-v2",
        path.display()
    ));
    let mut client = haproxy.client();
    for _ in 0..2 {
        assert_eq!(value(&client.get("/"), "REMOTE_ADDR"), Some("203.0.113.9"));
    }
}
