//! `--pid`.

use std::fs;

use nix::sys::signal::Signal;

use crate::harness::Server;

const APP: &str = "
from stage import answer
def application(environ, start_response):
    return answer(start_response, 'hello')
";

#[test]
fn the_pid_file_names_the_master_and_goes_with_it() {
    let mut server = Server::wsgi(APP).args(["--pid", "pid"]).start();
    let path = server.folder().join("pid");
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", server.pid()));
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
    assert!(!path.exists());
}

#[test]
fn a_reload_writes_a_removed_pid_file_again() {
    let mut server = Server::wsgi(APP).args(["--pid", "pid"]).start();
    let path = server.folder().join("pid");
    fs::remove_file(&path).unwrap();
    server.signal(Signal::SIGHUP);
    server.wait_log("Reload complete: generation 2");
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", server.pid()));
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
    assert!(!path.exists());
}

#[test]
fn a_stale_pid_file_is_taken_over_even_if_its_number_lives() {
    // 1 always lives, and after a reboot any number may.
    let server = Server::wsgi(APP).file("pid", "1\n").args(["--pid", "pid"]).start();
    let text = fs::read_to_string(server.folder().join("pid")).unwrap();
    assert_eq!(text, format!("{}\n", server.pid()));
}

#[test]
fn a_live_pid_file_is_refused_and_survives() {
    let server = Server::wsgi(APP).args(["--pid", "pid"]).start();
    let path = server.folder().join("pid");
    let other = Server::wsgi(APP).args(["--pid".as_ref(), path.as_os_str()]).fail();
    assert_eq!(other.code, Some(1));
    let message = format!("already running with pid {}, pid file `{}`", server.pid(), path.display());
    assert!(other.stderr.contains(&message), "{}", other.stderr);
    assert!(other.stderr.contains(&format!("hint: stop it with `kill {}`", server.pid())));
    assert!(path.exists());
}

#[test]
fn after_a_killed_master_the_next_start_takes_its_pid_file_over() {
    let mut server = Server::wsgi(APP).args(["--pid", "pid"]).start();
    let path = server.folder().join("pid");
    server.signal(Signal::SIGKILL);
    server.wait_exit();
    assert!(path.exists());
    let next = Server::wsgi(APP).args(["--pid".as_ref(), path.as_os_str()]).start();
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", next.pid()));
}

#[test]
fn a_pid_file_in_an_unknown_directory_is_refused() {
    let failure = Server::wsgi(APP).args(["--pid", "no/such/pid"]).fail();
    assert_eq!(failure.code, Some(1));
    assert!(failure.stderr.contains("cannot write the pid file `no/such/pid`"), "{}", failure.stderr);
    assert!(failure.stderr.contains("hint: create its directory first"));
}

#[test]
fn a_pid_file_that_the_disk_has_no_room_for_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pid");
    let full = ["env", "--ignore-signal=XFSZ", "prlimit", "--fsize=0"];
    let failure = Server::wsgi(APP).args(["--pid".as_ref(), path.as_os_str()]).under(full).fail();
    assert_eq!(failure.code, Some(1));
    assert!(failure.stderr.contains("cannot write the pid file"), "{}", failure.stderr);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
