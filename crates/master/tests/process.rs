//! Real masters with trivial workers: each case starts this program again as a server and watches it from
//! outside.
//!
//! Everything that a server prints (its log, and its workers' own lines) comes through one pipe that all its
//! processes hold, so the end of that pipe is the end of the last of them.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    env,
    io::{self, Read, Write},
    os::{fd::AsFd, unix::process::CommandExt},
    path::PathBuf,
    process::{Child, Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::killpg,
    unistd::getpid,
};
use rwsgi_master::{Inheritance, Options, Role, run};
use rwsgi_os::{BindAddress, ExitReason, Listener, NoHooks, Pid, Signal, Signals, SocketPlan, Stage, kill};

const DEADLINE: Duration = Duration::from_secs(30);

const CASES: [(&str, fn()); 10] = [
    ("term_ends_with_0_and_removes_the_socket_file", term_ends_with_0_and_removes_the_socket_file),
    ("a_killed_worker_is_replaced", a_killed_worker_is_replaced),
    ("a_killed_master_takes_its_workers_along", a_killed_master_takes_its_workers_along),
    (
        "a_killed_master_takes_a_stuck_booting_worker_along",
        a_killed_master_takes_a_stuck_booting_worker_along,
    ),
    (
        "an_application_that_cannot_be_loaded_ends_the_server",
        an_application_that_cannot_be_loaded_ends_the_server,
    ),
    ("a_retiring_worker_is_replaced_before_it_is_gone", a_retiring_worker_is_replaced_before_it_is_gone),
    ("a_stubborn_worker_is_killed", a_stubborn_worker_is_killed),
    ("a_second_signal_kills_at_once", a_second_signal_kills_at_once),
    ("a_reload_signal_harms_nobody", a_reload_signal_harms_nobody),
    ("a_worker_holds_nothing_of_the_master", a_worker_holds_nothing_of_the_master),
];

