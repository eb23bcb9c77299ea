//! `--compress`: what clients get, and when.

use std::fs;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use crate::harness::{Client, Response, Server};

const APP: &str = "
import json
from stage import say, wait

PAGE = json.dumps([{'id': n, 'name': f'user {n * n}'} for n in range(300)]).encode()
LINES = b''.join(b'%d: %d\\n' % (n, n * n) for n in range(6000))

def events(environ):
    for number in range(3):
        yield b'data: %d\\n\\n' % number
        wait('next')

def large(environ, count):
    try:
        for _ in range(count):
            yield LINES
    finally:
        say(environ, 'closed')

def broken():
    yield PAGE
    raise RuntimeError

HEADERS = {
    '/tagged': [('ETag', '\"a\"'), ('Vary', 'Cookie')],
    '/coded': [('Content-Encoding', 'x-own')],
    '/fixed': [('Cache-Control', 'private, no-transform')],
    '/cookie': [('Set-Cookie', 'a=1')],
    '/binary': [('Content-Type', 'image/png')],
    '/part': [('Content-Range', 'bytes 0-9/10')],
}

def application(environ, start_response):
    path = environ['PATH_INFO']
    kind = 'text/event-stream' if path == '/events' else 'application/json'
    headers = [('Content-Type', kind)] if path != '/binary' else []
    headers += HEADERS.get(path, [])
    if path == '/unchanged':
        start_response('304 Not Modified', [('ETag', '\"a\"')])
        return []
    start_response('200 OK', headers)
    match path:
        case '/events':
            return events(environ)
        case '/large':
            return large(environ, int(environ['QUERY_STRING']))
        case '/broken':
            return broken()
        case '/small':
            return [b'small']
        case '/three':
            return [PAGE * 20]
    return [PAGE]
";

/// What the application sends, and one line after the other of its large answer.
fn page() -> Vec<u8> {
    let item = |number: u32| format!("{{\"id\": {number}, \"name\": \"user {}\"}}", number * number);
    format!("[{}]", (0..300).map(item).collect::<Vec<_>>().join(", ")).into_bytes()
}

fn lines() -> Vec<u8> {
    (0..6000_u32).flat_map(|number| format!("{number}: {}\n", number * number).into_bytes()).collect()
}

fn ask(client: &mut Client, method: &str, path: &str, accept: &str) {
    client.send(format!("{method} {path} HTTP/1.1\r\nHost: test\r\nAccept-Encoding: {accept}\r\n\r\n"));
}

fn get(server: &Server, path: &str, accept: &str) -> Response {
    let mut client = server.client();
    ask(&mut client, "GET", path, accept);
    client.response()
}

/// By gzip(1), which complains when the end is missing.
fn gunzip(bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut command = Command::new("gzip");
    command.arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut gzip = command.spawn().unwrap();
    let mut stdin = gzip.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(bytes).unwrap());
        gzip.wait_with_output().unwrap()
    });
    (output.stdout, output.status.success())
}

fn decode(response: &Response) -> Vec<u8> {
    let mut decoded = Vec::new();
    match response.header("Content-Encoding") {
        None => return response.body.clone(),
        Some("gzip") => {
            let (decoded, is_whole) = gunzip(&response.body);
            assert!(is_whole);
            return decoded;
        }
        Some("br") => {
            brotli::Decompressor::new(&*response.body, 4096).read_to_end(&mut decoded).unwrap();
        }
        Some("zstd") => zstd::stream::copy_decode(&*response.body, &mut decoded).unwrap(),
        Some(other) => panic!("{other}"),
    }
    decoded
}

#[test]
fn every_coding_is_one_that_others_read() {
    let log = ["--access-logfile", "-", "--access-logformat", "%(U)s %(B)s"];
    for threads in ["1", "2"] {
        let server = Server::wsgi(APP).args(["--compress", "--threads", threads]).args(log).start();
        for (accept, expected) in [
            ("gzip", Some("gzip")),
            ("gzip, br", Some("br")),
            ("gzip, deflate, br, zstd", Some("zstd")),
            ("gzip;q=1, zstd;q=0.5", Some("gzip")),
            ("identity", None),
        ] {
            for (path, text) in
                [("/page", page()), ("/three", page().repeat(20)), ("/large?3", lines().repeat(3))]
            {
                let response = get(&server, path, accept);
                assert_eq!(response.header("Content-Encoding"), expected, "{path} {accept}");
                assert_eq!(response.header("Vary"), Some("Accept-Encoding"), "{path} {accept}");
                assert!(response.is_whole && decode(&response) == text, "{path} {accept}");
                let (path, _) = path.split_once('?').unwrap_or((path, ""));
                server.stdout().wait(&format!("{path} {}", response.body.len()));
            }
        }
    }
}

