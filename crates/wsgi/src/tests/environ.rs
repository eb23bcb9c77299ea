//! PEP 3333, "environ Variables": every key, and the odd requests.

use super::mock::Request;
use super::site::Site;

/// Keeps the environ of the last request.
const KEEP: &str = "
def application(environ, start_response):
    global kept
    kept = environ
    start_response('200 OK', [])
    return []
";

/// The value of `key` as `repr` shows it, `None` when it is not there.
fn value(request: Request, key: &str) -> String {
    let site = Site::new(KEEP);
    site.serve(request);
    site.eval(&format!("kept.get({key:?})"))
}

fn values(request: Request, keys: &[&str]) -> Vec<String> {
    let site = Site::new(KEEP);
    site.serve(request);
    keys.iter().map(|key| site.eval(&format!("kept.get({key:?})"))).collect()
}

#[test]
fn every_key_that_a_server_owes() {
    let site = Site::new(KEEP);
    site.serve(Request::get("/a%20b/?q=%20").header("host", "example.com"));
    let expected = [
        ("REQUEST_METHOD", "'GET'"),
        ("SCRIPT_NAME", "''"),
        ("PATH_INFO", "'/a b/'"),
        ("QUERY_STRING", "'q=%20'"),
        ("RAW_URI", "'/a%20b/?q=%20'"),
        ("SERVER_NAME", "'127.0.0.1'"),
        ("SERVER_PORT", "'8000'"),
        ("SERVER_PROTOCOL", "'HTTP/1.1'"),
        ("SERVER_SOFTWARE", "'rwsgi/test'"),
        ("REMOTE_ADDR", "'192.0.2.7'"),
        ("REMOTE_PORT", "'50000'"),
        ("HTTP_HOST", "'example.com'"),
        ("wsgi.version", "(1, 0)"),
        ("wsgi.url_scheme", "'http'"),
        ("wsgi.multithread", "False"),
        ("wsgi.multiprocess", "True"),
        ("wsgi.run_once", "False"),
        ("wsgi.input_terminated", "True"),
    ];
    for (key, value) in expected {
        assert_eq!(site.eval(&format!("kept[{key:?}]")), value, "{key}");
    }
    let objects = "{'wsgi.input', 'wsgi.errors', 'wsgi.file_wrapper', 'rwsgi.deadline'}";
    let names = expected.map(|(key, _)| format!("{key:?}")).join(", ");
    assert_eq!(site.eval(&format!("set(kept) ^ ({objects} | {{{names}}})")), "set()");
    assert_eq!(site.eval("type(kept) is dict"), "True");
}

#[test]
fn each_request_has_an_environ_of_its_own() {
    let site = Site::new(
        "
def application(environ, start_response):
    events.append(str('mine' in environ) + environ['QUERY_STRING'])
    environ['mine'] = 1
    del environ['wsgi.errors']
    start_response('200 OK', [])
    return []
",
    );
    let served = site.serve_all([Request::get("/?a"), Request::get("/")]);
    assert_eq!(served.log, "");
    assert_eq!(site.events(), "Falsea False");
}

#[test]
fn a_path_is_decoded_to_latin_1() {
    let path = |target| value(Request::get(target), "PATH_INFO");
    assert_eq!(path("/caf%C3%A9"), "'/cafÃ©'");
    assert_eq!(path("/%ff%fe"), "'/ÿþ'");
    assert_eq!(path("/a%2Fb"), "'/a/b'");
    assert_eq!(path("/a%00b"), r"'/a\x00b'");
    assert_eq!(path("//a//b/../c"), "'//a//b/../c'");
    assert_eq!(path("/100%"), "'/100%'");
    assert_eq!(path("/%zz"), "'/%zz'");
    assert_eq!(path("/a+b"), "'/a+b'");
}

#[test]
fn raw_uri_is_the_target_as_it_came() {
    let raw = |target| value(Request::get(target), "RAW_URI");
    assert_eq!(raw("/a%2Fb?c=%00"), "'/a%2Fb?c=%00'");
    assert_eq!(raw("/plain"), "'/plain'");
    assert_eq!(raw("/plain?"), "'/plain?'");
    assert_eq!(raw("http://example.com/a?b"), "'http://example.com/a?b'");
    // The same text as the path that was decoded before must not be taken for this request's target.
    let site = Site::new(KEEP);
    site.serve_all([Request::get("/%61"), Request::get("/a")]);
    assert_eq!(site.eval("kept['RAW_URI']"), "'/a'");
}

#[test]
fn an_absolute_target_leaves_only_its_path() {
    let keys = ["PATH_INFO", "QUERY_STRING", "HTTP_HOST"];
    let request = Request::get("http://example.com/a?b").header("host", "other.example");
    assert_eq!(values(request, &keys), ["'/a'", "'b'", "'other.example'"]);
}

#[test]
fn options_star_has_an_empty_path() {
    let request = Request::new("OPTIONS", "*");
    assert_eq!(values(request, &["REQUEST_METHOD", "PATH_INFO", "RAW_URI"]), ["'OPTIONS'", "''", "'*'"]);
}

