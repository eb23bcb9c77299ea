//! What systemd is told.

use std::{
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
};

use rwsgi_os::Signal;

use crate::server::{DEADLINE, Server, socket_path};

pub(crate) const CASES: [(&str, fn()); 2] = [
    ("systemd_hears_of_starts_reloads_and_ends", systemd_hears_of_starts_reloads_and_ends),
    ("systemd_hears_of_a_reload_that_failed_and_of_life", systemd_hears_of_a_reload_that_failed_and_of_life),
];

/// A service manager.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Manager {
    fn listen(name: &str) -> Self {
        let path = socket_path(name);
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Self { socket, path }
    }

    /// Waits for a word that begins like this; words between are passed over, but for those that must not come.
    fn wait_for(&self, word: &str, never: &[&str]) -> String {
        let mut bytes = [0; 4096];
        loop {
            let count = self.socket.recv(&mut bytes).unwrap();
            let said = String::from_utf8_lossy(&bytes[..count]).into_owned();
            if said.starts_with(word) {
                return said;
            }
            assert!(!never.iter().any(|never| said.starts_with(never)), "{said} before {word}");
        }
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn systemd_hears_of_starts_reloads_and_ends() {
    let manager = Manager::listen("notify");
    let mut server = Server::start_with("plain", &[("NOTIFY_SOCKET", &manager.path)]);
    manager.wait_for("READY=1", &["STATUS=2/2"]);
    manager.wait_for("STATUS=2/2 workers, 0 req/s, generation 1", &["READY=1"]);
    server.wait_for("2 workers ready");
    server.signal(Signal::SIGHUP);
    let said = manager.wait_for("RELOADING=1\nMONOTONIC_USEC=", &["READY=1"]);
    assert!(said.split_once("USEC=").unwrap().1.parse::<u64>().is_ok(), "{said}");
    manager.wait_for("READY=1", &["STOPPING=1"]);
    manager.wait_for("STATUS=2/2 workers, 0 req/s, generation 2", &["RELOADING=1"]);
    server.signal(Signal::SIGTERM);
    manager.wait_for("STOPPING=1", &["READY=1"]);
    assert_eq!(server.wait_for_end(), Some(0));
}

fn systemd_hears_of_a_reload_that_failed_and_of_life() {
    let manager = Manager::listen("watchdog");
    let interval = Path::new("100000").to_owned();
    let mut server =
        Server::start_with("unprepared", &[("NOTIFY_SOCKET", &manager.path), ("WATCHDOG_USEC", &interval)]);
    manager.wait_for("READY=1", &[]);
    manager.wait_for("WATCHDOG=1", &["STOPPING=1"]);
    manager.wait_for("WATCHDOG=1", &["STOPPING=1"]);
    server.wait_for("2 workers ready");
    server.signal(Signal::SIGHUP);
    manager.wait_for("READY=1", &[]);
    manager.wait_for(
        "STATUS=2/2 workers, 0 req/s, generation 1, reload failed, still serving generation 1",
        &["RELOADING=1"],
    );
    server.end();
}
