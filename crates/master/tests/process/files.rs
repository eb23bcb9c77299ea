//! Settings that only a mold can read, and what happens in the life of such a server.

use rwsgi_os::{Signal, kill};

use crate::server::Server;

pub(crate) const CASES: [(&str, fn()); 14] = [
    ("a_mold_reads_the_settings_and_forks_the_workers", a_mold_reads_the_settings_and_forks_the_workers),
    ("occasions_come_in_order", occasions_come_in_order),
    ("signals_to_all_processes_leave_the_last_words", signals_to_all_processes_leave_the_last_words),
    ("last_words_do_not_keep_the_server", last_words_do_not_keep_the_server),
    ("a_reload_asks_a_new_mold", a_reload_asks_a_new_mold),
    ("a_file_that_is_no_good_ends_the_reload", a_file_that_is_no_good_ends_the_reload),
    ("a_file_that_hangs_does_not_make_the_master_deaf", a_file_that_hangs_does_not_make_the_master_deaf),
    ("a_reload_that_the_hook_refuses_is_given_up", a_reload_that_the_hook_refuses_is_given_up),
    ("a_start_that_the_hook_refuses_ends", a_start_that_the_hook_refuses_ends),
    ("a_fork_that_the_hook_refuses_is_tried_again", a_fork_that_the_hook_refuses_is_tried_again),
    ("a_mold_that_dies_executes_the_file_again", a_mold_that_dies_executes_the_file_again),
    ("a_mold_with_threads_only_attends", a_mold_with_threads_only_attends),
    ("the_first_mold_is_waited_for_only_so_long", the_first_mold_is_waited_for_only_so_long),
    ("a_stop_ends_the_first_mold", a_stop_ends_the_first_mold),
];

/// The lines that contain one of these, without what stands before.
fn lines<'a>(server: &'a Server, words: &[&str]) -> Vec<&'a str> {
    let found = |line: &'a str| words.iter().find_map(|word| line.find(word)).map(|start| &line[start..]);
    server.text.lines().filter_map(found).collect()
}

fn a_mold_reads_the_settings_and_forks_the_workers() {
    let (server, mold) = Server::with_mold("file");
    server.has_mold_and_workers(mold, 1);
    for worker in server.workers_of(1) {
        server.is_worker_tidy(worker);
    }
    // Its channel, and both ends of its signal pipe.
    server.has_descriptors(mold, 1 + 2);
    server.end();
}

fn occasions_come_in_order() {
    let (mut server, _) = Server::with_mold("file");
    let order = ["first settings", "hook ", "starting ", "load ", "Listening", "serving "];
    let begun: Vec<&str> = lines(&server, &order).into_iter().map(|line| &line[..8]).collect();
    assert_eq!(
        begun[..6],
        ["first se", "hook Sta", "starting", "Listenin", "load 1: ", "hook Rea"],
        "{begun:?}"
    );
    let forked = lines(&server, &["hook before fork", "hook forked"]);
    assert!(forked[0] == "hook before fork 1" && forked[1].starts_with("hook forked 1 "), "{forked:?}");
    server.signal(Signal::SIGTTIN);
    server.wait_for_times("hook WorkersChanged { new: 3, old: Some(2) } in generation 1", 1);
    server.wait_for_times("serving ", 3);
    let gone = server.workers_of(1)[0];
    kill(gone, Signal::SIGKILL).unwrap();
    server.wait_for_times(&format!("hook ChildExited {{ pid: Pid({gone}), number: "), 1);
    server.wait_for_times("serving ", 4);
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_for_end(), Some(0), "{}", server.text);
    let last = lines(&server, &["hook ChildExited", "hook Exiting", "mold over"]);
    assert_eq!(last.len(), 1 + 3 + 2, "{last:?}");
    assert!(last[4].starts_with("hook Exiting") && last[5].starts_with("mold over"), "{last:?}");
}

/// systemd tells every process of a service to end, and a terminal tells all of its group.
fn signals_to_all_processes_leave_the_last_words() {
    let (mut server, mold) = Server::with_mold("file");
    kill(mold, Signal::SIGTERM).unwrap();
    kill(mold, Signal::SIGINT).unwrap();
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_for_end(), Some(0));
    assert_eq!(lines(&server, &["hook ChildExited", "hook Exiting"]).len(), 3, "{}", server.text);
}

fn last_words_do_not_keep_the_server() {
    let (mut server, mold) = Server::with_mold("file-last-words");
    server.signal(Signal::SIGTERM);
    server.wait_for("hook Exiting");
    server.signal(Signal::SIGQUIT);
    server.signal(Signal::SIGQUIT);
    assert_eq!(server.wait_for_end(), Some(0));
    assert!(server.text.contains(&format!("Mold (pid:{mold}) was sent SIGKILL!")), "{}", server.text);
}

