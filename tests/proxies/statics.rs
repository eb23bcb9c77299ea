//! The same files sent by nginx and by us: status and the fields that clients act on.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::time::{Duration, UNIX_EPOCH};

use super::frontend::Frontend;
use crate::harness::{Client, Response, Server};

const APP: &str = "
from stage import answer
def application(environ, start_response):
    return answer(start_response, 'application')
";

/// What is compared where nothing else is said.
const FIELDS: [&str; 6] =
    ["Vary", "Content-Length", "Last-Modified", "Content-Range", "Content-Encoding", "Cache-Control"];

struct Both {
    server: Server,
    nginx: Frontend,
}

impl Both {
    fn new() -> Self {
        let builder = Server::wsgi(APP).args(["--static", "/s=public", "--static-index", "index.html"]);
        let text: String = (0..20_000).map(|place| char::from(b'a' + (place % 23) as u8)).collect();
        let files = [
            ("a.css", &*text),
            ("a.css.gz", "coded"),
            ("b.js", &text),
            ("empty.txt", ""),
            ("image.png", "png"),
            ("page.html", "<p>"),
            ("deep/index.html", "index"),
            ("bare/file", "file"),
        ];
        let builder =
            files.iter().fold(builder, |builder, (name, text)| builder.file(&format!("public/{name}"), text));
        let public = builder.folder().join("public");
        for (name, _) in files {
            let file = File::options().write(true).open(public.join(name)).unwrap();
            file.set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000_000)).unwrap();
        }
        symlink("a.css", public.join("link.css")).unwrap();
        fs::write(builder.folder().join("secret"), "secret").unwrap();
        let server = builder.start();
        let nginx = Frontend::nginx(&format!(
            "types {{ text/css css; text/javascript js; text/html html; image/png png; text/plain txt; }}
             default_type application/octet-stream;
             charset utf-8; charset_types text/css text/javascript text/plain;
             gzip_vary on;
             server {{
                 LISTEN
                 absolute_redirect off;
                 location /s/ {{
                     alias {}/;
                     gzip_static on;
                     expires 60s;
                     add_header Cache-Control public;
                     location ~ /\\. {{ return 404; }}
                 }}
             }}",
            public.display()
        ));
        Self { server, nginx }
    }

    /// What both answer to a request of these lines.
    fn ask(&self, request: &str) -> (Response, Response) {
        let mut lines = request.lines();
        let line = lines.next().unwrap();
        let fields: String = lines.map(|line| format!("{line}\r\n")).collect();
        let (method, _) = line.split_once(' ').unwrap();
        let answer = |mut client: Client| {
            client.send(format!("{line} HTTP/1.1\r\nHost: test\r\n{fields}\r\n"));
            if method == "HEAD" { client.head() } else { client.response() }
        };
        (answer(self.server.client()), answer(self.nginx.client()))
    }
}

fn field<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    let value = response.header(name)?;
    // nginx writes two fields for this, of which the first is the number.
    Some(if name == "Cache-Control" { value.trim_start_matches("public, ") } else { value })
}

#[test]
fn what_is_sent_is_what_nginx_sends() {
    let both = Both::new();
    for request in [
        "GET /s/a.css",
        "HEAD /s/a.css",
        "GET /s/b.js?v=1",
        "GET /s/empty.txt",
        "GET /s/image.png",
        "GET /s/page.html",
        "GET /s/link.css",
        "GET /s/deep/",
        "GET /s/%61.css",
        "GET /s/a.css\nAccept-Encoding: gzip",
        "GET /s/b.js\nAccept-Encoding: gzip",
        "GET /s/b.js\nRange: bytes=0-99",
        "GET /s/b.js\nRange: bytes=-1",
        "GET /s/b.js\nRange: bytes=19999-",
        "HEAD /s/b.js\nRange: bytes=50000-",
        "GET /s/b.js\nRange: bytes=0-1\nIf-Range: Sun, 09 Sep 2001 01:46:40 GMT",
        "GET /s/b.js\nRange: bytes=0-1\nIf-Range: Sun, 09 Sep 2001 01:46:41 GMT",
        "GET /s/b.js\nRange: lines=0-1",
    ] {
        let (ours, theirs) = both.ask(request);
        // A range of HEAD is none (RFC 9110 section 14.2).
        let is_same = ours.status == theirs.status || request.starts_with("HEAD") && theirs.status == 416;
        assert!(is_same, "{request}: {} {}", ours.status, theirs.status);
        if ours.status != theirs.status {
            continue;
        }
        for name in FIELDS {
            assert_eq!(field(&ours, name), field(&theirs, name), "{name} of {request}\n{}", theirs.head);
        }
        let kind = |response: &Response| response.header("Content-Type").map(str::to_ascii_lowercase);
        let is_said = |kind: Option<String>| kind.map(|kind| kind.replace("; charset=utf-8", ""));
        assert_eq!(is_said(kind(&ours)), is_said(kind(&theirs)), "{request}");
        assert_eq!(ours.body, theirs.body, "{request}");
    }
}

#[test]
fn what_is_known_or_is_no_file_is_answered_alike() {
    let both = Both::new();
    for (request, status) in [
        ("GET /s/b.js\nIf-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT", 304),
        ("HEAD /s/b.js\nIf-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT", 304),
        ("GET /s/b.js\nIf-None-Match: *", 304),
        ("GET /s/b.js\nIf-Unmodified-Since: Sat, 08 Sep 2001 01:46:40 GMT", 412),
        ("GET /s/b.js\nIf-Match: \"x\"", 412),
        ("GET /s/b.js\nRange: bytes=20000-", 416),
        ("GET /s/b.js\nRange: bytes=0-0,500-500", 206),
        ("GET /s/missing", 404),
        ("GET /s/.hidden", 404),
        ("GET /s/b.js/", 404),
        ("GET /s/deep", 301),
        ("POST /s/b.js\nContent-Length: 0", 405),
    ] {
        let (ours, theirs) = both.ask(request);
        assert_eq!((ours.status, theirs.status), (status, status), "{request}");
        assert_eq!(ours.header("Location"), theirs.header("Location"), "{request}");
    }
}

/// As docs/static-files.md lists them.
#[test]
fn these_are_the_differences() {
    let both = Both::new();
    for (request, status, of_nginx) in [
        ("GET /s/bare/", 404, 403),
        ("GET /s//a.css", 404, 200),
        ("GET /s/deep/../a.css", 404, 200),
        ("GET /s/./a.css", 404, 200),
        ("GET /s/deep%2findex.html", 404, 200),
        ("GET /s/b.js\nIf-Modified-Since: Mon, 10 Sep 2001 01:46:40 GMT", 304, 200),
        ("GET /s/a.css%00", 404, 400),
    ] {
        let (ours, theirs) = both.ask(request);
        assert_eq!((ours.status, theirs.status), (status, of_nginx), "{request}");
    }
}