#[test]
fn the_settings_decide_what_is_compressed() {
    let server = Server::wsgi(APP).start();
    let plain = get(&server, "/page", "gzip");
    assert_eq!((plain.header("Content-Encoding"), plain.header("Vary")), (None, None));
    let options =
        ["--compress", "--compress-codings", "gzip", "--compress-types", "image/*", "--compress-level", "9"];
    let server = Server::wsgi(APP).args(options).args(["--compress-min-size", "3K"]).start();
    for (path, accept, expected) in [
        ("/binary", "br, gzip", Some("gzip")),
        ("/binary", "br", None),
        ("/page", "gzip", None),
        ("/small", "gzip", None),
    ] {
        assert_eq!(get(&server, path, accept).header("Content-Encoding"), expected, "{path} {accept}");
    }
}

#[test]
fn answers_are_left_as_they_are_that_must_be() {
    let server = Server::wsgi(APP).args(["--compress"]).start();
    for (path, method, expected) in [
        ("/cookie", "POST", None),
        ("/cookie", "GET", Some("gzip")),
        ("/page", "POST", Some("gzip")),
        ("/coded", "GET", Some("x-own")),
        ("/fixed", "GET", None),
        ("/binary", "GET", None),
        ("/part", "GET", None),
        ("/small", "GET", None),
    ] {
        let mut client = server.client();
        ask(&mut client, method, path, "gzip");
        let response = client.response();
        assert_eq!(response.header("Content-Encoding"), expected, "{method} {path}");
        let varies = expected == Some("gzip");
        assert_eq!(response.header("Vary").is_some(), varies, "{method} {path}");
        let text = if path == "/small" { b"small".to_vec() } else { page() };
        assert_eq!(if varies { decode(&response) } else { response.body }, text, "{method} {path}");
    }
    let unchanged = get(&server, "/unchanged", "gzip");
    assert_eq!((unchanged.status, unchanged.header("ETag")), (304, Some("\"a\"")));
    let server = Server::wsgi(APP).args(["--compress", "--compress-set-cookie"]).start();
    let mut client = server.client();
    ask(&mut client, "POST", "/cookie", "gzip");
    assert_eq!(client.response().header("Content-Encoding"), Some("gzip"));
}

#[test]
fn head_and_get_say_the_same_and_a_tag_is_a_weak_one() {
    let server = Server::wsgi(APP).args(["--compress"]).start();
    let mut client = server.client();
    for path in ["/tagged", "/page", "/three", "/large?1"] {
        ask(&mut client, "HEAD", path, "br");
        let head = client.head();
        ask(&mut client, "GET", path, "br");
        let get = client.response();
        for name in ["Content-Encoding", "Vary", "ETag", "Content-Type"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
        assert_eq!(get.header("Content-Encoding"), Some("br"));
        assert_eq!(head.header("Content-Length"), None);
    }
    let tagged = get(&server, "/tagged", "gzip");
    assert_eq!(
        (tagged.header("ETag"), tagged.header("Vary")),
        (Some("W/\"a\""), Some("Cookie, Accept-Encoding"))
    );
    let plain = get(&server, "/tagged", "");
    assert_eq!(
        (plain.header("ETag"), plain.header("Vary")),
        (Some("\"a\""), Some("Cookie, Accept-Encoding"))
    );
}

#[test]
fn each_event_arrives_while_the_application_waits() {
    let builder = Server::wsgi(APP).args(["--compress", "--compress-types", "default,text/event-stream"]);
    let gate = builder.gate("next");
    let server = builder.start();
    for accept in ["gzip", "br", "zstd"] {
        let mut client = server.client();
        ask(&mut client, "GET", "/events", accept);
        assert_eq!(client.head().header("Content-Encoding"), Some(accept));
        let mut body = Vec::new();
        let mut expected = String::new();
        for number in 0..3 {
            expected += &format!("data: {number}\n\n");
            while so_far(accept, &body) != expected.as_bytes() {
                body.extend(client.chunk());
            }
            gate.open();
        }
        loop {
            let chunk = client.chunk();
            if chunk.is_empty() {
                break;
            }
            body.extend(chunk);
        }
        assert_eq!(so_far(accept, &body), expected.as_bytes());
        // The connection goes on.
        assert_eq!(client.get("/small").text(), "small");
    }
}

/// What can be read of an answer that has not ended.
fn so_far(coding: &str, bytes: &[u8]) -> Vec<u8> {
    let mut decoder: Box<dyn Read + '_> = match coding {
        "gzip" => Box::new(flate2::read::GzDecoder::new(bytes)),
        "br" => Box::new(brotli::Decompressor::new(bytes, 4096)),
        _ => Box::new(zstd::Decoder::new(bytes).unwrap()),
    };
    let mut decoded = Vec::new();
    let mut byte = [0; 1];
    while let Ok(1) = decoder.read(&mut byte) {
        decoded.push(byte[0]);
    }
    decoded
}