fn a_reload_asks_a_new_mold() {
    let (mut server, old) = Server::with_mold("file");
    server.signal(Signal::SIGHUP);
    let mold = server.wait_for_pid("mold ");
    server.wait_for("settings 2 good");
    server.wait_for("hook WorkersChanged { new: 2, old: Some(2) } in generation 2");
    server.wait_for("hook Reloaded in generation 2");
    server.wait_for("Reload complete: generation 2, 2 workers");
    server.wait_for_times(&format!("Mold (pid:{old}) exited with code 0"), 1);
    let first = lines(&server, &["hook ChildExited"]);
    assert!(first.len() == 2 && first.iter().all(|line| line.ends_with("in generation 1")), "{first:?}");
    server.has_mold_and_workers(mold, 2);
    server.end();
}

fn a_file_that_is_no_good_ends_the_reload() {
    for behaviour in ["file-bad", "file-raises"] {
        let (mut server, mold) = Server::with_mold(behaviour);
        server.signal(Signal::SIGHUP);
        let other = server.wait_for_pid("mold ");
        server.wait_for_times("reload failed, still serving generation 1", 1);
        server.wait_for_times(&format!("Mold (pid:{other})"), 1);
        server.has_mold_and_workers(mold, 1);
        server.end();
    }
}

fn a_file_that_hangs_does_not_make_the_master_deaf() {
    let (mut server, mold) = Server::with_mold("file-endless");
    server.signal(Signal::SIGHUP);
    server.wait_for("executing");
    let killed = server.workers_of(1)[0];
    kill(killed, Signal::SIGKILL).unwrap();
    server.wait_for(&format!("Worker (pid:{killed}) was sent SIGKILL!"));
    server.wait_for_times("serving ", 3);
    // A newer reload takes its place.
    server.signal(Signal::SIGHUP);
    server.wait_for("Reload complete: generation 3");
    server.wait_for_times(&format!("Mold (pid:{mold}) exited with code 0"), 1);
    server.end();
    let (mut server, _) = Server::with_mold("file-endless");
    server.signal(Signal::SIGHUP);
    server.wait_for("executing");
    server.end();
}

fn a_reload_that_the_hook_refuses_is_given_up() {
    let (mut server, mold) = Server::with_mold("file-unwilling");
    server.signal(Signal::SIGHUP);
    server.wait_for("reload failed, still serving generation 1");
    server.wait_for_times("gave up 2", 1);
    server.wait_for_times("mold over", 1);
    server.wait_for_times("exited with code 0", 1);
    server.has_mold_and_workers(mold, 1);
    assert!(server.workers_of(2).is_empty());
    server.end();
}

fn a_start_that_the_hook_refuses_ends() {
    let mut server = Server::start("file-unready");
    assert_eq!(server.wait_for_end(), Some(1));
    assert!(!server.text.contains("serving "), "{}", server.text);
}

fn a_fork_that_the_hook_refuses_is_tried_again() {
    let (server, mold) = Server::with_mold("file-forkless");
    assert!(server.text.contains("Starting a worker in 1 s"), "{}", server.text);
    server.has_mold_and_workers(mold, 1);
    server.end();
}

fn a_mold_that_dies_executes_the_file_again() {
    let (mut server, mold) = Server::with_mold("file");
    kill(mold, Signal::SIGKILL).unwrap();
    let next = server.wait_for_pid("mold ");
    server.wait_for("load 1: true");
    server.has_mold_and_workers(next, 1);
    let killed = server.workers_of(1)[0];
    kill(killed, Signal::SIGKILL).unwrap();
    server.wait_for("number 3");
    assert_eq!(lines(&server, &["hook Ready"]).len(), 1, "{}", server.text);
    server.end();
}

fn a_mold_with_threads_only_attends() {
    let (mut server, mold) = Server::with_mold("file-threads");
    assert!(server.text.contains("hook Ready") && !server.text.contains("before fork"), "{}", server.text);
    server.has_mold_and_workers(mold, 1);
    let gone = server.workers_of(1)[0];
    kill(gone, Signal::SIGKILL).unwrap();
    // The master does not wait for the hook.
    server.wait_for_times("hook ChildExited", 1);
    server.wait_for_times("\nserving ", 3);
    server.end();
}

fn the_first_mold_is_waited_for_only_so_long() {
    let mut server = Server::start("file-slow");
    server.wait_for("no settings: Late");
    assert_eq!(server.wait_for_end(), Some(1));
}

fn a_stop_ends_the_first_mold() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut server = Server::start("file-endless-first");
        server.wait_for("executing");
        server.signal(signal);
        server.wait_for("no settings: Stopped");
        assert_eq!(server.wait_for_end(), Some(1));
    }
    let mut server = Server::start("file-thrown-away");
    server.wait_for("starting true");
    assert_eq!(server.wait_for_end(), Some(0));
    assert!(!server.text.contains("load 1"), "{}", server.text);
}
