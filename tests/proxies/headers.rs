//! Headers that only proxies may send, and names with `_`.

use super::{APP, value};
use crate::harness::{Response, Server};

fn ask(server: &Server, headers: &str) -> Response {
    ask_for(server, "/", headers)
}

fn ask_for(server: &Server, path: &str, headers: &str) -> Response {
    let mut client = server.client();
    client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n"));
    client.response()
}

#[test]
fn forwarding_headers_of_strangers_are_removed_and_told_once() {
    let options = ["--forwarded-allow-ips", "192.0.2.1", "--forwarded-for", "--threads", "4"];
    let server = Server::wsgi(APP).args(options).start();
    for _ in 0..8 {
        let response = ask(
            &server,
            "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nForwarded: for=6.6.6.6\r\nX-Real-Ip: 6.6.6.6\r\n\
             X-Forwarded-Ssl: off\r\nSCRIPT_NAME: /a\r\nScript-Name: /a\r\nX-Kept: yes\r\n",
        );
        assert_eq!(value(&response, "REMOTE_ADDR"), Some("127.0.0.1"));
        assert_eq!(value(&response, "wsgi.url_scheme"), Some("http"));
        assert_eq!(value(&response, "SCRIPT_NAME"), Some(""));
        let keys = response.text().lines().filter_map(|line| line.split_once('=')?.0.strip_prefix("HTTP_"));
        assert_eq!(keys.collect::<Vec<_>>(), ["HOST", "X_KEPT"]);
    }
    for name in
        ["x-forwarded-for", "x-forwarded-proto", "forwarded", "x-real-ip", "script_name", "script-name"]
    {
        let line = format!("[WARNING] request header `{name}` is removed: `--forwarded-allow-ips`");
        server.wait_log(&line);
        assert_eq!(server.log().text().matches(&line).count(), 1, "{name}");
    }
}

#[test]
fn a_contradiction_of_scheme_headers_is_a_bad_request() {
    let server = Server::wsgi(APP).start();
    let response = ask(&server, "X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off\r\n");
    assert_eq!((response.status, response.header("Connection")), (400, Some("close")));
    server.wait_log("[WARNING] Invalid request from ip=127.0.0.1: contradictory scheme headers (400)");
    assert_eq!(value(&ask(&server, "X-Forwarded-Ssl: on\r\n"), "wsgi.url_scheme"), Some("https"));
}

#[test]
fn scheme_headers_can_be_chosen() {
    let server = Server::wsgi(APP).args(["--secure-scheme-headers", "X-Tls=yes"]).start();
    assert_eq!(value(&ask(&server, "X-Tls: yes\r\n"), "wsgi.url_scheme"), Some("https"));
    assert_eq!(value(&ask(&server, "X-Forwarded-Proto: https\r\n"), "wsgi.url_scheme"), Some("http"));
}

#[test]
fn names_with_underscores_follow_the_header_map() {
    let names = "X_Other: 1\r\nRemote_User: alice\r\n";
    for (options, other, user) in [
        (&["--header-map", "drop"][..], None, None),
        (&["--header-map", "dangerous"], Some("1"), Some("alice")),
        (&["--forwarder-headers", "REMOTE_USER"], None, Some("alice")),
        (&["--forwarder-headers", "*"], Some("1"), Some("alice")),
        (&["--forwarder-headers", "*", "--forwarded-allow-ips", "192.0.2.1"], None, None),
    ] {
        let server = Server::wsgi(APP).args(options.iter().copied()).start();
        let response = ask(&server, names);
        assert_eq!(value(&response, "HTTP_X_OTHER"), other, "{options:?}");
        assert_eq!(value(&response, "HTTP_REMOTE_USER"), user, "{options:?}");
    }
}

#[test]
fn names_with_underscores_can_be_refused() {
    let server =
        Server::wsgi(APP).args(["--header-map", "refuse", "--forwarder-headers", "REMOTE_USER"]).start();
    assert_eq!(ask(&server, "X_Other: 1\r\n").status, 400);
    assert_eq!(value(&ask(&server, "Remote_User: alice\r\n"), "HTTP_REMOTE_USER"), Some("alice"));
}

#[test]
fn a_client_cannot_stand_in_for_the_user_that_the_proxy_names() {
    let server = Server::wsgi(APP).args(["--forwarder-headers", "REMOTE_USER"]).start();
    let response = ask(&server, "Remote_User: alice\r\nRemote-User: admin\r\n");
    assert_eq!(value(&response, "HTTP_REMOTE_USER"), Some("alice"));
}

#[test]
fn the_root_path_is_cut_off_where_it_is_there() {
    let server = Server::wsgi(APP).args(["--root-path", "/app/"]).start();
    for (path, rest) in [("/app/x", "/x"), ("/app", ""), ("/apple", "/apple"), ("/x", "/x")] {
        let response = ask_for(&server, path, "");
        assert_eq!(value(&response, "SCRIPT_NAME"), Some("/app"));
        assert_eq!(value(&response, "PATH_INFO"), Some(rest), "{path}");
        assert_eq!(value(&response, "RAW_URI"), Some(path));
    }
}