#[test]
fn events_are_not_compressed_unless_they_are_named() {
    let builder = Server::wsgi(APP).args(["--compress"]);
    let gate = builder.gate("next");
    let server = builder.start();
    (0..3).for_each(|_| gate.open());
    let response = get(&server, "/events", "gzip");
    assert_eq!((response.header("Content-Encoding"), response.header("Vary")), (None, None));
    assert_eq!(response.text(), "data: 0\n\ndata: 1\n\ndata: 2\n\n");
}

#[test]
fn an_answer_that_breaks_off_is_not_taken_for_a_whole_one() {
    let server = Server::wsgi(APP).args(["--compress"]).start();
    let response = get(&server, "/broken", "gzip");
    server.wait_log("RuntimeError");
    assert!(!response.is_whole);
    let (text, is_whole) = gunzip(&response.body);
    assert_eq!((text, is_whole), (page(), false));
    assert_eq!(get(&server, "/small", "gzip").text(), "small");
}

#[test]
fn a_client_that_goes_away_ends_the_answer() {
    for threads in ["1", "2"] {
        let server =
            Server::wsgi(APP).args(["--compress", "--response-temp-max", "1M", "--threads", threads]).start();
        for (count, accept) in ["gzip", "br", "zstd"].into_iter().enumerate() {
            let mut client = server.client();
            ask(&mut client, "GET", "/large?1000000", accept);
            assert_eq!(client.head().header("Content-Encoding"), Some(accept));
            drop(client);
            server.wait_log_times("closed", count + 1);
        }
        assert_eq!(get(&server, "/small", "gzip").text(), "small");
    }
}

#[test]
fn a_large_answer_takes_little_memory() {
    const COUNT: usize = 400;
    let server = Server::wsgi(APP).args(["--compress", "--workers", "1"]).start();
    let peak = || {
        let status = fs::read_to_string(format!("/proc/{}/status", server.worker_pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    };
    get(&server, "/large?2", "zstd");
    let before = peak();
    let response = get(&server, &format!("/large?{COUNT}"), "zstd");
    let text = decode(&response);
    assert!(text.len() > 30 << 20 && text == lines().repeat(COUNT));
    let more = peak() - before;
    assert!(more < 8 << 20, "{more} bytes more for {} bytes", text.len());
}

#[test]
fn static_files_are_compressed_as_pages_are() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("app.js"), page()).unwrap();
    fs::write(folder.path().join("photo.jpg"), page()).unwrap();
    let at = format!("/static={}", folder.path().display());
    let server = Server::wsgi(APP).args(["--compress", "--static", &at]).start();
    // What is in memory is sent as what has just been read.
    for _ in 0..2 {
        for (accept, coding) in
            [("gzip", Some("gzip")), ("gzip, br", Some("br")), ("zstd", Some("zstd")), ("identity", None)]
        {
            let response = get(&server, "/static/app.js", accept);
            assert_eq!(response.header("Content-Encoding"), coding);
            assert_eq!(response.header("Vary"), Some("Accept-Encoding"));
            assert!(coding.is_none() || response.body.len() < page().len() / 3);
            assert_eq!(decode(&response), page());
            let tag = response.header("ETag").unwrap();
            let again = get(&server, "/static/app.js", &format!("{accept}\r\nIf-None-Match: {tag}"));
            assert_eq!(again.status, 304, "{tag}");
        }
        let response = get(&server, "/static/photo.jpg", "gzip");
        assert_eq!((response.header("Content-Encoding"), response.header("Vary")), (None, None));
    }
}
