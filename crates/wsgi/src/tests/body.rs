//! What the application returns: its forms, its length, `close()`, and a client that goes away.

use super::mock::{Call, Request};
use super::site::Site;
use crate::Flow;

/// An application that returns `expression` after a plain `start_response` with these headers.
fn returning(expression: &str, headers: &str) -> Site {
    responding("200 OK", headers, expression)
}

fn responding(status: &str, headers: &str, expression: &str) -> Site {
    Site::new(&format!(
        "
def application(environ, start_response):
    start_response('{status}', {headers})
    return {expression}
"
    ))
}

fn pushed(text: &[u8]) -> Call {
    Call::Push(text.to_vec())
}

const WHOLE: Call = Call::End { whole: true };
const BROKEN: Call = Call::End { whole: false };

#[test]
fn one_item_is_a_complete_answer_with_its_length() {
    for body in ["[b'hello']", "(b'hello',)", "[type('B', (bytes,), {})(b'hello')]"] {
        let answer = returning(body, "[]").serve(Request::get("/"));
        assert_eq!((&*answer.calls, &*answer.body), (&[Call::Complete][..], &b"hello"[..]), "{body}");
        assert_eq!(answer.content_length(), Some(&b"5"[..]));
        assert_eq!(answer.head.unwrap().content_length, Some(5));
    }
}

#[test]
fn several_items_are_streamed_as_they_come() {
    for body in ["[b'a', b'', b'b']", "(b'a', b'b')", "(c for c in (b'a', b'b'))", "map(str.encode, 'ab')"] {
        let answer = returning(body, "[]").serve(Request::get("/"));
        assert_eq!(answer.calls, [Call::Begin, pushed(b"a"), pushed(b"b"), WHOLE], "{body}");
        assert_eq!(answer.content_length(), None);
    }
}

#[test]
fn no_bytes_are_an_empty_answer() {
    for body in ["[]", "()", "[b'']", "[b'', b'']", "iter([])"] {
        let answer = returning(body, "[]").serve(Request::get("/"));
        assert_eq!((&*answer.calls, &*answer.body), (&[Call::Complete][..], &b""[..]), "{body}");
        assert_eq!(answer.content_length(), Some(&b"0"[..]), "{body}");
    }
}

#[test]
fn large_bytes_are_lent_and_small_ones_copied() {
    let lent = |size: usize| returning(&format!("[b'x' * {size}]"), "[]").serve(Request::get("/"));
    assert_eq!(lent(100).lent, 0);
    let large = lent(1 << 20);
    assert_eq!((large.lent, large.body.len()), (1, 1 << 20));
    let streamed = returning("[b'x' * 100000, b'y']", "[]").serve(Request::get("/"));
    assert_eq!((streamed.lent, streamed.body.len()), (1, 100_001));
}

#[test]
fn a_declared_length_that_is_met_completes_the_answer() {
    let five = "[('Content-Length', '5')]";
    let answer = returning("iter([b'hello'])", five).serve(Request::get("/"));
    assert_eq!((&*answer.calls, &*answer.body), (&[Call::Complete][..], &b"hello"[..]));
    let answer = returning("[b'he', b'llo', b'']", five).serve(Request::get("/"));
    assert_eq!(answer.calls, [Call::Begin, pushed(b"he"), pushed(b"llo"), WHOLE]);
}

#[test]
fn a_body_that_is_too_long_is_cut() {
    for (body, calls) in [
        ("[b'hello world']", &[Call::Complete][..]),
        ("iter([b'hello world'])", &[Call::Complete]),
        ("iter([b'hello', b' world'])", &[Call::Complete]),
        ("[b'he', b'llo world', b'!']", &[Call::Begin, pushed(b"he"), pushed(b"llo"), WHOLE]),
        ("[b'he', b'llo', b'!']", &[Call::Begin, pushed(b"he"), pushed(b"llo"), WHOLE]),
    ] {
        let site = returning(&format!("Closing({body})"), "[('Content-Length', '5')]");
        let (answer, log) = site.serve_logged(Request::get("/p"));
        assert_eq!((&*answer.calls, &*answer.body), (calls, &b"hello"[..]), "{body}");
        assert_eq!(log, "WARN the body of GET /p is longer than its content-length and was cut\n", "{body}");
        assert_eq!(site.events(), "close");
    }
}

#[test]
fn a_body_that_is_too_short_breaks_off() {
    let (answer, log) =
        returning("[b'he', b'l']", "[('Content-Length', '5')]").serve_logged(Request::get("/"));
    assert_eq!(answer.calls, [Call::Begin, pushed(b"he"), pushed(b"l"), BROKEN]);
    assert!(log.contains("the body is 2 bytes shorter than its content-length"), "{log}");
    let (answer, _) = returning("[b'hel']", "[('Content-Length', '5')]").serve_logged(Request::get("/"));
    assert_eq!(answer.calls.last(), Some(&BROKEN));
    let (answer, log) = returning("[]", "[('Content-Length', '5')]").serve_logged(Request::get("/"));
    assert_eq!(answer.calls, [Call::Fail]);
    assert!(log.contains("the body is empty but its content-length is 5"), "{log}");
}

