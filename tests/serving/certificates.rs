//! The files of certificates and keys: what is read, what is wrong with them, and what follows when they change.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use nix::sys::signal::Signal;

use super::tls::{APP, Talk, builder, certify, curl, get, made};
use crate::harness::Server;
use crate::starting::privileges::can_test;

#[test]
fn files_that_change_are_used_at_once_and_no_connection_is_lost() {
    let builder = Server::wsgi(APP).args(["--certfile", "live/site.pem", "--keyfile", "live/site.key"]);
    // The one that is kept is quiet for as long as the files take.
    let builder = builder.args(["--keep-alive", "60"]);
    let folder = builder.folder().to_owned();
    for (name, host) in [("one", "site.test"), ("two", "site.test")] {
        fs::create_dir(folder.join(name)).unwrap();
        certify(&folder.join(name), "site", &[host]);
    }
    symlink("one", folder.join("live")).unwrap();
    let server = builder.workers(2).start();
    let workers = server.worker_pids();
    let mut kept = Talk::begin(&server, &["-servername", "site.test"]);
    kept.ask("/pid");
    let worker = kept.lines.wait("pid=");
    let replace = |target: &str| {
        symlink(target, folder.join("next")).unwrap();
        fs::rename(folder.join("next"), folder.join("live")).unwrap();
    };
    assert!(curl(&server, "one/site.pem", &["https://site.test/"]).0);
    replace("two");
    server.wait_log("The certificates have changed and are used from the next connection on");
    for _ in 0..10 {
        get(&server, "two/site.pem", &["https://site.test/"]);
        assert!(!curl(&server, "one/site.pem", &["https://site.test/"]).0);
    }
    // Half of a pair is none.
    fs::write(folder.join("two/site.pem"), fs::read(folder.join("one/site.pem")).unwrap()).unwrap();
    server.wait_log("cannot use `");
    server.wait_log("the private key does not fit the certificate");
    server.wait_log("The certificates that were read before stay in use");
    assert!(!curl(&server, "one/site.pem", &["https://site.test/"]).0);
    replace("one");
    server.wait_log_times("The certificates have changed and are used from the next connection on", 2);
    get(&server, "one/site.pem", &["https://site.test/"]);
    kept.ask("/pid");
    kept.lines.wait_times(&worker, 2);
    assert_eq!(server.worker_pids(), workers);
    assert_eq!(server.log().text().matches("does not fit").count(), 1);
}

#[test]
fn a_reload_reads_the_files_and_refuses_broken_ones() {
    let server = builder(&[]).start();
    let before = fs::read(server.folder().join("site.pem")).unwrap();
    fs::write(server.folder().join("old.pem"), &before).unwrap();
    certify(server.folder(), "site", &["site.test"]);
    server.signal(Signal::SIGHUP);
    server.wait_log("Reload complete: generation 2");
    get(&server, "site.pem", &["https://site.test/"]);
    assert!(!curl(&server, "old.pem", &["https://site.test/"]).0);
    fs::copy(server.folder().join("site.pem"), server.folder().join("new.pem")).unwrap();
    fs::write(server.folder().join("site.pem"), &before).unwrap();
    server.signal(Signal::SIGHUP);
    server.wait_log("reload failed, still serving generation 2");
    get(&server, "new.pem", &["https://site.test/"]);
    certify(server.folder(), "site", &["site.test"]);
    server.wait_log("The certificates have changed");
    assert_eq!(server.log().text().matches("does not fit").count(), 1, "the reload has told it");
}

#[test]
fn workers_of_a_mold_have_the_certificates_too() {
    for (file, arguments) in [("gunicorn.conf.py", &[][..]), ("unused", &["--preload"])] {
        let builder = builder(arguments).file(file, "certfile = 'site.pem'\nkeyfile = 'site.key'\n");
        let folder = builder.folder().to_owned();
        let server = builder.workers(2).start();
        get(&server, "site.pem", &["https://site.test/"]);
        fs::copy(folder.join("site.pem"), folder.join("old.pem")).unwrap();
        certify(&folder, "site", &["site.test"]);
        server.wait_log("The certificates have changed");
        for _ in 0..10 {
            get(&server, "site.pem", &["https://site.test/"]);
        }
        assert!(!curl(&server, "old.pem", &["https://site.test/"]).0);
    }
}

#[test]
fn workers_need_no_right_to_the_key() {
    if !can_test() {
        return;
    }
    let builder = builder(&["--user", "54321", "--group", "54322"]);
    let folder = builder.folder().to_owned();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let lock = || fs::set_permissions(folder.join("site.key"), fs::Permissions::from_mode(0o600)).unwrap();
    lock();
    let server = builder.start();
    get(&server, "site.pem", &["https://site.test/"]);
    certify(&folder, "site", &["site.test"]);
    lock();
    server.wait_log("The certificates have changed");
    get(&server, "site.pem", &["https://site.test/"]);
}

