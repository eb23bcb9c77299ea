use bytes::Bytes;
use http::HeaderMap;

use super::super::encoder::tests::{decode, noise, text};
use super::*;
use crate::Stream;

pub(crate) fn compression() -> Compression {
    Compression {
        codings: vec![Coding::Zstd, Coding::Brotli, Coding::Gzip],
        level: 5,
        min_size: 1000,
        types: ["text/*", "application/json", "image/svg+xml"].map(str::to_owned).to_vec(),
        set_cookie: false,
    }
}

fn wanted(method: &Method, accept: Option<&'static str>) -> Wanted {
    let mut headers = HeaderMap::new();
    if let Some(accept) = accept {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(accept));
    }
    let (uri, version) = (http::Uri::default(), http::Version::HTTP_11);
    let head = RequestHead { method: method.clone(), uri, version, headers: headers.into() };
    compression().wanted(&head)
}

/// An answer with 2000 bytes and these headers, one on each line.
fn answer(headers: &str) -> Answer {
    let mut fields = Fields::default();
    for line in headers.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        fields.append(name.parse().unwrap(), value.parse().unwrap());
    }
    Answer { headers: fields, content: Content::Full(text(2000).into()), ..Answer::default() }
}

fn with(answer: Answer, status: u16, content: Content) -> Answer {
    Answer { status: StatusCode::from_u16(status).unwrap(), content, ..answer }
}

fn lines(answer: &Answer) -> String {
    String::from_utf8(answer.headers.lines().to_vec()).unwrap().replace("\r\n", "\n")
}

fn is_compressed(answer: &Answer) -> bool {
    answer.headers.contains(CONTENT_ENCODING)
}

/// What is made of an answer with these headers, for a client that takes gzip.
fn applied(mut answer: Answer, method: &Method) -> Answer {
    compression().apply(&mut answer, wanted(method, Some("gzip")));
    answer
}

#[test]
fn types_are_compressed_that_are_listed() {
    for (kind, expected) in [
        ("text/html", true),
        ("Text/HTML; charset=utf-8", true),
        ("text/css;charset=utf-8", true),
        ("application/json", true),
        ("application/json ; a=b", true),
        ("application/jsonp", false),
        ("application/octet-stream", false),
        ("image/png", false),
        ("image/svg+xml", true),
        ("texts/html", false),
        ("text", false),
        ("", false),
        ("text/event-stream", false),
        ("Text/Event-Stream; charset=utf-8", false),
        ("multipart/byteranges; boundary=text/html", false),
    ] {
        let answer = applied(answer(&format!("Content-Type: {kind}")), &Method::GET);
        assert_eq!(is_compressed(&answer), expected, "{kind}");
        assert_eq!(answer.headers.contains(VARY), expected, "{kind}");
    }
    assert!(!is_compressed(&applied(answer(""), &Method::GET)), "nobody knows what it is");
    let types = vec!["text/event-stream".to_owned()];
    let events = Compression { types, ..compression() };
    assert!(events.lists(b"text/event-stream") && !events.lists(b"text/html"));
}

#[test]
fn headers_decide_whether_an_answer_is_left_as_it_is() {
    for (headers, expected) in [
        ("Content-Encoding: gzip", false),
        ("content-encoding: br", false),
        ("Content-Encoding: Identity", true),
        ("Content-Range: bytes 0-1/2", false),
        ("Cache-Control: no-transform", false),
        ("Cache-Control: public, No-Transform", false),
        ("Cache-Control: private\ncache-control: no-transform", false),
        ("Cache-Control: public, max-age=5", true),
        ("Content-MD5: x", false),
        ("Digest: sha-256=x", false),
        ("Repr-Digest: sha-256=:x:", false),
        ("Content-Digest: sha-256=:x:", false),
        ("Set-Cookie: a=1", true),
        ("X-Digest: 1", true),
    ] {
        let before = answer(&format!("Content-Type: text/plain\n{headers}"));
        let expected_lines = lines(&before);
        let after = applied(before, &Method::GET);
        let is_coded = after.headers.get(CONTENT_ENCODING) == Some(b"gzip") && after.headers.contains(VARY);
        let is_same = lines(&after) == expected_lines && after.content.length() == Some(2000);
        assert_eq!((is_coded, is_same), (expected, !expected), "{headers}");
    }
}

