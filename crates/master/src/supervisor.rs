use std::time::{Duration, Instant};

use rwsgi_os::{Ending, ExitReason, Pid, Report, Signal};

use crate::{
    backoff::Backoff,
    intent::Intent,
    worker::{Birth, Stage, Worker},
};

/// How long workers have to leave when the server is to end soon.
const QUICK: Duration = Duration::from_secs(2);

/// How long a killed worker may take to disappear: one that waits for a dead disk in the kernel never does,
/// and must not keep the server from ending.
const BURIAL: Duration = Duration::from_secs(5);

/// What happened.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
    /// Time has passed.
    Tick,
    /// Somebody asks for something.
    Intent(Intent),
    /// A worker was forked as ordered.
    Forked(Birth, Pid),
    /// It could not be forked.
    ForkFailed(Birth),
    /// A worker said something.
    Said(Pid, Report),
    /// A child is gone.
    Exited(Exit),
}

/// The end of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exit {
    pub(crate) pid: Pid,
    pub(crate) ending: Ending,
    /// Whether the kernel is known to have killed it for memory.
    pub(crate) out_of_memory: bool,
}

/// What is to be done about it, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Fork a worker and answer with [`Event::Forked`] or [`Event::ForkFailed`].
    Fork(Birth),
    /// Send a signal.
    Signal(Pid, Signal),
    /// Nobody uses this slot of the scoreboard any more.
    FreeSlot(usize),
    /// Take no new connections in this process.
    CloseListeners,
    /// Tell the log.
    Log(Fact),
    /// The server has ended.
    Finish(ExitReason),
}

/// What people should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fact {
    /// All places are taken by workers that serve, for the first time.
    AllReady { workers: usize },
    /// A worker leaves and its replacement is on its way.
    Retiring(Pid),
    /// A worker is gone; `killed` by the master itself, and whether it `was_ready`.
    Exited { exit: Exit, killed: bool, was_ready: bool },
    /// Another will take the place of `pid` after `delay`; `failures` in a row died before they were ready.
    Replacing { pid: Pid, delay: Duration, failures: u32 },
    /// No process to be had; the next try comes after `delay`.
    ForkFailed { delay: Duration },
    /// The time to leave is over, or somebody asked twice: this many workers are killed.
    Killing { workers: usize },
    /// This many killed workers have not disappeared.
    Unkillable { workers: usize },
    /// A signal that has no effect.
    Unsupported(Signal),
}

/// What the machine is built for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// How many workers serve.
    pub(crate) workers: usize,
    /// How many may live at a time, those that retire included.
    pub(crate) slots: usize,
    /// How long workers have to leave.
    pub(crate) graceful_timeout: Duration,
}

/// The whole policy of supervision as a machine without clock, processes or log.
///
/// A *seat* is a place for a serving worker; a worker that retires gives up its seat at once and its slot of
/// the scoreboard when it is gone.
#[derive(Debug)]
pub(crate) struct Supervisor {
    settings: Settings,
    seats: Vec<Seat>,
    workers: Vec<Worker>,
    phase: Phase,
    generation: u32,
    last_number: u64,
    /// Whether any worker was ever ready: then the application can be served, and a failing worker never ends
    /// the server.
    ever_ready: bool,
    announced: bool,
}

#[derive(Debug, Clone, Copy)]
struct Seat {
    occupancy: Occupancy,
    backoff: Backoff,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Occupancy {
    /// A worker is to be forked from this moment on.
    Due(Instant),
    /// It was ordered; it gets this slot.
    Forking(usize),
    /// A worker has it.
    Taken(Pid),
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Serving,
    Stopping { signal: Signal, deadline: Instant, killed: bool, reason: ExitReason },
    Finished,
}

impl Supervisor {
    /// A server whose seats are all due `now`.
    pub(crate) fn new(settings: Settings, now: Instant) -> Self {
        let seat = Seat { occupancy: Occupancy::Due(now), backoff: Backoff::default() };
        Self {
            settings,
            seats: vec![seat; settings.workers],
            workers: Vec::new(),
            phase: Phase::Serving,
            generation: 1,
            last_number: 0,
            ever_ready: false,
            announced: false,
        }
    }

