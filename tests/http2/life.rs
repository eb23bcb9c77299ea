//! What real clients get, and what becomes of their connections when workers are replaced.

use std::fs;
use std::process::Command;

use nix::sys::signal::Signal;

use super::frames::{Frame, Wire, is_late};
use crate::harness::{Builder, Server};

const APP: &str = "
import stage

def application(environ, start_response):
    body = environ['wsgi.input'].read()
    path = environ['PATH_INFO']
    if path == '/wait':
        stage.tell('reached')
        stage.wait('gate')
    if path == '/environ':
        names = ['SERVER_PROTOCOL', 'HTTP_HOST', 'HTTP_COOKIE', 'wsgi.url_scheme', 'REQUEST_URI', 'RAW_URI', 'QUERY_STRING']
        body = '\\n'.join(f'{name}={environ.get(name)}' for name in names).encode()
    start_response('200 OK', [('Content-Type', 'application/octet-stream')])
    return [body or b'hello']
";

/// More than a client has read when the server has sent it, and little enough for the buffers of the system.
const LARGE: usize = 700_000;
/// How much comes before the client says that it takes more (RFC 9113 section 6.9.2).
const WINDOW: usize = 65_535;

fn builder() -> Builder {
    Server::wsgi(APP).args(["--http2-cleartext", "prior-knowledge"])
}

