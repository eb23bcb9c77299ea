//! Workers that are forked from a mold.

use rwsgi_os::{Signal, kill};

use crate::server::Server;

pub(crate) const CASES: [(&str, fn()); 9] = [
    ("a_mold_forks_the_workers_of_its_master", a_mold_forks_the_workers_of_its_master),
    ("a_mold_that_dies_is_built_anew_and_the_workers_live_on", a_mold_that_dies_is_built_anew),
    ("a_stopped_mold_does_not_stop_the_server", a_stopped_mold_does_not_stop_the_server),
    ("logs_are_opened_again_in_a_mold_that_was_loading", logs_are_opened_again),
    ("a_reload_builds_a_new_mold", a_reload_builds_a_new_mold),
    ("a_mold_that_does_not_load_ends_the_reload", a_mold_that_does_not_load_ends_the_reload),
    ("a_mold_that_hangs_ends_the_reload", a_mold_that_hangs_ends_the_reload),
    ("without_a_fit_mold_workers_load_for_themselves", without_a_fit_mold),
    ("a_killed_master_takes_its_mold_along", a_killed_master_takes_its_mold_along),
];

fn a_mold_forks_the_workers_of_its_master() {
    let (mut server, mold) = Server::with_mold("mold");
    server.has_mold_and_workers(mold, 1);
    let killed = server.workers_of(1)[0];
    kill(killed, Signal::SIGKILL).unwrap();
    server.wait_for(&format!("Worker (pid:{killed}) was sent SIGKILL!"));
    let next = server.wait_for_pid("serving ");
    server.is_worker_tidy(next);
    let mut children = server.workers_of(1);
    children.retain(|&worker| worker != killed);
    children.push(mold);
    server.has_children(&children);
    server.signal(Signal::SIGUSR1);
    server.wait_for_times(&format!("logs of {mold} opened again"), 1);
    server.end();
}

fn a_mold_that_dies_is_built_anew() {
    let (mut server, mold) = Server::with_mold("mold");
    kill(mold, Signal::SIGKILL).unwrap();
    server.wait_for(&format!("Mold (pid:{mold}) was sent SIGKILL!"));
    let next = server.wait_for_pid("mold ");
    server.wait_for_times("generation 1", 4);
    server.has_mold_and_workers(next, 1);
    let killed = server.workers_of(1)[0];
    kill(killed, Signal::SIGKILL).unwrap();
    server.wait_for("number 3");
    server.end();
}

/// Nor does it keep the order of a worker for ever.
fn a_stopped_mold_does_not_stop_the_server() {
    let (mut server, mold) = Server::with_mold("mold");
    kill(mold, Signal::SIGSTOP).unwrap();
    let killed = server.workers_of(1)[0];
    kill(killed, Signal::SIGKILL).unwrap();
    server.wait_for(&format!("Mold (pid:{mold}) has not forked a worker in 5.0 s and is killed"));
    server.wait_for_pid("mold ");
    server.wait_for("serving ");
    server.end();
}

fn logs_are_opened_again() {
    let mut server = Server::start("mold-loading");
    let mold = server.wait_for_pid("mold ");
    server.wait_for("loading");
    server.signal(Signal::SIGUSR1);
    server.wait_for_times("2 workers ready", 1);
    server.wait_for_times(&format!("logs of {mold} opened again"), 1);
    server.end();
}

fn a_reload_builds_a_new_mold() {
    let (mut server, mold) = Server::with_mold("mold");
    server.signal(Signal::SIGHUP);
    let next = server.wait_for_pid("mold ");
    server.wait_for("Reload complete: generation 2, 2 workers");
    server.wait_for_times("exited with code 0", 3);
    assert!(server.text.contains(&format!("mold over {mold}")), "{}", server.text);
    server.has_mold_and_workers(next, 2);
    server.end();
}

fn a_mold_that_does_not_load_ends_the_reload() {
    let (mut server, mold) = Server::with_mold("mold-unloadable");
    server.signal(Signal::SIGHUP);
    server.wait_for("exited with code 4: the application could not be loaded");
    server.wait_for_times("reload failed, still serving generation 1", 1);
    server.wait_for_times("gave up 2", 1);
    server.has_mold_and_workers(mold, 1);
    server.end();
}

fn a_mold_that_hangs_ends_the_reload() {
    let (mut server, mold) = Server::with_mold("mold-hanging");
    server.signal(Signal::SIGHUP);
    server.wait_for("has not loaded the application in 0.3 s and is aborted");
    server.wait_for_times("was sent SIGABRT!", 1);
    server.wait_for_times("reload failed, still serving generation 1", 1);
    server.wait_for_times("gave up 2", 1);
    server.has_mold_and_workers(mold, 1);
    server.end();
}

fn without_a_fit_mold() {
    let (mut server, mold) = Server::with_mold("mold-unfit");
    server.wait_for_times(&format!("Mold (pid:{mold}) exited with code 0"), 1);
    server.has_children(&server.workers_of(1));
    server.end();
}

fn a_killed_master_takes_its_mold_along() {
    let (mut server, mold) = Server::with_mold("mold");
    server.signal(Signal::SIGKILL);
    server.wait_for_times("orphaned ", 2);
    server.wait_for_times(&format!("mold over {mold}"), 1);
    assert_eq!(server.wait_for_end(), None);
}
