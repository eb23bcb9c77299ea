//! `USR2`: another master takes over.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::changing::{APP, TOOLS};
use super::load::Load;
use crate::harness::Server;

#[test]
fn an_upgrade_loses_nothing() {
    for tool in TOOLS {
        let mut server = Server::wsgi(APP).workers(2).start();
        let load = Load::begin(&server, tool, "/");
        server.signal(Signal::SIGUSR2);
        let line = server.wait_log("Started a new master (pid:");
        let successor = line.rsplit_once(':').unwrap().1.trim_end_matches(')').parse().unwrap();
        server.wait_log_times("2 workers ready", 2);
        server.signal(Signal::SIGTERM);
        server.wait_log("Master has been promoted.");
        load.end_without_loss("an upgrade");
        kill(Pid::from_raw(successor), Signal::SIGTERM).unwrap();
        assert_eq!(server.wait_exit().code(), Some(0));
    }
}
