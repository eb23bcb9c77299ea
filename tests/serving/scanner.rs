//! What a scanner of TLS servers finds, as anybody lets it loose on a new site: testssl.sh.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::tls::{APP, made, port};
use crate::harness::{Builder, Server};

/// What the scanner says of every server here, and why it is none of the server's business.
const EXCUSED: [(&str, &str); 2] = [
    ("cert_revocation", "the certificate is its own authority, and nobody else could revoke it"),
    ("engine_problem", "a warning about the OpenSSL that the scanner runs on"),
];

/// What it says where there is nothing to complain about.
const HARMLESS: [&str; 2] = ["OK", "INFO"];

/// What it found in one place.
#[derive(Debug)]
struct Finding {
    place: String,
    severity: String,
    text: String,
}

/// What the scanner finds at `site.test`, whose certificate it believes.
fn scan(server: &Server, checks: &[&str]) -> Vec<Finding> {
    let port = port(server);
    let output = Command::new("timeout")
        .current_dir(server.folder())
        .args(["120", "testssl", "--quiet", "--color", "0", "--warnings", "off"])
        // Nothing here is in the DNS.
        .args(["--nodns", "none", "--ip", "127.0.0.1", "--add-ca", "site.pem"])
        .args(["--jsonfile", "findings.json"])
        .args(checks)
        .arg(format!("site.test:{port}"))
        .stdin(Stdio::null())
        .output()
        .expect("`timeout`");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_ne!(output.status.code(), Some(127), "`testssl` of the Debian package `testssl.sh` is missing");
    let json =
        fs::read(server.folder().join("findings.json")).unwrap_or_else(|error| panic!("{error}: {text}"));
    let json: Value = serde_json::from_slice(&json).unwrap_or_else(|error| panic!("{error}: {text}"));
    let word = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let findings: Vec<_> = json
        .as_array()
        .expect("a list")
        .iter()
        .map(|finding| Finding {
            place: word(finding, "id"),
            severity: word(finding, "severity"),
            text: word(finding, "finding"),
        })
        .collect();
    assert!(findings.iter().any(|finding| finding.place == "scanTime"), "not to its end: {text}");
    findings
}

/// What has to be said of places, by how it begins.
#[track_caller]
fn expect(findings: &[Finding], expected: &[(&str, &str)]) {
    for (place, text) in expected {
        let found = findings.iter().find(|finding| finding.place == *place);
        assert!(found.is_some_and(|found| found.text.starts_with(text)), "{place}, not `{text}`: {found:?}");
    }
}

fn complaints(findings: &[Finding]) -> Vec<&Finding> {
    let is_excused = |place: &str| EXCUSED.iter().any(|(excused, _)| place == *excused);
    findings
        .iter()
        .filter(|finding| !HARMLESS.contains(&finding.severity.as_str()) && !is_excused(&finding.place))
        .collect()
}

/// With a certificate as an authority would sign it.
fn builder() -> Builder {
    let builder = Server::wsgi(APP).args(["--certfile", "site.pem", "--keyfile", "site.key"]);
    let key = ["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    let files = ["-days", "300", "-keyout", "site.key", "-out", "site.pem", "-subj", "/CN=site.test"];
    let extensions = ["-addext", "subjectAltName=DNS:site.test", "-addext", "extendedKeyUsage=serverAuth"];
    made(builder.folder(), &[&key[..], &files, &extensions].concat());
    builder
}

#[test]
fn a_scanner_finds_nothing_to_complain_about() {
    let server = builder().args(["--http-protocols", "h2,h1"]).start();
    let findings = scan(&server, &["--protocols", "--std", "--fs", "--server-defaults"]);
    let expected = [
        ("SSLv2", "not offered"),
        ("SSLv3", "not offered"),
        ("TLS1", "not offered"),
        ("TLS1_1", "not offered"),
        ("TLS1_2", "offered"),
        ("TLS1_3", "offered"),
        ("cipherlist_NULL", "not offered"),
        ("cipherlist_LOW", "not offered"),
        ("cipherlist_3DES_IDEA", "not offered"),
    ];
    expect(&findings, &expected);
    assert!(complaints(&findings).is_empty(), "{:#?}", complaints(&findings));
}

#[test]
fn a_scanner_finds_none_of_the_known_holes() {
    let server = builder().start();
    // Heartbleed, CCS, Ticketbleed, ROBOT, CRIME, BREACH, POODLE, fallback, SWEET32, FREAK, DROWN, Logjam, BEAST, Lucky 13, RC4.
    let holes = ["-H", "-I", "-T", "-BB", "-C", "-B", "-O", "-Z", "-W", "-F", "-D", "-J", "-A", "-L", "-4"];
    let findings = scan(&server, &holes);
    expect(
        &findings,
        &[("heartbleed", "not vulnerable"), ("ROBOT", "not vulnerable"), ("RC4", "not vulnerable")],
    );
    assert!(complaints(&findings).is_empty(), "{:#?}", complaints(&findings));
}

#[test]
fn a_scanner_finds_nothing_below_the_oldest_version() {
    let server = builder().args(["--tls-min", "1.3"]).start();
    let findings = scan(&server, &["--protocols"]);
    expect(&findings, &[("TLS1_1", "not offered"), ("TLS1_2", "not offered"), ("TLS1_3", "offered")]);
}