#[test]
fn an_empty_query_and_none_are_both_empty() {
    assert_eq!(value(Request::get("/?"), "QUERY_STRING"), "''");
    assert_eq!(value(Request::get("/"), "QUERY_STRING"), "''");
    assert_eq!(value(Request::get("/?a=1?b=/"), "QUERY_STRING"), "'a=1?b=/'");
}

#[test]
fn http_1_0_is_named() {
    let request = Request::get("/").version(http::Version::HTTP_10);
    assert_eq!(value(request, "SERVER_PROTOCOL"), "'HTTP/1.0'");
}

#[test]
fn any_token_is_a_method() {
    assert_eq!(value(Request::new("PROPFIND", "/"), "REQUEST_METHOD"), "'PROPFIND'");
}

#[test]
fn header_values_are_latin_1() {
    let request = Request::get("/").header("x-name", b"caf\xe9");
    assert_eq!(value(request, "HTTP_X_NAME"), "'café'");
    let request = Request::get("/").header("x-name", "café");
    assert_eq!(value(request, "HTTP_X_NAME"), "'cafÃ©'");
}

#[test]
fn repeated_headers_are_joined() {
    let request = Request::get("/")
        .header("via", "192.0.2.1")
        .header("x-alone", "alone")
        .header("via", "192.0.2.2")
        .header("cookie", "a=1")
        .header("cookie", "b=2");
    assert_eq!(
        values(request, &["HTTP_VIA", "HTTP_X_ALONE", "HTTP_COOKIE"]),
        ["'192.0.2.1,192.0.2.2'", "'alone'", "'a=1; b=2'"]
    );
}

#[test]
fn a_name_with_an_underscore_cannot_pass_for_another() {
    let site = Site::new(KEEP);
    let request = Request::get("/").header("x_forwarded_for", "evil").header("content_length", "5");
    let (_, log) = site.serve_logged(request);
    assert!(log.contains("WARN request header `x_forwarded_for` is dropped"), "{log}");
    assert_eq!(site.eval("[key for key in kept if key.startswith(('HTTP_', 'CONTENT_'))]"), "[]");
}

#[test]
fn content_type_and_length_have_no_http_form() {
    let request = Request::post(b"hello").header("content-type", "text/plain").header("content-length", "5");
    let keys = ["CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"];
    assert_eq!(values(request, &keys), ["'text/plain'", "'5'", "None", "None"]);
    assert_eq!(values(Request::get("/"), &keys), ["None"; 4]);
}

#[test]
fn a_chunked_body_has_a_length_by_now() {
    let request = Request::post(b"hello").header("transfer-encoding", "chunked");
    assert_eq!(values(request, &["CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"]), ["'5'", "None"]);
}

#[test]
fn over_a_unix_socket_the_host_header_names_the_server() {
    let named = |host: &str| {
        let request = Request::get("/").header("host", host).over_unix_socket();
        values(request, &["SERVER_NAME", "SERVER_PORT"]).join(" ")
    };
    assert_eq!(named("example.com"), "'example.com' '80'");
    assert_eq!(named("example.com:8443"), "'example.com' '8443'");
    assert_eq!(named("[2001:db8::1]"), "'[2001:db8::1]' '80'");
    assert_eq!(named("[2001:db8::1]:81"), "'[2001:db8::1]' '81'");
    assert_eq!(named("example.com:"), "'example.com' '80'");
    let keys = ["SERVER_NAME", "SERVER_PORT", "REMOTE_ADDR", "REMOTE_PORT"];
    let request = Request::get("/").over_unix_socket();
    assert_eq!(values(request, &keys), ["'localhost'", "'80'", "''", "None"]);
}

#[test]
fn a_secured_connection_has_its_variables() {
    let keys = ["HTTPS", "SSL_TLS_SNI"];
    assert_eq!(values(Request::get("/").secured(1, "a.test"), &keys), ["'on'", "'a.test'"]);
    let forged = Request::get("/").header("https", "on").header("ssl-tls-sni", "b.test");
    assert_eq!(values(forged, &keys), ["None"; 2]);
}

#[test]
fn what_is_said_of_a_secured_connection_is_latin_1() {
    let value = value(Request::get("/").secured(1, "Łódź"), "SSL_TLS_SNI");
    assert_eq!(value, r"'Å\x81Ã³dÅº'");
}

#[test]
fn a_request_does_not_show_the_headers_of_the_one_before() {
    let site = Site::new(KEEP);
    site.serve_all([
        Request::post(b"x").header("authorization", "secret").header("content-type", "text/plain"),
        Request::get("/").header("accept", "*/*"),
    ]);
    assert_eq!(
        site.eval("sorted(key for key in kept if key.startswith(('HTTP_', 'CONTENT_')))"),
        "['HTTP_ACCEPT']"
    );
    assert_eq!(site.eval("kept['REQUEST_METHOD'], kept['wsgi.input'].read()"), "('GET', b'')");
}
