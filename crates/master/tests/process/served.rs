//! The server side: a master whose program is a script, and workers that serve nobody.

use std::{env, io, io::Write, os::fd::AsFd, process::ExitCode, thread, time::Duration};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::SigSet,
    unistd::{getpid, getppid, pause, setsid},
};
use rwsgi_master::{
    Attendant, Beginning, Cast, FirstMold, Inheritance, Mold, Occasion, Options, Policy, Preparation,
    Prepared, Program, Reply, Role, run,
};
use rwsgi_os::{
    BindAddress, Ending, ExitReason, Handover, Invocation, Listener, NoHooks, Pid, Signal, Signals,
    SocketPlan, Stage,
};

use crate::server::{DEADLINE, descriptors};

/// Names the behaviour, and makes this program a server.
pub(crate) const CASE: &str = "RWSGI_MASTER_CASE";
/// The unix socket to listen on, instead of a port.
pub(crate) const SOCKET: &str = "RWSGI_MASTER_SOCKET";
/// The one that generation 2 has instead.
pub(crate) const SECOND: &str = "RWSGI_MASTER_SECOND_SOCKET";

/// The behaviour of a server that leads a session of its own, so that it has no terminal.
pub(crate) const SESSIONLESS: &str = "sessionless";

/// What a server is to show, by its name.
#[derive(Clone, Copy)]
struct Behaviour<'a>(&'a str);

impl Behaviour<'_> {
    fn is(self, name: &str) -> bool {
        self.0 == name
    }

    fn policy(self) -> Policy {
        Policy {
            workers: 2,
            graceful_timeout: if self.is("stubborn") { Duration::from_millis(1) } else { DEADLINE },
            silence: self.is("silent").then(|| Duration::from_millis(500)),
            kill_after: DEADLINE,
            boot_timeout: self.0.contains("hanging").then(|| Duration::from_millis(300)),
            surge: 1,
            max_unavailable: 0,
            lifetime: None,
            memory: None,
            mold: self.0.starts_with("mold") || self.is_file(),
            attended: self.is_file(),
            patient: false,
        }
    }

    /// Whether the settings are in a file that a mold has to execute.
    fn is_file(self) -> bool {
        self.0.starts_with("file")
    }

    fn prepared(self, generation: u32) -> Prepared {
        Prepared { policy: self.policy(), sockets: self.sockets(generation) }
    }

    fn sockets(self, generation: u32) -> Vec<SocketPlan> {
        let variable = if generation > 1 && env::var_os(SECOND).is_some() { SECOND } else { SOCKET };
        let address = match env::var(variable) {
            Ok(path) => BindAddress::Unix(path.into()),
            Err(_) => BindAddress::Tcp { host: "127.0.0.1".to_owned(), port: 0 },
        };
        vec![SocketPlan::new(address)]
    }
}

/// The program round the master.
struct Script<'a>(Behaviour<'a>);

impl Program for Script<'_> {
    fn prepare(&mut self, generation: u32) -> Preparation {
        say(&format!("preparing {generation}"));
        if self.0.is_file() {
            return Preparation::NeedsMold;
        }
        if self.0.is("unprepared") && generation == 2 {
            return Preparation::Failed;
        }
        Preparation::Ready(self.0.prepared(generation))
    }

    fn settings(&mut self, generation: u32, json: String) -> Option<Prepared> {
        say(&format!("settings {generation} {json}"));
        (json != "no good").then(|| self.0.prepared(generation))
    }

    fn adopt(&mut self, generation: u32) {
        say(&format!("adopted {generation}"));
    }

    fn give_up(&mut self, generation: u32) {
        say(&format!("gave up {generation}"));
    }

    fn reopen_logs(&mut self) {
        say(&format!("logs of {} opened again", getpid()));
    }

    fn child_ended(&mut self, _: Pid, _: Ending) {}

    fn promote(&mut self) {
        say(&format!("promoted {}", getpid()));
    }
}

