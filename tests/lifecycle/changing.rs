//! Changes that somebody asks for.

use nix::sys::signal::Signal;

use super::load::{Load, Tool};
use crate::harness::{Builder, Server};

/// Answers with the pid of the worker, after a moment now and then.
pub(crate) const APP: &str = "
import os, time
from stage import answer
served = 0
def application(environ, start_response):
    global served
    served += 1
    if served % 50 == 0:
        time.sleep(0.002)
    return answer(start_response, os.getpid())
";

pub(crate) const TOOLS: [Tool; 3] = [Tool::Wrk, Tool::WrkClosing, Tool::H2load];

fn server() -> Builder {
    Server::wsgi(APP).workers(2)
}

#[test]
fn twenty_reloads_lose_nothing() {
    for tool in TOOLS {
        let server = server().start();
        let load = Load::begin(&server, tool, "/");
        for reload in 1..=20 {
            server.signal(Signal::SIGHUP);
            server.wait_log_times("Reload complete: generation ", reload);
        }
        load.end_without_loss("20 reloads");
    }
}

#[test]
fn more_and_fewer_workers_lose_nothing() {
    for tool in TOOLS {
        let server = server().start();
        let load = Load::begin(&server, tool, "/");
        for round in 1..=3 {
            server.signal(Signal::SIGTTIN);
            server.wait_log_times("Worker ready (pid: ", 2 + round);
            server.signal(Signal::SIGTTOU);
            server.wait_log_times("exited with code 0", round);
        }
        assert_eq!(server.worker_pids().len(), 2);
        load.end_without_loss("3 workers more and fewer");
    }
}

#[test]
fn recycling_after_a_number_of_requests_loses_nothing() {
    for tool in TOOLS {
        let server = server().args(["--max-requests", "300", "--max-requests-jitter", "100"]).start();
        let load = Load::begin(&server, tool, "/");
        server.wait_log_times("exited with code 0", 8);
        load.end_without_loss("8 workers recycled");
    }
}
