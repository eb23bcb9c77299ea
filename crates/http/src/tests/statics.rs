//! Files that are sent without the handler.

mod changes;

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::sync::atomic::Ordering;
use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;
use tokio::time::advance;

use super::client::{Client, Head, Site, body, full, give, options};
use crate::{Contents, Misses, Options, StaticFiles, StaticFolder};

/// Sunday, 9 September 2001, 01:46:40.
const DATE: &str = "Sun, 09 Sep 2001 01:46:40 GMT";
const TAG: &str = "\"de0b6b3a7640000-3e8\"";
const TICK: Duration = Duration::from_secs(1);

/// Until all that is kept in memory is old.
async fn ticks() {
    for _ in 0..3 {
        advance(TICK).await;
    }
}

/// Files, and a server with nothing else.
struct Files {
    folder: TempDir,
    site: Site,
    client: Client,
}

/// A thousand bytes, each another than its neighbours.
fn text() -> String {
    (0..1000).map(|place| char::from(b'a' + (place % 23) as u8)).collect()
}

fn folder(prefix: &str, folder: &TempDir, path: &str) -> StaticFolder {
    StaticFolder {
        prefix: prefix.to_owned(),
        path: folder.path().join(path),
        may_come: false,
        misses: Misses::Refused,
        contents: Contents::Assets,
    }
}