#[test]
fn keys_of_all_usual_kinds_are_read() {
    let convert: [(&str, &[&str]); 5] = [
        ("pkcs8", &["pkey", "-in", "rsa.key", "-out", "one.key"]),
        ("pkcs1", &["rsa", "-in", "rsa.key", "-traditional", "-out", "one.key"]),
        ("encrypted", &["pkcs8", "-topk8", "-in", "rsa.key", "-out", "one.key", "-passout", "pass:secret"]),
        (
            "scrypt",
            &["pkcs8", "-topk8", "-scrypt", "-in", "rsa.key", "-out", "one.key", "-passout", "pass:secret"],
        ),
        ("sec1", &["ec", "-in", "site.key", "-out", "one.key"]),
    ];
    for (kind, arguments) in convert {
        let certificate = if kind == "sec1" { "site.pem" } else { "rsa.pem" };
        let options = ["--certfile", certificate, "--keyfile", "one.key", "--key-password-file", "password"];
        let builder = Server::wsgi(APP).args(options).file("password", "secret\n");
        certify(builder.folder(), "site", &["site.test"]);
        let rsa = ["req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "9", "-subj", "/CN=rsa"];
        let files = ["-keyout", "rsa.key", "-out", "rsa.pem", "-addext", "subjectAltName=DNS:site.test"];
        made(builder.folder(), &[&rsa[..], &files].concat());
        made(builder.folder(), arguments);
        let server = builder.start();
        get(&server, certificate, &["https://site.test/"]);
    }
}

#[test]
fn what_is_wrong_with_the_files_is_told_at_the_start() {
    let broken: [(&str, &[&str], &str); 8] = [
        ("", &["--certfile", "none.pem"], "cannot read `"),
        ("", &["--certfile", "app.py"], "there is no certificate in it"),
        ("", &["--certfile", "site.pem"], "there is no private key in it"),
        ("", &["--keyfile", "site.key"], "hint: `--certfile` is missing: name the file"),
        ("", &["--keyfile", "none.key"], "none.key` for `keyfile` from `--keyfile`"),
        (
            "other",
            &["--certfile", "site.pem", "--keyfile", "other.key"],
            "the private key does not fit the certificate",
        ),
        (
            "encrypted",
            &["--certfile", "site.pem", "--keyfile", "one.key"],
            "hint: name a file with its password by `--key-password-file`",
        ),
        (
            "encrypted",
            &["--certfile", "site.pem", "--keyfile", "one.key", "--key-password-file", "app.py"],
            "cannot be decrypted with this password",
        ),
    ];
    for (what, arguments, expected) in broken {
        for check in [&[][..], &["--check-config"]] {
            let builder = Server::wsgi(APP).args(arguments.iter().copied()).args(check.iter().copied());
            certify(builder.folder(), "site", &["site.test"]);
            if what == "other" {
                certify(builder.folder(), "other", &["site.test"]);
            }
            if what == "encrypted" {
                let to = ["-out", "one.key", "-passout", "pass:secret"];
                made(builder.folder(), &[&["pkcs8", "-topk8", "-in", "site.key"][..], &to].concat());
            }
            let failure = builder.fail();
            assert_eq!(failure.code, Some(1), "{}", failure.stderr);
            assert!(failure.stderr.contains(expected), "{arguments:?}: {}", failure.stderr);
        }
    }
}

#[test]
fn a_fetched_certificate_that_cannot_be_used_is_named() {
    for check in [&[][..], &["--check-config"]] {
        let acme = ["--acme-domain", "site.test", "--acme-dir", "acme"];
        let builder = Server::wsgi(APP).args(acme).args(check.iter().copied());
        fs::create_dir(builder.folder().join("acme")).unwrap();
        fs::write(builder.folder().join("acme/certificate.pem"), "").unwrap();
        let failure = builder.fail();
        assert_eq!(failure.code, Some(1), "{}", failure.stderr);
        for part in [
            "acme/certificate.pem` for `acme_dir` from `--acme-dir`: there is no certificate in it",
            "hint: remove it: another certificate is ordered then",
        ] {
            assert!(failure.stderr.contains(part), "{part}: {}", failure.stderr);
        }
    }
}

#[test]
fn a_certificate_that_has_expired_is_told() {
    let expire = |folder: &Path| {
        certify(folder, "site", &["site.test"]);
        made(folder, &["req", "-new", "-key", "site.key", "-subj", "/CN=old", "-out", "old.csr"]);
        let signed = ["-signkey", "site.key", "-days", "-1", "-out", "old.pem"];
        made(folder, &[&["x509", "-req", "-in", "old.csr"][..], &signed].concat());
    };
    let builder = Server::wsgi(APP).args(["--certfile", "old.pem", "--keyfile", "site.key"]);
    expire(builder.folder());
    builder.start().wait_log("/old.pem` has expired on 20");

    let fetched =
        ["--acme-domain", "site.test", "--acme-dir", ".", "--acme-server", "https://localhost:1/dir"];
    let builder = Server::wsgi(APP).args(fetched);
    let folder = builder.folder().to_owned();
    expire(&folder);
    let pair = ["site.key", "old.pem"].map(|name| fs::read(folder.join(name)).unwrap());
    fs::write(folder.join("certificate.pem"), pair.concat()).unwrap();
    builder.start().wait_log("/certificate.pem` has expired on 20");
}
