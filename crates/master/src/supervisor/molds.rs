use std::time::{Duration, Instant};

use rwsgi_os::{Pid, Signal};

use crate::{
    event::{Action, Exit, Fact},
    supervisor::{Generation, Phase, Supervisor, boot::boot_failure},
    worker::Process,
};

/// The molds that live and those that are ordered; of a generation that is in use at most one, and beside it
/// those that leave.
#[derive(Debug, Default)]
pub(super) struct Molds {
    pub(super) all: Vec<Mold>,
    /// Generations whose mold was ordered, unanswered.
    pub(super) orders: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Mold {
    pub(super) process: Process,
    /// It is told of occasions, from when its settings are accepted.
    pub(super) attended: bool,
    /// It was asked to do what comes before the first worker.
    pub(super) asked: bool,
}

impl Mold {
    /// It is there for the occasions, so it stays as long as a worker of it does.
    pub(super) fn is_attendant(&self) -> bool {
        self.attended && self.process.is_ready()
    }
}

impl Molds {
    pub(super) fn pids(&self) -> impl Iterator<Item = Pid> {
        self.all.iter().map(|mold| mold.process.pid)
    }

    pub(super) fn has_ready(&self, generation: u32) -> bool {
        self.of(generation).any(|mold| mold.process.is_ready())
    }

    pub(super) fn remove(&mut self, pid: Pid) -> Option<Mold> {
        let index = self.all.iter().position(|mold| mold.process.pid == pid)?;
        Some(self.all.swap_remove(index))
    }

    pub(super) fn find(&self, pid: Pid) -> Option<&Mold> {
        self.all.iter().find(|mold| mold.process.pid == pid)
    }

    fn of(&self, generation: u32) -> impl Iterator<Item = &Mold> {
        self.all.iter().filter(move |mold| mold.process.generation == generation)
    }

    /// Whether there is one, or will be.
    fn has(&self, generation: u32) -> bool {
        self.orders.contains(&generation) || self.of(generation).next().is_some()
    }

    /// Whether one of this generation is told of occasions.
    pub(super) fn has_attended(&self, generation: u32) -> bool {
        self.of(generation).any(|mold| mold.attended)
    }

    pub(super) fn starting(&mut self, generation: u32) -> Option<&mut Mold> {
        let is_it = |mold: &&mut Mold| mold.process.generation == generation && mold.process.is_starting();
        self.all.iter_mut().find(is_it)
    }
}

impl Supervisor {
    /// Orders the molds that are missing.
    pub(super) fn start_molds(&mut self) {
        for number in self.molds_wanted() {
            let due = self.generations.find(number).map(|generation| generation.mold_due);
            if due.is_some_and(|due| due <= self.now) {
                self.order_mold(number);
            }
        }
    }

    pub(super) fn order_mold(&mut self, generation: u32) {
        self.molds.orders.push(generation);
        self.out.push(Action::StartMold(generation));
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
                let needs_one = self.generations.find(number).is_some_and(Generation::needs_mold);
                needs_one && !self.molds.has(number)
            })
            .collect()
    }

    /// Sends away the molds that nobody needs any more.
    pub(super) fn dismiss_molds(&mut self) {
        let in_use = [Some(self.generations.current), self.rolling(), self.evaluating()];
        let has_workers =
            |generation| self.crew.workers.iter().any(|worker| worker.process.generation == generation);
        let used = |mold: &&Mold| {
            let generation = mold.process.generation;
            in_use.contains(&Some(generation)) || mold.is_attendant() && has_workers(generation)
        };
        let unused: Vec<Pid> =
            self.molds.all.iter().filter(|mold| !used(mold)).map(|mold| mold.process.pid).collect();
        for pid in unused {
            self.retire(pid);
        }
    }

    pub(super) fn mold_forked(&mut self, generation: u32, pid: Pid) {
        self.molds.orders.retain(|&order| order != generation);
        let process = self.process(pid, generation);
        self.molds.all.push(Mold { process, attended: false, asked: false });
        if self.phase != Phase::Serving {
            self.see_out(pid);
        }
    }

    pub(super) fn mold_fork_failed(&mut self, generation: u32) {
        self.molds.orders.retain(|&order| order != generation);
        let now = self.now;
        if self.evaluating() == Some(generation) {
            return self.fail_reload();
        }
        let Some(known) = self.generations.find_mut(generation) else { return };
        let delay = known.mold_backoff.fail().max(Duration::from_secs(1));
        known.mold_due = now + delay;
        self.log(Fact::ForkFailed { delay });
    }

    /// A mold has executed the settings file. What a reload is about is looked at; one that takes the place of a mold that has died
    /// goes on with the settings that are known.
    pub(super) fn evaluated(&mut self, generation: u32) {
        if self.molds.starting(generation).is_none() {
            return;
        }
        if self.evaluating() == Some(generation) {
            self.out.push(Action::Accept(generation));
        } else if self.generations.find(generation).is_some() {
            self.load_mold(generation);
        }
    }

    /// The settings of this mold are accepted.
    pub(super) fn load_mold(&mut self, generation: u32) {
        let (now, attended) = (self.now, self.generations.policy(generation).attended);
        let Some(mold) = self.molds.starting(generation) else { return };
        mold.attended = attended;
        // The time for loading begins.
        mold.process.forked = now;
        self.out.push(Action::Load(generation));
    }

    pub(super) fn mold_ready(&mut self, generation: u32) {
        if !self.is_opened(generation) {
            return;
        }
        let (now, logs) = (self.now, self.logs);
        let Some(mold) = self.molds.starting(generation) else { return };
        let process = &mut mold.process;
        process.ready = Some(now);
        let (pid, is_late) = (process.pid, process.logs != logs);
        if is_late {
            self.signal(pid, Signal::SIGUSR1);
        }
    }

    pub(super) fn mold_unfit(&mut self, generation: u32) {
        let Some(pid) = self.molds.starting(generation).map(|mold| mold.process.pid) else { return };
        if let Some(known) = self.generations.find_mut(generation) {
            known.direct = true;
        }
        // It ends by itself.
        let patience = self.generations.policy(generation).kill_after;
        self.leave(pid, Some(self.now + patience));
    }

    pub(super) fn mold_has_threads(&mut self, generation: u32) {
        if let Some(known) = self.generations.find_mut(generation) {
            known.direct = true;
        }
    }

    pub(super) fn mold_exited(&mut self, exit: Exit, mold: &Process) {
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
        if self.rolling() == Some(generation) || self.evaluating() == Some(generation) {
            self.fail_reload();
        } else if let Some(reason) = boot_failure(exit.ending).filter(|_| self.is_hopeless(generation)) {
            self.give_up_hope(reason);
        }
    }
}
