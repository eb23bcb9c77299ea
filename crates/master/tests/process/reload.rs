//! Reloads, and the number of workers.

use std::{os::unix::net::UnixStream, path::PathBuf};

use rwsgi_os::{Signal, kill};

use crate::{
    served,
    server::{Server, socket_path},
};

pub(crate) const CASES: [(&str, fn()); 9] = [
    ("a_reload_replaces_one_worker_after_the_other", a_reload_replaces_one_worker_after_the_other),
    ("a_reload_with_other_addresses_opens_them_before_it_closes_the_old", other_addresses),
    ("settings_that_are_no_good_leave_everything_as_it_is", settings_that_are_no_good),
    ("an_address_that_cannot_be_bound_leaves_everything_as_it_is", an_address_that_cannot_be_bound),
    ("a_generation_that_does_not_load_is_given_up", a_generation_that_does_not_load),
    ("a_generation_that_hangs_is_given_up", a_generation_that_hangs),
    ("a_second_reload_overtakes_the_first", a_second_reload_overtakes_the_first),
    ("workers_come_and_go_by_signal", workers_come_and_go_by_signal),
    ("workers_are_stopped_and_come_back", workers_are_stopped_and_come_back),
];

fn a_reload_replaces_one_worker_after_the_other() {
    let mut server = Server::ready("plain");
    server.signal(Signal::SIGHUP);
    server.wait_for("Handling signal: hup");
    server.wait_for("Hang up: Master");
    server.wait_for("preparing 2");
    let first = server.wait_for_pid("serving ");
    assert_eq!(server.workers_of(2), [first], "one at a time, and before an old one goes");
    server.wait_for("adopted 2");
    server.wait_for("Reload complete: generation 2, 2 workers, ");
    for worker in server.workers_of(1) {
        server.wait_for_times(&format!("signal SIGTERM {worker}"), 1);
    }
    server.wait_for_times("exited with code 0", 2);
    server.has_children(&server.workers_of(2));
    server.workers_of(2).into_iter().for_each(|worker| server.is_worker_tidy(worker));
    server.end();
}

fn both() -> (PathBuf, PathBuf) {
    (socket_path("first"), socket_path("second"))
}

/// The old address is connected to until the new one is there, and only then closed.
fn other_addresses() {
    let (first, second) = both();
    let mut server = Server::start_with("plain", &[(served::SOCKET, &first), (served::SECOND, &second)]);
    server.wait_for("2 workers ready");
    server.signal(Signal::SIGHUP);
    server.wait_for(&format!("Listening at: unix:{}", second.display()));
    UnixStream::connect(&first).unwrap();
    UnixStream::connect(&second).unwrap();
    server.wait_for(&format!("No longer listening at: unix:{}", first.display()));
    server.wait_for("adopted 2");
    server.wait_for("Reload complete");
    server.wait_for_times("exited with code 0", 2);
    UnixStream::connect(&first).unwrap_err();
    assert!(!first.exists());
    UnixStream::connect(&second).unwrap();
    server.has_children(&server.workers_of(2));
    server.end();
    assert!(!second.exists());
}

fn settings_that_are_no_good() {
    let mut server = Server::ready("unprepared");
    let workers = server.workers_of(1);
    server.signal(Signal::SIGHUP);
    server.wait_for("reload failed, still serving generation 1");
    server.has_children(&workers);
    server.signal(Signal::SIGHUP);
    server.wait_for("preparing 3");
    server.wait_for("Reload complete: generation 3");
    server.end();
}

fn an_address_that_cannot_be_bound() {
    let (first, second) = both();
    std::fs::write(&second, "no socket").unwrap();
    let mut server = Server::start_with("plain", &[(served::SOCKET, &first), (served::SECOND, &second)]);
    server.wait_for("2 workers ready");
    let workers = server.workers_of(1);
    server.signal(Signal::SIGHUP);
    server.wait_for(&format!("ERROR `{}` exists and is not a socket", second.display()));
    server.wait_for("ERROR hint: ");
    server.wait_for("gave up 2");
    server.wait_for_times("reload failed, still serving generation 1", 1);
    server.has_children(&workers);
    UnixStream::connect(&first).unwrap();
    server.end();
    assert!(!first.exists());
    std::fs::remove_file(&second).unwrap();
}

fn a_generation_that_does_not_load() {
    let mut server = Server::ready("unloadable-2");
    let workers = server.workers_of(1);
    server.signal(Signal::SIGHUP);
    server.wait_for("exited with code 4: the application could not be loaded");
    server.wait_for_times("reload failed, still serving generation 1", 1);
    server.wait_for_times("gave up 2", 1);
    server.has_children(&workers);
    server.end();
}

fn a_generation_that_hangs() {
    let mut server = Server::ready("hanging-2");
    let workers = server.workers_of(1);
    server.signal(Signal::SIGHUP);
    server.wait_for("has not loaded the application in 0.3 s and is aborted");
    server.wait_for_times("was sent SIGABRT!", 1);
    server.wait_for_times("reload failed, still serving generation 1", 1);
    server.wait_for_times("gave up 2", 1);
    server.has_children(&workers);
    server.end();
}

fn a_second_reload_overtakes_the_first() {
    let mut server = Server::ready("plain");
    server.signal(Signal::SIGHUP);
    server.wait_for("preparing 2");
    server.signal(Signal::SIGHUP);
    server.wait_for("preparing 3");
    server.wait_for("Reload complete: generation 3, 2 workers");
    server.wait_for_times("gave up 2", 1);
    assert!(!server.text.contains("adopted 2"), "{}", server.text);
    for worker in server.workers_of(1) {
        server.wait_for_times(&format!("Worker (pid:{worker}) exited"), 1);
    }
    server.has_children(&server.workers_of(3));
    server.end();
}

fn workers_come_and_go_by_signal() {
    let mut server = Server::ready("plain");
    server.signal(Signal::SIGTTIN);
    server.wait_for("Handling signal: ttin");
    server.wait_for("number 3");
    server.has_children(&server.workers_of(1));
    for left in [2, 1, 1] {
        server.signal(Signal::SIGTTOU);
        server.wait_for("Handling signal: ttou");
        let alive = server.when_gone(3 - left);
        assert_eq!(alive.len(), left);
        server.has_children(&alive);
    }
    server.end();
}

/// With a terminal the signal would mean that its window has changed.
fn workers_are_stopped_and_come_back() {
    let mut server = Server::ready(served::SESSIONLESS);
    server.signal(Signal::SIGWINCH);
    server.wait_for("Handling signal: winch");
    server.wait_for("graceful stop of workers");
    server.wait_for_times("exited with code 0", 2);
    server.has_children(&[]);
    server.signal(Signal::SIGTTIN);
    server.wait_for("number 3");
    server.signal(Signal::SIGUSR1);
    server.wait_for(&format!("logs of {} opened again", server.pid()));
    server.wait_for("signal SIGUSR1");
    // A stray signal that a terminal, or somebody's mistake, sends to a worker.
    kill(server.workers_of(1)[2], Signal::SIGHUP).unwrap();
    server.end();
}
