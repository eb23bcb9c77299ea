//! Whatever the application does, the request is answered, the log says why, and the next request works.

use super::mock::{Call, Request};
use super::site::Site;

/// A site that misbehaves at `/bad` and is well elsewhere.
fn site(bad: &str) -> Site {
    let bad = bad.replace('\n', "\n        ");
    Site::new(&format!(
        "
def application(environ, start_response):
    if environ['PATH_INFO'] == '/bad':
        {bad}
    start_response('200 OK', [])
    return [b'well']
"
    ))
}

/// What was called for `/bad` and what was logged; the request after it must be answered.
fn bad(lines: &str) -> (Vec<Call>, String, Site) {
    let site = site(lines);
    let mut served = site.serve_all([Request::get("/bad"), Request::get("/well")]);
    assert_eq!(served.answers[1].body, b"well");
    (served.answers.remove(0).calls, served.log, site)
}

#[test]
fn any_exception_is_a_500_with_its_traceback() {
    for raised in
        ["ValueError('why')", "SystemExit(3)", "KeyboardInterrupt()", "GeneratorExit()", "BaseException()"]
    {
        let (calls, log, _) = bad(&format!("raise {raised}"));
        assert_eq!(calls, [Call::Fail], "{raised}");
        assert!(
            log.starts_with("ERROR Error handling request GET /bad\nTraceback (most recent call last):\n"),
            "{log}"
        );
        assert!(log.contains(r#"File "served.py", line "#), "{log}");
        assert!(log.contains(raised.split('(').next().unwrap()), "{log}");
    }
}

#[test]
fn an_exception_after_start_response_is_still_a_500() {
    let (calls, _, _) = bad("start_response('200 OK', [])\nraise ValueError");
    assert_eq!(calls, [Call::Fail]);
}

#[test]
fn an_exception_after_the_first_chunk_breaks_the_answer_off() {
    let (calls, log, site) = bad("def body():
    yield b'first'
    raise SystemExit
start_response('200 OK', [])
return Closing(body())");
    assert_eq!(calls, [Call::Begin, Call::Push(b"first".to_vec()), Call::End { whole: false }]);
    assert!(log.contains("SystemExit"), "{log}");
    assert_eq!(site.events(), "close");
}

#[test]
fn an_exception_before_the_first_chunk_is_a_500_and_the_iterable_is_closed() {
    let (calls, _, site) = bad("start_response('200 OK', [])\nreturn Closing(1 / 0 for _ in 'x')");
    assert_eq!((&*calls, site.events()), (&[Call::Fail][..], "close".to_owned()));
}

#[test]
fn an_exception_after_a_complete_body_changes_nothing_but_the_log() {
    let (calls, log, _) = bad("def body():
    yield b'hello'
    raise ValueError
start_response('200 OK', [('Content-Length', '5')])
return body()");
    assert_eq!(calls, [Call::Complete]);
    assert!(log.contains("ValueError"), "{log}");
}

#[test]
fn an_exception_after_write_breaks_the_answer_off() {
    let (calls, _, _) = bad("start_response('200 OK', [])(b'x')\nraise ValueError");
    assert_eq!(calls.last(), Some(&Call::End { whole: false }));
}

#[test]
fn a_close_that_raises_is_logged_and_nothing_else() {
    for raised in ["ValueError", "SystemExit"] {
        let (calls, log, _) = bad(&format!(
            "class Bad(Closing):
    def close(self):
        raise {raised}
start_response('200 OK', [])
return Bad([b'x', b'y'])"
        ));
        assert_eq!(calls.last(), Some(&Call::End { whole: true }));
        assert!(log.starts_with("ERROR Error closing the response of GET /bad\nTraceback"), "{log}");
    }
}

#[test]
fn what_is_no_bytes_is_named() {
    let fails = |body: &str, message: &str| {
        let (calls, log, _) = bad(&format!("start_response('200 OK', [])\nreturn {body}"));
        assert_eq!(calls, [Call::Fail], "{body}");
        assert!(log.contains(message), "{body}: {log}");
    };
    fails("'text'", "TypeError: the application must return bytes, not `str`");
    fails("['text']", "TypeError: the application must return bytes, not `str`");
    fails("['text', b'x']", "TypeError: the application must return bytes, not `str`");
    fails("[bytearray(b'x')]", "TypeError: the application must return bytes, not `bytearray`");
    fails("[memoryview(b'x')]", "TypeError: the application must return bytes, not `memoryview`");
    fails("b'bytes'", "TypeError: the application must return bytes, not `int`");
    fails("None", "TypeError: 'NoneType' object is not iterable");
    fails("5", "TypeError: 'int' object is not iterable");
}

#[test]
fn text_after_the_first_chunk_breaks_the_answer_off() {
    let (calls, _, _) = bad("start_response('200 OK', [])\nreturn [b'x', 'y']");
    assert_eq!(calls.last(), Some(&Call::End { whole: false }));
}

#[test]
fn an_application_with_other_arguments_is_a_500() {
    let site = Site::new("def application(environ): return []");
    let (answer, log) = site.serve_logged(Request::get("/"));
    assert_eq!(answer.calls, [Call::Fail]);
    assert!(log.contains("TypeError: application() takes 1 positional argument but 2 were given"), "{log}");
}

#[test]
fn an_exception_that_cannot_be_printed_is_still_a_500() {
    let (calls, log, _) = bad("class Odd(Exception):
    def __str__(self):
        raise ValueError
raise Odd");
    assert_eq!(calls, [Call::Fail]);
    assert!(log.contains("Odd"), "{log}");
}

#[test]
fn the_log_names_no_query() {
    let site = site("raise ValueError");
    let (_, log) = site.serve_logged(Request::get("/bad?token=secret"));
    assert!(!log.contains("secret"), "{log}");
}