pub(crate) fn serve(behaviour: &str) -> ExitCode {
    tracing_subscriber::fmt().without_time().with_target(false).with_writer(io::stdout).init();
    if behaviour == SESSIONLESS {
        setsid().unwrap();
    }
    let behaviour = Behaviour(behaviour);
    let invocation = Invocation::capture();
    if behaviour.is("late") {
        while env::var("RWSGI_PREDECESSOR").is_ok_and(|pid| pid == getppid().to_string()) {
            thread::sleep(Duration::from_millis(1));
        }
    }
    let mut handover = Handover::from_environment().unwrap();
    let predecessor = handover.as_ref().and_then(Handover::predecessor);
    // Those that were handed over, and the directory being read, do not count.
    let handed = usize::from(handover.is_some());
    say(&format!("descriptors {}", descriptors(getpid()) - 1 - handed));
    let first_mold = match begin(behaviour) {
        Ok(first_mold) => first_mold,
        Err(ended) => return ended.into(),
    };
    let mut open = |plan: &SocketPlan| {
        let handed = handover.as_mut().and_then(|handover| handover.take(&plan.address));
        handed.unwrap_or_else(|| Listener::bind(plan).unwrap())
    };
    let listeners = behaviour.sockets(1).iter().map(&mut open).collect();
    let options = Options {
        policy: behaviour.policy(),
        worker_class: "sync",
        hooks: &NoHooks,
        invocation: &invocation,
        predecessor,
        giver: predecessor,
        first_mold,
    };
    match run(options, &mut Script(behaviour), listeners).unwrap() {
        Role::Master(reason) => reason.into(),
        Role::Worker(inheritance) => work(behaviour, &inheritance).into(),
        Role::Mold(mold) => cast(behaviour, *mold).into(),
        Role::Helper => unreachable!("none is asked for"),
    }
}

/// Forks the first mold if there is to be one, and asks it for its settings.
fn begin(behaviour: Behaviour<'_>) -> Result<Option<FirstMold>, ExitReason> {
    if !behaviour.is_file() {
        return Ok(None);
    }
    let first = match FirstMold::fork(&NoHooks).unwrap() {
        Beginning::Master(first) => first,
        Beginning::Mold(mold) => return Err(cast(behaviour, mold)),
    };
    let limit = behaviour.is("file-slow").then(|| Duration::from_millis(300));
    match first.settings(limit) {
        Reply::Told(json) => say(&format!("first settings {json}")),
        other => {
            say(&format!("no settings: {other:?}"));
            return Err(ExitReason::Config);
        }
    }
    let Reply::Told(content) = first.attend(Occasion::Starting, None) else { panic!("no answer") };
    say(&format!("starting {content}"));
    if behaviour.is("file-thrown-away") {
        first.end().unwrap();
        return Err(ExitReason::Ok);
    }
    Ok(Some(first))
}

fn cast(behaviour: Behaviour<'_>, mut mold: Mold) -> ExitReason {
    let generation = mold.generation();
    say(&format!("mold {} generation {generation}", getpid()));
    if behaviour.is_file() && !evaluate(behaviour, &mut mold) {
        return ExitReason::Config;
    }
    match behaviour.0 {
        "mold-unloadable" if generation == 2 => return ExitReason::AppLoadFailed,
        "mold-hanging" if generation == 2 => loop {
            pause();
        },
        "mold-unfit" => {
            mold.unfit();
            return ExitReason::Ok;
        }
        "file-threads" => mold.threads(),
        "mold-loading" => {
            // The signal comes while the application is loaded, and is lost.
            let lost = SigSet::from(Signal::SIGUSR1);
            lost.thread_block().unwrap();
            say("loading");
            lost.wait().unwrap();
        }
        _ => {}
    }
    match mold.serve(&NoHooks, &mut Hooks { behaviour, generation }) {
        Cast::Worker(inheritance) => {
            assert_eq!(getppid(), inheritance.master);
            work(behaviour, &inheritance)
        }
        Cast::Over(reason) => {
            say(&format!("mold over {}", getpid()));
            reason
        }
    }
}

