use std::time::Instant;

use rwsgi_os::{ExitReason, Pid, Report, Signal};

use crate::{
    Policy,
    event::{Action, Event, Exit, Fact, Word},
    intent::Intent,
};

mod boot;
mod count;
mod crew;
mod generations;
mod head_start;
mod health;
mod leaving;
mod molds;
mod occasions;
mod recycling;
mod reload;
mod rolling;
mod seats;
mod status;
mod stopping;
mod upgrade;

use self::{
    crew::Crew,
    generations::{Generation, Generations},
    molds::Molds,
    reload::{Adopted, Reload},
    seats::Seat,
    stopping::Phase,
    upgrade::Upgrade,
};

pub(crate) use self::status::Census;

/// What the machine is built for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// How the first generation is supervised.
    pub(crate) policy: Policy,
    /// How many workers may live at a time, those that leave included.
    pub(crate) slots: usize,
    /// How many processes can run at the same time, at least one.
    pub(crate) processors: usize,
    /// Whether another master started this one to take its place, and is still there.
    pub(crate) predecessor: bool,
}

/// The whole policy of supervision as a machine without clock, processes or log.
///
/// A *seat* is a place for a serving worker, its *occupant*. Whoever is to become the occupant is a *candidate*
/// until it is ready: of a seat that is empty, or of one whose occupant is to be replaced. Replacing is one
/// thing, whatever the reason: the occupant is of another generation than the *target*, or it is *tired*.
#[derive(Debug)]
pub(crate) struct Supervisor {
    /// The time of the last step. What was due by then has been done, or waits for an event.
    now: Instant,
    /// What is to be done, until the step ends.
    out: Vec<Action>,
    phase: Phase,
    processors: usize,
    crew: Crew,
    seats: Vec<Seat>,
    generations: Generations,
    molds: Molds,
    reload: Option<Reload>,
    adopted: Option<Adopted>,
    upgrade: Upgrade,
    /// What `TTIN` and `TTOU` add to the workers of the policy.
    adjustment: isize,
    /// `WINCH` has sent the workers away.
    stopped: bool,
    /// The application does not load, and the server waits for a reload.
    waiting: bool,
    /// Whether any worker was ever ready: then the application can be served, and a failing worker never ends
    /// the server.
    ever_ready: bool,
    announced: bool,
    last_number: u64,
    next_look: Option<Instant>,
    /// How often the logs were opened again.
    logs: u32,
}

impl Supervisor {
    /// A server whose seats are all due `now`.
    pub(crate) fn new(settings: Settings, now: Instant) -> Self {
        Self {
            now,
            out: Vec::new(),
            phase: Phase::Serving,
            processors: settings.processors,
            crew: Crew::with_slots(settings.slots),
            seats: Vec::new(),
            generations: Generations::starting_with(Generation::new(1, settings.policy, now)),
            molds: Molds::default(),
            reload: None,
            adopted: None,
            upgrade: Upgrade::beginning(settings.predecessor),
            adjustment: 0,
            stopped: false,
            waiting: false,
            ever_ready: false,
            announced: false,
            last_number: 0,
            next_look: None,
            logs: 0,
        }
    }

    /// Takes in one event at the time `now` and appends what is to be done.
    pub(crate) fn step(&mut self, now: Instant, event: Event, out: &mut Vec<Action>) {
        self.now = self.now.max(now);
        if self.phase == Phase::Finished {
            return;
        }
        match event {
            Event::Tick => {}
            Event::Intent(intent) => self.asked(intent),
            Event::Forked(birth, pid) => self.forked(birth, pid),
            Event::ForkFailed(birth) => self.fork_failed(birth),
            Event::Said(pid, Report::Ready) => self.ready(pid),
            Event::Said(pid, Report::Retiring) => self.retires(pid),
            Event::Said(pid, Report::Tired) => self.crew.tire(pid),
            Event::Said(_, Report::Closed) => {}
            Event::Exited(exit) => self.exited(exit),
            Event::Vitals(pid, vitals) => self.examine(pid, vitals),
            Event::NeedsMold(generation) => self.needs_mold(generation),
            Event::Evaluated(generation) => self.evaluated(generation),
            Event::Prepared(generation, policy) => self.prepared(generation, policy),
            Event::PrepareFailed(generation) => self.prepare_failed(generation),
            Event::MoldForked(generation, pid) => self.mold_forked(generation, pid),
            Event::MoldForkFailed(generation) => self.mold_fork_failed(generation),
            Event::MoldReady(generation) => self.mold_ready(generation),
            Event::MoldUnfit(generation) => self.mold_unfit(generation),
            Event::MoldThreads(generation) => self.mold_has_threads(generation),
            Event::Attended(generation, occasion, content) => self.attended(generation, occasion, content),
            Event::SuccessorStarted(pid) => self.successor_started(pid),
            Event::SuccessorFailed => self.upgrade.forget_successor(),
            Event::PredecessorGone => self.predecessor_gone(),
        }
        match self.phase {
            Phase::Serving => self.settle(),
            Phase::Stopping(_) => self.press(),
            Phase::Finished => {}
        }
        out.append(&mut self.out);
    }

