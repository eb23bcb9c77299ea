use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use rwsgi_os::{Ending, ExitReason, Pid, Report, Signal};

use super::{Settings, Supervisor};
use crate::{
    Occasion, Policy,
    event::{Action, Event, Exit, Fact, Word},
    intent::Intent,
    worker::Birth,
};

mod deeds;

pub(super) const CODE_0: Ending = Ending::Code(0);
pub(super) const CODE_3: Ending = Ending::Code(3);
pub(super) const CODE_4: Ending = Ending::Code(4);
pub(super) const SEGFAULT: Ending = Ending::Signal { number: 11, core_dumped: false };
pub(super) const KILLED: Ending = Ending::Signal { number: 9, core_dumped: false };
pub(super) const GRACEFUL: Duration = Duration::from_secs(30);

/// The usual settings.
pub(super) fn policy(workers: usize) -> Policy {
    Policy {
        workers,
        graceful_timeout: GRACEFUL,
        silence: None,
        kill_after: Duration::from_secs(5),
        boot_timeout: Some(Duration::from_secs(60)),
        surge: 1,
        max_unavailable: 0,
        lifetime: None,
        memory: None,
        mold: false,
        attended: false,
        patient: false,
    }
}

pub(super) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// How the processes of a generation load the application.
#[derive(Debug, Clone, Copy)]
pub(super) enum Boot {
    /// Not at all, until the test says so.
    Hangs,
    ReadyAfter(Duration),
    EndsAfter(Duration, Ending),
    /// It is ready after the first time, and ends after the second.
    ReadyThenEnds(Duration, Duration, Ending),
}

/// What the driver does when the settings are to be read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Settled {
    To(Policy),
    /// To these, by a file that the mold has to execute. Policies with hooks are always read so.
    InFile(Policy),
    NoGood,
    /// It has not answered yet.
    Unanswered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Worker,
    Mold,
    Successor,
}

#[derive(Debug, Clone)]
pub(super) struct Process {
    pub(super) kind: Kind,
    pub(super) generation: u32,
    pub(super) ready: bool,
    pub(super) told: Vec<Signal>,
    /// Turns of its loop; it turns when it is woken, unless it is stuck.
    turns: u64,
    pub(super) stuck: bool,
    pub(super) asleep: bool,
    pub(super) memory: u64,
    /// A mold that executes its settings file.
    evaluating: bool,
    /// A mold that hears no signals that ask to leave.
    deaf: bool,
}

#[derive(Debug, Clone, Copy)]
enum Happening {
    Ready(i32),
    End(i32, Ending),
}

/// A supervisor with a clock that only the test moves, and all that a driver and the kernel would do.
///
/// It checks by itself what must hold at any time: signals go to processes that exist, no slot is given
/// twice, workers come only from generations that are prepared and molds that are ready, and the end comes
/// when nobody is left.
pub(super) struct World {
    pub(super) supervisor: Supervisor,
    pub(super) now: Instant,
    pub(super) last_pid: i32,
    pub(super) processes: BTreeMap<i32, Process>,
    happenings: Vec<(Instant, Happening)>,
    // How the world behaves.
    pub(super) refuse_forks: bool,
    pub(super) hold_forks: bool,
    /// Whether `when_ready` and `on_reload` go wrong.
    pub(super) hooks_fail: bool,
    pub(super) boots: BTreeMap<u32, Boot>,
    pub(super) molds: Boot,
    pub(super) settled: Settled,
    /// How long a worker takes to leave when it is asked to; never, without.
    pub(super) leaves_after: Option<Duration>,
    // What has come of it.
    pub(super) births: Vec<Birth>,
    pub(super) sent: Vec<(i32, Signal)>,
    pub(super) facts: Vec<Fact>,
    pub(super) words: Vec<Word>,
    pub(super) deeds: Vec<Action>,
    pub(super) freed: Vec<usize>,
    pub(super) looks: usize,
    pub(super) memory_looks: usize,
    pub(super) listening: bool,
    pub(super) finished: Option<ExitReason>,
    held: Vec<Birth>,
    held_molds: Vec<u32>,
    unfit: BTreeSet<u32>,
    /// Generations whose settings a mold executes.
    in_file: BTreeSet<u32>,
    /// Those whose workers need not wait for hooks.
    open: BTreeSet<u32>,
    /// How the generations are supervised that are prepared.
    policies: BTreeMap<u32, Policy>,
    /// What molds were told, by generation.
    pub(super) occasions: Vec<(u32, Occasion)>,
    slots: BTreeSet<usize>,
    capacity: usize,
    pub(super) prepared: BTreeSet<u32>,
}

