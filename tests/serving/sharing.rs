//! How workers share connections, and what a worker does while Python is busy or while there is nothing to do.

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use crate::harness::{Client, PATIENCE, Server};

const APP: &str = "
import os
from stage import answer, say, wait
def application(environ, start_response):
    if environ['PATH_INFO'] == '/hold':
        say(environ, 'holding')
        wait('gate')
    return answer(start_response, os.getpid())
";

const CONNECTIONS: usize = 64;

/// How many of these connections each worker has.
fn shares(clients: &mut [Client]) -> Vec<usize> {
    let mut counts = BTreeMap::new();
    for client in clients {
        *counts.entry(client.get("/").text().to_owned()).or_insert(0) += 1;
    }
    counts.into_values().collect()
}

/// On an idle machine each has its share but for two or three. Here others may keep a worker from its turn, so half of it will do;
/// with nobody to share, some would have next to nothing.
#[test]
fn each_worker_has_its_share_of_the_connections_also_when_they_come_and_go() {
    for workers in [2, 3] {
        let server = Server::wsgi(APP).workers(workers).start();
        let mut clients: Vec<Client> = (0..CONNECTIONS).map(|_| server.client()).collect();
        clients.iter_mut().for_each(|client| client.ask("/"));
        clients.iter_mut().for_each(|client| assert_eq!(client.response().status, 200));
        let opened = shares(&mut clients);
        for round in 0..3 {
            for client in clients.iter_mut().skip(round).step_by(3) {
                *client = server.client();
                assert_eq!(client.get("/").status, 200);
            }
        }
        let replaced = shares(&mut clients);
        println!("{workers} workers: {opened:?}, after all were replaced {replaced:?}");
        for shares in [opened, replaced] {
            let enough = shares.iter().all(|share| *share >= CONNECTIONS / workers / 2);
            assert!(enough && shares.len() == workers, "{shares:?}");
        }
    }
}

#[test]
fn a_page_of_the_server_does_not_wait_for_a_view_that_sleeps() {
    for threads in ["1", "2"] {
        let server = Server::wsgi(APP).args(["--health-path", "/-/health", "--threads", threads]).start();
        let (mut kept, mut holding) = (server.client(), server.client());
        assert_eq!(kept.get("/").status, 200);
        let gate = server.gate("gate");
        holding.ask("/hold");
        server.wait_log("holding");
        for _ in 0..100 {
            assert_eq!(kept.get("/-/health").text(), "ready\n");
            assert_eq!(server.client().get("/-/health").text(), "ready\n");
        }
        gate.open();
        assert_eq!(holding.response().status, 200);
    }
}

/// Many connections, each with one request: none is to be left lying, neither one that comes in pieces nor one behind which
/// the loop sleeps.
#[test]
fn short_connections_are_answered_however_their_bytes_come() {
    let server = Server::wsgi(APP).workers(2).start();
    for round in 0..200 {
        let mut client = server.client();
        let request = "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
        let (first, second) = request.split_at(1 + round % (request.len() - 1));
        client.send(first);
        client.send(second);
        assert_eq!(client.response().status, 200);
        assert!(client.is_closed_silently());
    }
}

/// Every descriptor of a connection is closed, whether the loop has watched it or not.
#[test]
fn short_connections_leave_nothing_behind() {
    let server = Server::wsgi(APP).start();
    let descriptors = || fs::read_dir(format!("/proc/{}/fd", server.worker_pid())).unwrap().count();
    let mut kept = server.client();
    assert_eq!(kept.get("/").status, 200);
    let before = descriptors();
    for _ in 0..100 {
        assert_eq!(server.get("/").status, 200);
    }
    let limit = Instant::now() + PATIENCE;
    while descriptors() > before {
        assert!(Instant::now() < limit, "some are open");
        assert_eq!(kept.get("/").status, 200);
    }
}