impl Files {
    fn new(change: impl FnOnce(&mut StaticFiles)) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        fs::create_dir_all(temporary.path().join("own/deep")).unwrap();
        let folders = vec![folder("/static/", &temporary, "own")];
        let mut statics =
            StaticFiles { folders, index: None, max_age: Some(Duration::from_secs(60)), memory: 1 << 20 };
        change(&mut statics);
        let site = Site::new(Options { statics, ..options() });
        let client = site.connect();
        let files = Self { folder: temporary, site, client };
        files.write("own/a.css", &text());
        files
    }

    /// Writes a file that was last changed at [`DATE`].
    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000_000))
            .unwrap();
    }

    /// Sends the lines of a request without their ends.
    async fn ask(&mut self, path: &str, headers: &str) {
        let (method, path) = path.split_once(' ').unwrap_or(("GET", path));
        let headers: String = headers.lines().map(|line| format!("{line}\r\n")).collect();
        self.client.send(&format!("{method} {path} HTTP/1.1\r\nHost: a\r\n{headers}\r\n")).await;
    }

    async fn get(&mut self, path: &str, headers: &str) -> (Head, String) {
        self.ask(path, headers).await;
        self.client.answer().await
    }

    async fn status(&mut self, path: &str, headers: &str) -> String {
        let (head, _) = self.get(path, headers).await;
        head.status.trim_start_matches("HTTP/1.1 ").to_owned()
    }

    /// How many answers have not left the lane.
    fn plain_answers(&self) -> usize {
        self.site.server.probe.answers.load(Ordering::Relaxed)
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_has_the_same_head_whether_it_comes_from_memory_or_not() {
    for memory in [0, 1 << 20] {
        let mut files = Files::new(|statics| statics.memory = memory);
        for _ in 0..3 {
            let (head, body) = files.get("/static/a.css?v=1", "").await;
            assert_eq!((&*head.status, body), ("HTTP/1.1 200 OK", text()));
            for (name, value) in [
                ("Content-Type", "text/css; charset=utf-8"),
                ("Cache-Control", "public, max-age=60"),
                ("Accept-Ranges", "bytes"),
                ("X-Content-Type-Options", "nosniff"),
                ("Etag", TAG),
                ("Last-Modified", DATE),
                ("Content-Length", "1000"),
            ] {
                assert_eq!(head.all(name), [value], "{name}");
            }
            assert_eq!(head.get("Vary"), None);
        }
        files.ask("HEAD /static/a.css", "").await;
        assert_eq!(files.client.head().await.get("Content-Length"), Some("1000"));
        assert!(files.site.is_quiet());
        assert_eq!(files.plain_answers() > 0, memory > 0);
    }
}

#[tokio::test(start_paused = true)]
async fn ranges_and_conditions_are_the_same_from_memory_and_from_the_file() {
    for memory in [0, 1 << 20] {
        let mut files = Files::new(|statics| statics.memory = memory);
        for (headers, status, length) in [
            ("Range: bytes=2-4", "206 Partial Content", 3),
            ("Range: bytes=-1", "206 Partial Content", 1),
            ("Range: bytes=1000-", "416 Range Not Satisfiable", 0),
            (&format!("Range: bytes=0-1\nIf-Range: {TAG}"), "206 Partial Content", 2),
            ("Range: bytes=0-1\nIf-Range: \"x\"", "200 OK", 1000),
            (&format!("If-Match: \"x\", {TAG}"), "200 OK", 1000),
            ("If-Match: *", "200 OK", 1000),
            ("If-Match: \"x\"", "412 Precondition Failed", 0),
            (&format!("If-Match: W/{TAG}"), "412 Precondition Failed", 0),
            (&format!("If-Match: \"x\"\nIf-None-Match: {TAG}"), "412 Precondition Failed", 0),
            ("If-Unmodified-Since: Sat, 08 Sep 2001 01:46:40 GMT", "412 Precondition Failed", 0),
            (&format!("If-Unmodified-Since: {DATE}"), "200 OK", 1000),
            (&format!("If-Match: *\nIf-Unmodified-Since: {}", DATE.replace("2001", "1991")), "200 OK", 1000),
            ("If-None-Match: \"x\"", "200 OK", 1000),
        ] {
            let (head, body) = files.get("/static/a.css", headers).await;
            assert_eq!(head.status, format!("HTTP/1.1 {status}"), "{headers}");
            assert_eq!(body.len(), length, "{headers}");
        }
        for headers in [format!("If-None-Match: {TAG}"), format!("If-Modified-Since: {DATE}")] {
            files.ask("/static/a.css", &headers).await;
            let head = files.client.head().await;
            assert_eq!(head.status, "HTTP/1.1 304 Not Modified");
            assert_eq!((head.get("Etag"), head.get("Content-Type")), (Some(TAG), None));
            assert_eq!(head.get("Cache-Control"), Some("public, max-age=60"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn several_ranges_are_parts_of_one_answer() {
    for memory in [0, 1 << 20] {
        let mut files = Files::new(|statics| statics.memory = memory);
        let (head, body) = files.get("/static/a.css", "Range: bytes=500-501, 0-2,-1").await;
        assert_eq!(head.status, "HTTP/1.1 206 Partial Content");
        assert_eq!(head.get("Content-Range"), None);
        let kind = head.get("Content-Type").unwrap();
        let boundary = kind.strip_prefix("multipart/byteranges; boundary=").expect(kind);
        let part = |range: &str, place: std::ops::Range<usize>| {
            let text = &text()[place];
            format!(
                "\r\n--{boundary}\r\nContent-Type: text/css; charset=utf-8\r\nContent-Range: bytes {range}/1000\r\n\r\n{text}"
            )
        };
        let parts = [part("0-2", 0..3), part("500-501", 500..502), part("999-999", 999..1000)].concat();
        assert_eq!(body, format!("{parts}\r\n--{boundary}--\r\n"));
        let many: Vec<String> = (0..33).map(|place| format!("{0}-{0}", place * 30)).collect();
        let (head, body) = files.get("/static/a.css", &format!("Range: bytes={}", many.join(","))).await;
        assert_eq!((&*head.status, body), ("HTTP/1.1 200 OK", text()), "too many");
        assert_eq!(files.status("/static/a.css", "").await, "200 OK", "the connection goes on");
    }
}

#[tokio::test(start_paused = true)]
async fn siblings_are_chosen_by_what_the_client_accepts() {
    let mut files = Files::new(|_| {});
    for (name, text) in [
        ("a.css.br", "brotli"),
        ("a.css.gz", "gzip"),
        ("b.js", "plain"),
        ("b.js.gz", "old"),
        ("c.png", "plain"),
        ("c.png.gz", "packed"),
    ] {
        files.write(&format!("own/{name}"), text);
    }
    let younger = File::options().write(true).open(files.folder.path().join("own/b.js")).unwrap();
    younger.set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000_001)).unwrap();
    for _ in 0..2 {
        for (accepted, coding) in [
            ("gzip, br", Some("br")),
            ("br;q=0.5, gzip", Some("gzip")),
            ("zstd", None),
            ("", None),
            ("*;q=0", None),
        ] {
            let (head, body) = files.get("/static/a.css", &format!("Accept-Encoding: {accepted}")).await;
            assert_eq!(head.get("Content-Encoding"), coding, "{accepted}");
            assert_eq!(head.get("Vary"), Some("Accept-Encoding"), "{accepted}");
            assert_eq!(head.get("Content-Type"), Some("text/css; charset=utf-8"));
            assert_eq!(body.len(), coding.map_or(1000, |coding| if coding == "br" { 6 } else { 4 }));
        }
    }
    let tag = "\"de0b6b3a7640000-6-br\"";
    let headers = format!("Accept-Encoding: br\nRange: bytes=1-2\nIf-Range: {tag}");
    let (head, body) = files.get("/static/a.css", &headers).await;
    assert_eq!((head.get("Etag"), head.get("Content-Range"), &*body), (Some(tag), Some("bytes 1-2/6"), "ro"));
    for path in ["/static/b.js", "/static/c.png"] {
        let (head, body) = files.get(path, "Accept-Encoding: gzip").await;
        assert_eq!((head.get("Vary"), head.get("Content-Encoding"), &*body), (None, None, "plain"), "{path}");
    }
    // One more sibling is seen as a change is.
    files.write("own/a.css.zst", "zstandard");
    ticks().await;
    assert_eq!(files.get("/static/a.css", "Accept-Encoding: zstd").await.1, "zstandard");
}

#[tokio::test(start_paused = true)]
async fn a_path_that_names_no_file_is_refused_or_handed_on() {
    for misses in [Misses::Refused, Misses::Handed] {
        let mut files = Files::new(|statics| statics.folders[0].misses = misses);
        for path in [
            "/static/missing",
            "/static/deep",
            "/static/deep/",
            "/static",
            "/static/",
            "/static/.env",
            "/static/a%2fb",
            "POST /static/a.css",
            "PUT /static/x",
        ] {
            files.ask(path, "Content-Length: 0").await;
            if misses == Misses::Handed {
                let exchange = files.site.request().await;
                assert!(path.ends_with(exchange.head.uri.path()));
                give(&exchange, full("of the handler"));
                assert_eq!(files.client.answer().await.1, "of the handler", "{path}");
                continue;
            }
            let (head, _) = files.client.answer().await;
            let is_write = path.contains(' ');
            let status = if is_write { "405 Method Not Allowed" } else { "404 Not Found" };
            assert_eq!(head.status, format!("HTTP/1.1 {status}"), "{path}");
            assert_eq!(head.get("Allow"), is_write.then_some("GET, HEAD"));
            assert!(files.site.is_quiet());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_for_the_handler_arrives() {
    let mut files = Files::new(|statics| statics.folders[0].misses = Misses::Handed);
    files.client.send("POST /static/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello").await;
    let mut exchange = files.site.request().await;
    assert_eq!(body(&mut exchange), b"hello");
    give(&exchange, full("yes"));
    assert_eq!(files.client.answer().await.1, "yes");
}

#[tokio::test(start_paused = true)]
async fn other_paths_are_the_handlers() {
    let mut files = Files::new(|_| {});
    for path in ["/", "/statics/a.css", "/x/static/a.css", "/a.css", "/STATIC/a.css"] {
        files.ask(path, "").await;
        assert_eq!(files.site.answer("of the handler").await, path);
        assert_eq!(files.client.answer().await.1, "of the handler");
    }
    files.client.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(files.site.answer("of the handler").await, "*");
}

#[tokio::test(start_paused = true)]
async fn an_index_stands_for_its_directory() {
    let mut files = Files::new(|statics| statics.index = Some("index.html".into()));
    files.write("own/deep/index.html", "index");
    for _ in 0..2 {
        let (head, body) = files.get("/static/deep/", "").await;
        assert_eq!((head.get("Content-Type"), &*body), (Some("text/html; charset=utf-8"), "index"));
        assert_eq!(files.get("/static/deep/index.html", "").await.1, "index");
    }
    for (path, place) in [("/static/deep?a=b", "/static/deep/?a=b"), ("/static", "/static/")] {
        let (head, _) = files.get(path, "").await;
        assert_eq!((&*head.status, head.get("Location")), ("HTTP/1.1 301 Moved Permanently", Some(place)));
    }
    assert_eq!(files.status("/static/", "").await, "404 Not Found");
    assert_eq!(files.status("/static/a.css/", "").await, "404 Not Found");
}

#[tokio::test(start_paused = true)]
async fn uploads_are_no_pages_of_the_site() {
    for contents in [Contents::Uploads, Contents::InlineUploads] {
        let mut files = Files::new(|statics| {
            statics.folders[0].contents = contents;
            statics.index = Some("index.html".into());
        });
        let attached = (contents == Contents::Uploads).then_some("attachment");
        for (name, disposition) in [
            ("page.html", attached),
            ("PAGE.HTM", attached),
            ("image.svg", attached),
            ("feed.xml", attached),
            ("photo.png", None),
            ("app.0123456789ab.js", None),
        ] {
            files.write(&format!("own/{name}"), "text");
            files.write(&format!("own/{name}.gz"), "of somebody else");
            let (head, body) = files.get(&format!("/static/{name}"), "Accept-Encoding: gzip").await;
            assert_eq!(head.get("Content-Disposition"), disposition, "{name}");
            assert_eq!((head.get("Cache-Control"), &*body), (Some("max-age=60"), "text"), "{name}");
            assert_eq!(head.get("X-Content-Type-Options"), Some("nosniff"));
        }
        files.write("own/index.html", "hello");
        assert_eq!(files.status("/static/", "").await, "404 Not Found");
    }
}

#[tokio::test(start_paused = true)]
async fn the_longest_prefix_counts_and_a_directory_that_is_not_there_hides_nothing() {
    let mut files = Files::new(|statics| {
        let mut inner = statics.folders[0].clone();
        inner.path.push("deep");
        inner.prefix = "/static/inner".into();
        let gone = StaticFolder { prefix: "/gone".into(), path: "/nowhere/at/all".into(), ..inner.clone() };
        statics.folders.extend([inner, gone]);
    });
    files.write("own/deep/file", "deep");
    assert_eq!(files.get("/static/inner/file", "").await.1, "deep");
    assert_eq!(files.get("/static/deep/file", "").await.1, "deep");
    files.ask("/gone/file", "").await;
    assert_eq!(files.site.answer("of the handler").await, "/gone/file");
}

#[tokio::test(start_paused = true)]
async fn links_stay_inside() {
    let mut files = Files::new(|_| {});
    files.write("secret", "secret");
    let own = files.folder.path().join("own");
    symlink("a.css", own.join("inside.css")).unwrap();
    symlink("../secret", own.join("outside")).unwrap();
    symlink(files.folder.path(), own.join("up")).unwrap();
    symlink(own.join("a.css"), own.join("absolute")).unwrap();
    symlink("loop", own.join("loop")).unwrap();
    assert_eq!(files.get("/static/inside.css", "").await.1, text());
    for path in ["outside", "up/secret", "absolute", "loop", "../secret", "%2e%2e/secret", "..%2fsecret"] {
        assert_eq!(files.status(&format!("/static/{path}"), "").await, "404 Not Found", "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pipe_is_no_file_and_nobody_waits_for_it() {
    let mut files = Files::new(|_| {});
    fs::remove_file(files.folder.path().join("own/a.css")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        files.folder.path().join("own/a.css"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    assert_eq!(files.status("/static/a.css", "").await, "404 Not Found", "a pipe is no file");
}
