use std::time::{Duration, Instant};

use rwsgi_os::{Pid, Signal};

use crate::{
    event::{Action, Exit, Fact},
    supervisor::{Phase, Supervisor, boot::boot_failure},
    worker::Process,
};

/// The molds that live and those that are ordered; of a generation that is in use at most one, and beside it
/// those that leave.
#[derive(Debug, Default)]
pub(super) struct Molds {
    pub(super) processes: Vec<Process>,
    /// Generations whose mold was ordered, unanswered.
    pub(super) orders: Vec<u32>,
}

impl Molds {
    pub(super) fn pids(&self) -> impl Iterator<Item = Pid> {
        self.processes.iter().map(|mold| mold.pid)
    }

    pub(super) fn has_ready(&self, generation: u32) -> bool {
        self.processes.iter().any(|mold| mold.generation == generation && mold.is_ready())
    }

    pub(super) fn remove(&mut self, pid: Pid) -> Option<Process> {
        let index = self.processes.iter().position(|mold| mold.pid == pid)?;
        Some(self.processes.swap_remove(index))
    }

    /// Whether there is one, or will be.
    fn has(&self, generation: u32) -> bool {
        self.orders.contains(&generation) || self.processes.iter().any(|mold| mold.generation == generation)
    }

    fn starting(&mut self, generation: u32) -> Option<&mut Process> {
        self.processes.iter_mut().find(|mold| mold.generation == generation && mold.is_starting())
    }
}

impl Supervisor {
    /// Orders the molds that are missing.
    pub(super) fn start_molds(&mut self) {
        for number in self.molds_wanted() {
            let due = self.generations.find(number).map(|generation| generation.mold_due);
            if due.is_some_and(|due| due <= self.now) {
                self.molds.orders.push(number);
                self.out.push(Action::StartMold(number));
            }
        }
    }

    pub(super) fn molds_due(&self) -> impl Iterator<Item = Instant> {
        let missing = self.molds_wanted().into_iter();
        missing.filter_map(|number| self.generations.find(number).map(|generation| generation.mold_due))
    }

    /// The generations in use that have no mold and need one.
    fn molds_wanted(&self) -> Vec<u32> {
        let current = Some(self.generations.current).filter(|_| !self.waiting);
        let in_use = current.into_iter().chain(self.rolling());
        in_use
            .filter(|&number| {
                let needs_one = self.generations.find(number).is_some_and(|generation| !generation.direct);
                needs_one && !self.molds.has(number)
            })
            .collect()
    }

    /// Sends away the molds that nobody needs any more.
    pub(super) fn dismiss_molds(&mut self) {
        let (current, goal) = (self.generations.current, self.rolling());
        let unused = |mold: &&Process| mold.generation != current && Some(mold.generation) != goal;
        let unused: Vec<Pid> = self.molds.processes.iter().filter(unused).map(|mold| mold.pid).collect();
        for pid in unused {
            self.retire(pid);
        }
    }

    pub(super) fn mold_forked(&mut self, generation: u32, pid: Pid) {
        self.molds.orders.retain(|&order| order != generation);
        let process = self.process(pid, generation);
        self.molds.processes.push(process);
        if self.phase != Phase::Serving {
            self.see_out(pid);
        }
    }

    pub(super) fn mold_fork_failed(&mut self, generation: u32) {
        self.molds.orders.retain(|&order| order != generation);
        let now = self.now;
        let Some(known) = self.generations.find_mut(generation) else { return };
        let delay = known.mold_backoff.fail().max(Duration::from_secs(1));
        known.mold_due = now + delay;
        self.log(Fact::ForkFailed { delay });
    }

    pub(super) fn mold_ready(&mut self, generation: u32) {
        let (now, logs) = (self.now, self.logs);
        let Some(mold) = self.molds.starting(generation) else { return };
        mold.ready = Some(now);
        let (pid, is_late) = (mold.pid, mold.logs != logs);
        if is_late {
            self.signal(pid, Signal::SIGUSR1);
        }
    }

    pub(super) fn mold_unfit(&mut self, generation: u32) {
        let Some(pid) = self.molds.starting(generation).map(|mold| mold.pid) else { return };
        if let Some(known) = self.generations.find_mut(generation) {
            known.direct = true;
        }
        // It ends by itself.
        let patience = self.generations.policy(generation).kill_after;
        self.leave(pid, Some(self.now + patience));
    }

    pub(super) fn mold_exited(&mut self, exit: Exit, mold: Process) {
        let (generation, was_ready) = (mold.generation, mold.ready.is_some());
        self.log(Fact::MoldExited { exit, generation, killed: mold.was_killed(), was_ready });
        if self.phase != Phase::Serving {
            return;
        }
        let now = self.now;
        if let Some(known) = self.generations.find_mut(generation) {
            if mold.has_lasted(now) {
                known.mold_backoff.reset();
                known.mold_due = now;
            } else {
                known.mold_due = now + known.mold_backoff.fail();
            }
        }
        if !mold.is_starting() {
            return;
        }
        if self.rolling() == Some(generation) {
            self.fail_reload();
        } else if let Some(reason) = boot_failure(exit.ending).filter(|_| self.is_hopeless(generation)) {
            self.give_up_hope(reason);
        }
    }
}
