//! The watching side.

use std::{
    env, fs,
    io::Read,
    os::{fd::AsFd, unix::process::CommandExt},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::killpg,
    unistd::getpid,
};
use rwsgi_os::{Pid, Signal, kill};

use crate::served;

pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct Server {
    master: Child,
    pub(crate) text: String,
    /// Descriptors that the server was started with.
    before: usize,
    /// Socket files that its master has a handle of, while it listens on one address.
    files: usize,
    read_to: usize,
}

impl Server {
    /// A server that behaves like this, see [`served::serve`].
    pub(crate) fn start(behaviour: &str) -> Self {
        Self::start_with(behaviour, &[])
    }

    /// One whose workers are forked from a mold, with both of its workers ready; and the mold.
    pub(crate) fn with_mold(behaviour: &str) -> (Self, Pid) {
        let mut server = Self::start(behaviour);
        let mold = server.wait_for_pid("mold ");
        server.wait_for("2 workers ready");
        (server, mold)
    }

    pub(crate) fn start_with(behaviour: &str, sockets: &[(&str, &PathBuf)]) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.env(served::CASE, behaviour).envs(sockets.iter().copied());
        if behaviour != served::SESSIONLESS {
            command.process_group(0);
        }
        let files = usize::from(sockets.iter().any(|(name, _)| *name == served::SOCKET));
        let master = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
        let mut server = Self { master, text: String::new(), before: 0, read_to: 0, files };
        server.before = server.wait_for("descriptors ").parse().unwrap();
        server
    }

    /// Waits for as many workers to serve as all behaviours begin with.
    pub(crate) fn ready(behaviour: &str) -> Self {
        let mut server = Self::start(behaviour);
        server.wait_for("2 workers ready");
        server
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.master.id().try_into().unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// The rest of the next line that contains `text`.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            while let Some(length) = self.text[self.read_to..].find('\n') {
                let line = self.text[self.read_to..self.read_to + length].to_owned();
                self.read_to += length + 1;
                if let Some((_, rest)) = line.split_once(text) {
                    return rest.trim().to_owned();
                }
            }
            assert!(self.read_more(deadline), "no line with {text:?} in\n{}", self.text);
        }
    }

    /// Waits until `text` has come so often since the start, whatever else was waited for.
    pub(crate) fn wait_for_times(&mut self, text: &str, times: usize) {
        let deadline = Instant::now() + DEADLINE;
        while self.text.matches(text).count() < times {
            assert!(self.read_more(deadline), "{text:?} did not come {times} times in\n{}", self.text);
        }
    }

    /// The workers that have come to serve this generation, in that order.
    pub(crate) fn workers_of(&self, generation: u32) -> Vec<Pid> {
        let served = format!(" generation {generation}");
        let lines = self.text.lines().filter(|line| line.ends_with(&served));
        let pids = lines.filter_map(|line| line.strip_prefix("serving ")?.split(' ').next()?.parse().ok());
        pids.map(Pid::from_raw).collect()
    }

    /// Waits until so many workers have ended since the start; those that have come to serve and have not.
    pub(crate) fn when_gone(&mut self, count: usize) -> Vec<Pid> {
        self.wait_for_times(" (after ", count);
        let serving = self.text.lines().filter_map(|line| line.strip_prefix("serving ")?.split(' ').next());
        let gone = |pid: &&str| self.text.contains(&format!("INFO Worker (pid:{pid})"));
        serving.filter(|pid| !gone(pid)).map(|pid| Pid::from_raw(pid.parse().unwrap())).collect()
    }

    pub(crate) fn wait_for_pid(&mut self, text: &str) -> Pid {
        let rest = self.wait_for(text);
        let digits = rest.split(|letter: char| !letter.is_ascii_digit()).next();
        Pid::from_raw(digits.unwrap().parse().unwrap())
    }

    /// Reads until every process of the server is gone, and tells the master's exit code.
    pub(crate) fn wait_for_end(&mut self) -> Option<i32> {
        let deadline = Instant::now() + DEADLINE;
        while self.read_more(deadline) {}
        self.master.wait().unwrap().code()
    }

    /// Ends the server; nothing of it is left.
    pub(crate) fn end(mut self) {
        self.signal(Signal::SIGTERM);
        assert_eq!(self.wait_for_end(), Some(0), "{}", self.text);
    }

    /// The mold and the workers of this generation are all that the server has.
    pub(crate) fn has_mold_and_workers(&self, mold: Pid, generation: u32) {
        let mut children = self.workers_of(generation);
        children.push(mold);
        self.has_children(&children);
    }

    /// The server has these children and no other, not even dead ones, and for each the master holds one descriptor, beside the
    /// listener and the handle of its socket file, two pipes of its own and the scoreboard.
    pub(crate) fn has_children(&self, expected: &[Pid]) {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(children(self.pid()), expected, "{}", self.text);
        self.has_descriptors(self.pid(), 1 + self.files + 2 + 2 + 1 + expected.len());
    }

    /// A process of the server has so many descriptors of its own, as soon as it has closed what was only for a fork.
    pub(crate) fn has_descriptors(&self, process: Pid, count: usize) {
        let deadline = Instant::now() + DEADLINE;
        while descriptors(process) != self.before + count && Instant::now() < deadline {
            thread::yield_now();
        }
        assert_eq!(descriptors(process), self.before + count, "process {process} in\n{}", self.text);
    }

    /// A process has ended, or is about to and has closed everything.
    pub(crate) fn has_no_descriptors(&self, process: Pid) {
        let deadline = Instant::now() + DEADLINE;
        while fs::read_dir(format!("/proc/{process}/fd")).is_ok_and(|open| open.count() > 0) {
            assert!(Instant::now() < deadline, "{process} does not end in\n{}", self.text);
            thread::yield_now();
        }
    }

    /// A worker has the listener, its end of the lifeline and of its own status pipe, and both ends of its own signal pipe.
    pub(crate) fn is_worker_tidy(&self, worker: Pid) {
        self.has_descriptors(worker, 1 + 1 + 1 + 2);
    }

    /// False at the end of the pipe.
    fn read_more(&mut self, deadline: Instant) -> bool {
        let pipe = self.master.stdout.as_mut().unwrap();
        let left = deadline.saturating_duration_since(Instant::now());
        let ready =
            poll(&mut [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)], PollTimeout::try_from(left).unwrap());
        assert_eq!(ready, Ok(1), "nothing came in time after\n{}", self.text);
        let mut bytes = [0; 4096];
        let count = pipe.read(&mut bytes).unwrap();
        self.text.push_str(&String::from_utf8_lossy(&bytes[..count]));
        count > 0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = killpg(self.pid(), Signal::SIGKILL);
        let _ = self.master.wait();
    }
}

pub(crate) fn descriptors(process: Pid) -> usize {
    fs::read_dir(format!("/proc/{process}/fd")).unwrap().count()
}

/// All children, dead ones too.
fn children(parent: Pid) -> Vec<Pid> {
    let is_child = |pid: &Pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent_of = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse().ok());
        parent_of == Some(parent.as_raw())
    };
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).map(Pid::from_raw);
    let mut children: Vec<Pid> = pids.filter(is_child).collect();
    children.sort_unstable();
    children
}

/// A path for a socket that no other case has.
pub(crate) fn socket_path(name: &str) -> PathBuf {
    env::temp_dir().join(format!("rwsgi-master-{}-{name}.sock", getpid()))
}
