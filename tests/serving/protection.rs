//! What is refused before the application is asked (`--allow-host`, `--deny-path`, `--rate-limit`), and `--header`.

use std::collections::HashSet;
use std::fs;

use nix::sys::signal::Signal;

use crate::harness::{Client, Response, Server};

const APP: &str = "
import os
from stage import answer
def application(environ, start_response):
    match environ['PATH_INFO']:
        case '/own':
            return answer(start_response, 'own', ('X-Frame-Options', 'SAMEORIGIN'))
        case '/stream':
            start_response('200 OK', [])
            return iter([b'a', b'b'])
        case '/fail':
            raise ValueError('as told')
    return answer(start_response, os.getpid())
";

fn ask(client: &mut Client, request: &str, headers: &str) -> Response {
    client.send(format!("{request} HTTP/1.1\r\nHost: test\r\n{headers}\r\n"));
    client.response()
}

/// The status of an answer to a client behind a proxy.
fn from(server: &Server, client: &str) -> u16 {
    ask(&mut server.client(), "GET /", &format!("X-Forwarded-For: {client}\r\n")).status
}

#[test]
fn a_limit_is_one_for_all_workers() {
    let server = Server::wsgi(APP).args(["--rate-limit", "1r/h,burst=30"]).workers(3).start();
    let mut clients: Vec<Client> = (0..60).map(|_| server.client()).collect();
    clients.iter_mut().for_each(|client| client.ask("/"));
    let (passed, refused): (Vec<Response>, Vec<Response>) =
        clients.iter_mut().map(Client::response).partition(|response| response.status == 200);
    assert_eq!((passed.len(), refused.len()), (30, 30));
    let workers: HashSet<&str> = passed.iter().map(Response::text).collect();
    assert!(workers.len() > 1, "{workers:?}");
    for response in refused {
        assert_eq!(response.status, 429);
        let wait: u64 = response.header("Retry-After").unwrap().parse().unwrap();
        assert!((3500..=3600).contains(&wait), "{wait}");
        assert!(response.text().contains("429 Too Many Requests"), "{}", response.text());
    }
    // Whoever was refused may ask on, for what it likes.
    assert_eq!(clients[0].get("/").status, 429);
    assert_eq!(clients[0].get("/other").status, 429);
    let line =
        server.wait_log("[WARNING] Too many requests from ip=127.0.0.1: more than `1r/h,burst=30` (429)");
    assert_eq!(server.log().text().matches("Too many requests").count(), 1, "{line}");
}

#[test]
fn a_trusted_proxy_names_the_client_and_nobody_else_does() {
    let options = ["--rate-limit", "1r/h,burst=2", "--forwarded-for", "--forwarded-allow-ips", "127.0.0.1"];
    let server = Server::wsgi(APP).args(options).workers(2).start();
    for client in ["203.0.113.1", "203.0.113.2", "::ffff:203.0.113.3", "2001:db8:0:1::1"] {
        let statuses = [0; 3].map(|_| from(&server, client));
        assert_eq!(statuses, [200, 200, 429], "{client}");
    }
    assert_eq!(from(&server, "203.0.113.3"), 429, "the same in its other form");
    for neighbour in ["2001:db8:0:1::2", "2001:db8:0:1:ffff:ffff:ffff:ffff"] {
        assert_eq!(from(&server, neighbour), 429, "{neighbour}");
    }
    assert_eq!(from(&server, "2001:db8:0:2::1"), 200, "another network");
    assert_eq!(from(&server, "203.0.113.9, 203.0.113.1"), 429, "what the client made up does not count");
    let statuses = [1, 2, 3, 4].map(|number| {
        let mut stranger = Client::tcp_from("127.0.0.2", &server.addresses()[0]);
        ask(&mut stranger, "GET /", &format!("X-Forwarded-For: 198.51.100.{number}\r\n")).status
    });
    assert_eq!(statuses, [200, 200, 429, 429]);
    server.wait_log("Too many requests from ip=127.0.0.2: ");
}

#[test]
fn clients_without_an_address_are_not_limited() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let bind = format!("unix:{}", socket.display());
    let server = Server::wsgi(APP).bind(Some(&bind)).args(["--rate-limit=1r/h", "--forwarded-for"]).start();
    let mut client = Client::unix(&socket);
    for _ in 0..5 {
        assert_eq!(client.get("/").status, 200);
    }
    let statuses = [0; 2].map(|_| ask(&mut client, "GET /", "X-Forwarded-For: 203.0.113.1\r\n").status);
    assert_eq!(statuses, [200, 429], "one that the proxy names has an address");
    drop(server);
}