    /// When the next [`Event::Tick`] is wanted, if nothing happens before.
    pub(crate) fn next_wake(&self) -> Option<Instant> {
        let mut due: Vec<Instant> = self.kills_due().collect();
        match self.phase {
            Phase::Serving => {
                due.extend(self.seats.iter().map(Seat::due));
                due.extend(self.end_of_head_start());
                due.extend(self.boot_deadlines());
                due.extend(self.molds_due());
                due.extend(self.lifetimes());
                due.extend(self.probations());
                due.extend(self.next_look);
            }
            Phase::Stopping(stopping) => due.push(stopping.deadline),
            Phase::Finished => return None,
        }
        due.into_iter().filter(|&due| due > self.now).min()
    }

    /// Brings the world a step nearer to what is wanted. Everything here can be done again and again: it looks
    /// at what is, not at what has happened.
    fn settle(&mut self) {
        self.kill_overdue();
        self.abort_slow_boots();
        self.look();
        self.notice_age();
        self.prove();
        self.seat_candidates();
        self.announce();
        self.complete_reload();
        self.fit_seats();
        self.announce_reload();
        self.start_molds();
        self.fill_empty_seats();
        self.roll();
        self.recycle();
        self.dismiss_molds();
        self.give_up_generations();
    }

    fn asked(&mut self, intent: Intent) {
        match (self.phase, intent) {
            (Phase::Finished, _) => {}
            (_, Intent::ReopenLogs) => self.reopen_logs(),
            (Phase::Serving, Intent::Stop) => self.stop(Signal::SIGTERM, ExitReason::Ok),
            (Phase::Serving, Intent::StopNow) => self.stop(Signal::SIGQUIT, ExitReason::Ok),
            (Phase::Stopping(_), Intent::StopNow) => self.hasten(),
            (Phase::Stopping(_), _) => {}
            (Phase::Serving, Intent::Reload) => self.begin_reload(),
            (Phase::Serving, Intent::MoreWorkers) => self.more_workers(),
            (Phase::Serving, Intent::FewerWorkers) => self.fewer_workers(),
            (Phase::Serving, Intent::StopWorkers) => self.stop_workers(),
            (Phase::Serving, Intent::WindowChanged) => self.log(Fact::WinchIgnored),
            (Phase::Serving, Intent::Upgrade) => self.begin_upgrade(),
        }
    }

    fn exited(&mut self, exit: Exit) {
        if self.upgrade.is_successor(exit.pid) {
            self.successor_exited(exit);
        } else if let Some(mold) = self.molds.remove(exit.pid) {
            self.mold_exited(exit, &mold.process);
        } else if let Some(worker) = self.crew.remove(exit.pid) {
            self.worker_exited(exit, worker);
        }
    }

    fn reopen_logs(&mut self) {
        self.logs = self.logs.wrapping_add(1);
        self.out.push(Action::ReopenLogs);
        let pids = self.crew.workers.iter().map(|worker| worker.process.pid).chain(self.molds.pids());
        self.out.extend(pids.map(|pid| Action::Signal(pid, Signal::SIGUSR1)));
    }

    fn log(&mut self, fact: Fact) {
        self.out.push(Action::Log(fact));
    }

    fn tell(&mut self, word: Word) {
        self.out.push(Action::Tell(word));
    }

    fn signal(&mut self, pid: Pid, signal: Signal) {
        self.out.push(Action::Signal(pid, signal));
    }
}

#[cfg(test)]
mod tests;