/// Executes the settings file, so to speak. False if the mold is not to go on.
fn evaluate(behaviour: Behaviour<'_>, mold: &mut Mold) -> bool {
    let generation = mold.generation();
    match (behaviour.0, generation) {
        ("file-raises", 2) => {
            say("raised");
            return false;
        }
        ("file-endless", 2) | ("file-slow" | "file-endless-first", 1) => {
            say("executing");
            loop {
                pause();
            }
        }
        _ => {}
    }
    let is_bad = behaviour.is("file-bad") && generation == 2;
    mold.settings(if is_bad { "no good" } else { "good" }).unwrap();
    let goes_on = mold.await_load(&mut Hooks { behaviour, generation });
    say(&format!("load {generation}: {goes_on}"));
    goes_on
}

/// Says what it is told.
struct Hooks<'a> {
    behaviour: Behaviour<'a>,
    generation: u32,
}

impl Attendant for Hooks<'_> {
    fn before_fork(&mut self, number: u64) -> bool {
        say(&format!("hook before fork {number}"));
        !(self.behaviour.is("file-forkless") && number == 1)
    }

    fn forked(&mut self, number: u64, pid: Pid) {
        say(&format!("hook forked {number} {pid}"));
    }

    fn attend(&mut self, occasion: Occasion) -> bool {
        say(&format!("hook {occasion:?} in generation {}", self.generation));
        match (self.behaviour.0, occasion) {
            ("file-unready", Occasion::Ready) | ("file-unwilling", Occasion::Reloaded) => false,
            ("file-last-words", Occasion::Exiting) => loop {
                pause();
            },
            _ => true,
        }
    }

    fn reopen_logs(&mut self) {
        say(&format!("logs of {} opened again", getpid()));
    }
}

/// A worker that says what it is, and serves nobody.
fn work(behaviour: Behaviour<'_>, inheritance: &Inheritance) -> ExitReason {
    let Inheritance { generation, number, .. } = *inheritance;
    match behaviour.0 {
        "unloadable" => return ExitReason::AppLoadFailed,
        "unloadable-2" if generation == 2 => return ExitReason::AppLoadFailed,
        "hanging-2" if generation == 2 => loop {
            pause();
        },
        "booting" => {
            say(&format!("booting {}", getpid()));
            loop {
                pause();
            }
        }
        _ => {}
    }
    let is_deaf = behaviour.is("silent") && number == 1;
    let taken = [Signal::SIGTERM, Signal::SIGQUIT, Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGWINCH];
    let signals = Signals::install(&taken[..if is_deaf { 4 } else { 5 }]).unwrap();
    let slot = inheritance.scoreboard.slot(inheritance.slot);
    assert_eq!((slot.pid(), slot.generation(), slot.stage()), (getpid(), generation, Stage::Starting));
    slot.set_stage(Stage::Ready);
    say(&format!("serving {} number {number} generation {generation}", getpid()));
    inheritance.status.ready();
    loop {
        if inheritance.lifeline.is_cut() {
            say(&format!("orphaned {}", getpid()));
            return ExitReason::MasterGone;
        }
        for signal in signals.drain() {
            match signal {
                Signal::SIGWINCH => {
                    slot.turns.advance();
                    continue;
                }
                _ => say(&format!("signal {signal} {}", getpid())),
            }
            match signal {
                // What the cases of this file make of them; real workers do something else.
                Signal::SIGUSR1 if behaviour.is("retiring") => inheritance.status.retiring(),
                Signal::SIGUSR1 if behaviour.is("tired") => inheritance.status.tired(),
                Signal::SIGUSR1 => {}
                Signal::SIGTERM | Signal::SIGQUIT if ["stubborn", "patient"].contains(&behaviour.0) => {}
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