#[test]
fn the_status_decides_too() {
    for (status, expected) in [
        (100, false),
        (200, true),
        (201, true),
        (203, true),
        (204, false),
        (205, false),
        (206, false),
        (226, false),
        (302, false),
        (304, false),
        (404, true),
        (410, true),
        (422, true),
        (500, true),
        (599, true),
        (600, false),
    ] {
        let page = answer("Content-Type: text/html\nEtag: \"a\"");
        let after = applied(with(page, status, Content::Full(text(2000).into())), &Method::GET);
        assert_eq!((is_compressed(&after), after.headers.contains(VARY)), (expected, expected), "{status}");
    }
}

#[test]
fn small_answers_and_those_that_would_grow_stay_as_they_are() {
    let page = |bytes: Vec<u8>| with(answer("Content-Type: text/html"), 200, Content::Full(bytes.into()));
    for (length, expected) in [(0, false), (999, false), (1000, true), (AT_ONCE, true), (AT_ONCE + 1, true)] {
        let after = applied(page(text(length)), &Method::GET);
        assert_eq!((is_compressed(&after), after.headers.contains(VARY)), (expected, expected), "{length}");
    }
    let after = applied(page(noise(1200)), &Method::GET);
    assert_eq!((is_compressed(&after), after.content.length()), (false, Some(1200)));
    assert_eq!(after.headers.get(VARY), Some(&b"Accept-Encoding"[..]));
    let mut empty = page(Vec::new());
    let all = Compression { min_size: 0, ..compression() };
    all.apply(&mut empty, wanted(&Method::GET, Some("gzip")));
    assert!(!is_compressed(&empty) && !empty.headers.contains(VARY), "there is nothing to compress");
    let mut head = with(answer("Content-Type: text/html\nContent-Length: 0"), 200, Content::default());
    all.apply(&mut head, wanted(&Method::HEAD, Some("gzip")));
    assert!(!is_compressed(&head));
}

#[test]
fn the_client_decides_which_coding_or_none() {
    for (accept, expected) in [
        (None, None),
        (Some("identity"), None),
        (Some("deflate"), None),
        (Some("gzip;q=0"), None),
        (Some("gzip"), Some(Coding::Gzip)),
        (Some("gzip, br"), Some(Coding::Brotli)),
        (Some("gzip, deflate, br, zstd"), Some(Coding::Zstd)),
        (Some("gzip, br;q=0.5, zstd;q=0.5"), Some(Coding::Gzip)),
    ] {
        let mut answer = answer("Content-Type: text/html\nContent-Length: 2000");
        compression().apply(&mut answer, wanted(&Method::GET, accept));
        assert_eq!(answer.headers.get(VARY), Some(&b"Accept-Encoding"[..]), "{accept:?}");
        let name = expected.map(|coding| coding.name().as_bytes());
        assert_eq!(answer.headers.get(CONTENT_ENCODING), name, "{accept:?}");
        assert_eq!(answer.headers.contains(CONTENT_LENGTH), expected.is_none());
        let Content::Full(body) = &answer.content else { panic!("{answer:?}") };
        let decoded = expected.map_or(body.to_vec(), |coding| decode(coding, body).0);
        assert_eq!(decoded, text(2000));
    }
}

#[test]
fn headers_say_what_has_become_of_the_content() {
    for (headers, expected) in [
        (
            "Vary: Cookie\nEtag: \"a\"",
            "Vary: Cookie, Accept-Encoding\nContent-Encoding: gzip\nEtag: W/\"a\"\n",
        ),
        ("Vary: *\nEtag: W/\"a\"", "Vary: *\nEtag: W/\"a\"\nContent-Encoding: gzip\n"),
        ("Vary: Accept, accept-encoding", "Vary: Accept, accept-encoding\nContent-Encoding: gzip\n"),
        ("Vary: Cookie\nVary: Accept", "Vary: Cookie, Accept, Accept-Encoding\nContent-Encoding: gzip\n"),
        ("Vary: ", "Vary: Accept-Encoding\nContent-Encoding: gzip\n"),
        ("Etag: odd", "Etag: odd\nVary: Accept-Encoding\nContent-Encoding: gzip\n"),
        ("Accept-Ranges: bytes\nX: 1", "X: 1\nVary: Accept-Encoding\nContent-Encoding: gzip\n"),
        ("Content-Encoding: identity", "Vary: Accept-Encoding\nContent-Encoding: gzip\n"),
    ] {
        let after = applied(answer(&format!("Content-Type: text/html\n{headers}")), &Method::GET);
        assert_eq!(lines(&after), format!("Content-Type: text/html\n{expected}"), "{headers}");
    }
}

