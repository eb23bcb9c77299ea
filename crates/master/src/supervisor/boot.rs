use std::time::{Duration, Instant};

use rwsgi_os::{Ending, ExitReason, Pid, Signal};

use crate::{
    event::{Action, Exit, Fact, Word},
    supervisor::{Phase, Supervisor},
    worker::{Birth, Process, Worker},
};

/// The first retry at once would meet the same shortage.
const SHORTAGE: Duration = Duration::from_secs(1);

impl Supervisor {
    pub(super) fn forked(&mut self, birth: Birth, pid: Pid) {
        let Some(order) = self.crew.answered(birth) else { return };
        let process = Process { logs: order.logs, ..self.process(pid, birth.generation) };
        let Birth { slot, number, .. } = birth;
        self.crew.workers.push(Worker { process, slot, number, tired: false, pulse: None });
        match (self.phase, self.candidate_of(birth)) {
            (Phase::Serving, Some(candidate)) => candidate.pid = Some(pid),
            (Phase::Serving, None) => self.retire(pid),
            _ => self.see_out(pid),
        }
    }

    /// A process that was forked just now.
    pub(super) fn process(&self, pid: Pid, generation: u32) -> Process {
        Process { pid, generation, forked: self.now, ready: None, leaving: None, logs: self.logs }
    }

    pub(super) fn fork_failed(&mut self, birth: Birth) {
        if self.crew.answered(birth).is_none() {
            return;
        }
        self.out.push(Action::FreeSlot(birth.slot));
        let now = self.now;
        let failed = self.seats.iter_mut().find_map(|seat| seat.lose_order(birth).then_some(seat));
        let Some(seat) = failed else { return };
        let delay = seat.backoff.fail().max(SHORTAGE);
        seat.postpone(now + delay);
        if self.phase == Phase::Serving {
            self.log(Fact::ForkFailed { delay });
        }
    }

    pub(super) fn ready(&mut self, pid: Pid) {
        let (now, logs) = (self.now, self.logs);
        let Some(worker) = self.crew.worker_mut(pid) else { return };
        if !worker.process.is_starting() {
            return;
        }
        worker.process.ready = Some(now);
        if worker.process.logs != logs {
            // It was too young to take the signal when the logs were opened again.
            self.signal(pid, Signal::SIGUSR1);
        }
        if !self.ever_ready {
            self.ever_ready = true;
            self.tell(Word::Ready);
        }
    }

    /// The log hears once that all workers serve.
    pub(super) fn announce(&mut self) {
        let workers = self.seats.iter().filter(|seat| seat.occupant().is_some()).count();
        if !self.announced && workers > 0 && workers == self.seats.len() {
            self.announced = true;
            self.log(Fact::AllReady { workers });
        }
    }

    pub(super) fn worker_exited(&mut self, exit: Exit, worker: Worker) {
        let process = worker.process;
        let age = self.now.saturating_duration_since(process.forked);
        let (killed, was_ready) = (process.was_killed(), process.ready.is_some());
        self.log(Fact::Exited { exit, killed, was_ready, age });
        self.announce_exit(exit, &worker);
        self.out.push(Action::FreeSlot(worker.slot));
        if self.phase != Phase::Serving {
            return;
        }
        let hopeless = process.is_starting() && self.is_hopeless(process.generation);
        if let Some(reason) = boot_failure(exit.ending).filter(|_| hopeless) {
            self.give_up_hope(reason);
        }
        self.lose(&process, true);
    }

    /// A worker is gone, or leaves by itself: its seat is accounted for, and a reload that has brought it fails.
    pub(super) fn lose(&mut self, process: &Process, announce: bool) {
        let now = self.now;
        if process.leaving.is_none() && self.condemns_reload(process) {
            if let Some(seat) = self.seat_of(process.pid) {
                seat.release(process.pid);
                seat.postpone(now);
            }
            self.fail_reload();
            return;
        }
        let others = self
            .crew
            .workers
            .iter()
            .any(|worker| worker.process.is_ready() && worker.process.pid != process.pid);
        // None for a worker that had retired: its replacement is there or on its way.
        let Some(seat) = self.seat_of(process.pid) else { return };
        seat.release(process.pid);
        let delay = seat.account(process, now, others);
        let (failures, alone) = (seat.backoff.failures(), seat.candidates.is_empty());
        if announce && alone && !self.waiting && self.phase == Phase::Serving {
            self.log(Fact::Replacing { pid: process.pid, delay, failures });
        }
    }

    /// Whether the end of a process that was about to serve this generation is the end of the server.
    pub(super) fn is_hopeless(&self, generation: u32) -> bool {
        !self.ever_ready && generation == self.generations.current && self.rolling().is_none()
    }

    /// The application cannot be loaded, and never could.
    pub(super) fn give_up_hope(&mut self, reason: ExitReason) {
        if !self.generations.policy(self.generations.current).patient {
            self.stop(Signal::SIGTERM, reason);
        } else if !self.waiting {
            self.waiting = true;
            self.log(Fact::WaitingForReload);
            self.dismiss_candidates(|_, _| true);
        }
    }

    /// When those that load the application must have done so.
    pub(super) fn boot_deadlines(&self) -> impl Iterator<Item = Instant> {
        self.processes().filter_map(|process| self.boot_deadline(process))
    }

    fn boot_deadline(&self, process: &Process) -> Option<Instant> {
        let limit = self.generations.policy(process.generation).boot_timeout;
        limit.filter(|_| process.is_starting()).map(|limit| process.forked + limit)
    }

    /// Aborts workers and molds that do not come to an end with loading the application.
    pub(super) fn abort_slow_boots(&mut self) {
        let slow = |process: &&Process| self.boot_deadline(process).is_some_and(|due| due <= self.now);
        let slow: Vec<Process> = self.processes().filter(slow).copied().collect();
        for process in slow {
            let limit = self.generations.policy(process.generation).boot_timeout.unwrap_or_default();
            // Whoever was ended with the reload that an earlier one has failed is not at fault.
            if self.find_process(process.pid).is_none_or(|process| process.leaving.is_some()) {
                continue;
            }
            self.log(if self.evaluating() == Some(process.generation) {
                Fact::SettingsTimeout { pid: process.pid, limit }
            } else {
                Fact::BootTimeout { kind: self.kind_of(process.pid), pid: process.pid, limit }
            });
            self.abort(process.pid);
            if self.condemns_reload(&process) {
                self.fail_reload();
            }
        }
    }
}

/// The two codes by which a process says that starting another would fail alike.
pub(super) fn boot_failure(ending: Ending) -> Option<ExitReason> {
    match ending {
        Ending::Code(code) => ExitReason::from_code(code)
            .filter(|reason| matches!(reason, ExitReason::BootFailed | ExitReason::AppLoadFailed)),
        Ending::Signal { .. } => None,
    }
}
