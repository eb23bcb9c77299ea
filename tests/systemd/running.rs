//! What a self-hoster does: start, look, stop; and what happens when nobody looks.

use super::sandbox::{Sandbox, Site};

#[test]
fn a_site_without_rights_home_and_writable_disk_serves_and_keeps_its_database() {
    let site = Site::single().environment("GREETING=good morning\n").service("UnsetEnvironment=HOME");
    let Some(sandbox) = Sandbox::boot(&[site]) else { return };
    sandbox.start("rwsgi");
    let mut client = sandbox.client(2929);
    assert_eq!(client.get("/writable").text(), "state tmp");
    assert_eq!(client.get("/variable/HOME").text(), "None");
    assert_eq!(client.get("/variable/GREETING").text(), "good morning");
    let user = client.get("/user");
    let (uid, _) = user.text().split_once(' ').unwrap();
    assert!((61184..=65519).contains(&uid.parse().unwrap()), "{uid} is no dynamic user");
    assert_eq!(client.get("/visit").text(), "1");
    let journal = sandbox.journal("rwsgi");
    journal.wait("workers ready");
    sandbox.edit("mysite", "VERSION = \"1\"", "VERSION = \"2\"");
    sandbox.run("systemctl restart rwsgi");
    journal.wait_times("workers ready", 2);
    let mut client = sandbox.client(2929);
    assert_eq!((client.get("/visit").text(), client.get("/version").text()), ("2", "2"));
}

#[test]
fn a_stop_answers_what_runs_and_leaves_nothing() {
    let Some(sandbox) = Sandbox::boot(&[Site::single()]) else { return };
    sandbox.start("rwsgi");
    let journal = sandbox.journal("rwsgi");
    let mut client = sandbox.client(2929);
    client.ask("/wait");
    journal.wait("waiting at the gate");
    sandbox.run("systemctl stop --no-block rwsgi");
    journal.wait("Handling signal: term");
    sandbox.open_gate("mysite");
    assert_eq!(client.response().text(), "None");
    journal.wait("Shutting down: Master");
    sandbox.run("systemctl stop rwsgi");
    assert_eq!(sandbox.property("rwsgi", "ActiveState"), "inactive");
    assert_eq!(sandbox.property("rwsgi", "Result"), "success");
    assert_eq!(sandbox.run("find /sys/fs/cgroup -path '*rwsgi.service*'"), "", "its cgroup is gone");
}

#[test]
fn each_line_of_the_log_is_a_line_of_the_journal() {
    let Some(sandbox) = Sandbox::boot(&[Site::single()]) else { return };
    sandbox.start("rwsgi");
    sandbox.journal("rwsgi").wait("] 3 workers ready");
    sandbox.run("systemctl stop rwsgi");
    let journal = sandbox.run("journalctl --output cat --unit rwsgi");
    let once = [
        "Starting rwsgi ",
        "Listening at: http://0.0.0.0:2929 (",
        "] 3 workers ready",
        "Shutting down: Master",
    ];
    let thrice = ["Booting worker with pid: ", "Worker ready (pid: ", "Worker exiting (pid: "];
    for (text, count) in once.map(|text| (text, 1)).into_iter().chain(thrice.map(|text| (text, 3))) {
        assert_eq!(journal.matches(text).count(), count, "{text}:\n{journal}");
    }
}

#[test]
fn a_killed_master_comes_back_with_new_workers() {
    let Some(sandbox) = Sandbox::boot(&[Site::single()]) else { return };
    sandbox.start("rwsgi");
    let journal = sandbox.journal("rwsgi");
    journal.wait("workers ready");
    let master = sandbox.property("rwsgi", "MainPID");
    sandbox.run(&format!("kill -9 {master}"));
    journal.wait_times("workers ready", 2);
    assert_eq!(sandbox.property("rwsgi", "NRestarts"), "1");
    assert_ne!(sandbox.property("rwsgi", "MainPID"), master);
    let pids = sandbox.run("cat /sys/fs/cgroup/system.slice/rwsgi.service/cgroup.procs");
    assert_eq!(pids.lines().count(), 4, "a master and three workers:\n{pids}");
    assert_eq!(sandbox.client(2929).get("/version").text(), "1");
}

#[test]
fn a_killed_worker_is_the_masters_business() {
    let Some(sandbox) = Sandbox::boot(&[Site::single()]) else { return };
    sandbox.start("rwsgi");
    let journal = sandbox.journal("rwsgi");
    journal.wait("workers ready");
    let worker: i32 = sandbox.client(2929).get("/process").text().parse().unwrap();
    sandbox.run(&format!("kill -9 {worker}"));
    journal.wait(&format!("Worker (pid:{worker}) was sent SIGKILL!"));
    journal.wait_times("Worker ready (pid: ", 4);
    assert_eq!(sandbox.property("rwsgi", "NRestarts"), "0");
}

#[test]
fn a_command_line_that_is_wrong_is_not_tried_for_ever() {
    let wrong = "ExecStart=\nExecStart=/srv/mysite/venv/bin/rwsgi mysite.wsgi:application --no-such-option";
    let Some(sandbox) = Sandbox::boot(&[Site::single().service(wrong)]) else { return };
    let journal = sandbox.journal("rwsgi");
    sandbox.try_run("systemctl start rwsgi");
    journal.wait("--no-such-option");
    // It is not `activating (auto-restart)`, and its result is what the service said.
    journal.wait("Failed with result 'exit-code'");
    assert_eq!(sandbox.property("rwsgi", "ActiveState"), "failed");
    assert_eq!(sandbox.property("rwsgi", "ExecMainStatus"), "2");
}

#[test]
fn the_units_are_good_and_can_be_enabled() {
    let site = Site::instance("shop", "APPLICATION=shop.wsgi:application");
    let Some(sandbox) = Sandbox::boot(&[Site::single().socket(), site]) else { return };
    let verified = sandbox.try_run("systemd-analyze verify rwsgi.service rwsgi.socket rwsgi@shop.service");
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(verified.status.success(), "{said}");
    assert_eq!(said, "");
    sandbox.run("systemctl enable rwsgi.service rwsgi.socket rwsgi@shop.service");
}
