//! `wsgi.file_wrapper` over files: what the server may send by itself, and what it has to read.

use super::mock::{Answer, Call, Request};
use super::site::Site;

/// Files that hold these bytes in a temporary folder, and classes as Django has them.
const FILES: &str = r#"
import bz2, gzip, io, lzma, os, sys, tempfile, types, zipfile
folder = tempfile.TemporaryDirectory()
path = os.path.join(folder.name, 'file')
with open(path, 'wb') as file:
    file.write(b'0123456789')
made = os.path.join(folder.name, 'made')

class Proxy:
    read = property(lambda self: self.file.read)
    tell = property(lambda self: self.file.tell)
class File(Proxy):
    def __init__(self, file):
        self.file = file
# One for all tests, which run at the same time.
base = types.ModuleType('django.core.files.base')
base.File = File
File = sys.modules.setdefault('django.core.files.base', base).File

class Stored(File):
    def close(self):
        events.append('close')
        self.file.close()
class Remote(File):
    def read(self, size):
        return self.file.read(size).replace(b'0', b'x')

def temporary(factory=tempfile.NamedTemporaryFile):
    file = factory()
    file.write(b'0123456789')
    file.seek(0)
    return file
def after(file, offset):
    file.seek(offset)
    return file
def read_from(file, length):
    file.read(length)
    return file
def written(file):
    file.write(b'0123456789')
    file.seek(0, 1)
    file.seek(2)
    file.write(b'--')
    return file
def packed(open):
    with open(made, 'wb') as file:
        file.write(b'0123456789')
    return open(made, 'rb')
def member():
    with zipfile.ZipFile(made, 'w') as archive:
        archive.writestr('name', b'0123456789')
    return zipfile.ZipFile(made).open('name')
def pipe():
    reader, writer = os.pipe()
    os.write(writer, b'0123456789')
    os.close(writer)
    return open(reader, 'rb')
class Buffered(io.BufferedReader):
    pass
class Raw(io.FileIO):
    pass
"#;

fn answer(file: &str, headers: &str, request: Request) -> Answer {
    site(file, headers).serve(request)
}

fn site(file: &str, headers: &str) -> Site {
    Site::new(&format!(
        "{FILES}
def application(environ, start_response):
    start_response('200 OK', {headers})
    return environ['wsgi.file_wrapper']({file}, 4)
"
    ))
}

#[test]
fn what_reads_nothing_but_a_file_is_sent_from_its_position() {
    for (file, expected) in [
        ("open(path, 'rb')", "0123456789"),
        ("open(path, 'rb', 0)", "0123456789"),
        ("open(path, 'r+b')", "0123456789"),
        ("after(open(path, 'rb'), 3)", "3456789"),
        ("read_from(open(path, 'rb'), 3)", "3456789"),
        ("read_from(open(path, 'rb', 0), 3)", "3456789"),
        ("temporary()", "0123456789"),
        ("temporary(tempfile.TemporaryFile)", "0123456789"),
        ("File(open(path, 'rb'))", "0123456789"),
        ("read_from(Stored(temporary()), 4)", "456789"),
        ("File(File(temporary()))", "0123456789"),
        ("written(open(made, 'w+b'))", "456789"),
    ] {
        let answer = answer(file, "[]", Request::get("/"));
        assert_eq!((&*answer.calls, &*answer.body), (&[Call::File][..], expected.as_bytes()), "{file}");
        assert_eq!(answer.content_length(), Some(expected.len().to_string().as_bytes()), "{file}");
    }
}

#[test]
fn what_may_read_something_else_is_read() {
    for file in [
        "io.BytesIO(b'0123456789')",
        "packed(gzip.open)",
        "packed(bz2.open)",
        "packed(lzma.open)",
        "File(packed(gzip.open))",
        "member()",
        "pipe()",
        "temporary(tempfile.SpooledTemporaryFile)",
        "Buffered(io.FileIO(path))",
        "Raw(path)",
        "io.BufferedReader(Raw(path))",
        "File(File(File(File(open(path, 'rb')))))",
    ] {
        let answer = answer(file, "[]", Request::get("/"));
        assert_eq!(answer.body, b"0123456789", "{file}");
        assert_eq!(answer.calls.first(), Some(&Call::Begin), "{file}");
    }
    assert_eq!(answer("Remote(open(path, 'rb'))", "[]", Request::get("/")).body, b"x123456789");
    let proc = answer("open('/proc/self/comm', 'rb')", "[]", Request::get("/"));
    assert!(proc.body.ends_with(b"\n"), "{proc:?}");
}

#[test]
fn a_file_is_cut_at_the_declared_length() {
    let answer = answer("open(path, 'rb')", "[('Content-Length', '4')]", Request::get("/"));
    assert_eq!((&*answer.calls, &*answer.body), (&[Call::File][..], &b"0123"[..]));
    assert_eq!(answer.content_length(), Some(&b"4"[..]));
}

#[test]
fn a_file_that_is_too_short_is_reported() {
    let site = site("open(path, 'rb')", "[('Content-Length', '14')]");
    let (answer, log) = site.serve_logged(Request::get("/p"));
    assert_eq!(answer.content_length(), Some(&b"14"[..]));
    assert_eq!(answer.body, b"0123456789");
    assert_eq!(
        log,
        "ERROR Error handling request GET /p: the file is 4 bytes shorter than its content-length\n"
    );
}

#[test]
fn answers_without_a_body_send_no_file() {
    let head = answer("open(path, 'rb')", "[]", Request::head());
    assert_eq!((&*head.calls, head.content_length()), (&[Call::Complete][..], Some(&b"10"[..])));
    let head = answer("open(path, 'rb')", "[('Content-Length', '14')]", Request::head());
    assert_eq!((&*head.calls, head.content_length()), (&[Call::Complete][..], Some(&b"14"[..])));
    let empty = answer("after(open(path, 'rb'), 20)", "[]", Request::get("/"));
    assert_eq!((&*empty.calls, empty.content_length()), (&[Call::Complete][..], Some(&b"0"[..])));
}

#[test]
fn a_file_is_closed_when_it_has_been_handed_over() {
    let site = site("Stored(open(path, 'rb'))", "[]");
    assert_eq!(site.serve(Request::get("/")).body, b"0123456789");
    assert_eq!(site.events(), "close");
}

#[test]
fn a_file_after_write_is_read() {
    let site = Site::new(&format!(
        "{FILES}
def application(environ, start_response):
    start_response('200 OK', [])(b'first ')
    return environ['wsgi.file_wrapper'](open(path, 'rb'))
"
    ));
    assert_eq!(site.serve(Request::get("/")).body, b"first 0123456789");
}

#[test]
fn a_file_before_start_response_and_one_that_is_closed_are_errors() {
    let site = Site::new(&format!(
        "{FILES}
def application(environ, start_response):
    file = open(path, 'rb')
    if environ['PATH_INFO'] == '/closed':
        start_response('200 OK', [])
        file.close()
    return environ['wsgi.file_wrapper'](file)
"
    ));
    let (answer, log) = site.serve_logged(Request::get("/"));
    assert_eq!(answer.calls, [Call::Fail]);
    assert!(log.contains("before it called start_response"), "{log}");
    let (answer, log) = site.serve_logged(Request::get("/closed"));
    assert_eq!(answer.calls, [Call::Fail]);
    assert!(log.contains("ValueError: read of closed file"), "{log}");
}
