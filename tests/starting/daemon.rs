//! `--daemon`: the server goes into the background, and what keeps it from starting does not.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getsid};

use crate::harness::{Builder, Client, PATIENCE, Server};

const APP: &str = "
import os
from stage import answer
def application(environ, start_response):
    umask = os.umask(0)
    os.umask(umask)
    streams = [os.readlink(f'/proc/self/fd/{number}') for number in range(3)]
    text = os.getcwd(), oct(umask), os.getsid(0), *streams
    return answer(start_response, '|'.join(map(str, text)))
";

/// The server in the background, ended at the latest with this.
struct Background {
    pid: Pid,
    /// Locked by the master as long as it lives.
    pid_file: File,
    socket: PathBuf,
}

impl Background {
    /// The server whose foreground has just ended.
    fn of(server: &Server) -> Self {
        let path = server.folder().join("pid");
        let text = fs::read_to_string(&path).unwrap();
        let pid = Pid::from_raw(text.trim().parse().unwrap());
        Self { pid, pid_file: File::open(path).unwrap(), socket: server.folder().join("socket") }
    }

    fn get(&self) -> Vec<String> {
        Client::unix(&self.socket).get("/").text().split('|').map(str::to_owned).collect()
    }

    /// Ends it, and waits until it is gone.
    fn stop(&self) {
        kill(self.pid, Signal::SIGTERM).unwrap();
        let (file, (told, gone)) = (self.pid_file.try_clone().unwrap(), mpsc::channel());
        thread::spawn(move || {
            let _ = told.send(file.lock());
        });
        gone.recv_timeout(PATIENCE).expect("the server does not end").unwrap();
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if self.pid_file.try_lock().is_err() {
            let _ = kill(self.pid, Signal::SIGKILL);
        }
    }
}

fn daemon() -> Builder {
    Server::wsgi(APP).bind(Some("unix:socket")).args(["--daemon", "--pid", "pid"])
}

#[test]
fn a_server_goes_into_the_background() {
    let mut server = daemon().args(["--error-logfile", "log"]).launch();
    assert_eq!(server.wait_exit().code(), Some(0));
    let background = Background::of(&server);
    assert_ne!(background.pid.as_raw().cast_unsigned(), server.pid());
    let [directory, umask, session, streams @ ..] = &background.get()[..] else { panic!() };
    assert_eq!(fs::canonicalize(directory).unwrap(), fs::canonicalize(server.folder()).unwrap());
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let own = status.lines().find_map(|line| line.strip_prefix("Umask:\t")).unwrap();
    let octal = |text: &str, prefix| u32::from_str_radix(text.trim_start_matches(prefix), 8).unwrap_or(0);
    assert_eq!(octal(umask, "0o"), octal(own, "0"));
    assert_ne!(*session, getsid(None).unwrap().to_string());
    assert_ne!(*session, background.pid.to_string(), "the leader of a session can get a terminal");
    assert_eq!(streams, ["/dev/null"; 3]);
    background.stop();
    let folder = server.folder();
    assert!(!folder.join("pid").exists() && !folder.join("socket").exists());
    let log = fs::read_to_string(folder.join("log")).unwrap();
    assert!(log.contains("Listening at: unix:socket") && log.contains("Shutting down: Master"), "{log}");
    assert_eq!(server.log().text(), "", "nothing of it is for the terminal");
}

#[test]
fn what_keeps_it_from_starting_reaches_the_terminal() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let mut server = daemon().args(["--bind", &address]).launch();
    assert_eq!(server.wait_exit().code(), Some(1));
    server.wait_log(&format!("rwsgi: error: cannot listen on `{address}`"));
    assert_eq!(server.log().wait_end().matches("error: ").count(), 1, "{}", server.log().text());
    let folder = server.folder();
    assert!(!folder.join("pid").exists() && !folder.join("socket").exists());
    let failure = daemon().args(["--workers", "x"]).fail();
    assert_eq!(failure.code, Some(2));
}

#[test]
fn a_log_that_goes_nowhere_is_told() {
    let mut server = daemon().env("NOTIFY_SOCKET", "/nonexistent").launch();
    assert_eq!(server.wait_exit().code(), Some(0));
    let background = Background::of(&server);
    server.wait_log("[WARNING] the error log goes nowhere from here on");
    server.wait_log("[WARNING] `--daemon` is not for services that systemd starts");
    background.get();
    assert!(!server.log().wait_end().contains("Worker ready"));
    background.stop();
}

#[test]
fn the_standard_streams_can_be_kept() {
    let mut server = daemon().args(["--enable-stdio-inheritance"]).launch();
    assert_eq!(server.wait_exit().code(), Some(0));
    let background = Background::of(&server);
    server.wait_log("Worker ready (pid: ");
    assert!(!server.log().text().contains("goes nowhere"));
    let streams = background.get().split_off(3);
    assert_eq!(streams[0], "/dev/null");
    assert!(streams[1].starts_with("pipe:") && streams[2].starts_with("pipe:"), "{streams:?}");
    background.stop();
}
