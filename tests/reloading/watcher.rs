//! The process that watches: it belongs to the master, and is in nobody's way.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{APP, reloading, start, wait_change, watcher_of};
use crate::harness::{PATIENCE, Server, sockets_of};

fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.try_into().unwrap()), signal).unwrap();
}

#[test]
fn it_is_said_that_this_is_for_development() {
    let server = start(reloading(APP, "auto"));
    let line = server.wait_log("Reloader is on. Use in development only!");
    assert!(line.contains("[WARNING]"), "{line}");
}

#[test]
fn it_holds_no_socket() {
    let server = start(reloading(APP, "inotify"));
    assert_eq!(sockets_of(watcher_of(&server)), 0);
}

#[test]
fn it_goes_when_the_server_is_stopped() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT] {
        let mut server = start(reloading(APP, "inotify").workers(2));
        assert_eq!(server.stop(signal), Some(0));
    }
    let mut server = start(reloading(APP, "inotify"));
    server.signal_group(Signal::SIGINT);
    assert_eq!(server.wait_exit().code(), Some(0), "as Ctrl-C does it");
}

#[test]
fn it_goes_when_the_master_is_killed() {
    for engine in ["inotify", "poll"] {
        let mut server = start(reloading(APP, engine));
        server.signal(Signal::SIGKILL);
        assert_eq!(server.wait_exit().code(), None, "and no process is left");
    }
}

#[test]
fn the_master_does_not_need_it() {
    let server = start(reloading(APP, "inotify"));
    let (watcher, before) = (watcher_of(&server), server.log().text());
    send(watcher, Signal::SIGKILL);
    let limit = Instant::now() + PATIENCE;
    while Path::new("/proc").join(watcher.to_string()).exists() {
        assert!(Instant::now() < limit, "a zombie is left");
        thread::yield_now();
    }
    let line = server.wait_log(&format!("Reloader (pid:{watcher}) was sent SIGKILL, "));
    assert!(line.contains("[WARNING]") && line.contains("changes are not seen any more"), "{line}");
    assert_eq!(server.get("/").text(), "hello");
    // A worker that starts now tells a pipe that nobody reads.
    let worker = server.worker_pid();
    send(worker, Signal::SIGKILL);
    server.wait_log_times("Worker ready (pid: ", 2);
    assert_eq!(server.get("/").text(), "hello");
    assert!(!before.contains("given up"), "{before}");
}

/// A user of its own, whom the kernel gives no inotify; `None`, said aloud, where that cannot be had.
fn without_inotify(engine: &str) -> Option<Server> {
    let refuse = "echo 0 >/proc/sys/user/max_inotify_instances";
    let probe = Command::new("unshare").args(["--user", "--map-root-user", "sh", "-c", refuse]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        let text = "\nSKIPPED a watcher without inotify: this user cannot have a user namespace\n";
        std::io::stderr().write_all(text.as_bytes()).unwrap();
        return None;
    }
    let script = format!("{refuse}; exec \"$@\"");
    let wrapper = ["unshare", "--user", "--map-root-user", "sh", "-c", &script, "sh"];
    Some(reloading(APP, engine).under(wrapper).start())
}

#[test]
fn without_inotify_somebody_looks() {
    let Some(server) = without_inotify("auto") else { return };
    server.wait_log("Reloader looks for changes every 1 s, since inotify fails: ");
    server.wait_log("`fs.inotify.max_user_instances`");
    server.wait_log("Reloader is ready");
    fs::write(server.folder().join("app.py"), format!("{APP}\n")).unwrap();
    assert_eq!(wait_change(&server, 1), "app.py");
}

#[test]
fn who_asks_for_inotify_only_is_told_that_there_is_none() {
    let Some(server) = without_inotify("inotify") else { return };
    let line = server.wait_log("Reloader has given up, changes are not seen any more: ");
    assert!(line.contains("[ERROR]") && line.contains("`fs.inotify.max_user_instances`"), "{line}");
    assert_eq!(server.get("/").text(), "hello");
}