fn main() -> ExitCode {
    if let Ok(behaviour) = env::var("RWSGI_MASTER_CASE") {
        return serve(&behaviour);
    }
    let filter = env::args().nth(1).filter(|argument| !argument.starts_with('-')).unwrap_or_default();
    let mut failed = 0;
    for (name, case) in CASES.iter().filter(|(name, _)| name.contains(&filter)) {
        let outcome = std::panic::catch_unwind(case);
        println!("test {name} ... {}", if outcome.is_ok() { "ok" } else { "FAILED" });
        failed += u32::from(outcome.is_err());
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

// The server side.

fn serve(behaviour: &str) -> ExitCode {
    tracing_subscriber::fmt().without_time().with_target(false).with_writer(io::stdout).init();
    let address = match env::var("RWSGI_MASTER_SOCKET") {
        Ok(path) => BindAddress::Unix(path.into()),
        Err(_) => BindAddress::Tcp { host: "127.0.0.1".to_owned(), port: 0 },
    };
    // One of them is the directory being read.
    say(&format!("descriptors {}", descriptors("self") - 1));
    let listeners = vec![Listener::bind(&SocketPlan::new(address)).unwrap()];
    let graceful_timeout = if behaviour == "stubborn" { Duration::from_millis(1) } else { DEADLINE };
    let options = Options { workers: 2, graceful_timeout, hooks: &NoHooks };
    match run(options, listeners).unwrap() {
        Role::Master(reason) => reason.into(),
        Role::Worker(inheritance) => work(behaviour, &inheritance).into(),
    }
}

/// A worker that says what it is, and serves nobody.
fn work(behaviour: &str, inheritance: &Inheritance) -> ExitReason {
    match behaviour {
        "unloadable" => return ExitReason::AppLoadFailed,
        "booting" => {
            say(&format!("booting {}", getpid()));
            loop {
                nix::unistd::pause();
            }
        }
        _ => {}
    }
    let signals = Signals::install(&[Signal::SIGTERM, Signal::SIGQUIT, Signal::SIGUSR1]).unwrap();
    let slot = inheritance.scoreboard.slot(inheritance.slot);
    assert_eq!((slot.pid(), slot.generation(), slot.stage()), (getpid(), 1, Stage::Starting));
    slot.set_stage(Stage::Ready);
    say(&format!("serving {} number {}", getpid(), inheritance.number));
    inheritance.status.ready();
    loop {
        if inheritance.lifeline.is_cut() {
            say(&format!("orphaned {}", getpid()));
            return ExitReason::MasterGone;
        }
        for signal in signals.drain() {
            say(&format!("signal {signal} {}", getpid()));
            match signal {
                Signal::SIGUSR1 => inheritance.status.retiring(),
                _ if behaviour == "stubborn" || behaviour == "patient" => {}
                _ => return ExitReason::Ok,
            }
        }
        let mut fds = [
            PollFd::new(signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(inheritance.lifeline.as_fd(), PollFlags::POLLIN),
        ];
        let _ = poll(&mut fds, PollTimeout::NONE);
    }
}

/// One write, so that lines of several processes never mix; a reader that is gone is no matter.
fn say(line: &str) {
    let _ = io::stdout().write_all(format!("{line}\n").as_bytes());
    let _ = io::stdout().flush();
}

// The watching side.

struct Server {
    master: Child,
    text: String,
    read_to: usize,
}

impl Server {
    fn start(behaviour: &str) -> Self {
        Self::start_with(Command::new(env::current_exe().unwrap()).env("RWSGI_MASTER_CASE", behaviour))
    }

    fn start_with(command: &mut Command) -> Self {
        let master = command.stdout(Stdio::piped()).stdin(Stdio::null()).process_group(0).spawn().unwrap();
        Self { master, text: String::new(), read_to: 0 }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.master.id().try_into().unwrap())
    }

    fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// The rest of the next line that contains `text`.
    fn wait_for(&mut self, text: &str) -> String {
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

    fn wait_for_pid(&mut self, text: &str) -> Pid {
        let rest = self.wait_for(text);
        Pid::from_raw(rest.split(' ').next().unwrap().parse().unwrap())
    }

    /// Reads until every process of the server is gone, and tells the master's exit code.
    fn wait_for_end(&mut self) -> Option<i32> {
        let deadline = Instant::now() + DEADLINE;
        while self.read_more(deadline) {}
        self.master.wait().unwrap().code()
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

fn term_ends_with_0_and_removes_the_socket_file() {
    let path: PathBuf = env::temp_dir().join(format!("rwsgi-master-{}.sock", getpid()));
    let mut command = Command::new(env::current_exe().unwrap());
    let mut server =
        Server::start_with(command.env("RWSGI_MASTER_CASE", "plain").env("RWSGI_MASTER_SOCKET", &path));
    let listening = server.wait_for("Listening at: ");
    assert_eq!(listening, format!("unix:{} ({})", path.display(), server.pid()));
    server.wait_for("2 workers ready");
    assert!(path.exists());
    server.signal(Signal::SIGTERM);
    server.wait_for("Handling signal: term");
    assert_eq!(server.wait_for_end(), Some(0));
    assert!(server.text.contains("Shutting down: Master"), "{}", server.text);
    assert_eq!(server.text.matches("signal SIGTERM").count(), 2);
    assert!(!path.exists());
}

fn a_killed_worker_is_replaced() {
    let mut server = Server::start("plain");
    let worker = server.wait_for_pid("serving ");
    server.wait_for("2 workers ready");
    kill(worker, Signal::SIGKILL).unwrap();
    server.wait_for(&format!("ERROR Worker (pid:{worker}) was sent SIGKILL! Perhaps out of memory?"));
    server.wait_for(&format!("Starting a worker in place of (pid:{worker}) at once"));
    assert!(server.wait_for("serving ").ends_with("number 3"));
    server.signal(Signal::SIGQUIT);
    assert_eq!(server.wait_for_end(), Some(0));
}

fn a_killed_master_takes_its_workers_along() {
    let mut server = Server::start("patient");
    server.wait_for("2 workers ready");
    server.signal(Signal::SIGKILL);
    server.wait_for("orphaned ");
    server.wait_for("orphaned ");
    assert_eq!(server.wait_for_end(), None);
}

fn a_killed_master_takes_a_stuck_booting_worker_along() {
    let mut server = Server::start("booting");
    server.wait_for("booting ");
    server.wait_for("booting ");
    server.signal(Signal::SIGKILL);
    assert_eq!(server.wait_for_end(), None);
}

fn an_application_that_cannot_be_loaded_ends_the_server() {
    let mut server = Server::start("unloadable");
    server.wait_for("exited with code 4: the application could not be loaded");
    assert_eq!(server.wait_for_end(), Some(4));
    assert!(
        server.text.contains("ERROR Shutting down: Master\nERROR Reason: App failed to load.\n"),
        "{}",
        server.text
    );
}

fn a_retiring_worker_is_replaced_before_it_is_gone() {
    let mut server = Server::start("plain");
    let worker = server.wait_for_pid("serving ");
    server.wait_for("2 workers ready");
    kill(worker, Signal::SIGUSR1).unwrap();
    server.wait_for(&format!("Worker (pid:{worker}) is retiring"));
    server.wait_for("number 3");
    kill(worker, Signal::SIGTERM).unwrap();
    server.wait_for(&format!("Worker (pid:{worker}) exited with code 0"));
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_for_end(), Some(0));
    assert!(!server.text.contains("number 4"), "{}", server.text);
}

fn a_stubborn_worker_is_killed() {
    let mut server = Server::start("stubborn");
    server.wait_for("2 workers ready");
    server.signal(Signal::SIGTERM);
    server.wait_for("Killing 2 workers that did not leave in time");
    assert_eq!(server.wait_for_end(), Some(0));
}

fn a_second_signal_kills_at_once() {
    let mut server = Server::start("patient");
    server.wait_for("2 workers ready");
    server.signal(Signal::SIGTERM);
    server.wait_for("signal SIGTERM");
    server.wait_for("signal SIGTERM");
    server.signal(Signal::SIGTERM);
    server.wait_for("Killing 2 workers");
    assert_eq!(server.wait_for_end(), Some(0));
}

fn a_reload_signal_harms_nobody() {
    let mut server = Server::start("plain");
    server.wait_for("2 workers ready");
    for (signal, name) in [(Signal::SIGHUP, "hup"), (Signal::SIGUSR1, "usr1"), (Signal::SIGUSR2, "usr2")] {
        server.signal(signal);
        server.wait_for(&format!("Handling signal: {name}"));
        server.wait_for(&format!("Signal {name} is not supported"));
    }
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_for_end(), Some(0));
    assert!(!server.text.contains("number 3"), "{}", server.text);
}

/// What a worker has beyond the descriptors that its server was started with: the listener, its end of the
/// lifeline and of its own status pipe, and both ends of its own signal pipe. The second worker is forked
/// when the master holds a status pipe of the first.
fn a_worker_holds_nothing_of_the_master() {
    let mut server = Server::start("plain");
    let before: usize = server.wait_for("descriptors ").parse().unwrap();
    server.wait_for("2 workers ready");
    for line in server.text.lines().filter_map(|line| line.strip_prefix("serving ")) {
        let (worker, number) = line.split_once(" number ").unwrap();
        assert_eq!(descriptors(worker), before + 1 + 1 + 1 + 2, "worker {number}");
    }
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_for_end(), Some(0));
}

fn descriptors(process: &str) -> usize {
    std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().count()
}
