//! `wsgiref.validate`, the standard library's own reading of PEP 3333, between the bridge and an application.

use super::mock::{Answer, Request};
use super::site::Site;

/// Serves through the validator, which raises what it does not like.
fn validated(body: &str, request: Request) -> Answer {
    let site = Site::new(&format!(
        "
import io
from wsgiref.validate import validator

@validator
def application(environ, start_response):
    stream = environ['wsgi.input']
    environ['wsgi.errors'].write('')
    environ['wsgi.errors'].flush()
    environ['wsgi.errors'].writelines(['a', 'b'])
    headers = [('Content-Type', 'text/plain')]
{body}
"
    ));
    let request = request.header("host", "example.com").header("accept", "*/*");
    site.serve(request)
}

const LIST: &str = "
    body = b'hello'
    start_response('200 OK', headers + [('Content-Length', '5')])
    return [body]
";

#[test]
fn get() {
    assert_eq!(validated(LIST, Request::get("/a%20b?c=d")).body, b"hello");
}

#[test]
fn head() {
    let answer = validated(
        "
    start_response('200 OK', headers + [('Content-Length', '5')])
    return []
",
        Request::head(),
    );
    assert_eq!((answer.content_length(), &*answer.body), (Some(&b"5"[..]), &b""[..]));
}

#[test]
fn post() {
    let answer = validated(
        "
    parts = [stream.readline(), stream.read(3)]
    parts += stream.readlines()
    parts += list(stream)
    start_response('200 OK', headers)
    return [b'|'.join(parts)]
",
        Request::post(b"one\ntwo\nthree\n").header("content-length", "14"),
    );
    assert_eq!(answer.body, b"one\n|two|\n|three\n");
}

#[test]
fn post_chunked() {
    let answer = validated(
        "
    start_response('200 OK', headers)
    return [environ['CONTENT_LENGTH'].encode(), b' ', stream.read(100)]
",
        Request::post(b"chunked").header("transfer-encoding", "chunked"),
    );
    assert_eq!(answer.body, b"7 chunked");
}

#[test]
fn generator() {
    let answer = validated(
        "
    def body():
        yield b'one '
        yield b'two'
    start_response('200 OK', headers)
    return body()
",
        Request::get("/"),
    );
    assert_eq!(answer.body, b"one two");
}

#[test]
fn file_wrapper() {
    let answer = validated(
        "
    start_response('200 OK', headers)
    return environ['wsgi.file_wrapper'](io.BytesIO(b'from a file'), 4)
",
        Request::get("/"),
    );
    assert_eq!(answer.body, b"from a file");
}

#[test]
fn write() {
    let answer = validated(
        "
    write = start_response('200 OK', headers)
    write(b'written ')
    return [b'and returned']
",
        Request::get("/"),
    );
    assert_eq!(answer.body, b"written and returned");
}

#[test]
fn no_content() {
    let answer = validated(
        "
    start_response('204 No Content', [])
    return []
",
        Request::get("/"),
    );
    assert_eq!((answer.status(), answer.content_length()), (204, None));
}

#[test]
fn over_a_unix_socket() {
    assert_eq!(validated(LIST, Request::get("/").over_unix_socket()).body, b"hello");
}
