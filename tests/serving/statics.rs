//! Static files: sent without Python.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Instant;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::harness::{Builder, Client, PATIENCE, Server};

const APP: &str = "
from stage import answer, tell, wait
def application(environ, start_response):
    if environ['PATH_INFO'] == '/wait':
        tell('called')
        wait('on')
    return answer(start_response, 'application')
";

/// A server that sends what is in `public`.
fn builder() -> Builder {
    Server::wsgi(APP)
        .args(["--static", "/s=public"])
        .file("public/a.txt", "inside")
        .file("secret.txt", "secret")
}

/// Adds what `static_paths.txt` asks for.
fn with_all_files(builder: Builder) -> Builder {
    let inside = ["sub/b c.txt", "sub/\u{e9}.txt", "%.txt", ".well-known/security.txt", "a?b"];
    let secret = [".env", ".git/config", "sub/.hidden", ".well-known/.hidden"];
    let add = |builder: Builder, (name, text): (&str, &str)| builder.file(&format!("public/{name}"), text);
    let files = inside.map(|name| (name, "inside")).into_iter().chain(secret.map(|name| (name, "secret")));
    let builder = files.fold(builder, add);
    let public = builder.folder().join("public");
    fs::write(public.join(OsStr::from_bytes(b"\xff.txt")), "inside").unwrap();
    for (target, name) in [
        (Path::new("a.txt"), "link.txt"),
        (Path::new("../a.txt"), "sub/up.txt"),
        (Path::new("../secret.txt"), "outside.txt"),
        (Path::new(".."), "up"),
        (&builder.folder().join("secret.txt"), "absolute.txt"),
        (Path::new("/etc"), "etc"),
        (Path::new("loop"), "loop"),
    ] {
        symlink(target, public.join(name)).unwrap();
    }
    mkfifo(&public.join("pipe"), Mode::S_IRWXU).unwrap();
    builder
}

fn get(client: &mut Client, path: &str, headers: &str) -> crate::harness::Response {
    client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n"));
    client.response()
}

#[test]
fn every_path_is_answered_as_written() {
    let server = with_all_files(builder()).start();
    let mut client = server.client();
    let lines = include_str!("static_paths.txt").lines();
    let cases: Vec<&str> = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(cases.len() > 70);
    // Whether a file is known by now makes no difference.
    for case in cases.iter().chain(&cases) {
        let mut words = case.split(' ');
        let (status, target) = (words.next().unwrap(), words.next().unwrap());
        let response = client.get(target);
        assert_eq!(response.status.to_string(), status, "{case}");
        if let Some(content) = words.next() {
            assert_eq!(response.text(), content, "{case}");
        }
        assert!(!response.text().contains("secret") && !response.text().contains("root:"), "{case}");
    }
}

#[test]
fn a_file_is_sent_while_the_only_python_thread_waits() {
    let builder = builder();
    let (called, on) = (builder.gate("called"), builder.gate("on"));
    fs::write(builder.folder().join("public/large.bin"), vec![7; 3_000_000]).unwrap();
    let server = builder.start();
    let mut waiting = server.client();
    waiting.ask("/wait");
    called.wait();
    let mut client = server.client();
    for _ in 0..2 {
        assert_eq!(client.get("/s/a.txt").text(), "inside");
        assert_eq!(client.get("/s/missing").status, 404);
        let large = client.get("/s/large.bin");
        assert!(large.is_whole && large.body == vec![7; 3_000_000]);
    }
    on.open();
    assert_eq!(waiting.response().text(), "application");
}

