//! PEP 3333, "The start_response() Callable": when, how often, and with what.

use super::mock::{Call, Request};
use super::site::Site;

/// An application whose body is `lines`, with `environ` and `start_response` in reach.
fn site(lines: &str) -> Site {
    let indented = lines.replace('\n', "\n    ");
    Site::new(&format!("import sys\n\ndef application(environ, start_response):\n    {indented}\n"))
}

/// The answer must be a 500, and the log must name this exception.
fn fails(lines: &str, exception: &str) {
    let (answer, log) = site(lines).serve_logged(Request::get("/"));
    assert_eq!(answer.calls, [Call::Fail], "{lines}");
    assert!(log.contains(exception), "{lines}: {log}");
    assert!(log.starts_with("ERROR Error handling request GET /\n"), "{log}");
}

#[test]
fn a_generator_may_call_it_late() {
    let site = Site::new(
        "
def application(environ, start_response):
    yield b''
    start_response('200 OK', [('X-Late', 'yes')])
    yield b'late'
",
    );
    let answer = site.serve(Request::get("/"));
    assert_eq!((answer.header("x-late"), &*answer.body), (Some(&b"yes"[..]), &b"late"[..]));
}

#[test]
fn twice_without_exc_info_is_an_error() {
    fails(
        "start_response('200 OK', [])\nstart_response('200 OK', [])\nreturn [b'x']",
        "AssertionError: start_response was called twice without exc_info",
    );
    fails(
        "start_response('200 OK', [])\nstart_response('200 OK', [], None)\nreturn [b'x']",
        "AssertionError",
    );
}

#[test]
fn exc_info_replaces_a_head_that_is_not_out() {
    let answer = site(
        "start_response('200 OK', [('X-First', '1'), ('Content-Length', '2')])
try:
    raise ValueError
except ValueError:
    start_response('500 Oops', [('X-Second', '2')], sys.exc_info())
return [b'sorry']",
    )
    .serve(Request::get("/"));
    assert_eq!((answer.status(), &*answer.body), (500, &b"sorry"[..]));
    assert_eq!((answer.header("x-first"), answer.header("x-second")), (None, Some(&b"2"[..])));
    assert_eq!(answer.content_length(), Some(&b"5"[..]));
    assert_eq!(answer.head.unwrap().reason.as_deref(), Some(&b"Oops"[..]));
}

#[test]
fn exc_info_after_the_head_raises_the_exception_again() {
    let site = Site::new(
        "
import sys

def application(environ, start_response):
    start_response('200 OK', [])
    yield b'first'
    try:
        raise ValueError('the cause')
    except ValueError:
        start_response('500 Oops', [], sys.exc_info())
    yield b'never'
",
    );
    let (answer, log) = site.serve_logged(Request::get("/"));
    assert_eq!(answer.calls, [Call::Begin, Call::Push(b"first".to_vec()), Call::End { whole: false }]);
    assert!(log.contains("line 21, in application\n") && log.contains("line 23, in application\n"), "{log}");
    assert!(log.contains("ValueError: the cause"), "{log}");
}

#[test]
fn exc_info_that_is_none_of_its_kind_is_an_error() {
    fails(
        "write = start_response('200 OK', [])\nwrite(b'x')\nstart_response('200 OK', [], 'exc')"
            .replace("write(b'x')\n", "")
            .as_str(),
        "",
    );
    let (answer, log) = site(
        "start_response('200 OK', [])(b'x')
start_response('500 Oops', [], 'no tuple')",
    )
    .serve_logged(Request::get("/"));
    assert_eq!(answer.calls.last(), Some(&Call::End { whole: false }));
    assert!(log.contains("TypeError: exc_info must be a tuple"), "{log}");
}

#[test]
fn without_it_there_is_no_answer() {
    fails("return [b'x']", "AssertionError: the application sent its body before it called start_response");
    fails("return [b'x', b'y']", "AssertionError");
    for empty in ["return []", "return [b'']", "return iter([b'', b''])"] {
        let (answer, log) = site(empty).serve_logged(Request::get("/"));
        assert_eq!(answer.calls, [Call::Fail], "{empty}");
        assert!(log.contains("start_response"), "{log}");
    }
}

#[test]
fn a_bad_status_is_named() {
    let status = |status: &str, exception| {
        fails(&format!("start_response({status}, [])\nreturn []"), exception);
    };
    let shape = "ValueError: status must be three digits, a space and a reason";
    status("200", "TypeError: status must be a str, not `int`");
    status("b'200 OK'", "TypeError: status must be a str, not `bytes`");
    status("''", shape);
    status("'OK'", shape);
    status("'20 OK'", shape);
    status("'2000 OK'", shape);
    status("'200OK'", shape);
    status("'200 a\\r\\nSet-Cookie: b'", shape);
    status("'200 \u{20ac}'", shape);
    status("'103 Early Hints'", "ValueError: status must not be 1xx");
}

#[test]
fn a_status_keeps_its_reason() {
    let reason = |status: &str| {
        let head = site(&format!("start_response({status}, [])\nreturn []")).serve(Request::get("/")).head;
        let head = head.unwrap();
        (head.status.as_u16(), head.reason.map(|reason| reason.to_vec()))
    };
    assert_eq!(reason("'200 OK'"), (200, None));
    assert_eq!(reason("'200 Fine'"), (200, Some(b"Fine".to_vec())));
    assert_eq!(reason("'404 caf\u{e9}'"), (404, Some(b"caf\xe9".to_vec())));
    assert_eq!(reason("'299'"), (299, None));
    assert_eq!(reason("'200 '"), (200, None));
}

