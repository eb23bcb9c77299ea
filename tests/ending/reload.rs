//! `HUP`: new settings and new code, or everything as it was.

use std::fs;

use nix::sys::signal::Signal;

use crate::harness::Server;

const APP: &str = "
from stage import answer
import release
def application(environ, start_response):
    return answer(start_response, release.NAME)
";

fn server(options: &[&str]) -> Server {
    Server::wsgi(APP).file("release.py", "NAME = 'old'").workers(2).args(options).start()
}

/// Another second of its time stamp may be needed for Python to see that a source has changed; another size always is.
fn release(server: &Server, source: &str) {
    fs::write(server.folder().join("release.py"), source).unwrap();
}

#[test]
fn a_reload_serves_new_code_and_loses_no_worker() {
    for options in [&[][..], &["--preload"]] {
        let server = server(options);
        assert_eq!(server.get("/").text(), "old");
        release(&server, "NAME = 'brand new'");
        server.signal(Signal::SIGHUP);
        server.wait_log("Handling signal: hup");
        server.wait_log("Hang up: Master");
        server.wait_log("Reload complete: generation 2, 2 workers, ");
        for _ in 0..20 {
            assert_eq!(server.get("/").text(), "brand new");
        }
    }
}

#[test]
fn code_that_does_not_load_leaves_the_old_one_serving() {
    for options in [&[][..], &["--preload"]] {
        let server = server(options);
        let before = server.worker_pids();
        release(&server, "NAME = a syntax error");
        server.signal(Signal::SIGHUP);
        server.wait_log("SyntaxError");
        server.wait_log("] [ERROR] reload failed, still serving generation 1");
        assert_eq!(server.get("/").text(), "old");
        server.wait_log("exited with code 4: the application could not be loaded");
        assert_eq!(server.worker_pids(), before);
        release(&server, "NAME = 'mended'");
        server.signal(Signal::SIGHUP);
        server.wait_log("Reload complete: generation 3, 2 workers");
    }
}

#[test]
fn a_release_behind_a_link_is_found_anew() {
    let server = Server::wsgi("")
        .file("one/site.txt", "")
        .file("one/code.py", "def application(e, s):\n    s('200 OK', [])\n    return [b'one']\n")
        .file("two/code.py", "def application(e, s):\n    s('200 OK', [])\n    return [b'two']\n");
    let link = server.folder().join("current");
    std::os::unix::fs::symlink("one", &link).unwrap();
    let server = server.application(Some("code:application")).args(["--chdir", "current"]).start();
    assert_eq!(server.get("/").text(), "one");
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("two", &link).unwrap();
    server.signal(Signal::SIGHUP);
    server.wait_log("Reload complete");
    assert_eq!(server.get("/").text(), "two");
    fs::remove_file(&link).unwrap();
    server.signal(Signal::SIGHUP);
    server.wait_log("/current` for `chdir` from `--chdir`: No such file or directory");
    server.wait_log("reload failed, still serving generation 2");
    assert_eq!(server.get("/").text(), "two");
}
