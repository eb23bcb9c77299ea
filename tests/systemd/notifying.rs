//! What the master tells systemd, and what systemd makes of it: the start, reloads, the watchdog, an upgrade.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use super::sandbox::{Sandbox, Site};
use crate::harness::{Client, PATIENCE};

#[test]
fn a_start_is_over_when_the_first_worker_is_ready() {
    let Some(sandbox) = Sandbox::boot(&[Site::single().environment("WAIT_AT_IMPORT=yes")]) else { return };
    let journal = sandbox.journal("rwsgi");
    sandbox.run("systemctl start --no-block rwsgi");
    journal.wait_times("waiting at the gate", 3);
    assert_eq!(sandbox.property("rwsgi", "ActiveState"), "activating");
    sandbox.open_gate("mysite");
    journal.wait("Started rwsgi.service");
    journal.wait("Worker ready (pid: ");
    assert_eq!(journal.text().matches("Worker ready").count(), 1);
    assert_eq!(sandbox.property("rwsgi", "ActiveState"), "active");
    (0..2).for_each(|_| sandbox.open_gate("mysite"));
    journal.wait("3 workers ready");
}

#[test]
fn an_application_that_does_not_load_is_no_started_service() {
    let site = Site::single().service("UnsetEnvironment=STATE_DIRECTORY");
    let Some(sandbox) = Sandbox::boot(&[site]) else { return };
    let started = sandbox.try_run("systemctl start rwsgi");
    assert!(!started.status.success());
    sandbox.journal("rwsgi").wait("KeyError: 'STATE_DIRECTORY'");
}

#[test]
fn the_status_tells_how_many_serve() {
    let Some(sandbox) = Sandbox::boot(&[Site::single()]) else { return };
    sandbox.start("rwsgi");
    sandbox.journal("rwsgi").wait("3 workers ready");
    let status = sandbox.property("rwsgi", "StatusText");
    assert!(status.contains("/3 workers"), "{status}");
}

#[test]
fn a_reload_under_load_brings_the_new_code_and_loses_nothing() {
    let Some(sandbox) = Sandbox::boot(&[Site::single()]) else { return };
    sandbox.start("rwsgi");
    let journal = sandbox.journal("rwsgi");
    journal.wait("3 workers ready");
    let master = sandbox.property("rwsgi", "MainPID");
    let answered = under_load(&sandbox, || {
        for version in 2..=6 {
            sandbox.edit(
                "mysite",
                &format!("VERSION = \"{}\"", version - 1),
                &format!("VERSION = \"{version}\""),
            );
            sandbox.run("systemctl reload rwsgi");
            wait_for_version(&sandbox, version);
        }
    });
    eprintln!("{answered} requests answered during 5 reloads, 0 lost");
    assert_eq!(sandbox.property("rwsgi", "MainPID"), master);
    assert_eq!(sandbox.property("rwsgi", "NRestarts"), "0");
}

#[test]
fn a_reload_of_code_that_does_not_load_leaves_the_service_as_it_is() {
    let Some(sandbox) = Sandbox::boot(&[Site::single()]) else { return };
    sandbox.start("rwsgi");
    let journal = sandbox.journal("rwsgi");
    journal.wait("3 workers ready");
    sandbox.edit("mysite", "VERSION = \"1\"", "VERSION = (");
    sandbox.try_run("systemctl reload rwsgi");
    journal.wait("SyntaxError");
    journal.wait("still serving generation 1");
    assert_eq!(sandbox.client(2929).get("/version").text(), "1");
    assert_eq!(sandbox.property("rwsgi", "NRestarts"), "0");
}

#[test]
fn a_master_that_is_stuck_is_replaced_by_the_watchdog() {
    let Some(sandbox) = Sandbox::boot(&[Site::single().service("WatchdogSec=500ms")]) else { return };
    sandbox.start("rwsgi");
    let journal = sandbox.journal("rwsgi");
    journal.wait("3 workers ready");
    let master = sandbox.property("rwsgi", "MainPID");
    sandbox.run(&format!("kill -STOP {master}"));
    journal.wait("Watchdog timeout");
    journal.wait_times("3 workers ready", 2);
    assert_eq!(sandbox.property("rwsgi", "NRestarts"), "1");
    assert_eq!(sandbox.client(2929).get("/version").text(), "1");
}