#[test]
fn bad_headers_are_named() {
    let headers = |headers: &str, exception| {
        fails(&format!("start_response('200 OK', {headers})\nreturn []"), exception);
    };
    headers("(('A', 'b'),)", "TypeError: headers must be a list, not `tuple`");
    headers("{'A': 'b'}", "TypeError: headers must be a list, not `dict`");
    headers("[['A', 'b']]", "TypeError: each header must be a tuple of a name and a value");
    headers("[('A', 'b', 'c')]", "TypeError: each header must be a tuple of a name and a value");
    headers("[(b'A', 'b')]", "TypeError: header name and value must be str, in `(b'A', 'b')`");
    headers("[('A', 1)]", "TypeError: header name and value must be str, in `('A', 1)`");
    headers("[('', 'b')]", "ValueError: header name `''` is not a token");
    headers("[('A b', 'c')]", "ValueError: header name `'A b'` is not a token");
    headers("[('A:', 'c')]", "ValueError: header name `'A:'` is not a token");
    headers("[('X', 'a\\r\\nSet-Cookie: b')]", "ValueError: header `x` has a value with control characters");
    headers("[('X', 'a\\0')]", "ValueError: header `x` has a value");
    headers("[('X', '\u{20ac}')]", "ValueError: header `x` has a value");
    headers(
        "[('Content-Length', 'five')]",
        "ValueError: header `content-length` has a value that is no number",
    );
    headers(
        "[('Content-Length', '-1')]",
        "ValueError: header `content-length` has a value that is no number",
    );
    headers("[('Content-Length', '')]", "ValueError: header `content-length` has a value that is no number");
    headers(
        "[('Content-Length', '1'), ('content-length', '1')]",
        "ValueError: header `content-length` was given twice",
    );
    headers("[(f'X-{n}', '') for n in range(40000)]", "ValueError: there are too many headers");
}

#[test]
fn headers_arrive_as_latin_1_and_in_their_number() {
    let answer = site(
        "start_response('200 OK', [('X-A', 'caf\u{e9}'), ('Set-Cookie', 'a=1'), ('Set-Cookie', 'b=2'), ('X-B', ' \\tb '), ('X-C', '')])
return [b'x']",
    )
    .serve(Request::get("/"));
    assert_eq!(answer.header("x-a"), Some(&b"caf\xe9"[..]));
    assert_eq!((answer.header("x-b"), answer.header("x-c")), (Some(&b"b"[..]), Some(&b""[..])));
    let cookies = answer.head.as_ref().unwrap().headers.get_all("set-cookie");
    assert_eq!(cookies.collect::<Vec<_>>(), [b"a=1", b"b=2"]);
}

#[test]
fn headers_about_the_connection_are_the_servers() {
    let answer = site(
        "start_response('200 OK', [('Connection', 'close'), ('Transfer-Encoding', 'chunked'), ('Server', 'me'),
    ('Date', 'now'), ('Keep-Alive', '1'), ('TE', 'x'), ('Trailer', 'x'), ('Upgrade', 'x'), ('X-Kept', '1')])
return [b'x']",
    )
    .serve(Request::get("/"));
    let names: Vec<_> = answer.head.as_ref().unwrap().headers.iter().map(|field| field.0).collect();
    assert_eq!(names, [&b"X-Kept"[..], b"Content-Length"]);
}

#[test]
fn write_sends_at_once_and_the_iterable_follows() {
    let site = Site::new(
        "
def application(environ, start_response):
    write = start_response('200 OK', [])
    write(b'one ')
    write(b'')
    write(b'two ')
    return [b'three']
",
    );
    let answer = site.serve(Request::get("/"));
    let pushed = |text: &[u8]| Call::Push(text.to_vec());
    assert_eq!(
        answer.calls,
        [Call::Begin, pushed(b"one "), pushed(b"two "), pushed(b"three"), Call::End { whole: true }]
    );
}

#[test]
fn write_takes_only_bytes() {
    fails("start_response('200 OK', [])('text')\nreturn []", "TypeError: write() takes bytes");
}

#[test]
fn a_start_response_that_was_kept_is_of_no_use_later() {
    let site = Site::new(
        "
kept = []

def application(environ, start_response):
    for callable in kept:
        try:
            callable('200 OK', [])
        except RuntimeError as error:
            events.append(type(error).__name__)
    kept[:] = [start_response]
    start_response('200 OK', [('X-Path', environ['PATH_INFO'])])
    return [b'x']
",
    );
    let served = site.serve_all([Request::get("/1"), Request::get("/2"), Request::get("/3")]);
    assert_eq!(served.log, "");
    assert_eq!(site.events(), "RuntimeError RuntimeError");
    assert_eq!(served.answers[2].header("x-path"), Some(&b"/3"[..]));
}

#[test]
fn a_write_that_was_kept_is_of_no_use_later() {
    let site = Site::new(
        "
kept = []

def application(environ, start_response):
    for write in kept:
        try:
            write(b'evil')
        except RuntimeError as error:
            events.append(type(error).__name__)
    kept[:] = [start_response('200 OK', [])]
    return [b'good']
",
    );
    let served = site.serve_all([Request::get("/1"), Request::get("/2")]);
    assert_eq!((served.answers[1].body.as_slice(), site.events()), (&b"good"[..], "RuntimeError".to_owned()));
}

#[test]
fn nobody_holds_it_so_it_is_the_same_object_again() {
    let site = Site::new(
        "
def application(environ, start_response):
    events.append(str(id(start_response)))
    start_response('200 OK', [])
    return [b'x']
",
    );
    site.serve_all([Request::get("/1"), Request::get("/2")]);
    assert_eq!(site.eval("len(events), len(set(events))"), "(2, 1)");
}
