//! Settings files and hooks that do what nobody expects of them to the process that they run in.

use nix::sys::signal::Signal;

use super::files::{pid_after, send, with_conf};
use crate::harness::Server;

#[test]
fn a_hook_that_never_ends_does_not_outlive_a_master_that_is_killed() {
    let rest = "
import time
def child_exit(server, worker):
    server.log.info('hook hangs')
    time.sleep(600)
";
    let mut server = with_conf(rest).start();
    send(pid_after(&server.wait_log("Worker ready (pid: "), "pid: "), Signal::SIGKILL);
    server.wait_log("hook hangs");
    server.signal(Signal::SIGKILL);
    server.wait_exit();
    server.log().wait_end();
}

#[test]
fn a_hook_that_never_ends_is_found_in_the_log_by_its_stack() {
    let server = with_conf("import time\ndef when_ready(server): time.sleep(600)")
        .args(["--boot-timeout", "1"])
        .launch();
    server.wait_log("gunicorn.conf.py\", line 6 in when_ready");
    assert_eq!(server.log().text().matches("and is aborted").count(), 1, "the first time");
}

#[test]
fn threads_of_a_hook_are_known_before_the_first_worker_is_ordered() {
    let rest = "
import threading, time
def when_ready(server): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
def pre_fork(server, worker): server.log.info('hook pre_fork')
";
    let server = with_conf(rest).start();
    let log = server.log().text();
    assert_eq!(log.matches("each executes the settings file for itself").count(), 1, "{log}");
    assert!(!log.contains("Starting a worker") && !log.contains("hook pre_fork"), "{log}");
}

const STREAMS: &str = "
import os, subprocess
from stage import answer
def application(environ, start_response):
    print('printed to nowhere', flush=True)
    streams = [os.readlink(f'/proc/self/fd/{number}') for number in (0, 1)]
    return answer(start_response, f\"{streams} {subprocess.run(['false']).returncode}\")
";

#[test]
fn what_a_file_takes_from_its_process_the_workers_have() {
    let rest = "
import signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.close(0)
os.close(1)
";
    let mut server = Server::wsgi(STREAMS).file("gunicorn.conf.py", &format!("import os\n{rest}")).start();
    assert_eq!(server.get("/").text(), "['/dev/null', '/dev/null'] 1");
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
}
