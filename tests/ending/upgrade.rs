//! `USR2`: a new master beside the old one, by Gunicorn's procedure.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::Server;

const APP: &str = "
import os
from stage import answer
def application(environ, start_response):
    return answer(start_response, os.getppid())
";

/// A server with its successor, whose workers are ready, and both pid files.
fn upgraded() -> (Server, Pid) {
    let server = Server::wsgi(APP).args(["--pid", "pid"]).start();
    server.signal(Signal::SIGUSR2);
    let line = server.wait_log("Started a new master (pid:");
    let successor = line.rsplit_once(':').unwrap().1.trim_end_matches(')').parse().unwrap();
    server.wait_log_times("1 worker ready", 2);
    assert_eq!(pid_file(&server, "pid").as_deref(), Some(&*server.pid().to_string()));
    assert_eq!(pid_file(&server, "pid.2"), Some(i32::to_string(&successor)));
    (server, Pid::from_raw(successor))
}

fn pid_file(server: &Server, name: &str) -> Option<String> {
    Some(fs::read_to_string(server.folder().join(name)).ok()?.trim().to_owned())
}

#[test]
fn the_new_master_takes_over_when_the_old_one_is_told_to_go() {
    let (mut server, successor) = upgraded();
    server.signal(Signal::SIGTERM);
    server.wait_log("Shutting down: Master");
    server.wait_log("Master has been promoted.");
    assert_eq!((pid_file(&server, "pid"), pid_file(&server, "pid.2")), (Some(successor.to_string()), None));
    assert_eq!(server.get("/").text(), successor.to_string());
    kill(successor, Signal::SIGTERM).unwrap();
    assert_eq!(server.wait_exit().code(), Some(0));
    assert_eq!(pid_file(&server, "pid"), None);
}

#[test]
fn the_old_master_goes_on_when_the_new_one_is_told_to_go() {
    let (server, successor) = upgraded();
    kill(successor, Signal::SIGTERM).unwrap();
    server.wait_log(&format!("New master (pid:{successor}) exited with code 0"));
    assert_eq!(pid_file(&server, "pid.2"), None);
    assert_eq!(server.get("/").text(), server.pid().to_string());
    server.signal(Signal::SIGHUP);
    server.wait_log("Reload complete: generation 2");
}
