//! HTTPS, with the clients that people have: curl and openssl.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::Signal;

use crate::harness::{Builder, Client, Lines, Server};

pub(super) const APP: &str = "
import os
from stage import answer
def application(environ, start_response):
    path = environ['PATH_INFO']
    if path == '/file':
        start_response('200 OK', [])
        return environ['wsgi.file_wrapper'](open('large', 'rb'))
    if path == '/echo':
        body = environ['wsgi.input'].read()
        start_response('200 OK', [('Content-Length', str(len(body)))])
        return [body]
    if path == '/pid':
        return answer(start_response, f'pid={os.getpid()}\\n')
    names = ('wsgi.url_scheme', 'HTTPS', 'REMOTE_ADDR')
    shown = [name for name in environ if name.startswith('SSL_') or name in names]
    text = lambda name: environ[name].encode('latin-1').decode()
    return answer(start_response, ''.join(f'{name}={text(name)}\\n' for name in sorted(shown)))
";

fn run(command: &mut Command) -> (bool, String) {
    let tool = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("`{tool}`: {error}"));
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// openssl, in this folder.
pub(super) fn openssl(folder: &Path, arguments: &[&str]) -> (bool, String) {
    run(Command::new("openssl").current_dir(folder).args(arguments))
}

pub(super) fn made(folder: &Path, arguments: &[&str]) {
    let (is_done, text) = openssl(folder, arguments);
    assert!(is_done, "{arguments:?}: {text}");
}

