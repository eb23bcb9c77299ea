//! Clients that mean harm: what they send costs them their connection, and others nothing.

use super::frames::{Frame, Wire, field, is_late, request};
use crate::harness::Server;

const APP: &str = "
def application(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', '5')])
    return [b'hello']
";

const FLOOD: &str = "it sends more frames that bring nothing than a client needs";

fn server() -> Server {
    Server::wsgi(APP).args(["--http2-cleartext", "prior-knowledge"]).start()
}

/// Sends until the server has had enough, which must be before it has been sent so often. What the server says last may be lost
/// with what it has not read any more.
fn flood(server: &Server, most: u32, mut next: impl FnMut(u32) -> Vec<u8>) {
    let mut wire = Wire::begun(&server.addresses()[0]);
    for number in 0..most {
        if let Err(error) = wire.send(&next(number)) {
            assert!(!is_late(&error), "the server neither reads nor closes");
            break;
        }
    }
    assert_eq!(wire.until("CLOSED").last().map(String::as_str), Some("CLOSED"));
}

/// Whether the log says once who it was, and one of `what` it did.
fn is_logged(server: &Server, what: &[&str]) {
    let line = server.wait_log("] [WARNING] ");
    let is_meant =
        |what: &&str| line.contains(&format!("dropped the connection of ip=127.0.0.1: {what} (HTTP/2)"));
    assert!(what.iter().any(is_meant), "{line}");
    let log = server.log().text();
    assert_eq!(log.matches("WARNING").count(), 1, "{log}");
}

fn is_served(server: &Server) {
    let mut wire = Wire::begun(&server.addresses()[0]);
    wire.send(&Frame::get(1).bytes()).expect("the server reads");
    assert!(wire.until("STATUS 1 200").contains(&"STATUS 1 200".to_owned()));
}

#[test]
fn rapid_resets_end_the_connection() {
    let server = server();
    let cancel = |stream| Frame::new("RST_STREAM", "NONE", stream, vec![0, 0, 0, 8]).bytes();
    flood(&server, 10_000, |number| {
        let stream = 2 * number + 1;
        [Frame::get(stream).bytes(), cancel(stream)].concat()
    });
    is_served(&server);
    // Which of the two is seen first depends on how the frames come.
    is_logged(&server, &["it cancels most of the requests that it begins", FLOOD]);
}

#[test]
fn resets_that_the_client_makes_the_server_send_end_the_connection() {
    let server = server();
    let too_much = |stream| Frame::new("WINDOW_UPDATE", "NONE", stream, vec![0x7f, 0xff, 0xff, 0xff]).bytes();
    flood(&server, 10_000, |number| {
        let stream = 2 * number + 1;
        let open = Frame::new("HEADERS", "END_HEADERS", stream, request("POST", "/")).bytes();
        [open, too_much(stream)].concat()
    });
    is_served(&server);
    is_logged(&server, &[FLOOD]);
}

#[test]
fn a_block_of_fields_that_has_no_end_ends_the_connection() {
    let server = server();
    flood(&server, 100_000, |number| match number {
        0 => Frame::new("HEADERS", "END_STREAM", 1, request("GET", "/")).bytes(),
        _ => Frame::new("CONTINUATION", "NONE", 1, field("x", "y")).bytes(),
    });
    is_served(&server);
    is_logged(&server, &[FLOOD]);
}

#[test]
fn frames_without_content_end_the_connection() {
    let server = server();
    flood(&server, 100_000, |number| match number {
        0 => Frame::new("HEADERS", "END_HEADERS", 1, request("POST", "/")).bytes(),
        _ => Frame::new("DATA", "NONE", 1, Vec::new()).bytes(),
    });
    is_served(&server);
    is_logged(&server, &[FLOOD]);
}
