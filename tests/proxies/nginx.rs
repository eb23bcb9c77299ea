//! Behind nginx.

use super::frontend::Frontend;
use super::{APP, value};
use crate::harness::{Builder, Server};

/// A server and nginx in front of it, which forwards everything with the usual headers.
struct Site {
    server: Server,
    nginx: Frontend,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Upstream {
    Tcp,
    Unix,
}

fn site(upstream: Upstream, builder: Builder, directives: &str) -> Site {
    let builder = if upstream == Upstream::Unix { builder.bind(Some("unix:socket")) } else { builder };
    let server = builder.start();
    let address = match upstream {
        Upstream::Tcp => server.addresses().swap_remove(0),
        Upstream::Unix => format!("unix:{}", server.folder().join("socket").display()),
    };
    let nginx = Frontend::nginx(&format!(
        "upstream app {{ server {address}; keepalive 4; }}
         server {{
             LISTEN
             client_max_body_size 0;
             location / {{
                 proxy_pass http://app;
                 proxy_set_header Host $http_host;
                 proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                 proxy_set_header X-Forwarded-Proto https;
                 {directives}
             }}
         }}"
    ));
    Site { server, nginx }
}

const HTTP_1_0: &str = "proxy_http_version 1.0;";
const HTTP_1_1: &str = "proxy_http_version 1.1; proxy_set_header Connection '';";

#[test]
fn the_application_learns_what_nginx_says_over_tcp_and_unix_in_both_versions() {
    for upstream in [Upstream::Tcp, Upstream::Unix] {
        for (directives, protocol) in [(HTTP_1_0, "HTTP/1.0"), (HTTP_1_1, "HTTP/1.1")] {
            let site = site(upstream, Server::wsgi(APP), directives);
            let mut client = site.nginx.client();
            for _ in 0..3 {
                let response = client.get("/a%20b?c");
                let context = format!("{upstream:?} {directives}");
                assert_eq!(value(&response, "SERVER_PROTOCOL"), Some(protocol), "{context}");
                assert_eq!(value(&response, "PATH_INFO"), Some("/a b"), "{context}");
                assert_eq!(value(&response, "HTTP_HOST"), Some("test"), "{context}");
                assert_eq!(value(&response, "HTTP_X_FORWARDED_FOR"), Some("127.0.0.1"), "{context}");
                assert_eq!(value(&response, "wsgi.url_scheme"), Some("https"), "{context}");
                let remote = if upstream == Upstream::Tcp { "127.0.0.1" } else { "" };
                assert_eq!(value(&response, "REMOTE_ADDR"), Some(remote), "{context}");
            }
        }
    }
}

#[test]
fn nginx_keeps_its_connections_over_http_1_1() {
    for (directives, is_kept) in [(HTTP_1_0, false), (HTTP_1_1, true)] {
        let site = site(Upstream::Tcp, Server::wsgi(APP), directives);
        let mut client = site.nginx.client();
        let (first, second) = (client.get("/"), client.get("/"));
        let is_same = value(&first, "REMOTE_PORT") == value(&second, "REMOTE_PORT");
        assert_eq!(is_same, is_kept, "{directives}");
    }
}

#[test]
fn the_client_is_whom_nginx_names() {
    for upstream in [Upstream::Tcp, Upstream::Unix] {
        let builder = Server::wsgi(APP).args(["--forwarded-for", "--access-logfile", "-"]);
        let site = site(upstream, builder, HTTP_1_1);
        let mut client = site.nginx.client();
        // nginx adds 127.0.0.1, which is a trusted hop, to what it gets.
        client.send("GET / HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: 6.6.6.6, 203.0.113.9\r\n\r\n");
        let response = client.response();
        assert_eq!(value(&response, "REMOTE_ADDR"), Some("203.0.113.9"), "{upstream:?}");
        assert_eq!(value(&response, "REMOTE_PORT"), None, "{upstream:?}");
        assert!(site.server.stdout().wait("\"GET / ").starts_with("203.0.113.9 - - ["), "{upstream:?}");
    }
}

#[test]
fn nginx_on_a_unix_socket_is_believed_only_when_the_setting_says_so() {
    for (allowed, scheme, forwarded) in [
        ("127.0.0.1,::1", "http", None),
        ("unix", "https", Some("127.0.0.1")),
        ("*", "https", Some("127.0.0.1")),
    ] {
        let builder = Server::wsgi(APP).args(["--forwarded-allow-ips", allowed]);
        let site = site(Upstream::Unix, builder, HTTP_1_1);
        let response = site.nginx.client().get("/");
        assert_eq!(value(&response, "wsgi.url_scheme"), Some(scheme), "{allowed}");
        assert_eq!(value(&response, "HTTP_X_FORWARDED_FOR"), forwarded, "{allowed}");
        if forwarded.is_none() {
            site.server.wait_log("[WARNING] request header `x-forwarded-for` is removed");
        }
    }
}

#[test]
fn nginx_mounts_the_application_below_a_path() {
    let directives = format!("{HTTP_1_1} proxy_set_header SCRIPT_NAME /app;");
    let site = site(Upstream::Tcp, Server::wsgi(APP), &directives);
    let mut client = site.nginx.client();
    for (path, rest) in [("/app/x%20y?z", "/x y"), ("/app", "")] {
        let response = client.get(path);
        assert_eq!(value(&response, "SCRIPT_NAME"), Some("/app"));
        assert_eq!(value(&response, "PATH_INFO"), Some(rest));
        assert_eq!(value(&response, "RAW_URI"), Some(path));
    }
    assert_eq!(client.get("/apple").status, 400);
}

#[test]
fn a_large_upload_arrives_whole() {
    // What `sha256` of Python gives for it, the application says itself.
    let body: Vec<u8> = (0..5_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    for upstream in [Upstream::Tcp, Upstream::Unix] {
        for buffering in ["on", "off"] {
            let directives = format!("{HTTP_1_1} proxy_request_buffering {buffering};");
            let site = site(upstream, Server::wsgi(APP), &directives);
            let mut sent = Vec::new();
            for framing in ["chunked", "length"] {
                let mut client = site.nginx.client();
                if framing == "chunked" {
                    client.send("POST /upload HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
                    for chunk in body.chunks(100_000) {
                        client.send(format!("{:x}\r\n", chunk.len()));
                        client.send([chunk, b"\r\n"].concat());
                    }
                    client.send("0\r\n\r\n");
                } else {
                    let length = body.len();
                    client.send(format!(
                        "POST /upload HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n"
                    ));
                    client.send(&body);
                }
                sent.push(client.response().text().to_owned());
            }
            assert!(sent[0].starts_with("5000000 "), "{sent:?}");
            assert_eq!(sent[0], sent[1], "{upstream:?} {buffering}");
        }
    }
}

#[test]
fn a_stream_passes_nginx_as_it_comes() {
    for (upstream, version) in
        [(Upstream::Tcp, HTTP_1_1), (Upstream::Unix, HTTP_1_1), (Upstream::Tcp, HTTP_1_0)]
    {
        let builder = Server::wsgi(APP);
        let gate = builder.gate("on");
        let site = site(upstream, builder, &format!("{version} proxy_buffering off;"));
        let mut client = site.nginx.client();
        client.ask("/stream");
        client.wait_for("first,");
        gate.open();
        let response = client.response();
        assert_eq!((response.text(), response.is_whole), ("first,second", true), "{upstream:?} {version}");
    }
}
