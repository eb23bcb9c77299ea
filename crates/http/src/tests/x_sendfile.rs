//! Files that the application names.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, UNIX_EPOCH};

use http::header::{CACHE_CONTROL, CONTENT_LENGTH, ETAG, LAST_MODIFIED};
use http::{HeaderName, StatusCode};
use tempfile::TempDir;

use super::client::{Client, Head, Site, full, give, options, streamed, with_header};
use crate::{Answer, Options};

const ACCEL: HeaderName = HeaderName::from_static("x-accel-redirect");
const SENDFILE: HeaderName = HeaderName::from_static("x-sendfile");

/// Sunday, 9 September 2001, 01:46:40.
const DATE: &str = "Sun, 09 Sep 2001 01:46:40 GMT";

/// A server with two directories mapped, one within the other, and a third that is not.
struct Files {
    folder: TempDir,
    site: Site,
    client: Client,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("media/private/deep")).unwrap();
        for (name, text) in [
            ("secret", "secret"),
            ("media/a b.txt", "0123456789"),
            ("media/empty", ""),
            ("media/\u{e9}", "accent"),
            ("media/private/file", "private"),
            ("media/private/deep/file", "deep"),
            ("media-too", "beside"),
        ] {
            fs::write(path(name), text).unwrap();
        }
        fs::File::open(path("media/a b.txt"))
            .unwrap()
            .set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000_000))
            .unwrap();
        symlink("a b.txt", path("media/inside")).unwrap();
        symlink("../secret", path("media/outside")).unwrap();
        symlink(folder.path(), path("media/up")).unwrap();
        symlink("loop", path("media/loop")).unwrap();
        let sendfile_roots =
            vec![("/media/".to_owned(), path("media")), ("/media/p".to_owned(), path("media/private"))];
        let site = Site::new(Options { sendfile_roots, ..options() });
        let client = site.connect();
        Self { folder, site, client }
    }

    /// Asks, and answers as the application with a body that must not get through.
    async fn ask(&mut self, request: &str, answer: Answer) {
        let (line, headers) = request.split_once('\n').unwrap_or((request, ""));
        let headers = headers.replace('\n', "\r\n");
        let end = if headers.is_empty() { "" } else { "\r\n" };
        self.client.send(&format!("{line} / HTTP/1.1\r\nHost: a\r\n{headers}{end}\r\n")).await;
        give(&self.site.request().await, answer);
    }

    async fn get(&mut self, headers: &str, name: HeaderName, value: &str) -> (Head, String) {
        self.ask(&format!("GET\n{headers}"), naming(name, value)).await;
        self.client.answer().await
    }

    /// The answer to a request for the ten digits with these headers.
    async fn digits(&mut self, headers: &str) -> (Head, String) {
        self.get(headers.trim(), ACCEL, "/media/a%20b.txt").await
    }

    /// A new connection: the server closes after an error.
    async fn is_refused(&mut self, name: HeaderName, value: &str) {
        let (head, body) = self.get("", name, value).await;
        assert_eq!(head.status, "HTTP/1.1 404 Not Found", "{value}");
        assert!(body.contains("<h1>404 Not Found</h1>") && !body.contains("secret"), "{body}");
        self.client = self.site.connect();
    }
}

fn naming(name: HeaderName, value: &str) -> Answer {
    let mut answer = with_header(full("of the application"), CACHE_CONTROL, "private");
    answer.headers.insert(name, value.parse().unwrap());
    answer
}

