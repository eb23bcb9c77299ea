//! A new master beside the old one.

use rwsgi_os::{Pid, Signal, kill};

use crate::{
    served,
    server::{Server, socket_path},
};

pub(crate) const CASES: [(&str, fn()); 5] = [
    ("a_successor_takes_the_place_of_its_master", a_successor_takes_the_place),
    ("a_successor_that_ends_leaves_its_master_as_it_was", a_successor_that_ends),
    ("a_killed_master_is_succeeded_too", a_killed_master_is_succeeded_too),
    ("masters_that_end_together_leave_no_socket", masters_that_end_together),
    ("a_successor_that_is_slow_to_start_has_the_sockets", a_slow_successor),
];

/// A server with a successor, both with workers.
fn start(name: &str) -> (Server, Pid, std::path::PathBuf) {
    start_with("plain", name)
}

fn start_with(behaviour: &str, name: &str) -> (Server, Pid, std::path::PathBuf) {
    let path = socket_path(name);
    let mut server = Server::start_with(behaviour, &[(served::SOCKET, &path)]);
    server.wait_for("2 workers ready");
    server.signal(Signal::SIGUSR2);
    server.wait_for("Handling signal: usr2");
    let successor = server.wait_for_pid("Started a new master (pid:");
    server.wait_for("2 workers ready");
    (server, successor, path)
}

fn a_successor_takes_the_place() {
    let (mut server, successor, path) = start("successor");
    server.signal(Signal::SIGUSR2);
    server.wait_for("USR2 signal ignored. Child exists.");
    kill(successor, Signal::SIGUSR2).unwrap();
    server.wait_for("USR2 signal ignored. Parent exists.");
    server.signal(Signal::SIGTERM);
    server.wait_for("Shutting down: Master");
    server.wait_for_times("Master has been promoted.", 1);
    server.wait_for_times(&format!("promoted {successor}"), 1);
    assert!(std::os::unix::net::UnixStream::connect(&path).is_ok());
    kill(successor, Signal::SIGTERM).unwrap();
    assert_eq!(server.wait_for_end(), Some(0));
    assert!(!path.exists());
}

fn a_successor_that_ends() {
    let (mut server, successor, path) = start("back");
    let workers = &server.workers_of(1)[..2].to_vec();
    kill(successor, Signal::SIGTERM).unwrap();
    server.wait_for(&format!("New master (pid:{successor}) exited with code 0"));
    assert!(path.exists());
    server.has_children(workers);
    server.end();
    assert!(!path.exists());
}

fn a_killed_master_is_succeeded_too() {
    let (mut server, successor, path) = start("killed");
    server.signal(Signal::SIGKILL);
    server.wait_for("Master has been promoted.");
    server.wait_for_times("orphaned ", 2);
    kill(successor, Signal::SIGTERM).unwrap();
    assert_eq!(server.wait_for_end(), None);
    assert!(!path.exists());
}

/// As when systemd stops a service: the second one has no time to notice that it is the only one.
fn masters_that_end_together() {
    let (mut server, successor, path) = start_with("patient", "together");
    kill(successor, Signal::SIGTERM).unwrap();
    server.wait_for_times("signal SIGTERM", 2);
    kill(successor, Signal::SIGSTOP).unwrap();
    server.signal(Signal::SIGKILL);
    server.wait_for_times("orphaned ", 2);
    let workers = server.workers_of(1);
    // They hold the socket until they have ended.
    workers[..2].iter().for_each(|&worker| server.has_no_descriptors(worker));
    for &worker in &workers[2..] {
        kill(worker, Signal::SIGKILL).unwrap();
    }
    kill(successor, Signal::SIGCONT).unwrap();
    assert_eq!(server.wait_for_end(), None);
    assert!(!path.exists(), "{}", server.text);
}

/// Its master is told to go before it has got anywhere.
fn a_slow_successor() {
    let path = socket_path("slow");
    let mut server = Server::start_with("late", &[(served::SOCKET, &path)]);
    server.wait_for("2 workers ready");
    server.signal(Signal::SIGUSR2);
    let successor = server.wait_for_pid("Started a new master (pid:");
    server.signal(Signal::SIGTERM);
    server.wait_for("Shutting down: Master");
    server.wait_for("2 workers ready");
    assert!(std::os::unix::net::UnixStream::connect(&path).is_ok());
    kill(successor, Signal::SIGTERM).unwrap();
    assert_eq!(server.wait_for_end(), Some(0));
    assert!(!path.exists());
}