/// As many processors as workers may ever be wanted.
pub(super) const MANY: usize = 64;

impl World {
    /// A world in which nothing happens unless the test says so.
    pub(super) fn still(workers: usize) -> Self {
        let policy = Policy { boot_timeout: None, ..policy(workers) };
        Self::with(policy, 2 * workers + 2, Boot::Hangs)
    }

    /// The same with workers that have been ready for ten seconds.
    pub(super) fn still_serving(workers: usize) -> Self {
        let mut world = Self::still(workers);
        for pid in 1..=world.last_pid {
            world.say(pid, Report::Ready);
        }
        world.now += seconds(10);
        world
    }

    /// A world in which workers load in a second and leave in a second, and all are ready. It is a minute old.
    pub(super) fn lively(policy: Policy) -> Self {
        let mut world = Self::with(policy, 4 * policy.workers + 32, Boot::ReadyAfter(seconds(1)));
        world.run(seconds(60));
        world.forget();
        world
    }

    pub(super) fn with(policy: Policy, slots: usize, boot: Boot) -> Self {
        let mut world = Self::asleep(Settings { policy, slots, processors: MANY, predecessor: false }, boot);
        world.event(Event::Tick);
        world
    }

    pub(super) fn asleep(settings: Settings, boot: Boot) -> Self {
        let now = Instant::now();
        Self {
            supervisor: Supervisor::new(settings, now),
            now,
            last_pid: 0,
            processes: BTreeMap::new(),
            happenings: Vec::new(),
            refuse_forks: false,
            hold_forks: false,
            hooks_fail: false,
            boots: BTreeMap::from([(0, boot)]),
            molds: boot,
            settled: Settled::To(settings.policy),
            leaves_after: (!matches!(boot, Boot::Hangs)).then_some(seconds(1)),
            births: Vec::new(),
            sent: Vec::new(),
            facts: Vec::new(),
            words: Vec::new(),
            deeds: Vec::new(),
            freed: Vec::new(),
            looks: 0,
            memory_looks: 0,
            listening: true,
            finished: None,
            held: Vec::new(),
            held_molds: Vec::new(),
            unfit: BTreeSet::new(),
            in_file: settings.policy.attended.then_some(1).into_iter().collect(),
            open: (!settings.policy.attended).then_some(1).into_iter().collect(),
            policies: BTreeMap::from([(1, settings.policy)]),
            occasions: Vec::new(),
            slots: BTreeSet::new(),
            capacity: settings.slots,
            prepared: BTreeSet::from([1]),
        }
    }

    /// Forgets what was reported so far.
    pub(super) fn forget(&mut self) {
        self.sent.clear();
        self.facts.clear();
        self.words.clear();
        self.deeds.clear();
        self.freed.clear();
        self.births.clear();
        self.occasions.clear();
    }

