//! A site without a certificate gets one, keeps it over a restart, and says what is wrong where it gets none.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::authority::{Authority, run, text};
use crate::harness::{Builder, Server, have_sockets_in_common};

const APP: &str = "
def application(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [environ['wsgi.url_scheme'].encode()]
";

const DOMAINS: &str = "example.test,www.example.test";

fn builder(authority: &Authority, domains: &str) -> Builder {
    builder_at(authority.port(), authority, domains)
}

fn builder_at(port: u16, authority: &Authority, domains: &str) -> Builder {
    let bind = format!("127.0.0.1:{port}");
    let builder = Server::wsgi(APP).bind(Some(&bind)).workers(2);
    builder.args(["--reuse-port", "--acme-domain", domains]).args([
        "--acme-server",
        &authority.url(),
        "--acme-ca-file",
        text(&authority.root()),
    ])
}

/// Asks as somebody who believes the authority does.
fn ask(authority: &Authority, name: &str) -> Vec<u8> {
    let (port, issuer) = (authority.port(), authority.issuer());
    let resolve = format!("{name}:{port}:127.0.0.1");
    let url = format!("https://{name}:{port}/");
    run("curl", &["-s", "-S", "--noproxy", "*", "--cacert", text(&issuer), "--resolve", &resolve, &url])
}

#[test]
fn a_certificate_is_ordered_used_and_kept() {
    let authority = Authority::start();
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().join("acme");
    let start = || builder(&authority, DOMAINS).args(["--acme-dir", text(&folder)]).start();
    let mut server = start();
    server.wait_log("New certificate for example.test, www.example.test");
    server.wait_log("The certificates have changed");
    for name in ["example.test", "www.example.test"] {
        assert_eq!(ask(&authority, name), b"https");
    }
    let mode = |name: &str| folder.join(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(["", "certificate.pem", "account.json"].map(mode), [0o700, 0o600, 0o600]);
    assert_eq!(fs::read_dir(folder.join("challenges")).unwrap().count(), 0);
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));

    let first = fs::read(folder.join("certificate.pem")).unwrap();
    let server = start();
    assert_eq!(ask(&authority, "www.example.test"), b"https");
    assert!(!server.log().text().contains("Ordering"), "what is there is good for months");
    assert!(fs::read(folder.join("certificate.pem")).unwrap() == first);
}

#[test]
fn a_certificate_for_other_domains_is_replaced() {
    let authority = Authority::start();
    let state = tempfile::tempdir().unwrap();
    let start = |domains| builder(&authority, domains).args(["--acme-dir", text(state.path())]).start();
    let mut server = start("example.test");
    server.wait_log("New certificate for example.test");
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
    let server = start("other.test");
    server.wait_log("New certificate for other.test");
    server.wait_log("The certificates have changed");
    assert_eq!(ask(&authority, "other.test"), b"https");
}

#[test]
fn a_certificate_from_another_authority_is_replaced() {
    let (first, state) = (Authority::start(), tempfile::tempdir().unwrap());
    let second = Authority::looking_at(first.port());
    let start =
        |authority| builder(authority, "example.test").args(["--acme-dir", text(state.path())]).start();
    let from_first = format!("The certificate is from {}: it stays in use", first.url());
    let mut server = start(&first);
    server.wait_log("New certificate for example.test");
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));

    // Who gave it was not always taken down.
    fs::remove_file(state.path().join("authority")).unwrap();
    let elsewhere = Authority::start();
    let mut server =
        builder_at(first.port(), &elsewhere, "example.test").args(["--acme-dir", text(state.path())]).start();
    server.wait_log(&from_first);
    server.wait_log(&format!("Ordering a certificate for example.test from {}", elsewhere.url()));
    server.wait_log("no certificate for example.test: ");
    assert_eq!(ask(&first, "example.test"), b"https");
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));

    let mut server = start(&second);
    server.wait_log(&from_first);
    server.wait_log("New certificate for example.test");
    server.wait_log("The certificates have changed");
    assert_eq!(ask(&second, "example.test"), b"https");
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
    let server = start(&second);
    assert_eq!(ask(&second, "example.test"), b"https");
    assert!(!server.log().text().contains("Ordering"), "what is there is good for months");
}

#[test]
fn a_certificate_whose_time_is_nearly_over_is_renewed() {
    let authority = Authority::start();
    let state = tempfile::tempdir().unwrap();
    let certificate = state.path().join("certificate.pem");
    // Two thirds of its thirty years are over.
    let mut params = rcgen::CertificateParams::new(["example.test".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2000, 1, 1);
    params.not_after = rcgen::date_time_ymd(2030, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let old = key.serialize_pem() + &params.self_signed(&key).unwrap().pem();
    fs::write(&certificate, &old).unwrap();
    let server = builder(&authority, "example.test").args(["--acme-dir", text(state.path())]).start();
    server.wait_log("The certificates have changed");
    assert_eq!(ask(&authority, "example.test"), b"https");
    assert_ne!(fs::read_to_string(&certificate).unwrap(), old);
}

#[test]
fn where_the_authority_cannot_be_reached_the_site_is_served_and_told() {
    let authority = Authority::start();
    let state = tempfile::tempdir().unwrap();
    let server = Server::wsgi(APP)
        .args(["--acme-domain", "example.test", "--acme-dir", text(state.path())])
        .args(["--acme-server", "https://localhost:1/dir", "--acme-ca-file", text(&authority.root())])
        .start();
    server.wait_log("no certificate for example.test: cannot open an account at the authority");
    let url = format!("https://{}/", server.addresses()[0]);
    assert_eq!(run("curl", &["-s", "-S", "-k", "--noproxy", "*", &url]), b"https");
}

#[test]
fn a_keeper_that_was_killed_is_started_again() {
    let (authority, state) = (Authority::start(), tempfile::tempdir().unwrap());
    let mut server = Server::wsgi(APP)
        .args(["--acme-domain", "example.test", "--acme-dir", text(state.path())])
        .args(["--acme-server", "https://localhost:1/dir", "--acme-ca-file", text(&authority.root())])
        .start();
    let ordering = server.wait_log("Ordering a certificate");
    let (_, rest) = ordering.split_once("] [").unwrap();
    let first: i32 = rest.split_once(']').unwrap().0.parse().unwrap();
    kill(Pid::from_raw(first), Signal::SIGKILL).unwrap();
    server.wait_log(&format!(
        "The keeper of the certificate (pid:{first}) was sent SIGKILL: another one is started in 5 s"
    ));
    let again = server.wait_log("The keeper of the certificate was started again (pid:");
    let (_, second) = again.split_once("(pid:").unwrap();
    let second = second.trim_end_matches(')').parse().unwrap();
    server.wait_log(&format!("[{second}] [INFO] Ordering a certificate for example.test"));
    assert!(!have_sockets_in_common(server.pid(), second), "it would keep the port");
    // As systemd stops a unit: nobody is missed then.
    server.signal_group(Signal::SIGTERM);
    assert_eq!(server.wait_exit().code(), Some(0));
    assert_eq!(server.log().text().matches("The keeper of the certificate").count(), 2);
}