    /// Takes in one event at the time `now` and appends what is to be done.
    pub(crate) fn step(&mut self, now: Instant, event: Event, out: &mut Vec<Action>) {
        match event {
            Event::Tick => {}
            Event::Intent(Intent::Stop) => self.asked_to_stop(now, Signal::SIGTERM, out),
            Event::Intent(Intent::StopNow) => self.asked_to_stop(now, Signal::SIGQUIT, out),
            Event::Intent(Intent::Unsupported(signal)) => out.push(Action::Log(Fact::Unsupported(signal))),
            Event::Forked(birth, pid) => self.forked(birth, pid, out),
            Event::ForkFailed(birth) => self.fork_failed(now, birth, out),
            Event::Said(pid, Report::Ready) => self.ready(pid, out),
            Event::Said(pid, Report::Retiring) => self.retiring(now, pid, out),
            Event::Said(_, Report::Tired | Report::Closed) => {}
            Event::Exited(exit) => self.exited(now, exit, out),
        }
        match self.phase {
            Phase::Serving => self.fill_seats(now, out),
            Phase::Stopping { .. } => self.press(now, out),
            Phase::Finished => {}
        }
    }

    /// When the next [`Event::Tick`] is wanted, if nothing happens before.
    pub(crate) fn next_wake(&self) -> Option<Instant> {
        match self.phase {
            Phase::Serving => {
                // Without a free slot no time brings a worker, only the end of another.
                self.free_slot()?;
                self.seats.iter().filter_map(|seat| seat.due()).min()
            }
            Phase::Stopping { deadline, .. } => Some(deadline),
            Phase::Finished => None,
        }
    }

    fn fill_seats(&mut self, now: Instant, out: &mut Vec<Action>) {
        for seat in 0..self.seats.len() {
            if self.seats[seat].due().is_none_or(|due| due > now) {
                continue;
            }
            let Some(slot) = self.free_slot() else { return };
            self.last_number += 1;
            self.seats[seat].occupancy = Occupancy::Forking(slot);
            out.push(Action::Fork(Birth {
                seat,
                slot,
                number: self.last_number,
                generation: self.generation,
            }));
        }
    }

    fn free_slot(&self) -> Option<usize> {
        let ordered = |slot| self.seats.iter().any(|seat| seat.occupancy == Occupancy::Forking(slot));
        let used = |slot| self.workers.iter().any(|worker| worker.slot == slot);
        (0..self.settings.slots).find(|&slot| !used(slot) && !ordered(slot))
    }

    fn forked(&mut self, birth: Birth, pid: Pid, out: &mut Vec<Action>) {
        self.seats[birth.seat].occupancy = Occupancy::Taken(pid);
        self.workers.push(Worker { pid, slot: birth.slot, stage: Stage::Starting, killed: false });
        if let Phase::Stopping { signal, .. } = self.phase {
            out.push(Action::Signal(pid, signal));
        }
    }

    fn fork_failed(&mut self, now: Instant, birth: Birth, out: &mut Vec<Action>) {
        let seat = &mut self.seats[birth.seat];
        // The first retry at once would meet the same shortage.
        let delay = seat.backoff.fail().max(Duration::from_secs(1));
        seat.occupancy = Occupancy::Due(now + delay);
        out.push(Action::FreeSlot(birth.slot));
        out.push(Action::Log(Fact::ForkFailed { delay }));
    }

    fn ready(&mut self, pid: Pid, out: &mut Vec<Action>) {
        let Some(worker) = self.workers.iter_mut().find(|worker| worker.pid == pid) else { return };
        if worker.stage != Stage::Starting {
            return;
        }
        worker.stage = Stage::Ready;
        self.ever_ready = true;
        if let Some(seat) = self.seat_of(pid) {
            seat.backoff.reset();
        }
        let ready = self.workers.iter().filter(|worker| worker.stage == Stage::Ready).count();
        if !self.announced && ready == self.seats.len() {
            self.announced = true;
            out.push(Action::Log(Fact::AllReady { workers: ready }));
        }
    }

    fn retiring(&mut self, now: Instant, pid: Pid, out: &mut Vec<Action>) {
        let serving = matches!(self.phase, Phase::Serving);
        let Some(worker) = self.workers.iter_mut().find(|worker| worker.pid == pid) else { return };
        // One that never was ready gets no replacement at once: that is a failure, dealt with when it is
        // gone.
        if worker.stage != Stage::Ready || !serving {
            return;
        }
        worker.stage = Stage::Retiring;
        if let Some(seat) = self.seat_of(pid) {
            seat.occupancy = Occupancy::Due(now);
        }
        out.push(Action::Log(Fact::Retiring(pid)));
    }