#[test]
fn a_proxy_that_is_not_heard_is_told_in_the_log() {
    let server = Server::wsgi(APP).args(["--rate-limit", "1r/h"]).start();
    assert_eq!([0; 2].map(|_| from(&server, "203.0.113.1")), [200, 429]);
    server.wait_log(
        "more than `1r/h` (429); it is a proxy, whose clients are told apart with `--forwarded-for`",
    );
}

#[test]
fn a_file_and_the_environment_say_the_same() {
    let settings = "
        allow_host = [\"test\", \".example.com\"]
        deny_path = \"*.php,/.env\"
        [rate_limit_path]
        \"GET:/login/\" = \"1r/h\"
        [header]
        X-Frame-Options = \"DENY\"
    ";
    let server =
        Server::wsgi(APP).file("rwsgi.toml", settings).env("RWSGI_RATE_LIMIT", "1r/h,burst=2").start();
    let mut client = server.client();
    let statuses = ["/x.php", "/", "/login/", "/login/", "/", "/"].map(|path| client.get(path).status);
    assert_eq!(statuses, [404, 200, 200, 429, 200, 429]);
    assert_eq!(client.get("/").header("X-Frame-Options"), Some("DENY"));
    client.send("GET / HTTP/1.1\r\nHost: other\r\n\r\n");
    assert_eq!(client.response().status, 421);
}

const LOGIN: &str = "
from urllib.parse import parse_qs
from stage import answer
def application(environ, start_response):
    form = parse_qs(environ['wsgi.input'].read().decode())
    if environ['REQUEST_METHOD'] == 'POST' and form.get('password') == ['right']:
        return answer(start_response, 'welcome')
    return answer(start_response, 'try again')
";

#[test]
fn passwords_can_be_tried_so_often() {
    let options = ["--rate-limit-path", "POST:/admin/login/=1r/h,burst=3", "--rate-limit", "1000r/s"];
    let server = Server::wsgi(LOGIN).args(options).workers(2).start();
    let try_one = |path: &str, password: &str| {
        let body = format!("password={password}");
        let length = format!("Content-Length: {}\r\n", body.len());
        let mut client = server.client();
        client.send(format!("POST {path} HTTP/1.1\r\nHost: a\r\n{length}\r\n{body}"));
        client.response()
    };
    assert_eq!(try_one("/admin/login/", "wrong").text(), "try again");
    assert_eq!(try_one("/admin/login/?next=/", "right").text(), "welcome");
    assert_eq!(try_one("/admin/%6cogin/", "wrong").text(), "try again");
    for path in ["/admin/login/", "/admin/login", "//admin/./%6cogin/", "/x/../admin/login/"] {
        let response = try_one(path, "right");
        assert_eq!((response.status, response.header("Connection")), (429, Some("close")), "{path}");
    }
    assert_eq!(server.get("/admin/login/").text(), "try again", "to look at the form is not limited");
    assert_eq!(try_one("/admin/logins/", "right").text(), "welcome");
    let line = "Too many requests from ip=127.0.0.1: more than `POST:/admin/login/=1r/h,burst=3` (429)";
    server.wait_log(line);
    assert_eq!(server.log().text().matches("Too many requests").count(), 1);
}

#[test]
fn a_reload_forgets_nobody_and_a_changed_limit_begins_anew() {
    for preload in [&[][..], &["--preload"]] {
        let settings = "rate_limit = \"1r/h,burst=3\"\n";
        let server = Server::wsgi(APP)
            .file("rwsgi.toml", settings)
            .args(["--workers", "2"].iter().chain(preload))
            .workers(2)
            .start();
        assert_eq!([0; 2].map(|_| server.get("/").status), [200; 2]);
        let reload = |generation: usize| {
            server.signal(Signal::SIGHUP);
            server.wait_log(&format!("Reload complete: generation {generation}, "));
        };
        reload(2);
        assert_eq!([0; 3].map(|_| server.get("/").status), [200, 429, 429], "{preload:?}");
        fs::write(server.folder().join("rwsgi.toml"), "rate_limit = \"2r/h\"\n").unwrap();
        reload(3);
        assert_eq!([0; 3].map(|_| server.get("/").status), [200, 200, 429], "{preload:?}");
    }
}

#[test]
fn denied_paths_are_not_there_however_they_are_written() {
    let options = ["--deny-path", "*.php, /.env", "--deny-path=/wp-*", "--access-logfile=-"];
    let server = Server::wsgi(APP).args(options).start();
    let mut client = server.client();
    for path in [
        "/.env",
        "/%2eenv",
        "/%2E%65nv",
        "//.env",
        "/x/../.env",
        "/x/%2e%2e/.env",
        "/.env/x",
        "/.env?a",
        "/index.php",
        "/a/b.ph%70",
        "/wp-login",
        "/wp-admin/css/",
        "/.env/../x",
    ] {
        let response = client.get(path);
        assert_eq!((response.status, response.header("Connection")), (404, None), "{path}");
        assert!(response.text().contains("404 Not Found"), "{path}");
    }
    for path in ["/", "/x/.env", "/env", "/php", "/x?y=.php", "/blog/wp-login", "/%252eenv"] {
        assert_eq!(client.get(path).status, 200, "{path}");
    }
    server.stdout().wait("\"GET /wp-login HTTP/1.1\" 404 ");
}

#[test]
fn other_hosts_are_refused_and_health_is_told_whatever_the_host() {
    let options = ["--allow-host", "example.com,.example.org", "--allow-host=[::1]", "--health-path=/health"];
    let server = Server::wsgi(APP).args(options).start();
    let mut client = server.client();
    let mut status = |target: &str, host: &str| {
        client.send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        client.response().status
    };
    for host in
        ["example.com", "EXAMPLE.COM:2929", "example.com.", "a.b.example.org", "example.org", "[::1]:80"]
    {
        assert_eq!(status("/", host), 200, "{host}");
    }
    for host in
        ["www.example.com", "example.com.evil.net", "evilexample.org", "127.0.0.1", "[::2]", "localhost:80"]
    {
        assert_eq!(status("/", host), 421, "{host}");
        assert_eq!(status("/health/live", host), 200, "{host}");
    }
    assert_eq!(status("http://evil.net/", "example.com"), 421);
    assert_eq!(status("http://example.com/", "evil.net"), 200);
    for (head, expected) in [
        ("GET / HTTP/1.1\r\nHost: exa mple.com\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: example.com:80:80\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: example.com\r\nHost: example.com\r\n", 400),
        ("GET / HTTP/1.1\r\n", 400),
        ("GET / HTTP/1.0\r\n", 400),
        ("GET / HTTP/1.0\r\nHost: example.com\r\n", 200),
    ] {
        let mut client = server.client();
        client.send(format!("{head}\r\n"));
        assert_eq!(client.response().status, expected, "{head}");
    }
    server.wait_log(
        "[WARNING] Misdirected request from ip=127.0.0.1: `www.example.com` is no host of `allow_host` (421)",
    );
    assert_eq!(server.log().text().matches("Misdirected").count(), 1, "not for each request");
}

#[test]
fn headers_are_in_every_answer_unless_the_application_says_otherwise() {
    let options = [
        "--header=X-Frame-Options: DENY",
        "--header=Permissions-Policy: geolocation=(), camera=()",
        "--health-path=/health",
        "--deny-path=/.env",
        "--allow-host=test",
    ];
    let server = Server::wsgi(APP).args(options).start();
    for (path, status) in [("/", 200), ("/stream", 200), ("/fail", 500), ("/.env", 404), ("/health", 200)] {
        let response = server.get(path);
        assert_eq!(response.status, status, "{path}");
        assert_eq!(response.header("X-Frame-Options"), Some("DENY"), "{path}");
        assert_eq!(response.header("Permissions-Policy"), Some("geolocation=(), camera=()"), "{path}");
    }
    let own = server.get("/own");
    assert_eq!(own.header("X-Frame-Options"), Some("SAMEORIGIN"));
    assert_eq!(own.head.matches("X-Frame-Options").count(), 1, "{}", own.head);
    for (request, status) in [
        ("GARBAGE\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: other\r\n\r\n", 421),
        ("GET / HTTP/9.9\r\n\r\n", 505),
    ] {
        let mut client = server.client();
        client.send(request);
        let response = client.response();
        assert_eq!(
            (response.status, response.header("X-Frame-Options")),
            (status, Some("DENY")),
            "{request}"
        );
    }
}

#[test]
fn what_cannot_be_meant_is_refused_at_the_start() {
    for (option, value, expected) in [
        ("--rate-limit", "20/s", "such as `20r/s`"),
        ("--rate-limit-path", "login=5r/m", "`/PATH=RATE`"),
        ("--allow-host", "https://example.com", "without `http://` and without a port"),
        ("--deny-path", "*", "would refuse every path"),
        ("--header", "X-A: b\r\nSet-Cookie: c", "characters that no header may have"),
        ("--header", "Content-Length: 5", "is set by the server"),
    ] {
        let failure = Server::wsgi(APP).args([option, value]).fail();
        assert_eq!(failure.code, Some(2), "{option} {value}");
        assert!(failure.stderr.contains(expected), "{}", failure.stderr);
    }
}