/// A certificate of itself for these names, and its key: `NAME.pem` and `NAME.key`.
pub(super) fn certify(folder: &Path, file: &str, names: &[&str]) {
    let names: Vec<_> = names.iter().map(|name| format!("DNS:{name}")).collect();
    let extension = format!("subjectAltName={}", names.join(","));
    let (key, certificate, subject) = (format!("{file}.key"), format!("{file}.pem"), format!("/CN={file}"));
    let request = ["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    let rest =
        ["-days", "9", "-keyout", &key, "-out", &certificate, "-subj", &subject, "-addext", &extension];
    made(folder, &[&request[..], &rest].concat());
}

/// A server with the certificate `site.pem` for `site.test`, not yet started.
pub(super) fn builder(arguments: &[&str]) -> Builder {
    let builder = Server::wsgi(APP).args(["--certfile", "site.pem", "--keyfile", "site.key"]);
    certify(builder.folder(), "site", &["site.test"]);
    builder.args(arguments.iter().copied())
}

/// Where it listens, without the address.
pub(super) fn port(server: &Server) -> String {
    server.addresses()[0].rsplit_once(':').unwrap().1.to_owned()
}

/// curl, which believes `CA.pem` and takes every name for that of the server.
pub(super) fn curl(server: &Server, authority: &str, arguments: &[&str]) -> (bool, String) {
    let port = port(server);
    let mut command = Command::new("curl");
    command.current_dir(server.folder()).args(["--silent", "--show-error", "--noproxy", "*"]);
    command.args(["--connect-to", &format!("::127.0.0.1:{port}"), "--cacert", authority]);
    run(command.args(arguments))
}

#[track_caller]
pub(super) fn get(server: &Server, authority: &str, arguments: &[&str]) -> String {
    let (is_done, text) = curl(server, authority, arguments);
    assert!(is_done, "{arguments:?}: {text}");
    text
}

/// curl, which shows `NAME.pem`.
fn showing(server: &Server, name: &str) -> (bool, String) {
    let (certificate, key) = (format!("{name}.pem"), format!("{name}.key"));
    curl(server, "site.pem", &["--cert", &certificate, "--key", &key, "https://site.test/"])
}

/// The value of a variable in the answer of the application.
fn value<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

/// A connection of `openssl s_client` that stays open.
pub(super) struct Talk {
    process: Child,
    pub(super) lines: Lines,
}

impl Talk {
    pub(super) fn begin(server: &Server, arguments: &[&str]) -> Self {
        let port = format!("127.0.0.1:{}", port(server));
        let mut command = Command::new("openssl");
        command.current_dir(server.folder()).args(["s_client", "-quiet", "-connect", &port]).args(arguments);
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("`openssl`");
        let stdout: ChildStdout = process.stdout.take().unwrap();
        Self { process, lines: Lines::of(stdout) }
    }

    /// Asks for a path; the answer is in the lines sooner or later.
    pub(super) fn ask(&mut self, path: &str) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: site.test\r\n\r\n");
        self.process.stdin.as_mut().unwrap().write_all(request.as_bytes()).unwrap();
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn versions_from_1_2_on_are_spoken_and_the_application_learns_of_it() {
    let server = builder(&[]).start();
    server.wait_log("Listening at: https://127.0.0.1:");
    for (option, version) in [("1.2", "TLSv1.2"), ("1.3", "TLSv1.3")] {
        let (option, most) = (format!("--tlsv{option}"), ["--tls-max", option]);
        let answer = get(&server, "site.pem", &[&[&*option][..], &most, &["https://site.test/"]].concat());
        for (name, expected) in [
            ("SSL_PROTOCOL", version),
            ("SSL_TLS_SNI", "site.test"),
            ("SSL_CLIENT_VERIFY", "NONE"),
            ("HTTPS", "on"),
            ("wsgi.url_scheme", "https"),
        ] {
            assert_eq!(value(&answer, name), Some(expected), "{name} in {answer}");
        }
        assert!(value(&answer, "SSL_CIPHER").unwrap().contains("_GCM_") || version == "TLSv1.2", "{answer}");
    }
    let port = format!("127.0.0.1:{}", port(&server));
    let old = ["s_client", "-connect", &port, "-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"];
    let (is_done, text) = openssl(server.folder(), &old);
    assert!(!is_done && text.contains("alert"), "{text}");
}

#[test]
fn the_oldest_version_and_the_ciphers_are_as_set() {
    let server = builder(&["--tls-min", "1.3"]).start();
    let old = ["--tls-max", "1.2", "https://site.test/"];
    assert!(!curl(&server, "site.pem", &old).0);
    assert!(curl(&server, "site.pem", &["https://site.test/"]).0);
    drop(server);
    let cipher = "ECDHE-ECDSA-CHACHA20-POLY1305";
    let server = builder(&["--ciphers", cipher]).start();
    assert_eq!(value(&get(&server, "site.pem", &old), "SSL_CIPHER"), Some(cipher));
    assert!(
        !curl(&server, "site.pem", &[&["--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"][..], &old].concat()).0
    );
}

#[test]
fn the_name_that_is_asked_for_chooses_the_certificate() {
    let builder = builder(&["--certfile", "other.pem", "--keyfile", "other.key"]);
    certify(builder.folder(), "other", &["other.test", "*.wild.test"]);
    let server = builder.start();
    for (authority, host) in
        [("site.pem", "site.test"), ("other.pem", "other.test"), ("other.pem", "a.wild.test")]
    {
        let answer = get(&server, authority, &[&format!("https://{host}/")]);
        assert_eq!(value(&answer, "SSL_TLS_SNI"), Some(host));
    }
    assert!(!curl(&server, "other.pem", &["https://site.test/"]).0);
}

#[test]
fn bodies_and_files_of_10_mib_arrive_as_they_are() {
    let server = builder(&[]).start();
    let large: Vec<u8> = (0..10_485_760_u32).map(|index| (index / 3 % 251) as u8).collect();
    fs::write(server.folder().join("large"), &large).unwrap();
    for path in ["/file", "/echo"] {
        let url = format!("https://site.test{path}");
        get(&server, "site.pem", &["--data-binary", "@large", "--output", "received", &url]);
        assert!(fs::read(server.folder().join("received")).unwrap() == large, "{path}");
    }
}

#[test]
fn a_client_shows_its_certificate() {
    let builder = builder(&["--ca-certs", "authority.pem", "--cert-reqs", "2"]);
    let folder = builder.folder();
    certify(folder, "authority", &["authority"]);
    certify(folder, "stranger", &["stranger"]);
    let request = ["req", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    let of = ["-keyout", "carla.key", "-out", "carla.csr", "-subj", "/O=Shop/CN=carla"];
    // Without any extension it would be of X.509 version 1.
    made(folder, &[&request[..], &of, &["-addext", "keyUsage=digitalSignature"]].concat());
    let signed = ["-CA", "authority.pem", "-CAkey", "authority.key", "-set_serial", "0x2a", "-days", "9"];
    let of = ["x509", "-req", "-copy_extensions", "copy", "-in", "carla.csr", "-out", "carla.pem"];
    made(folder, &[&of[..], &signed].concat());
    let server = builder.start();
    let (is_done, answer) = showing(&server, "carla");
    assert!(is_done, "{answer}");
    for (name, expected) in [
        ("SSL_CLIENT_VERIFY", "SUCCESS"),
        ("SSL_CLIENT_S_DN", "CN=carla,O=Shop"),
        ("SSL_CLIENT_I_DN", "CN=authority"),
        ("SSL_CLIENT_M_SERIAL", "2A"),
        ("SSL_CLIENT_CERT", "-----BEGIN CERTIFICATE-----"),
    ] {
        assert_eq!(value(&answer, name), Some(expected), "{name} in {answer}");
    }
    assert!(!showing(&server, "stranger").0);
    assert!(!curl(&server, "site.pem", &["https://site.test/"]).0);
}

#[test]
fn a_certificate_that_a_client_has_made_is_believed_when_it_is_listed() {
    let builder = builder(&["--ca-certs", "list.pem", "--cert-reqs", "2"]);
    let folder = builder.folder().to_owned();
    for name in ["carla", "other", "stranger"] {
        certify(&folder, name, &[name]);
    }
    let listed = ["carla", "other"].map(|name| fs::read(folder.join(format!("{name}.pem"))).unwrap());
    fs::write(folder.join("list.pem"), listed.concat()).unwrap();
    let server = builder.start();
    for (name, expected) in [("carla", true), ("stranger", false), ("other", true)] {
        let (is_done, answer) = showing(&server, name);
        assert_eq!(is_done, expected, "{answer}");
        let subject = format!("CN={name}");
        assert_eq!(value(&answer, "SSL_CLIENT_S_DN"), expected.then_some(&*subject), "{answer}");
    }
}

#[test]
fn the_application_gets_the_bytes_of_a_subject_as_pep_3333_wants_them() {
    let builder = builder(&["--ca-certs", "carla.pem", "--cert-reqs", "2"]);
    let subject = "/C=PL/O=Łódź/O=Shop, Inc./CN=Müller/emailAddress=carla@shop.test/serialNumber=7";
    let request = ["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-utf8"];
    let rest = ["-days", "9", "-subj", subject, "-set_serial", "0xFF01AB"];
    let files = ["-keyout", "carla.key", "-out", "carla.pem"];
    made(builder.folder(), &[&request[..], &rest, &files].concat());
    let server = builder.start();
    let (_, answer) = showing(&server, "carla");
    let described = ["x509", "-in", "carla.pem", "-noout", "-subject", "-serial"];
    let format = ["-nameopt", "RFC2253,-esc_msb"];
    let (_, described) = openssl(server.folder(), &[&described[..], &format].concat());
    for (name, field) in [("SSL_CLIENT_S_DN", "subject"), ("SSL_CLIENT_M_SERIAL", "serial")] {
        assert_eq!(value(&answer, name), value(&described, field), "{answer}");
    }
    assert_eq!(value(&answer, "SSL_CLIENT_I_DN"), value(&answer, "SSL_CLIENT_S_DN"));
}

#[test]
fn a_refused_certificate_is_in_the_log_and_other_failures_are_not() {
    let builder = builder(&["--ca-certs", "list.pem", "--cert-reqs", "2"]);
    let folder = builder.folder().to_owned();
    for name in ["old", "stranger"] {
        certify(&folder, name, &[name]);
    }
    made(&folder, &["req", "-new", "-key", "old.key", "-subj", "/CN=old", "-out", "old.csr"]);
    let signed = ["-signkey", "old.key", "-days", "-1", "-out", "old.pem"];
    made(&folder, &[&["x509", "-req", "-in", "old.csr"][..], &signed].concat());
    fs::copy(folder.join("old.pem"), folder.join("list.pem")).unwrap();
    let server = builder.start();
    let mut garbage = server.client();
    garbage.send(b"\x16\x03\x01\x00\x05hello");
    drop(garbage);
    for version in ["1.2", "1.3"] {
        assert!(!curl(&server, "site.pem", &["--tls-max", version, "https://site.test/"]).0);
    }
    assert!(!showing(&server, "stranger").0);
    let unknown = "it is neither in `--ca-certs` nor vouched for by an authority there";
    server.wait_log(&format!("[INFO] Client certificate from ip=127.0.0.1 refused: {unknown}"));
    assert!(!showing(&server, "old").0);
    server.wait_log("[INFO] Client certificate from ip=127.0.0.1 refused: certificate expired: ");
    assert_eq!(server.log().text().matches("refused").count(), 2);
    assert!(!server.log().text().contains("handshake"));
}

/// Connects with the session in this file until both workers have been met; whether each time it was resumed.
fn resumes_everywhere(server: &Server, version: &str) -> bool {
    let mut met = std::collections::BTreeSet::new();
    for _ in 0..100 {
        let mut talk = Talk::begin(server, &["-servername", "site.test", version, "-sess_in", "session"]);
        talk.ask("/");
        let resumed = talk.lines.wait("SSL_SESSION_RESUMED=");
        talk.ask("/pid");
        met.insert(talk.lines.wait("pid="));
        if !resumed.ends_with("Resumed") {
            return false;
        }
        if met.len() == 2 {
            return true;
        }
    }
    panic!("only {met:?} has answered");
}

#[test]
fn a_session_is_resumed_by_any_worker_and_after_a_reload() {
    let server = builder(&[]).workers(2).start();
    for version in ["-tls1_2", "-tls1_3"] {
        let _ = fs::remove_file(server.folder().join("session"));
        let mut first = Talk::begin(&server, &["-servername", "site.test", version, "-sess_out", "session"]);
        first.ask("/");
        first.lines.wait("SSL_SESSION_RESUMED=Initial");
        drop(first);
        assert!(resumes_everywhere(&server, version), "{version}");
    }
    server.signal(Signal::SIGHUP);
    server.wait_log("Reload complete: generation 2");
    assert!(resumes_everywhere(&server, "-tls1_3"));
}

#[test]
fn clients_are_sent_to_https_and_told_to_stay() {
    let server = builder(&["--https-redirect", "127.0.0.1:0", "--hsts", "60; includeSubDomains"]).start();
    let line = server.wait_log("Redirecting to HTTPS at: http://");
    let plain = line.split_once("http://").unwrap().1.split_once(' ').unwrap().0.to_owned();
    let mut client = Client::tcp(&plain);
    let direct = format!("site.test:{}", plain.rsplit_once(':').unwrap().1);
    let target = format!("https://site.test:{}/a?b=c", port(&server));
    for (request, host, status, target) in [
        ("GET", &*direct, 301, &*target),
        ("POST", &direct, 308, &target),
        // As it comes through a router that maps its port 80 to this one.
        ("GET", "site.test", 301, "https://site.test/a?b=c"),
        ("GET", "site.test:80", 301, "https://site.test/a?b=c"),
    ] {
        client.send(format!("{request} /a?b=c HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        let answer = client.response();
        assert_eq!((answer.status, answer.header("Location")), (status, Some(target)), "{host}");
        assert_eq!(answer.header("Strict-Transport-Security"), None);
    }
    let mut client = Client::tcp(&plain);
    client.send("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n");
    assert_eq!(client.response().status, 400);
    let head = get(&server, "site.pem", &["--head", "https://site.test/"]);
    assert!(head.contains("\r\nStrict-Transport-Security: max-age=60; includeSubDomains\r\n"), "{head}");
}

#[test]
fn a_proxy_header_comes_before_tls() {
    let server = builder(&["--proxy-protocol", "auto"]).start();
    let answer = get(&server, "site.pem", &["--haproxy-protocol", "https://site.test/"]);
    assert_eq!((value(&answer, "HTTPS"), value(&answer, "REMOTE_ADDR")), (Some("on"), Some("127.0.0.1")));
    let mut client = server.client();
    client.send("PROXY TCP4 192.0.2.9 192.0.2.1 4711 443\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response().status, 400);
    server.wait_log("Invalid request from ip=192.0.2.9: a plain HTTP request on an address for HTTPS (400)");
}

#[test]
fn what_is_no_handshake_does_no_harm() {
    let server = builder(&["--header-timeout", "2"]).start();
    let mut plain = server.client();
    plain.ask("/");
    let answer = plain.response();
    assert!(answer.status == 400 && answer.text().contains("plain HTTP request"), "{answer:?}");
    // The beginning of a hello, and nothing more.
    let mut slow = server.client();
    slow.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    assert!(slow.is_closed_silently());
    server.wait_log("the TLS handshake did not come to its end in time (408)");
    for length in 0..64_usize {
        let bytes: Vec<u8> =
            (0..length).map(|index| [0x16, 3, 1, 0, 60, 1, 0, 0][index % 8] ^ (length as u8)).collect();
        let mut client = server.client();
        client.send(bytes);
        drop(client);
    }
    let worker = server.worker_pid();
    assert_eq!(get(&server, "site.pem", &["https://site.test/pid"]), format!("pid={worker}\n"));
}
