//! Workers that are killed.

use std::collections::HashMap;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::changing::APP;
use crate::harness::{Client, Server};

fn kill_worker(server: &Server, pid: u32) {
    kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGKILL).unwrap();
    server.wait_log(&format!("Worker (pid:{pid}) was sent SIGKILL!"));
}

#[test]
fn killing_idle_workers_loses_nothing() {
    let server = Server::wsgi(APP).workers(3).args(["--keep-alive", "60"]).start();
    let mut client = server.client();
    let busy = client.get("/").text().to_owned();
    let mut answered = 1;
    // A place whose workers die soon is filled a second later.
    for round in 1..=6 {
        let idle = server.worker_pids().into_iter().find(|pid| pid.to_string() != busy).unwrap();
        client.ask("/");
        kill_worker(&server, idle);
        assert_eq!(client.response().text(), busy);
        // Requests on new connections find one of the others.
        assert_eq!(server.get("/").status, 200);
        answered += 2;
        server.wait_log_times("Worker ready (pid: ", 3 + round);
    }
    println!("6 idle workers killed: {answered} answered, 0 lost");
}

/// Waits at the gate, and says by which worker.
const WAITING: &str = "
import os
from stage import answer, say, wait
def application(environ, start_response):
    if environ['PATH_INFO'] != '/':
        say(environ, f\"{environ['PATH_INFO']} runs in {os.getpid()}.\")
        wait('gate')
    return answer(start_response, os.getpid())
";

#[test]
fn killing_a_busy_worker_loses_only_what_it_was_running() {
    let server = Server::wsgi(WAITING).workers(3).args(["--timeout", "0"]).start();
    let gate = server.gate("gate");
    let mut clients: HashMap<String, Client> = HashMap::new();
    for number in 1..=3 {
        let mut client = server.client();
        client.ask(&format!("/{number}"));
        let line = server.wait_log(&format!("/{number} runs in "));
        let worker = line.rsplit_once(' ').unwrap().1.trim_end_matches('.').to_owned();
        assert!(clients.insert(worker, client).is_none(), "each worker has one request");
    }
    let victim = server.worker_pids()[0];
    let mut lost = clients.remove(&victim.to_string()).unwrap();
    kill_worker(&server, victim);
    assert!(lost.is_closed_silently());
    clients.iter().for_each(|_| gate.open());
    for (worker, mut client) in clients {
        assert_eq!(client.response().text(), worker);
    }
    println!("1 busy worker killed: 2 answered, 1 lost, which it was running");
}