#[test]
fn files_are_logged_and_are_no_requests_of_the_application() {
    let server = builder().args(["--access-logfile", "-", "--max-requests", "3"]).start();
    let mut client = server.client();
    for _ in 0..20 {
        assert_eq!(client.get("/s/a.txt").status, 200);
    }
    assert_eq!(client.get("/s/missing").status, 404);
    client.send("HEAD /s/a.txt HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(client.head().header("Content-Length"), Some("6"));
    let lines = server.stdout().wait_times("\"GET /s/a.txt HTTP/1.1\" 200 6 \"-\" \"-\"", 20);
    assert!(lines[0].starts_with("127.0.0.1 - - ["), "{}", lines[0]);
    server.stdout().wait("\"GET /s/missing HTTP/1.1\" 404 10 ");
    server.stdout().wait("\"HEAD /s/a.txt HTTP/1.1\" 200 ");
    let tired = "Autorestarting worker after current request.";
    assert!(!server.log().text().contains(tired));
    for _ in 0..3 {
        assert_eq!(server.get("/").status, 200);
    }
    server.wait_log(tired);
}

#[test]
fn what_is_no_file_can_be_for_the_application() {
    let arguments = ["--static-miss", "app", "--static", "/=root", "--static-index", "index.html"];
    let builder =
        builder().args(arguments).file("root/robots.txt", "robots").file("root/b/index.html", "index");
    let server = builder.start();
    let mut client = server.client();
    for (path, text) in [
        ("/s/a.txt", "inside"),
        ("/s/missing", "application"),
        ("/robots.txt", "robots"),
        ("/", "application"),
        ("/other", "application"),
        ("/b/", "index"),
    ] {
        assert_eq!(client.get(path).text(), text, "{path}");
    }
    let moved = client.get("/b?c=d");
    assert_eq!((moved.status, moved.header("Location")), (301, Some("/b/?c=d")));
    client.send("POST /s/a.txt HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!(client.response().text(), "application");
}

#[test]
fn below_the_prefix_of_everything_the_application_is_still_there() {
    let server = Server::wsgi(APP).args(["--static", "/=root"]).file("root/robots.txt", "robots").start();
    assert_eq!(server.get("/robots.txt").text(), "robots");
    assert_eq!(server.get("/page").text(), "application");
}

#[test]
fn a_prefix_counts_from_where_the_application_is_mounted() {
    let server = builder().args(["--root-path", "/shop"]).start();
    assert_eq!(server.get("/shop/s/a.txt").text(), "inside");
    assert_eq!(server.get("/s/a.txt").text(), "inside");
    assert_eq!(server.get("/shop/").text(), "application");
}

#[test]
fn uploads_are_downloads_unless_that_is_wanted_otherwise() {
    for (arguments, disposition) in [(&[][..], Some("attachment")), (&["--media-inline"], None)] {
        let builder = Server::wsgi(APP).args(["--media", "/m/=uploads"]).args(arguments.iter().copied());
        let server = builder.file("uploads/page.html", "<p>").file("uploads/photo.png", "").start();
        let mut client = server.client();
        let page = client.get("/m/page.html");
        assert_eq!(page.header("Content-Disposition"), disposition);
        assert_eq!(page.header("X-Content-Type-Options"), Some("nosniff"));
        let photo = client.get("/m/photo.png");
        assert_eq!(
            (photo.header("Content-Disposition"), photo.header("Content-Type")),
            (None, Some("image/png"))
        );
    }
}

#[test]
fn the_settings_decide_how_long_files_are_kept() {
    let server = builder()
        .args(["--static-max-age", "0", "--static-cache", "0"])
        .file("public/app.0123456789ab.css", "")
        .start();
    let mut client = server.client();
    assert_eq!(client.get("/s/a.txt").header("Cache-Control"), Some("no-cache"));
    let named = client.get("/s/app.0123456789ab.css");
    assert_eq!(named.header("Cache-Control"), Some("public, max-age=31536000, immutable"));
}

#[test]
fn a_change_is_sent_soon() {
    let server = builder().start();
    let mut client = server.client();
    assert_eq!(client.get("/s/a.txt").text(), "inside");
    let path = server.folder().join("public/a.txt");
    fs::write(&path, "changed").unwrap();
    // As often as one can ask: that must not keep the old one alive.
    while client.get("/s/a.txt").text() != "changed" {}
    fs::remove_file(&path).unwrap();
    while client.get("/s/a.txt").status != 404 {}
}

#[test]
fn ranges_leave_by_both_kinds_of_sockets() {
    let builder = builder().args(["--bind", "unix:socket"]);
    let large: Vec<u8> = (0..3_000_000_u32).map(|place| (place / 3 % 251) as u8).collect();
    fs::write(builder.folder().join("public/large.bin"), &large).unwrap();
    let server = builder.start();
    for mut client in [server.client(), Client::unix(&server.folder().join("socket"))] {
        let part = get(&mut client, "/s/large.bin", "Range: bytes=1000000-2499999\r\n");
        assert_eq!((part.status, part.is_whole), (206, true));
        assert!(part.body == large[1_000_000..2_500_000]);
        let parts = get(&mut client, "/s/large.bin", "Range: bytes=0-1499999,2000000-2999999\r\n");
        assert_eq!((parts.status, parts.is_whole), (206, true));
        let has = |part: &[u8]| parts.body.windows(part.len()).any(|found| found == part);
        assert!(has(&large[..1_500_000]) && has(&large[2_000_000..]));
        assert_eq!(client.get("/s/a.txt").text(), "inside");
    }
}

#[test]
fn without_descriptors_a_large_file_is_answered_503_the_log_says_so_once_and_it_is_sent_later() {
    let limited = ["sh", "-c", "ulimit -n 48; exec \"$0\" \"$@\""];
    let builder = builder().under(limited).args(["--keep-alive", "300"]);
    for number in 0..24 {
        let file = File::create(builder.folder().join(format!("public/{number}.bin"))).unwrap();
        // More than sockets hold.
        file.set_len(64 << 20).unwrap();
    }
    let server = builder.start();
    let mut clients: Vec<Client> = (0..24).map(|_| server.client()).collect();
    clients.iter_mut().for_each(|client| assert_eq!(client.get("/").status, 200));
    let ask = |(number, client): (usize, &mut Client)| {
        client.ask(&format!("/s/{number}.bin"));
        let head = client.head();
        assert_eq!(head.header("Retry-After").is_some(), head.status == 503);
        head.status
    };
    let statuses: Vec<u16> = clients.iter_mut().enumerate().map(ask).collect();
    assert!(statuses.contains(&200) && statuses.contains(&503), "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    server.wait_log(
        "[ERROR] cannot open files to send until others are closed, answered 503: Too many open files (os error 24); \
         `LimitNOFILE=` of systemd or `ulimit -Hn` allow this process more",
    );
    assert_eq!(server.log().text().matches("cannot open").count(), 1);
    drop(clients);
    let limit = Instant::now() + PATIENCE;
    let mut client = server.client();
    while ask((0, &mut client)) != 200 {
        assert!(Instant::now() < limit, "it is never sent");
        client = server.client();
    }
}
