//! Where a connection is, and limits other than the usual ones.

use crate::framing::scanner::Scan;
use crate::framing::{Fault, Limits, Place, Scanner};

const NONE: Limits = Limits { line: None, fields: None, field_size: None };

fn place_after(sent: &str) -> Place {
    let mut scanner = Scanner::new(Limits::default());
    let scan = scanner.scan(sent.as_bytes());
    assert_eq!(scan.fault, None, "{sent}");
    scanner.place()
}

/// The status with which this is refused.
fn refused(limits: Limits, sent: &str) -> Option<u16> {
    Scanner::new(limits).scan(sent.as_bytes()).fault.map(|fault| fault.status.as_u16())
}

#[test]
fn the_place_of_the_next_byte() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n";
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (sent, place) in [
        ("", Place::Between),
        ("\r", Place::Between),
        ("\r\n", Place::Between),
        ("\r\nG", Place::Head),
        ("G", Place::Head),
        ("GET / HTTP/1.1\r", Place::Head),
        ("GET / HTTP/1.1\r\n", Place::Head),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r", Place::Head),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Place::Between),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\nG", Place::Head),
        (head, Place::Body),
        (&format!("{head}a"), Place::Body),
        (&format!("{head}ab"), Place::Between),
        (&format!("{head}ab\r\n"), Place::Between),
        (&format!("{head}abG"), Place::Head),
        (chunked, Place::Body),
        (&format!("{chunked}1\r\na"), Place::Body),
        (&format!("{chunked}1\r\na\r\n0\r\n"), Place::Body),
        (&format!("{chunked}1\r\na\r\n0\r\nX: y\r\n"), Place::Body),
        (&format!("{chunked}1\r\na\r\n0\r\n\r\n"), Place::Between),
    ] {
        assert_eq!(place_after(sent), place, "{sent:?}");
    }
}

#[test]
fn a_fault_has_a_place_and_lasts() {
    let body = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (sent, pass, place) in
        [("\n", 0, Place::Head), ("?\r\n", 0, Place::Head), (&format!("{body}x"), body.len(), Place::Body)]
    {
        let mut scanner = Scanner::new(Limits::default());
        let mut scan = scanner.scan(sent.as_bytes());
        assert_eq!(scan.pass, pass);
        if scan.fault.is_none() {
            scan = scanner.scan(b"x\r\n");
        }
        let fault = scan.fault;
        assert_eq!((scanner.place(), scanner.end()), (place, fault));
        assert!(fault.is_some());
        assert_eq!(scanner.scan(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), Scan { pass: 0, fault });
    }
}

#[test]
fn a_head_is_passed_as_a_whole_and_a_body_as_it_comes() {
    let mut scanner = Scanner::new(Limits::default());
    let sent = b"\r\nPOST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4;a=b\r\nabcd\r\n0\r\nX: y\r\n\r\n";
    let head = sent.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let mut passes = Vec::new();
    let mut passed = 0;
    for arrived in 1..=sent.len() {
        let scan = scanner.scan(&sent[passed..arrived]);
        assert_eq!(scan.fault, None);
        if scan.pass > 0 {
            passes.push(scan.pass);
        }
        passed += scan.pass;
    }
    assert_eq!(passes, [head, 7, 1, 1, 1, 1, 2, 3, 6, 2]);
}

#[test]
fn the_end_of_the_connection_is_a_fault_in_a_request_only() {
    let end = |sent: &str| {
        let mut scanner = Scanner::new(Limits::default());
        scanner.scan(sent.as_bytes());
        scanner.end()
    };
    assert_eq!(end(""), None);
    assert_eq!(end("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), None);
    assert_eq!(end("GET /"), Some(Fault::bad("the connection ended in a head")));
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na";
    assert_eq!(end(post), Some(Fault::bad("the connection ended in a body")));
}

#[test]
fn limits_are_those_that_are_set() {
    let limits = Limits { line: Some(16), fields: Some(2), field_size: Some(10) };
    assert_eq!(refused(limits, "GET /ab HTTP/1.1\r\nHost: a\r\nX: 4567890\r\n\r\n"), None);
    assert_eq!(refused(limits, "GET /abc HTTP/1.1"), Some(414));
    assert_eq!(refused(limits, "GET /abc HTTP/1.1\r\n"), Some(414));
    assert_eq!(refused(limits, "GET / HTTP/1.1\r\nX: 45678901"), Some(431));
    assert_eq!(refused(limits, "GET / HTTP/1.1\r\nX: 45678901\r\n"), Some(431));
    assert_eq!(refused(limits, "GET / HTTP/1.1\r\nA: b\r\nC: d\r\nE"), Some(431));
    assert_eq!(refused(limits, "GET / HTTP/1.1\r\nA: b\r\nHost: a\r\n\r"), None);
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let sizes = Limits { field_size: Some(30), ..Limits::default() };
    assert_eq!(refused(sizes, &format!("{chunked}{}", "0".repeat(30))), None);
    assert_eq!(refused(sizes, &format!("{chunked}{}", "0".repeat(31))), Some(400));
    assert_eq!(refused(sizes, &format!("{chunked}0\r\nX: {}", "y".repeat(28))), Some(431));
}

#[test]
fn without_limits_those_of_the_libraries_are_left() {
    let get = |target: usize, fields: &str| {
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n{fields}\r\n", "a".repeat(target - 1))
    };
    assert_eq!(refused(NONE, &get(65_534, "")), None);
    assert_eq!(refused(NONE, &get(65_535, "")), Some(414));
    assert_eq!(refused(NONE, &"a".repeat(70_000)), Some(414));
    assert_eq!(refused(NONE, &get(1, &"X: y\r\n".repeat(23_999))), None);
    assert_eq!(refused(NONE, &get(1, &"X: y\r\n".repeat(24_000))), Some(431));
    assert_eq!(refused(NONE, &get(1, &format!("{}: y\r\n", "n".repeat(65_535)))), None);
    assert_eq!(refused(NONE, &get(1, &format!("{}: y\r\n", "n".repeat(65_536)))), Some(431));
    assert_eq!(refused(NONE, &get(1, &format!("X: {}\r\n", "v".repeat(300_000)))), None);
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(refused(NONE, &format!("{chunked}{}", "0".repeat(16 * 1024))), None);
    assert_eq!(refused(NONE, &format!("{chunked}{}", "0".repeat(16 * 1024 + 1))), Some(400));
    assert_eq!(refused(NONE, &format!("{chunked}3;{}\r\n", "e".repeat(17_000))), Some(400));
    assert_eq!(refused(NONE, &format!("{chunked}0\r\nX: {}\r\n", "v".repeat(17_000))), Some(431));
}