#[test]
fn answers_that_set_cookies_are_compressed_only_where_the_request_changes_nothing() {
    for (method, expected) in [
        (Method::GET, true),
        (Method::HEAD, true),
        (Method::OPTIONS, true),
        (Method::POST, false),
        (Method::PUT, false),
        (Method::DELETE, false),
    ] {
        let login = answer("Content-Type: text/html\nSet-Cookie: a=1");
        let mut allowed = answer("Content-Type: text/html\nSet-Cookie: a=1");
        assert_eq!(is_compressed(&applied(login, &method)), expected, "{method}");
        assert!(is_compressed(&applied(answer("Content-Type: text/html"), &method)), "{method}");
        let compression = Compression { set_cookie: true, ..compression() };
        compression.apply(&mut allowed, wanted(&method, Some("gzip")));
        assert!(is_compressed(&allowed), "{method}");
    }
}

#[test]
fn head_has_the_headers_of_get_without_the_length() {
    let full = || Content::Full(text(2000).into());
    for (headers, content, expected) in [
        ("", full(), true),
        ("Content-Length: 2000", Content::default(), true),
        ("Content-Length: 2000", full(), true),
        ("Content-Length: 10", Content::default(), false),
        ("Content-Length: 0", Content::default(), false),
        ("", Content::default(), true),
        ("", Content::Stream(std::sync::Arc::new(Stream::unbuffered()).outlet()), true),
    ] {
        let name = format!("{headers} {content:?}");
        let page = with(answer(&format!("Content-Type: text/html\n{headers}")), 200, content);
        let after = applied(page, &Method::HEAD);
        assert_eq!(is_compressed(&after), expected, "{name}");
        if expected {
            assert_eq!(after.content.length(), Some(0), "{name}");
            let lines = lines(&after);
            assert_eq!(lines, "Content-Type: text/html\nVary: Accept-Encoding\nContent-Encoding: gzip\n");
        }
    }
}

#[test]
fn pages_of_the_server_are_left_as_they_are() {
    let all = Compression { min_size: 0, ..compression() };
    let mut page = Answer::error(StatusCode::GATEWAY_TIMEOUT);
    let before = lines(&page);
    all.apply(&mut page, wanted(&Method::GET, Some("gzip")));
    assert_eq!(lines(&page), before);
}

#[test]
fn files_are_left_as_they_are() {
    let span = crate::FileSpan { file: tempfile::tempfile().unwrap().into(), offset: 0, length: 5000 };
    let after = applied(with(answer("Content-Type: text/html"), 200, Content::File(span)), &Method::GET);
    assert_eq!(lines(&after), "Content-Type: text/html\n");
}

#[test]
fn streams_are_compressed_unless_they_are_known_to_be_small() {
    for (length, expected) in [(None, true), (Some(10), false), (Some(5000), true)] {
        let stream = std::sync::Arc::new(Stream::unbuffered());
        let length = length.map_or(String::new(), |length| format!("\nContent-Length: {length}"));
        let headers = format!("Content-Type: text/html{length}");
        let after = applied(with(answer(&headers), 200, Content::Stream(stream.outlet())), &Method::GET);
        assert_eq!(matches!(after.content, Content::Compressed(_)), expected, "{length}");
        assert!(!stream.is_gone());
        assert_eq!(after.has_unknown_length(), expected);
    }
}

#[test]
fn a_large_body_is_compressed_while_it_is_sent() {
    let bytes = Bytes::from(text(AT_ONCE + 1));
    let page = with(answer("Content-Type: text/html"), 200, Content::Full(bytes));
    let after = applied(page, &Method::GET);
    assert!(matches!(after.content, Content::Compressed(_)) && after.has_unknown_length());
}