    fn exited(&mut self, now: Instant, exit: Exit, out: &mut Vec<Action>) {
        let Some(index) = self.workers.iter().position(|worker| worker.pid == exit.pid) else { return };
        let worker = self.workers.swap_remove(index);
        let was_ready = worker.stage != Stage::Starting;
        out.push(Action::Log(Fact::Exited { exit, killed: worker.killed, was_ready }));
        out.push(Action::FreeSlot(worker.slot));
        if !matches!(self.phase, Phase::Serving) {
            return;
        }
        let hopeless = boot_failure(exit.ending).filter(|_| !was_ready && !self.ever_ready);
        if let Some(reason) = hopeless {
            self.stop(now, Signal::SIGTERM, reason, out);
            return;
        }
        // None for a worker that had retired: its replacement is there or on its way.
        let Some(seat) = self.seat_of(exit.pid) else { return };
        let delay = if was_ready { Duration::ZERO } else { seat.backoff.fail() };
        seat.occupancy = Occupancy::Due(now + delay);
        out.push(Action::Log(Fact::Replacing { pid: exit.pid, delay, failures: seat.backoff.failures() }));
    }

    fn seat_of(&mut self, pid: Pid) -> Option<&mut Seat> {
        self.seats.iter_mut().find(|seat| seat.occupancy == Occupancy::Taken(pid))
    }

    fn asked_to_stop(&mut self, now: Instant, signal: Signal, out: &mut Vec<Action>) {
        match &mut self.phase {
            Phase::Serving => self.stop(now, signal, ExitReason::Ok, out),
            // Asked twice: the time to leave is over.
            Phase::Stopping { deadline, killed: false, .. } => *deadline = now,
            Phase::Stopping { .. } | Phase::Finished => {}
        }
    }

    fn stop(&mut self, now: Instant, signal: Signal, reason: ExitReason, out: &mut Vec<Action>) {
        let patience = match signal {
            Signal::SIGTERM => self.settings.graceful_timeout,
            _ => self.settings.graceful_timeout.min(QUICK),
        };
        self.phase = Phase::Stopping { signal, deadline: now + patience, killed: false, reason };
        out.push(Action::CloseListeners);
        out.extend(self.workers.iter().map(|worker| Action::Signal(worker.pid, signal)));
    }

    /// Sees the workers out: ends the server when none is left, kills those that take too long.
    fn press(&mut self, now: Instant, out: &mut Vec<Action>) {
        let ordered = self.seats.iter().any(|seat| matches!(seat.occupancy, Occupancy::Forking(_)));
        let Phase::Stopping { deadline, killed, reason, .. } = &mut self.phase else { return };
        if ordered {
            // The answer to the order is on its way, and may bring a worker to see out.
            return;
        }
        let workers = self.workers.len();
        let overdue = now >= *deadline;
        if workers > 0 && !overdue {
            return;
        }
        if workers > 0 && !*killed {
            *killed = true;
            *deadline = now + BURIAL;
            out.push(Action::Log(Fact::Killing { workers }));
            for worker in &mut self.workers {
                worker.killed = true;
                out.push(Action::Signal(worker.pid, Signal::SIGKILL));
            }
            return;
        }
        if workers > 0 {
            out.push(Action::Log(Fact::Unkillable { workers }));
        }
        out.push(Action::Finish(*reason));
        self.phase = Phase::Finished;
    }
}

impl Seat {
    fn due(&self) -> Option<Instant> {
        match self.occupancy {
            Occupancy::Due(due) => Some(due),
            Occupancy::Forking(_) | Occupancy::Taken(_) => None,
        }
    }
}

/// The two codes by which a worker says that starting another would fail alike.
fn boot_failure(ending: Ending) -> Option<ExitReason> {
    match ending {
        Ending::Code(code) => ExitReason::from_code(code)
            .filter(|reason| matches!(reason, ExitReason::BootFailed | ExitReason::AppLoadFailed)),
        Ending::Signal { .. } => None,
    }
}

#[cfg(test)]
mod tests;