#[test]
fn an_upgrade_makes_the_new_master_the_main_process() {
    // systemd does not wait for the end of a main process that was not its child, only for all of a control group.
    let site = Site::single().service("WatchdogSec=2s\nKillMode=control-group");
    let Some(sandbox) = Sandbox::boot(&[site]) else { return };
    sandbox.start("rwsgi");
    let journal = sandbox.journal("rwsgi");
    journal.wait("3 workers ready");
    let master = sandbox.property("rwsgi", "MainPID");
    sandbox.run("systemctl reload rwsgi");
    sandbox.run(&format!("kill -USR2 {master}"));
    journal.wait_times("3 workers ready", 2);
    sandbox.run(&format!("kill -TERM {master}"));
    journal.wait("Shutting down: Master");
    journal.wait("Master has been promoted.");
    assert_ne!(sandbox.property("rwsgi", "MainPID"), master);
    // What the new master, which counts from 1 again, said before was said by a stranger.
    let limit = Instant::now() + PATIENCE;
    while !sandbox.property("rwsgi", "StatusText").ends_with("generation 1") {
        assert!(Instant::now() < limit, "{}", sandbox.property("rwsgi", "StatusText"));
    }
    // Though the reload may not have been over when its master ended.
    assert_eq!(sandbox.property("rwsgi", "ActiveState"), "active");
    assert_eq!(sandbox.property("rwsgi", "NRestarts"), "0");
    assert_eq!(sandbox.client(2929).get("/version").text(), "1");
    sandbox.run("systemctl stop rwsgi");
    assert_eq!(sandbox.property("rwsgi", "Result"), "success");
}

#[test]
fn a_socket_of_systemd_outlives_restarts_and_starts_the_service() {
    let Some(sandbox) = Sandbox::boot(&[Site::single().socket()]) else { return };
    sandbox.run("systemctl start rwsgi.socket");
    // The first connection starts the service, and is answered by it.
    assert_eq!(sandbox.client(2929).get("/visit").text(), "1");
    let journal = sandbox.journal("rwsgi");
    journal.wait("3 workers ready");
    // This one comes while nobody serves.
    sandbox.run("systemctl stop rwsgi.service");
    assert_eq!(sandbox.client(2929).get("/visit").text(), "2");
    assert_eq!(sandbox.client(2929).get("/variable/LISTEN_FDS").text(), "None");
}

/// What is asked from all sides while `act` runs; no request may fail. How many were answered.
fn under_load(sandbox: &Sandbox, act: impl FnOnce()) -> usize {
    /// Ends the visits also when the test fails.
    struct Ending<'a>(&'a AtomicBool);
    impl Drop for Ending<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let (over, address) = (AtomicBool::new(false), "127.0.0.1:2929");
    let visit = |keep: bool| {
        let (mut answered, mut client) = (0, Client::tcp(address));
        while !over.load(Ordering::Relaxed) {
            let response = client.try_get("/version");
            let response =
                response.unwrap_or_else(|| panic!("request {answered} is lost, kept alive: {keep}"));
            assert_eq!((response.status, response.is_whole), (200, true), "{response:?}");
            answered += 1;
            if !keep || response.header("Connection") == Some("close") {
                client = Client::tcp(address);
            }
        }
        answered
    };
    thread::scope(|scope| {
        let visitors =
            [true, true, false, false].map(|keep| scope.spawn(move || sandbox.inside(|| visit(keep))));
        let ending = Ending(&over);
        act();
        drop(ending);
        visitors.map(|visitor| visitor.join().unwrap()).into_iter().sum()
    })
}

/// Until every worker that answers is a new one there may be old answers too.
fn wait_for_version(sandbox: &Sandbox, version: usize) {
    let (version, limit) = (version.to_string(), Instant::now() + PATIENCE);
    while sandbox.client(2929).get("/version").text() != version {
        assert!(Instant::now() < limit, "version {version} does not come");
    }
}