    pub(super) fn event(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            if let Event::MoldUnfit(generation) = event {
                self.unfit.insert(generation);
            }
            if let Event::Exited(exit) = event {
                self.processes.remove(&exit.pid.as_raw());
            }
            let mut actions = Vec::new();
            self.supervisor.step(self.now, event, &mut actions);
            for action in actions {
                assert_eq!(self.finished, None, "{action:?} after the end");
                self.perform(action, &mut events);
            }
        }
        let wake = self.supervisor.next_wake();
        assert!(wake.is_none_or(|wake| wake > self.now), "what is due is done, or no time brings it");
    }

    pub(super) fn say(&mut self, pid: i32, report: Report) {
        if let Some(process) = self.processes.get_mut(&pid).filter(|_| report == Report::Ready) {
            process.ready = true;
        }
        self.event(Event::Said(Pid::from_raw(pid), report));
    }

    /// A mold has done what it does: it has executed its file, or has loaded the application.
    pub(super) fn mold_ready(&mut self, pid: i32) {
        let mold = self.processes.get_mut(&pid).unwrap();
        let generation = mold.generation;
        if std::mem::take(&mut mold.evaluating) {
            return self.event(Event::Evaluated(generation));
        }
        mold.ready = true;
        mold.deaf = self.policies.get(&generation).is_some_and(|policy| policy.attended);
        self.event(Event::MoldReady(generation));
    }

    pub(super) fn exit(&mut self, pid: i32, ending: Ending) {
        let exit = Exit { pid: Pid::from_raw(pid), ending, out_of_memory: false };
        self.event(Event::Exited(exit));
    }

    pub(super) fn intent(&mut self, intent: Intent) {
        self.event(Event::Intent(intent));
    }

    /// A reload and a minute for it.
    pub(super) fn reload(&mut self) {
        self.intent(Intent::Reload);
        self.run(seconds(60));
    }

    /// Sleeps as the driver does: until the supervisor wants to be woken.
    pub(super) fn sleep(&mut self) -> Duration {
        let wake = self.supervisor.next_wake().expect("something is due");
        let slept = wake.saturating_duration_since(self.now);
        self.now = self.now.max(wake);
        self.event(Event::Tick);
        slept
    }

    /// Lets the world go on for so long.
    pub(super) fn run(&mut self, length: Duration) {
        let end = self.now + length;
        let mut turns = 0;
        while self.turn(end) {
            turns += 1;
            assert!(turns < 100_000, "the supervisor does not come to rest");
        }
        self.now = end;
    }

    /// Goes on until `reached`, at most ten minutes.
    pub(super) fn run_until(&mut self, mut reached: impl FnMut(&Self) -> bool) {
        let end = self.now + seconds(600);
        while !reached(self) {
            assert!(self.turn(end), "it does not come: {:?}", self.facts);
        }
    }

    /// Moves the clock to the next thing that happens before `end`.
    pub(super) fn turn(&mut self, end: Instant) -> bool {
        let happening = self.happenings.iter().enumerate().min_by_key(|(_, (due, _))| *due);
        let happening = happening.map(|(index, &(due, _))| (index, due));
        let wake = self.supervisor.next_wake();
        match happening {
            Some((index, due)) if wake.is_none_or(|wake| due <= wake) => {
                if due > end {
                    return false;
                }
                self.now = self.now.max(due);
                match self.happenings.swap_remove(index).1 {
                    Happening::Ready(pid) => self.become_ready(pid),
                    Happening::End(pid, ending) if self.processes.contains_key(&pid) => {
                        self.exit(pid, ending)
                    }
                    Happening::End(..) => {}
                }
            }
            _ => {
                let Some(wake) = wake.filter(|&wake| wake <= end) else { return false };
                self.now = self.now.max(wake);
                self.event(Event::Tick);
            }
        }
        true
    }

    fn become_ready(&mut self, pid: i32) {
        let Some(process) = self.processes.get(&pid) else { return };
        match process.kind {
            _ if process.told.contains(&Signal::SIGTERM) => {}
            Kind::Worker => self.say(pid, Report::Ready),
            Kind::Mold => self.mold_ready(pid),
            Kind::Successor => {}
        }
    }

    pub(super) fn sent(&mut self) -> Vec<(i32, Signal)> {
        std::mem::take(&mut self.sent)
    }

    /// The pids of workers that serve and were not asked to go.
    pub(super) fn serving(&self) -> Vec<i32> {
        self.workers(|process| process.ready && process.told.iter().all(|&told| is_harmless(told)))
    }

    /// The generations of those.
    pub(super) fn generations(&self) -> Vec<u32> {
        self.serving().iter().map(|pid| self.processes[pid].generation).collect()
    }

    pub(super) fn workers(&self, which: impl Fn(&Process) -> bool) -> Vec<i32> {
        let workers = self.processes.iter().filter(|(_, process)| process.kind == Kind::Worker);
        workers.filter(|(_, process)| which(process)).map(|(&pid, _)| pid).collect()
    }

    pub(super) fn pids(&self, kind: Kind) -> Vec<i32> {
        self.processes.iter().filter(|(_, process)| process.kind == kind).map(|(&pid, _)| pid).collect()
    }

    #[track_caller]
    pub(super) fn assert_told(&self, expected: Fact) {
        assert!(self.facts.contains(&expected), "no {expected:?} in {:#?}", self.facts);
    }
}

fn is_harmless(signal: Signal) -> bool {
    matches!(signal, Signal::SIGUSR1 | Signal::SIGWINCH)
}