/// Runs a tool from the Debian package of this name, for at most a minute; what it printed.
fn run(tool: &str, package: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("timeout")
        .args(["60", tool])
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("`timeout`: {error}"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert_ne!(output.status.code(), Some(124), "{tool} {arguments:?} waits for ever");
    assert_ne!(output.status.code(), Some(127), "`{tool}` of the Debian package `{package}`: {text}");
    assert!(output.status.success(), "{tool} {arguments:?}: {text}");
    output.stdout
}

fn curl(arguments: &[&str]) -> Vec<u8> {
    let common = ["--silent", "--show-error", "--fail", "--noproxy", "*", "--http2-prior-knowledge"];
    run("curl", "curl", &[&common, arguments].concat())
}

#[test]
fn curl_sends_bodies_and_gets_them_back() {
    let server = builder().args(["--access-logfile", "-"]).start();
    let url = format!("http://{}/", server.addresses()[0]);
    let file = server.folder().join("upload");
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    fs::write(&file, &bytes).unwrap();
    assert_eq!(curl(&[&url]), b"hello");
    // Without a length, and where curl would wait for `100 Continue` under HTTP/1.1.
    assert!(curl(&["--upload-file", file.to_str().unwrap(), &url]) == bytes);
    assert!(curl(&["--data-binary", &format!("@{}", file.display()), &url]) == bytes);
    let head = String::from_utf8(curl(&["--head", &url])).unwrap();
    assert!(head.starts_with("HTTP/2 200"), "{head}");
    server.stdout().wait("\"HEAD / HTTP/2.0\" 200");
}

#[test]
fn a_body_that_the_application_does_not_read_may_come_to_its_end() {
    let app = "
def application(environ, start_response):
    start_response('200 OK', [('Content-Length', '5')])
    return [b'hello']
";
    let options = ["--http2-cleartext", "prior-knowledge", "--no-request-buffering"];
    let server = Server::wsgi(app).args(options).start();
    let mut wire = Wire::begun(&server.addresses()[0]);
    let post = Frame::new("HEADERS", "END_HEADERS", 1, super::frames::request("POST", "/"));
    wire.send(&post.bytes()).unwrap();
    let (mut left, mut window, mut seen) = (900_000, WINDOW, Vec::new());
    while left > 0 {
        let length = left.min(window).min(16_384);
        if length > 0 {
            let flags = if length == left { "END_STREAM" } else { "NONE" };
            wire.send(&Frame::new("DATA", flags, 1, vec![b'a'; length]).bytes()).unwrap();
            (left, window) = (left - length, window - length);
            continue;
        }
        let frame = wire.frame().unwrap();
        assert!(!frame.is("RST_STREAM"), "{left} bytes before the end");
        if frame.is("WINDOW_UPDATE") && frame.stream == 1 {
            window += u32::from_be_bytes(frame.payload[..4].try_into().unwrap()) as usize;
        }
        seen.push(frame.meaning());
    }
    assert!(seen.contains(&"STATUS 1 200".to_owned()), "{seen:?}");
}

#[test]
fn an_answer_that_comes_before_the_body_is_read_is_seen() {
    let refusing =
        ["--limit-request-body", "1M", "--deny-path", "/denied", "--rate-limit-path", "/rare=1r/h"];
    let server = builder().args(refusing).start();
    let url = format!("http://{}/", server.addresses()[0]);
    let file = server.folder().join("upload");
    fs::write(&file, vec![b'a'; 3_000_000]).unwrap();
    let file = format!("@{}", file.display());
    let status = |path: &str| {
        let common = ["--silent", "--show-error", "--noproxy", "*", "--http2-prior-knowledge"];
        let shown = ["--output", "/dev/null", "--write-out", "%{http_code}", "--data-binary", &file];
        let bytes = run("curl", "curl", &[&common[..], &shown, &[&format!("{url}{path}")]].concat());
        String::from_utf8(bytes).unwrap()
    };
    assert_eq!(curl(&[&format!("{url}rare")]), b"hello");
    assert_eq!(["", "denied", "rare"].map(status), ["413", "404", "429"]);
}

#[test]
fn the_application_sees_what_it_would_see_of_http_1() {
    let server = builder().start();
    let address = &server.addresses()[0];
    let url = format!("http://{address}/environ?a=b");
    let seen =
        String::from_utf8(curl(&["--header", "Host: example.org", "--cookie", "a=1; b=2", &url])).unwrap();
    let expected = "SERVER_PROTOCOL=HTTP/2.0\nHTTP_HOST=example.org\nHTTP_COOKIE=a=1; b=2\nwsgi.url_scheme=http\n\
                    REQUEST_URI=None\nRAW_URI=/environ?a=b\nQUERY_STRING=a=b";
    assert_eq!(seen, expected);
}

#[test]
fn h2load_and_nghttp_get_every_answer() {
    let server = builder().workers(2).start();
    let url = format!("http://{}/", server.addresses()[0]);
    let arguments = ["-n", "5000", "-c", "10", "-m", "20", "-t", "1", &url];
    let report = String::from_utf8(run("h2load", "nghttp2-client", &arguments)).unwrap();
    let sum = "5000 total, 5000 started, 5000 done, 5000 succeeded, 0 failed, 0 errored, 0 timeout";
    assert!(report.contains(sum), "{report}");
    assert!(report.contains("Application protocol: h2c"), "{report}");
    assert_eq!(run("nghttp", "nghttp2-client", &["--no-dep", &url]), b"hello");
}

#[test]
fn an_upgrade_is_answered_in_http_1_and_strangers_are_not_understood() {
    let server = builder().start();
    let url = format!("http://{}/", server.addresses()[0]);
    let common = ["--silent", "--show-error", "--noproxy", "*", "--http2", "--head", &url];
    let head = String::from_utf8(run("curl", "curl", &common)).unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");

    let strict = builder().args(["--forwarded-allow-ips", "192.0.2.1"]).start();
    let mut wire = Wire::begun(&strict.addresses()[0]);
    let _ = wire.send(&Frame::get(1).bytes());
    let line = strict.wait_log("(505)");
    assert!(line.contains("`--http2-cleartext`") && line.contains("`--forwarded-allow-ips`"), "{line}");
}

#[test]
fn a_request_that_runs_while_workers_are_replaced_is_answered() {
    let server = builder().start();
    let [gate, reached] = ["gate", "reached"].map(|name| server.gate(name));
    let mut wire = Wire::begun(&server.addresses()[0]);
    let wait = Frame::new("HEADERS", "END_HEADERS|END_STREAM", 1, super::frames::request("GET", "/wait"));
    wire.send(&wait.bytes()).unwrap();
    reached.wait();
    server.signal(Signal::SIGHUP);
    let seen = wire.until("GOAWAY NO_ERROR");
    assert!(seen.contains(&"GOAWAY NO_ERROR".to_owned()), "{seen:?}");
    // On its way when the client had not heard of the end.
    wire.send(&Frame::get(3).bytes()).unwrap();
    gate.open();
    let mut seen = Vec::new();
    let end = loop {
        let frame = match wire.frame() {
            Ok(frame) => frame,
            Err(error) => break error,
        };
        if frame.is("PING") && frame.flags == 0 {
            wire.send(&Frame::new("PING", "ACK", 0, frame.payload.clone()).bytes()).unwrap();
        }
        seen.push(frame.meaning());
    };
    assert!(!is_late(&end), "it is not closed: {seen:?}");
    for status in ["STATUS 1 200", "STATUS 3 200"] {
        assert!(seen.contains(&status.to_owned()), "{seen:?}");
    }
    assert_eq!(curl(&[&format!("http://{}/", server.addresses()[0])]), b"hello");
}

#[test]
fn an_answer_that_the_client_still_reads_is_not_cut_off_when_workers_are_replaced() {
    let options = ["--static", "/files=.", "--access-logfile", "-"];
    let server = builder().file("large", &"x".repeat(LARGE)).args(options).start();
    let mut wire = Wire::begun(&server.addresses()[0]);
    let get =
        Frame::new("HEADERS", "END_HEADERS|END_STREAM", 1, super::frames::request("GET", "/files/large"));
    wire.send(&get.bytes()).unwrap();
    let mut length = 0;
    while length < WINDOW {
        length += content(&wire.frame().unwrap());
    }
    server.signal(Signal::SIGHUP);
    server.wait_log("Reload complete");
    let ping = loop {
        let frame = wire.frame().unwrap();
        if frame.is("PING") {
            break frame;
        }
    };
    wire.send(&Frame::new("PING", "ACK", 0, ping.payload).bytes()).unwrap();
    let more = |stream, bytes: u32| {
        Frame::new("WINDOW_UPDATE", "NONE", stream, bytes.to_be_bytes().to_vec()).bytes()
    };
    wire.send(&[more(0, 1 << 24), more(1, 1 << 24)].concat()).unwrap();
    // It has all been given to the system, and little of it is read.
    server.stdout().wait(&format!("\"GET /files/large HTTP/2.0\" 200 {LARGE}"));
    let end = loop {
        // As every client says that goes on reading.
        wire.send(&more(0, 1)).unwrap();
        match wire.frame() {
            Ok(frame) => length += content(&frame),
            Err(error) => break error,
        }
        if length == LARGE {
            break std::io::ErrorKind::UnexpectedEof.into();
        }
    };
    assert_eq!((length, end.kind()), (LARGE, std::io::ErrorKind::UnexpectedEof));
}

fn content(frame: &Frame) -> usize {
    if frame.is("DATA") { frame.payload.len() } else { 0 }
}
