use std::fs;
use std::io::PipeReader;
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::lines::Lines;
use super::{Builder, Client, Gate, PATIENCE, Response, children};

/// A server that runs. Dropping it ends it, and the test fails when it does not end by itself, when a process of it is
/// left, or a socket file.
#[derive(Debug)]
pub(crate) struct Server {
    master: Child,
    status: Option<ExitStatus>,
    log: Lines,
    stdout: Lines,
    /// All processes of the server hold the other end as their standard input: it ends with the last of them.
    alive: PipeReader,
    folder: TempDir,
}

impl Server {
    /// A server for the application with this source; one that has no `application` is given another name.
    pub(crate) fn wsgi(source: &str) -> Builder {
        Builder::new(source)
    }

    pub(super) fn spawn(mut command: Command, folder: TempDir) -> Self {
        let (alive, held) = std::io::pipe().unwrap();
        let mut master = command.stdin(held).spawn().unwrap();
        // It holds an end of the pipe too.
        drop(command);
        let log = Lines::of(master.stderr.take().unwrap());
        let stdout = Lines::of(master.stdout.take().unwrap());
        Self { master, status: None, log, stdout, alive, folder }
    }

    /// The process id of the master.
    pub(crate) fn pid(&self) -> u32 {
        self.master.id()
    }

    /// The process ids of the workers that are alive.
    pub(crate) fn worker_pids(&self) -> Vec<u32> {
        children(self.pid())
    }

    /// The one worker of a server that has one.
    pub(crate) fn worker_pid(&self) -> u32 {
        let workers = self.worker_pids();
        assert_eq!(workers.len(), 1, "{workers:?}");
        workers[0]
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn gate(&self, name: &str) -> Gate {
        Gate::new(self.folder(), name)
    }

    /// The error log.
    pub(crate) fn log(&self) -> &Lines {
        &self.log
    }

    pub(crate) fn stdout(&self) -> &Lines {
        &self.stdout
    }

    /// Waits for a line of the error log that contains `text`.
    pub(crate) fn wait_log(&self, text: &str) -> String {
        self.log.wait(text)
    }

    pub(crate) fn wait_log_times(&self, text: &str, count: usize) -> Vec<String> {
        self.log.wait_times(text, count)
    }

    /// The URLs of all addresses, without `http://` or `https://`.
    pub(crate) fn addresses(&self) -> Vec<String> {
        let line = self.wait_log("Listening at: ");
        let (_, urls) = line.split_once("Listening at: ").unwrap();
        let (urls, _) = urls.split_once(' ').unwrap();
        urls.split(',').map(|url| url.split_once("://").map_or(url, |(_, rest)| rest).to_owned()).collect()
    }

    /// A new connection to the first address.
    pub(crate) fn client(&self) -> Client {
        Client::tcp(&self.addresses()[0])
    }

    /// An answer on a connection of its own.
    pub(crate) fn get(&self, path: &str) -> Response {
        self.client().get(path)
    }

    /// Sends a signal to the master.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(pid(self.pid()), signal).unwrap();
    }

    /// Sends a signal to the master and all workers, as a terminal does.
    pub(crate) fn signal_group(&self, signal: Signal) {
        killpg(pid(self.pid()), signal).unwrap();
    }

    /// Waits until no process of the server is left; how the master ended.
    pub(crate) fn wait_exit(&mut self) -> ExitStatus {
        assert!(self.is_gone_within(PATIENCE), "the server does not end:\n{}", self.log.text());
        let status = self.master.wait().unwrap();
        self.status = Some(status);
        status
    }

    /// Ends the server with `signal`; its exit code.
    pub(crate) fn stop(&mut self, signal: Signal) -> Option<i32> {
        self.signal(signal);
        self.wait_exit().code()
    }

    /// Whether the last process of the server is gone before this time is over; waits no longer than necessary.
    pub(crate) fn is_gone_within(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        loop {
            let left = until.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
            let mut fds = [PollFd::new(self.alive.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, PollTimeout::try_from(left).unwrap()) {
                Err(Errno::EINTR) => {}
                found => return found.unwrap() == 1,
            }
        }
    }

    fn end(&mut self) -> Result<(), String> {
        if self.status.is_none() {
            if thread::panicking() {
                return Err("the test has failed".to_owned());
            }
            self.signal(Signal::SIGQUIT);
            if !self.is_gone_within(PATIENCE) {
                return Err("the server does not end, or a process of it is left".to_owned());
            }
            let status = self.master.wait().map_err(|error| error.to_string())?;
            if status.code() != Some(0) {
                return Err(format!("the server was asked to end and ended with {status}"));
            }
            self.status = Some(status);
        } else if !self.is_gone_within(PATIENCE) {
            return Err("a process of the server is left".to_owned());
        }
        if self.status.is_some_and(|status| status.signal().is_none()) {
            has_no_sockets(self.folder.path())
        } else {
            Ok(())
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Err(complaint) = self.end() else { return };
        let _ = killpg(pid(self.pid()), Signal::SIGKILL);
        let _ = self.master.wait();
        let text = format!("{complaint}; its log:\n{}", self.log.text());
        if thread::panicking() {
            // A second panic would end the process of the tests.
            eprintln!("{text}");
        } else {
            panic!("{text}");
        }
    }
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(number.try_into().expect("a process id"))
}

fn has_no_sockets(folder: &Path) -> Result<(), String> {
    for entry in fs::read_dir(folder).map_err(|error| error.to_string())?.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_socket()) {
            return Err(format!("the socket file `{}` is left", entry.path().display()));
        }
    }
    Ok(())
}
