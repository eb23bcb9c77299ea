//! What a proxy adds to environ, and which of its headers reach the application.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use pyo3::Python;

use super::mock::{Proxy, Request};
use super::recorder::logged;
use super::site::{Site, python};
use crate::HeaderRules;
use crate::header_rules::Sender;
use crate::names::Names;

/// Keeps the environ of the last request.
const KEEP: &str = "
def application(environ, start_response):
    global kept
    kept = environ
    start_response('200 OK', [])
    return []
";

const TRUSTED: Proxy = Proxy { is_trusted: true, is_https: false, script_name: b"", has_preface: false };

/// `SCRIPT_NAME`, `PATH_INFO` and `RAW_URI`.
fn mounted(script_name: &'static [u8], target: &str) -> String {
    let site = Site::new(KEEP);
    site.serve(Request::get(target).behind(Proxy { script_name, ..TRUSTED }));
    site.eval("' '.join(kept[key] for key in ('SCRIPT_NAME', 'PATH_INFO', 'RAW_URI'))")
}

#[test]
fn the_mount_point_is_cut_off_the_path() {
    assert_eq!(mounted(b"/app", "/app/x"), "'/app /x /app/x'");
    assert_eq!(mounted(b"/app", "/app"), "'/app  /app'");
    assert_eq!(mounted(b"/a b", "/a%20b/c%20d?q"), "'/a b /c d /a%20b/c%20d?q'");
}

#[test]
fn a_path_beside_the_mount_point_is_left_alone() {
    assert_eq!(mounted(b"/app", "/apple"), "'/app /apple /apple'");
    assert_eq!(mounted(b"/app", "/x/app"), "'/app /x/app /x/app'");
}

#[test]
fn a_client_of_the_proxy_may_speak_tls() {
    let site = Site::new(KEEP);
    let https = Proxy { is_https: true, ..TRUSTED };
    site.serve(Request::get("/").header("host", "test").over_unix_socket().behind(https));
    assert_eq!(site.eval("kept['wsgi.url_scheme'], kept['SERVER_PORT']"), "('https', '443')");
}

#[test]
fn a_proxy_header_shows_where_the_client_connected_to() {
    let site = Site::new(KEEP);
    site.serve(Request::get("/").behind(Proxy { has_preface: true, ..TRUSTED }));
    let eval = "[kept['PROXY_' + key] for key in ('PROTOCOL', 'ADDR', 'PORT')]";
    assert_eq!(site.eval(eval), "['TCP4', '198.51.100.2', '443']");
    site.serve(Request::get("/"));
    assert_eq!(site.eval("[key for key in kept if key.startswith('PROXY_')]"), "[]");
}

#[test]
fn forwarding_headers_of_strangers_are_removed_and_told_once() {
    let request = || Request::get("/").header("x-forwarded-for", "6.6.6.6").header("x-other", "kept");
    let site = Site::new(KEEP);
    let keys = "[key for key in kept if key.startswith('HTTP_')]";
    let served = site.serve_all([request(), request()]);
    assert_eq!(site.eval(keys), "['HTTP_X_OTHER']");
    assert_eq!(served.log.matches("`x-forwarded-for` is removed").count(), 1, "{}", served.log);
    assert!(served.log.contains("`--forwarded-allow-ips`"), "{}", served.log);
    let served = site.serve_all([request(), request().behind(TRUSTED)]);
    assert_eq!(site.eval("kept['HTTP_X_FORWARDED_FOR']"), "'6.6.6.6'");
    assert_eq!(served.answers.len(), 2);
}

#[test]
fn the_threads_of_a_worker_tell_the_log_once() {
    python();
    let (rules, headers) = (Arc::new(HeaderRules::default()), HeaderMap::new());
    let sender = Sender { is_trusted: false, is_unix: false, headers: &headers };
    let (_, log) = logged(|| {
        for _ in 0..2 {
            let mut names = Names::new(Arc::clone(&rules));
            let name = HeaderName::from_static("x-real-ip");
            Python::attach(|py| assert!(names.entry(py, &name, sender).is_none()));
        }
    });
    assert_eq!(log.matches("`x-real-ip` is removed").count(), 1, "{log}");
}
