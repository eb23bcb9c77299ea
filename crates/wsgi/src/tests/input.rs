//! PEP 3333, "Input and Error Streams".

use super::mock::Request;
use super::site::Site;

/// An application that evaluates `expression` with `stream` as the request's input.
fn evaluated(expression: &str, request: Request) -> String {
    let site = Site::new(&format!(
        "
def application(environ, start_response):
    global result
    stream = environ['wsgi.input']
    result = {expression}
    start_response('200 OK', [])
    return []
"
    ));
    site.serve(request);
    site.eval("result")
}

const LINES: &[u8] = b"one\ntwo\n\nlast";

/// The same for a body in memory, for one in a file, and for one that comes while it is read.
fn each(expression: &str) -> String {
    let memory = evaluated(expression, Request::post(LINES));
    let file = evaluated(expression, Request::new("POST", "/").on_disk(LINES));
    let live = evaluated(expression, Request::new("POST", "/").live(LINES));
    assert_eq!(memory, file);
    assert_eq!(memory, live);
    memory
}

#[test]
fn read_takes_all_or_so_many_bytes() {
    assert_eq!(each("stream.read()"), r"b'one\ntwo\n\nlast'");
    assert_eq!(each("stream.read(-1)"), r"b'one\ntwo\n\nlast'");
    assert_eq!(each("stream.read(None)"), r"b'one\ntwo\n\nlast'");
    assert_eq!(each("stream.read(5), stream.read(0), stream.read(100)"), r"(b'one\nt', b'', b'wo\n\nlast')");
}

#[test]
fn past_the_end_there_are_no_bytes() {
    assert_eq!(
        each(
            "stream.read(), stream.read(), stream.read(5), stream.readline(), stream.readlines(), list(stream)"
        ),
        r"(b'one\ntwo\n\nlast', b'', b'', b'', [], [])"
    );
}

#[test]
fn readline_stops_at_a_newline_or_at_its_size() {
    assert_eq!(each("[stream.readline() for _ in range(5)]"), r"[b'one\n', b'two\n', b'\n', b'last', b'']");
    assert_eq!(
        each("stream.readline(2), stream.readline(2), stream.readline(0), stream.readline(-1)"),
        r"(b'on', b'e\n', b'', b'two\n')"
    );
}

#[test]
fn readlines_stops_after_its_hint() {
    assert_eq!(each("stream.readlines()"), r"[b'one\n', b'two\n', b'\n', b'last']");
    assert_eq!(each("stream.readlines(5), stream.readlines(1)"), r"([b'one\n', b'two\n'], [b'\n'])");
    assert_eq!(each("stream.readlines(0)"), r"[b'one\n', b'two\n', b'\n', b'last']");
}

#[test]
fn iteration_gives_lines() {
    assert_eq!(
        each("next(stream), stream.read(1), list(stream)"),
        r"(b'one\n', b't', [b'wo\n', b'\n', b'last'])"
    );
}

#[test]
fn a_request_without_a_body_reads_as_empty() {
    assert_eq!(
        evaluated("stream.read(), stream.read(3), stream.readline(), list(stream)", Request::get("/")),
        "(b'', b'', b'', [])"
    );
}

#[test]
fn only_a_body_whose_length_is_known_has_a_content_length() {
    let length = "environ.get('CONTENT_LENGTH'), environ['wsgi.input_terminated']";
    assert_eq!(evaluated(length, Request::new("POST", "/").on_disk(b"hello")), "('5', True)");
    assert_eq!(evaluated(length, Request::new("POST", "/").live(b"hello")), "(None, True)");
}

#[test]
fn a_body_that_breaks_off_is_an_error_and_never_a_short_body() {
    for length in [None, Some(11), Some(4 << 20)] {
        for expression in
            ["stream.read()", "stream.read(8)", "stream.readline()", "stream.readlines()", "list(stream)"]
        {
            let site = Site::new(&format!(
                "
def application(environ, start_response):
    stream = environ['wsgi.input']
    for _ in range(2):
        try:
            {expression}
        except OSError as error:
            events.append(type(error).__name__)
    start_response('200 OK', [])
    return []
"
            ));
            site.serve(Request::new("POST", "/").broken(b"hello", length));
            assert_eq!(site.events(), "BrokenBody BrokenBody", "{expression} {length:?}");
        }
    }
}

#[test]
fn a_wrong_size_is_a_type_error() {
    let site = Site::new(
        "
def application(environ, start_response):
    environ['wsgi.input'].read('5')
",
    );
    let (_, log) = site.serve_logged(Request::post(b"x"));
    assert!(log.contains("TypeError"), "{log}");
}

#[test]
fn what_is_written_to_wsgi_errors_is_in_the_log() {
    let site = Site::new(
        "
def application(environ, start_response):
    errors = environ['wsgi.errors']
    errors.write('naïve ')
    errors.writelines(['a\\n', 'b\\n'])
    errors.flush()
    print('printed', file=errors)
    start_response('200 OK', [])
    return []
",
    );
    assert_eq!(site.serve_all([Request::get("/")]).errors, "naïve a\nb\nprinted\n");
}

#[test]
fn a_line_that_is_printed_to_wsgi_errors_is_not_torn_by_another_process() {
    let site = Site::new(
        "
def application(environ, start_response):
    errors = environ['wsgi.errors']
    print('printed', 'line', file=errors)
    errors.write('one\\ntwo')
    errors.write(' three\\n')
    errors.write('asked')
    errors.flush()
    errors.write('x' * 9000)
    errors.write('y')
    start_response('200 OK', [])
    return []
",
    );
    let served = site.serve_all([Request::get("/")]);
    let long = "x".repeat(9000);
    assert_eq!(served.writes, ["printed line\n", "one\n", "two three\n", "asked", &long, "y"]);
}

#[test]
fn a_lone_surrogate_does_not_lose_the_line() {
    let site = Site::new(
        r"
def application(environ, start_response):
    environ['wsgi.errors'].write('file \udcff\n')
    start_response('200 OK', [])
    return []
",
    );
    let served = site.serve_all([Request::get("/")]);
    assert_eq!(served.log, "");
    assert!(served.errors.starts_with("file \u{fffd}"), "{}", served.errors);
}

#[test]
fn a_body_does_not_outlive_its_request() {
    for request in [Request::post(LINES), Request::new("POST", "/").on_disk(LINES)] {
        let site = Site::new(
            "
def application(environ, start_response):
    global stream
    stream = environ['wsgi.input']
    stream.read(1)
    start_response('200 OK', [])
    return []

def read():
    try:
        return stream.read()
    except OSError as error:
        return str(error)
",
        );
        site.serve(request);
        assert_eq!(site.eval("read()"), "'the request is over, its body cannot be read'");
    }
}
