//! `--preload`: workers are forked from a process that has loaded the application.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::{Server, children, threads};

const APP: &str = "
import os, sys, threading
from stage import answer
print('loaded by', os.getpid(), file=sys.stderr, flush=True)
LOADER = os.getpid()
def application(environ, start_response):
    if environ['PATH_INFO'] == '/warm':
        print('warmed by', os.getpid(), file=sys.stderr, flush=True)
    is_main = threading.current_thread() is threading.main_thread()
    return answer(start_response, f'{LOADER} {os.getpid()} {os.getppid()} {is_main}')
";

fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.try_into().unwrap()), signal).unwrap();
}

/// The pid behind the last space of a line.
fn pid_of(line: &str) -> u32 {
    line.trim_end_matches(')').rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn the_application_is_loaded_once_and_workers_are_children_of_the_master() {
    let server = Server::wsgi(APP).workers(3).args(["--preload", "--preload-warm", "/warm"]).start();
    let mold = pid_of(&server.wait_log("Mold ready (pid: "));
    assert_eq!(pid_of(&server.wait_log("loaded by")), mold);
    assert_eq!(pid_of(&server.wait_log("warmed by")), mold);
    assert_eq!(server.log().text().matches("loaded by").count(), 1);
    assert_eq!(server.worker_pids().len(), 4);
    assert_eq!((children(mold), threads(mold).len()), (Vec::new(), 1));
    let text = server.get("/").text().to_owned();
    let (rest, is_main) = text.rsplit_once(' ').unwrap();
    assert!(rest.starts_with(&mold.to_string()) && rest.ends_with(&server.pid().to_string()), "{text}");
    assert_eq!(is_main, "True");
}

#[test]
fn a_worker_that_dies_comes_back_from_the_mold() {
    let server = Server::wsgi(APP).args(["--preload"]).start();
    let before = pid_of(&server.wait_log("Worker ready (pid: "));
    send(before, Signal::SIGKILL);
    server.wait_log_times("Worker ready (pid: ", 2);
    assert_eq!(server.log().text().matches("loaded by").count(), 1);
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn a_mold_that_dies_is_built_anew_while_workers_serve() {
    let server = Server::wsgi(APP).args(["--preload"]).start();
    let worker = pid_of(&server.wait_log("Worker ready (pid: "));
    send(pid_of(&server.wait_log("Mold ready (pid: ")), Signal::SIGKILL);
    server.wait_log_times("Mold ready (pid: ", 2);
    assert!(server.worker_pids().contains(&worker));
    assert!(server.get("/").text().contains(&format!(" {worker} ")));
}

/// The application has forked a process of its own, which has copies of all descriptors of the mold.
const HELPED: &str = "
import os, time
from stage import answer
master = os.getppid()
if os.fork() == 0:
    while os.path.exists(f'/proc/{master}/exe'):
        time.sleep(0.05)
    os._exit(0)
def application(environ, start_response):
    return answer(start_response, os.getpid())
";

#[test]
fn a_dead_mold_with_a_child_that_lives_on_gets_no_orders() {
    let mut server = Server::wsgi(HELPED).args(["--preload"]).start();
    send(pid_of(&server.wait_log("Mold ready (pid: ")), Signal::SIGKILL);
    server.wait_log_times("Mold ready (pid: ", 2);
    send(server.get("/").text().parse().unwrap(), Signal::SIGKILL);
    server.wait_log_times("Worker ready (pid: ", 2);
    assert_eq!(server.get("/").status, 200);
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_exit().code(), Some(0));
    assert!(!server.log().text().contains("has not forked"), "{}", server.log().text());
}

const THREADED: &str = "
import threading, time
from stage import answer
threading.Thread(target=time.sleep, args=(600,), name='reporter', daemon=True).start()
def application(environ, start_response):
    return answer(start_response, sum(thread.name == 'reporter' for thread in threading.enumerate()))
";

#[test]
fn an_application_that_starts_threads_is_loaded_by_each_worker() {
    let server = Server::wsgi(THREADED).workers(2).args(["--preload"]).start();
    let warning = server.wait_log("the application starts threads while it is loaded");
    assert!(warning.contains("[WARNING]") && warning.contains("reporter (Python)"), "{warning}");
    assert_eq!(server.get("/").text(), "1");
    server.wait_log("Mold (pid:");
    assert_eq!(server.worker_pids().len(), 2);
}

#[test]
fn an_application_that_starts_threads_can_be_refused() {
    let failure = Server::wsgi(THREADED).args(["--preload", "--preload-strict"]).fail();
    assert_eq!(failure.code, Some(4), "{}", failure.stderr);
    assert!(failure.stderr.contains("reporter (Python)"), "{}", failure.stderr);
}

#[test]
fn an_application_that_does_not_load_ends_the_start() {
    let failure = Server::wsgi("raise RuntimeError('on purpose')").args(["--preload"]).fail();
    assert_eq!(failure.code, Some(4), "{}", failure.stderr);
    assert!(failure.stderr.contains("RuntimeError: on purpose"), "{}", failure.stderr);
    assert_eq!(failure.stderr.matches("Traceback").count(), 1);
}

#[test]
fn a_killed_master_takes_its_mold_along() {
    let mut server = Server::wsgi(APP).workers(2).args(["--preload"]).start();
    server.signal(Signal::SIGKILL);
    server.wait_exit();
}
