//! How workers and servers end.

use rwsgi_os::{Signal, kill};

use crate::{
    served,
    server::{Server, socket_path},
};

pub(crate) const CASES: [(&str, fn()); 10] = [
    ("term_ends_with_0_and_removes_the_socket_file", term_ends_with_0_and_removes_the_socket_file),
    ("a_killed_worker_is_replaced", a_killed_worker_is_replaced),
    ("a_killed_master_takes_its_workers_along", a_killed_master_takes_its_workers_along),
    (
        "a_killed_master_takes_a_stuck_booting_worker_along",
        a_killed_master_takes_a_stuck_booting_worker_along,
    ),
    (
        "an_application_that_cannot_be_loaded_ends_the_server",
        an_application_that_cannot_be_loaded_ends_the_server,
    ),
    ("a_retiring_worker_is_replaced_before_it_is_gone", a_retiring_worker_is_replaced_before_it_is_gone),
    ("a_stubborn_worker_is_killed", a_stubborn_worker_is_killed),
    ("a_second_term_changes_nothing", a_second_term_changes_nothing),
    ("int_during_a_graceful_stop_hurries", int_during_a_graceful_stop_hurries),
    ("a_worker_holds_nothing_of_the_master", a_worker_holds_nothing_of_the_master),
];

fn term_ends_with_0_and_removes_the_socket_file() {
    let path = socket_path("term");
    let mut server = Server::start_with("plain", &[(served::SOCKET, &path)]);
    let listening = server.wait_for("Listening at: ");
    assert_eq!(listening, format!("unix:{} ({})", path.display(), server.pid()));
    server.wait_for("2 workers ready");
    assert!(path.exists());
    server.signal(Signal::SIGTERM);
    server.wait_for("Handling signal: term");
    assert_eq!(server.wait_for_end(), Some(0));
    assert!(server.text.contains("Shutting down: Master"), "{}", server.text);
    assert_eq!(server.text.matches("signal SIGTERM").count(), 2);
    assert!(!path.exists());
}

fn a_killed_worker_is_replaced() {
    let mut server = Server::start("plain");
    let worker = server.wait_for_pid("serving ");
    server.wait_for("2 workers ready");
    kill(worker, Signal::SIGKILL).unwrap();
    server.wait_for(&format!("ERROR Worker (pid:{worker}) was sent SIGKILL! Perhaps out of memory?"));
    server.wait_for(&format!("Starting a worker in place of (pid:{worker}) at once"));
    assert!(server.wait_for("serving ").ends_with("number 3 generation 1"));
    server.signal(Signal::SIGQUIT);
    assert_eq!(server.wait_for_end(), Some(0));
}

fn a_killed_master_takes_its_workers_along() {
    let mut server = Server::start("patient");
    server.wait_for("2 workers ready");
    server.signal(Signal::SIGKILL);
    server.wait_for("orphaned ");
    server.wait_for("orphaned ");
    assert_eq!(server.wait_for_end(), None);
}

fn a_killed_master_takes_a_stuck_booting_worker_along() {
    let mut server = Server::start("booting");
    server.wait_for("booting ");
    server.wait_for("booting ");
    server.signal(Signal::SIGKILL);
    assert_eq!(server.wait_for_end(), None);
}

fn an_application_that_cannot_be_loaded_ends_the_server() {
    let mut server = Server::start("unloadable");
    server.wait_for("exited with code 4: the application could not be loaded");
    assert_eq!(server.wait_for_end(), Some(4));
    assert!(
        server.text.contains("ERROR Shutting down: Master\nERROR Reason: App failed to load.\n"),
        "{}",
        server.text
    );
}

fn a_retiring_worker_is_replaced_before_it_is_gone() {
    let mut server = Server::start("retiring");
    let worker = server.wait_for_pid("serving ");
    server.wait_for("2 workers ready");
    kill(worker, Signal::SIGUSR1).unwrap();
    server.wait_for(&format!("Worker (pid:{worker}) is retiring"));
    server.wait_for("number 3");
    kill(worker, Signal::SIGTERM).unwrap();
    server.wait_for(&format!("Worker (pid:{worker}) exited with code 0"));
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_for_end(), Some(0));
    assert!(!server.text.contains("number 4"), "{}", server.text);
}

fn a_stubborn_worker_is_killed() {
    let mut server = Server::start("stubborn");
    server.wait_for("2 workers ready");
    server.signal(Signal::SIGTERM);
    server.wait_for("Killing 2 workers that did not leave in time");
    assert_eq!(server.wait_for_end(), Some(0));
}

/// Supervisors and shells may send it twice.
fn a_second_term_changes_nothing() {
    let mut server = Server::ready("patient");
    for times in [1, 2] {
        server.signal(Signal::SIGTERM);
        server.wait_for_times("Handling signal: term", times);
    }
    server.wait_for_times("signal SIGTERM ", 2);
    for worker in server.workers_of(1) {
        kill(worker, Signal::SIGUSR2).unwrap();
    }
    assert_eq!(server.wait_for_end(), Some(0));
    assert!(!server.text.contains("Killing"), "{}", server.text);
}

fn int_during_a_graceful_stop_hurries() {
    let mut server = Server::ready("patient");
    server.signal(Signal::SIGTERM);
    server.wait_for("signal SIGTERM");
    server.wait_for("signal SIGTERM");
    server.signal(Signal::SIGINT);
    server.wait_for("signal SIGQUIT");
    server.wait_for("signal SIGQUIT");
    server.signal(Signal::SIGINT);
    server.wait_for("Killing 2 workers");
    assert_eq!(server.wait_for_end(), Some(0));
}

/// The second worker is forked when the master holds a status pipe of the first.
fn a_worker_holds_nothing_of_the_master() {
    let path = socket_path("tidy");
    for (behaviour, socket) in [("plain", None), ("mold", None), ("plain", Some((served::SOCKET, &path)))] {
        let mut server = Server::start_with(behaviour, socket.as_slice());
        let workers = [server.wait_for_pid("serving "), server.wait_for_pid("serving ")];
        server.wait_for("2 workers ready");
        workers.iter().for_each(|&worker| server.is_worker_tidy(worker));
        server.end();
    }
}
