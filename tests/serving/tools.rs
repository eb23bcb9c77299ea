//! The tools that people check a server with: curl and h2load.

use std::fs;
use std::process::{Command, Output};

use crate::harness::Server;

const APP: &str = "
def application(environ, start_response):
    body = environ['wsgi.input'].read()
    start_response('200 OK', [('Content-Type', 'application/octet-stream')])
    return [body or b'hello']
";

/// Runs a tool from the Debian package of this name.
fn run(tool: &str, package: &str, arguments: &[&str]) -> Output {
    let output = Command::new(tool)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("`{tool}` of the Debian package `{package}`: {error}"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} {arguments:?}: {text}");
    output
}

fn curl(arguments: &[&str]) -> Vec<u8> {
    run("curl", "curl", &[&["--silent", "--show-error", "--fail", "--noproxy", "*"], arguments].concat())
        .stdout
}

#[test]
fn curl_sends_bodies_of_all_kinds_and_gets_them_back() {
    let server = Server::wsgi(APP).start();
    let url = format!("http://{}/", server.addresses()[0]);
    let file = server.folder().join("upload");
    let bytes: Vec<u8> = (0..3_000_000u32).map(|number| (number % 251) as u8).collect();
    fs::write(&file, &bytes).unwrap();
    let (upload, data) = (file.to_str().unwrap(), format!("@{}", file.display()));
    assert_eq!(curl(&[&url]), b"hello");
    assert_eq!(curl(&["--http1.0", &url]), b"hello");
    // curl asks for `100 Continue` before bodies of this size.
    assert_eq!(curl(&["--upload-file", upload, &url]), bytes);
    assert_eq!(curl(&["--data-binary", &data, "--header", "Transfer-Encoding: chunked", &url]), bytes);
    assert_eq!(curl(&["--http1.0", "--data-binary", &data, &url]), bytes);
    let head = String::from_utf8(curl(&["--head", &url])).unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
}

#[test]
fn h2load_gets_every_answer() {
    let server = Server::wsgi(APP).workers(2).start();
    let url = format!("http://{}/", server.addresses()[0]);
    let output = run("h2load", "nghttp2-client", &["--h1", "-n", "5000", "-c", "50", "-t", "1", &url]);
    let report = String::from_utf8(output.stdout).unwrap();
    let sum = "5000 total, 5000 started, 5000 done, 5000 succeeded, 0 failed, 0 errored, 0 timeout";
    assert!(report.contains(sum), "{report}");
}
