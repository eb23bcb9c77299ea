//! Workers that are replaced while they live.

use rwsgi_os::{Signal, kill};

use crate::server::Server;

pub(crate) const CASES: [(&str, fn()); 2] = [
    ("a_worker_that_turns_no_more_is_aborted", a_worker_that_turns_no_more_is_aborted),
    ("a_tired_worker_serves_until_another_is_ready", a_tired_worker_serves_until_another_is_ready),
];

fn a_worker_that_turns_no_more_is_aborted() {
    let mut server = Server::ready("silent");
    let workers = server.workers_of(1);
    let deaf = server.text.lines().find(|line| line.contains(" number 1 ")).unwrap();
    let deaf = workers.into_iter().find(|worker| deaf.contains(&worker.to_string())).unwrap();
    server.wait_for(&format!("WORKER TIMEOUT (pid:{deaf})"));
    server.wait_for(&format!("Worker (pid:{deaf}) was sent SIGABRT!"));
    server.wait_for_times("serving ", 3);
    let alive: Vec<_> = server.workers_of(1).into_iter().filter(|&worker| worker != deaf).collect();
    server.has_children(&alive);
    assert_eq!(server.text.matches("WORKER TIMEOUT").count(), 1, "{}", server.text);
    server.end();
}

fn a_tired_worker_serves_until_another_is_ready() {
    let mut server = Server::ready("tired");
    let tired = server.workers_of(1)[0];
    kill(tired, Signal::SIGUSR1).unwrap();
    server.wait_for("number 3");
    server.wait_for(&format!("signal SIGTERM {tired}"));
    server.wait_for(&format!("Worker (pid:{tired}) exited with code 0"));
    server.has_children(&server.workers_of(1)[1..]);
    server.end();
}
