//! Tens of thousands of requests that are nearly right, on connections that end anyhow, at a real server: no panic, no lost
//! worker, no connection that stays, and the application sees nothing that was not sent.
//!
//! `visit` is one connection, which follows from its seed; `answers` reads what comes back; `app.py` looks at what the
//! application gets. A complaint shows the seed and the bytes: `Visit::new` with that seed is that connection again.

mod answers;
mod visit;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use nix::sys::signal::Signal;

use crate::harness::{Builder, PATIENCE, Server, sockets_of};
use visit::{Prefaces, Sources, Visit};

/// How many connections are there at once.
const CLIENTS: u64 = 4;
/// After so many complaints it is clear that something is wrong.
const COMPLAINTS: usize = 5;
/// No line of the log may contain any of these.
const ALARMS: [&str; 6] =
    ["internal error", "panic", "defect", "Traceback", "the fuzzer's application", "[ERROR]"];

/// What is sent to one server.
#[derive(Debug, Default)]
struct Run {
    /// The seed of the first connection; the others count on from it.
    seed: u64,
    /// How many requests are sent at least.
    requests: usize,
    /// How many of them reach the application at least.
    served: usize,
    prefaces: Prefaces,
}

/// What has happened so far.
#[derive(Debug, Default)]
struct Tally {
    visits: AtomicU64,
    sent: AtomicUsize,
    served: AtomicUsize,
    complaints: Mutex<Vec<String>>,
}

#[test]
fn mutated_requests_do_no_harm() {
    fuzz(server(), &Run { seed: 1_000_000, requests: 50_000, served: 10_000, ..Run::default() });
}

#[test]
fn mutated_requests_do_no_harm_to_threads() {
    let run = Run { seed: 2_000_000, requests: 15_000, served: 3_000, ..Run::default() };
    fuzz(server().args(["--threads", "2"]), &run);
}

#[test]
fn mutated_requests_do_no_harm_when_the_application_reads_them_as_they_come() {
    let run = Run { seed: 3_000_000, requests: 15_000, served: 3_000, ..Run::default() };
    fuzz(server().args(["--threads", "2", "--no-request-buffering"]), &run);
}

#[test]
fn mutated_requests_and_proxy_headers_do_no_harm() {
    let run = Run { seed: 4_000_000, requests: 15_000, served: 2_000, prefaces: Prefaces::Some };
    fuzz(server().args(["--proxy-protocol", "auto"]), &run);
}

fn server() -> Builder {
    // A connection that only the idle time would end is one that the server has forgotten: the client gives up before.
    Server::wsgi(include_str!("app.py")).workers(2).args(["--keep-alive", "300"])
}

#[track_caller]
fn fuzz(builder: Builder, run: &Run) {
    let mut server = builder.start();
    let workers = server.worker_pids();
    assert_eq!(workers.len(), 2);
    let before = sockets(&workers);
    let tally = Tally::default();
    let address = &*server.addresses()[0];
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| visit(address, run, &tally));
        }
    });
    let complaints = tally.complaints.into_inner().unwrap();
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
    assert_eq!(server.worker_pids(), workers, "a worker has died");
    wait_until_alone(&server, &workers, before);
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
    let log = server.log().wait_end();
    let alarms: Vec<&str> =
        log.lines().filter(|line| ALARMS.iter().any(|alarm| line.contains(alarm))).collect();
    assert!(alarms.is_empty(), "{}", alarms.join("\n"));
    let served = tally.served.into_inner();
    assert!(served >= run.served, "only {served} requests have reached the application");
}

/// One connection after the other, until all requests have been sent.
fn visit(address: &str, run: &Run, tally: &Tally) {
    let mut sources = Sources::new();
    while tally.sent.load(Ordering::Relaxed) < run.requests {
        let seed = run.seed + tally.visits.fetch_add(1, Ordering::Relaxed);
        let visit = Visit::new(&mut sources, seed, run.prefaces);
        match visit.run(address).and_then(|received| visit.judge(&received)) {
            Ok(served) => tally.served.fetch_add(served, Ordering::Relaxed),
            Err(complaint) => {
                let mut complaints = tally.complaints.lock().unwrap();
                complaints.push(format!("{complaint}\n{visit}"));
                if complaints.len() >= COMPLAINTS {
                    return;
                }
                0
            }
        };
        tally.sent.fetch_add(visit.requests, Ordering::Relaxed);
    }
}

/// Waits until the workers hold no connection of the fuzzer any more.
fn wait_until_alone(server: &Server, workers: &[u32], before: usize) {
    let limit = Instant::now() + PATIENCE;
    let mut client = server.client();
    loop {
        // Each look is behind one more turn of a worker.
        assert_eq!(client.get("/probe").status, 200);
        let sockets = sockets(workers);
        if sockets == before + 1 {
            return;
        }
        assert!(Instant::now() < limit, "{} connections are left", sockets - before - 1);
    }
}

fn sockets(workers: &[u32]) -> usize {
    workers.iter().map(|&worker| sockets_of(worker)).sum()
}