#[tokio::test(start_paused = true)]
async fn a_named_file_replaces_the_body() {
    let mut files = Files::new();
    let absolute = files.folder.path().join("media/a b.txt");
    for (name, value) in [
        (ACCEL, "/media/a%20b.txt"),
        (ACCEL, "/media/a b.txt?version=2"),
        (ACCEL, "/media//inside"),
        (ACCEL, "/media/private/../a b.txt"),
        (SENDFILE, absolute.to_str().unwrap()),
    ] {
        let (head, body) = files.get("", name, value).await;
        assert_eq!((&*head.status, &*body), ("HTTP/1.1 200 OK", "0123456789"), "{value}");
        assert_eq!(head.get("Cache-Control"), Some("private"));
        assert_eq!(head.get("Accept-Ranges"), Some("bytes"));
        assert_eq!(head.get("Last-Modified"), Some(DATE));
        assert_eq!(head.get("Etag"), Some("\"de0b6b3a7640000-a\""));
        assert_eq!((head.get("X-Accel-Redirect"), head.get("X-Sendfile")), (None, None));
    }
    for (value, expected) in [
        ("/media/%C3%A9", "accent"),
        ("/media/p/file", "private"),
        ("/media/p/deep/file", "deep"),
        ("/media/private/file", "private"),
        ("/media/empty", ""),
    ] {
        assert_eq!(files.get("", ACCEL, value).await.1, expected, "{value}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_else_is_sent() {
    let mut files = Files::new();
    for value in [
        "/media/outside",
        "/media/up/secret",
        "/media/../secret",
        "/media/%2e%2e/secret",
        "/media/..%2fsecret",
        "/media/private/../../secret",
        "/media//../secret",
        "/media-too",
        "/mediax",
        "/media",
        "/media/",
        "/media/.",
        "/media/private",
        "/media/missing",
        "/media/loop",
        "/media/a b.txt%00",
        "/secret",
        "secret",
        "",
        "/media/p/../file",
        "/media/p/../../secret",
    ] {
        files.is_refused(ACCEL, value).await;
    }
    let folder = files.folder.path().to_str().unwrap().to_owned();
    for value in ["secret", "media/outside", "media/../secret", "media-too", "media", "media/up/secret", ""] {
        files.is_refused(SENDFILE, &format!("{folder}/{value}")).await;
    }
    for value in ["a b.txt", "/etc/passwd", "/dev/zero", "/proc/self/environ"] {
        files.is_refused(SENDFILE, value).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_range_is_a_part() {
    let mut files = Files::new();
    let (head, body) = files.digits("Range: bytes=2-4").await;
    assert_eq!((&*head.status, &*body), ("HTTP/1.1 206 Partial Content", "234"));
    assert_eq!(head.get("Content-Range"), Some("bytes 2-4/10"));
    assert_eq!(files.digits("Range: bytes=-3").await.1, "789");
    let (head, body) = files.digits("Range: bytes=10-").await;
    assert_eq!((&*head.status, &*body), ("HTTP/1.1 416 Range Not Satisfiable", ""));
    assert_eq!(head.get("Content-Range"), Some("bytes */10"));
    assert_eq!(files.digits("Range: bytes=4-5,0-1").await.1, "012345", "what is close together is one");
    for headers in ["Range: bytes=0-1,x", "Range: bytes=0-1\nRange: bytes=0-1", "Range: pages=1-2"] {
        let (head, body) = files.digits(headers).await;
        assert_eq!((&*head.status, &*body), ("HTTP/1.1 200 OK", "0123456789"), "{headers}");
        assert_eq!(head.get("Content-Range"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_range_of_something_newer_is_the_whole() {
    let mut files = Files::new();
    for (validator, expected) in [
        ("\"de0b6b3a7640000-a\"", "23"),
        (DATE, "23"),
        ("\"other\"", "0123456789"),
        ("W/\"de0b6b3a7640000-a\"", "0123456789"),
        ("Sun, 09 Sep 2001 01:46:41 GMT", "0123456789"),
        ("nonsense", "0123456789"),
    ] {
        let headers = format!("Range: bytes=2-3\nIf-Range: {validator}");
        assert_eq!(files.digits(&headers).await.1, expected, "{validator}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_client_has_is_not_sent_again() {
    let mut files = Files::new();
    for headers in [
        "If-None-Match: \"de0b6b3a7640000-a\"",
        "If-None-Match: \"x\"\nIf-None-Match: W/\"de0b6b3a7640000-a\"\nRange: bytes=0-1",
        "If-None-Match: *",
        "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT",
        "If-Modified-Since: Mon, 10 Sep 2001 01:46:40 GMT",
    ] {
        for method in ["GET", "HEAD"] {
            files.ask(&format!("{method}\n{headers}"), naming(ACCEL, "/media/a b.txt")).await;
            let head = files.client.head().await;
            assert_eq!(head.status, "HTTP/1.1 304 Not Modified", "{headers}");
            assert_eq!((head.get("Etag"), head.get("Content-Length")), (Some("\"de0b6b3a7640000-a\""), None));
            assert_eq!(head.get("Cache-Control"), Some("private"));
        }
    }
    for headers in [
        "If-None-Match: \"x\"\nIf-Modified-Since: Mon, 10 Sep 2001 01:46:40 GMT",
        "If-Modified-Since: Sat, 08 Sep 2001 01:46:40 GMT",
        "If-Modified-Since: nonsense",
    ] {
        assert_eq!(files.digits(headers).await.1, "0123456789", "{headers}");
    }
}

#[tokio::test(start_paused = true)]
async fn head_and_post_get_no_part() {
    let mut files = Files::new();
    files.ask("HEAD\nRange: bytes=2-4", naming(ACCEL, "/media/a b.txt")).await;
    let head = files.client.head().await;
    assert_eq!((&*head.status, head.get("Content-Length")), ("HTTP/1.1 200 OK", Some("10")));
    let post = "POST\nRange: bytes=2-4\nIf-None-Match: *";
    files.ask(post, naming(ACCEL, "/media/a b.txt")).await;
    assert_eq!(files.client.answer().await.1, "0123456789");
}

#[tokio::test(start_paused = true)]
async fn validators_of_the_application_count() {
    let mut files = Files::new();
    let answer = with_header(naming(ACCEL, "/media/a b.txt"), ETAG, "\"mine\"");
    let answer = with_header(answer, LAST_MODIFIED, "Mon, 10 Sep 2001 01:46:40 GMT");
    files.ask("GET\nRange: bytes=1-1\nIf-Range: \"mine\"", with_header(answer, CONTENT_LENGTH, "0")).await;
    let (head, body) = files.client.answer().await;
    assert_eq!((head.get("Etag"), &*body), (Some("\"mine\""), "1"));
    assert_eq!(head.get("Last-Modified"), Some("Mon, 10 Sep 2001 01:46:40 GMT"));
}

#[tokio::test(start_paused = true)]
async fn the_body_that_is_replaced_is_let_go_of() {
    let mut files = Files::new();
    let (stream, answer) = streamed([(ACCEL, "/media/a%20b.txt".parse().unwrap())].into_iter().collect());
    files.ask("GET", answer).await;
    assert_eq!(files.client.answer().await.1, "0123456789");
    assert!(stream.is_gone());
}

#[tokio::test(start_paused = true)]
async fn another_status_keeps_its_body_and_loses_the_header() {
    let mut files = Files::new();
    let answer = Answer { status: StatusCode::FORBIDDEN, ..naming(ACCEL, "/media/a%20b.txt") };
    files.ask("GET", answer).await;
    let (head, body) = files.client.answer().await;
    assert_eq!((&*head.status, &*body), ("HTTP/1.1 403 Forbidden", "of the application"));
    assert_eq!(head.get("X-Accel-Redirect"), None);
}

#[tokio::test(start_paused = true)]
async fn without_a_mapped_directory_the_headers_are_passed_on() {
    let mut site = Site::new(options());
    for name in [ACCEL, SENDFILE] {
        let mut client = site.connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        give(&site.request().await, naming(name.clone(), "/etc/passwd"));
        let (head, body) = client.answer().await;
        let names = ["X-Accel-Redirect", "X-Sendfile"];
        assert!(names.iter().any(|name| head.get(name) == Some("/etc/passwd")), "{name}");
        assert_eq!(body, "of the application");
    }
}