#[test]
fn head_has_no_body_and_the_length_that_get_would_have() {
    let length = |body: &str, headers: &str| {
        let site = returning(&format!("Closing({body})"), headers);
        let answer = site.serve(Request::head());
        assert_eq!((&*answer.calls, &*answer.body), (&[Call::Complete][..], &b""[..]), "{body}");
        assert_eq!(site.events(), "close");
        answer.content_length().map(<[u8]>::to_vec)
    };
    assert_eq!(length("[b'hello']", "[('Content-Length', '5')]"), Some(b"5".to_vec()));
    assert_eq!(length("[]", "[('Content-Length', '5')]"), Some(b"5".to_vec()));
    assert_eq!(length("[]", "[]"), None);
    assert_eq!(length("[b'a', b'b']", "[]"), None);
    let plain = returning("[b'hello']", "[]").serve(Request::head());
    assert_eq!((plain.content_length(), &*plain.body), (Some(&b"5"[..]), &b""[..]));
    let empty = returning("[b'']", "[]").serve(Request::head());
    assert_eq!(empty.content_length(), None);
}

#[test]
fn no_content_and_not_modified_have_no_body() {
    for body in ["[]", "[b'']", "[b'x']", "[b'x', b'y']"] {
        for status in ["204 No Content", "304 Not Modified"] {
            let answer = responding(status, "[]", body).serve(Request::get("/"));
            assert_eq!((&*answer.calls, &*answer.body), (&[Call::Complete][..], &b""[..]));
            assert_eq!(answer.content_length(), None, "{status} {body}");
        }
    }
    let length = "[('Content-Length', '5')]";
    assert_eq!(responding("204 No Content", length, "[]").serve(Request::get("/")).content_length(), None);
    let not_modified = responding("304 Not Modified", length, "[]").serve(Request::get("/"));
    assert_eq!(not_modified.content_length(), Some(&b"5"[..]));
}

#[test]
fn an_endless_generator_is_not_run_for_head() {
    let site = Site::new(
        "
def application(environ, start_response):
    start_response('200 OK', [])
    try:
        while True:
            yield b'x'
    finally:
        events.append('closed')
",
    );
    assert_eq!(site.serve(Request::head()).calls, [Call::Complete]);
    assert_eq!(site.events(), "closed");
}

#[test]
fn close_is_called_once_after_the_answer() {
    for body in ["[b'x']", "[b'x', b'y']", "[]"] {
        let site = returning(&format!("Closing({body})"), "[]");
        site.serve(Request::get("/"));
        assert_eq!(site.events(), "close", "{body}");
    }
}

#[test]
fn close_comes_after_the_end_of_the_answer() {
    let site = Site::new(
        "
class Late(Closing):
    def close(self):
        try:
            write(b'too late')
        finally:
            events.append('close')

def application(environ, start_response):
    global write
    write = start_response('200 OK', [])
    return Late([b'a', b'b'])
",
    );
    let (answer, _) = site.serve_logged(Request::get("/"));
    assert_eq!(answer.calls, [Call::Begin, pushed(b"a"), pushed(b"b"), WHOLE]);
    assert_eq!(site.events(), "close");
}

#[test]
fn close_is_called_when_the_client_has_gone() {
    let site = returning("Closing(b'x' for _ in iter(int, 1))", "[]");
    let answer = site.serve(Request::get("/").flows(&[Flow::More, Flow::Gone], Flow::More));
    assert_eq!(answer.calls, [Call::Begin, pushed(b"x"), pushed(b"x"), BROKEN]);
    assert_eq!(site.events(), "close");
}

#[test]
fn a_full_buffer_is_waited_for() {
    let site = returning("Closing([b'a', b'b'])", "[]");
    let answer = site.serve(Request::get("/").flows(&[Flow::Full, Flow::More], Flow::More));
    assert_eq!(answer.calls, [Call::Begin, pushed(b"a"), Call::Wait, pushed(b"b"), WHOLE]);
    let answer = site.serve(Request::get("/").flows(&[Flow::Full], Flow::Gone));
    assert_eq!(answer.calls, [Call::Begin, pushed(b"a"), Call::Wait, BROKEN]);
}

#[test]
fn a_response_object_as_djangos_is_sent() {
    let site = Site::new(
        "
class HttpResponse:
    _container = [b'from ', b'django']
    def __iter__(self):
        return iter(self._container)
    def close(self):
        events.append('close')

def application(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/html'), ('Content-Length', '11')])
    return HttpResponse()
",
    );
    let answer = site.serve(Request::get("/"));
    assert_eq!((&*answer.body, site.events()), (&b"from django"[..], "close".to_owned()));
}

#[test]
fn a_file_is_sent_in_blocks_and_closed() {
    let site = Site::new(
        "
import io

class File(io.BytesIO):
    def read(self, size):
        events.append(str(size))
        return super().read(size)
    def close(self):
        events.append('close')
        super().close()

def application(environ, start_response):
    start_response('200 OK', [])
    return environ['wsgi.file_wrapper'](File(b'0123456789'), 4)
",
    );
    let answer = site.serve(Request::get("/"));
    assert_eq!(answer.calls, [Call::Begin, pushed(b"0123"), pushed(b"4567"), pushed(b"89"), WHOLE]);
    assert_eq!(site.events(), "4 4 4 4 close");
}

#[test]
fn a_wrapped_file_needs_no_close() {
    let site = Site::new(
        "
class File:
    def read(self, size):
        events.append(str(size))
        return b''

def application(environ, start_response):
    start_response('200 OK', [])
    return environ['wsgi.file_wrapper'](File())
",
    );
    assert_eq!(site.serve(Request::get("/")).content_length(), Some(&b"0"[..]));
    assert_eq!(site.events(), "8192");
}
