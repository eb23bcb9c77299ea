//! What is passed on is taken by the libraries below: where they are stricter than the RFCs, they would answer.

use http::{HeaderName, HeaderValue, Method, Uri};

use super::corpus::scan;

fn is_passed(sent: &[u8]) -> bool {
    scan(sent, &[sent.len()]).passed.len() == sent.len()
}

fn get(target: &[u8]) -> Vec<u8> {
    [b"GET ", target, b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat()
}

/// A target that is passed on, and the URI of which keeps all of it.
fn is_good_target(target: &[u8]) -> bool {
    let uri = Uri::try_from(target);
    let is_kept = uri
        .as_ref()
        .is_ok_and(|uri| uri.path_and_query().is_some_and(|kept| kept.as_str().as_bytes() == target));
    let is_passed = is_passed(&get(target));
    assert!(is_kept || !is_passed, "{} is passed", target.escape_ascii());
    is_passed
}

#[test]
fn all_bytes_in_a_path_and_a_query() {
    for byte in 0..=255 {
        for target in
            [[b"/a".as_slice(), &[byte], b"b"].concat(), [b"/a?b".as_slice(), &[byte], b"c"].concat()]
        {
            let is_good = is_good_target(&target);
            // All that `http::Uri` keeps and is ASCII.
            let is_uri = Uri::try_from(&*target)
                .is_ok_and(|uri| uri.path_and_query().unwrap().as_str().as_bytes() == target);
            assert_eq!(is_good, is_uri && byte.is_ascii(), "{}", target.escape_ascii());
        }
    }
}

#[test]
fn all_bytes_in_an_authority() {
    for byte in 0..=255 {
        for (before, behind) in [
            ("http://a", "b/"),
            ("http://", "/"),
            ("http://a:", "/"),
            ("https://[::1]", "/"),
            ("http://[v1.", "]/"),
        ] {
            let target = [before.as_bytes(), &[byte], behind.as_bytes()].concat();
            let is_taken = Uri::try_from(&*target).is_ok();
            assert!(is_taken || !is_passed(&get(&target)), "{} is passed", target.escape_ascii());
        }
    }
    for target in [
        "http://[v1.::::::::]/",
        "http://[v1.:::::::::]/",
        "http://[v1.::::::::]:80/",
        "http://[1:2:3:4:5:6:7::]:1/",
    ] {
        let is_taken = Uri::try_from(target).is_ok();
        assert!(is_taken || !is_passed(&get(target.as_bytes())), "{target} is passed");
    }
}

#[test]
fn all_bytes_in_a_method_a_name_and_a_value() {
    for byte in 0..=255_u8 {
        let method = [b"G".as_slice(), &[byte], b"T"].concat();
        let request = [&*method, b" / HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        assert_eq!(is_passed(&request), Method::from_bytes(&method).is_ok(), "{}", method.escape_ascii());
        let name = [b"x".as_slice(), &[byte], b"y"].concat();
        let request = [b"GET / HTTP/1.1\r\nHost: a\r\n", &*name, b": z\r\n\r\n"].concat();
        // A colon ends the name.
        let is_name = byte == b':' || HeaderName::from_bytes(&name).is_ok();
        assert_eq!(is_passed(&request), is_name, "{}", name.escape_ascii());
        let value = [b"y".as_slice(), &[byte], b"z"].concat();
        let request = [b"GET / HTTP/1.1\r\nHost: a\r\nX: ", &*value, b"\r\n\r\n"].concat();
        assert_eq!(is_passed(&request), HeaderValue::from_bytes(&value).is_ok(), "{}", value.escape_ascii());
    }
}
