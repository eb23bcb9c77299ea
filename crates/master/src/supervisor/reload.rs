use std::time::Instant;

use crate::{
    Policy,
    event::{Action, Fact, Word},
    supervisor::{Generation, Supervisor},
    worker::Process,
};

/// A reload that is under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reload {
    goal: u32,
    begun: Instant,
    stage: Stage,
    /// Whether systemd was told of it.
    told: bool,
}

/// A reload whose goal serves alone, while a worker from before may still let somebody in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Adopted {
    begun: Instant,
    told: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The settings are being read.
    Preparing,
    /// The mold of the goal executes the settings file.
    Evaluating,
    /// Workers of the goal are forked. Nothing is `protected` if there was nothing to lose when this began; `proven` is the
    /// goal once a worker of it has passed its probation.
    Rolling { protected: bool, proven: bool },
}

impl Supervisor {
    /// The generation that is rolled out, if one is.
    pub(super) fn rolling(&self) -> Option<u32> {
        let reload = self.reload.as_ref()?;
        matches!(reload.stage, Stage::Rolling { .. }).then_some(reload.goal)
    }

    /// The generation whose mold executes the settings file of a reload.
    pub(super) fn evaluating(&self) -> Option<u32> {
        let reload = self.reload.as_ref()?;
        (reload.stage == Stage::Evaluating).then_some(reload.goal)
    }

    /// Of which generation all workers should be.
    pub(super) fn target(&self) -> u32 {
        self.rolling().unwrap_or(self.generations.current)
    }

    /// Of which generation a worker is forked where none is left: the last that is known to serve.
    pub(super) fn base(&self) -> u32 {
        match self.reload {
            Some(Reload { goal, stage: Stage::Rolling { proven: true, .. }, .. })
            | Some(Reload { goal, stage: Stage::Rolling { protected: false, .. }, .. }) => goal,
            _ => self.generations.current,
        }
    }

    pub(super) fn begin_reload(&mut self) {
        self.finish_reload();
        if let Some(reload) = self.reload.take() {
            self.log(Fact::ReloadOvertaken { generation: reload.goal });
            self.abandon(reload);
        }
        let goal = self.generations.next_number();
        let told = self.ever_ready;
        self.reload = Some(Reload { goal, begun: self.now, stage: Stage::Preparing, told });
        self.log(Fact::ReloadBegun { generation: goal });
        if told {
            self.tell(Word::Reloading);
        }
        self.out.push(Action::Prepare(goal));
    }

    pub(super) fn needs_mold(&mut self, generation: u32) {
        let is_wanted = |reload: &&mut Reload| reload.goal == generation && reload.stage == Stage::Preparing;
        match self.reload.as_mut().filter(is_wanted) {
            Some(reload) => {
                reload.stage = Stage::Evaluating;
                self.order_mold(generation);
            }
            // Overtaken in the meantime, or the server stops.
            None => self.generations.abandon(generation),
        }
    }

    pub(super) fn prepared(&mut self, generation: u32, policy: Policy) {
        let is_read = |stage| matches!(stage, Stage::Preparing | Stage::Evaluating);
        let current =
            self.reload.as_mut().filter(|reload| reload.goal == generation && is_read(reload.stage));
        let Some(reload) = current else {
            // Overtaken in the meantime, or the server stops.
            self.generations.abandon(generation);
            return;
        };
        let is_evaluated = reload.stage == Stage::Evaluating;
        // Where the generation before does not load there is nothing to come back to either.
        let protected = !self.waiting && self.seats.iter().any(|seat| seat.occupant().is_some());
        reload.stage = Stage::Rolling { protected, proven: false };
        self.generations.add(Generation::new(generation, policy, self.now));
        if is_evaluated {
            self.load_mold(generation);
        }
        self.stopped = false;
        // What serves is replaced by the goal alone. Where nothing serves, the goal takes over at once.
        self.dismiss_candidates(|_, served| served || !protected);
        if !protected {
            let now = self.now;
            self.seats.iter_mut().for_each(|seat| seat.start_over(now));
        }
        if policy.workers > self.most_workers() {
            self.log(Fact::TooManyWorkers { most: self.most_workers() });
        }
    }

    pub(super) fn prepare_failed(&mut self, generation: u32) {
        if let Some(reload) = self.reload.as_mut().filter(|reload| reload.goal == generation) {
            // Nothing of it is left to be given up.
            reload.stage = Stage::Preparing;
            self.fail_reload();
        }
    }

    fn is_proven(&self) -> bool {
        self.reload.is_some_and(|reload| matches!(reload.stage, Stage::Rolling { proven: true, .. }))
    }

    /// The goal is proven by its first worker that passes the probation.
    pub(super) fn prove(&mut self) {
        let Some(goal) = self.rolling().filter(|_| !self.is_proven()) else { return };
        let passed = |process: &Process| {
            process.generation == goal && process.probation_end().is_some_and(|end| end <= self.now)
        };
        if !self.crew.workers.iter().any(|worker| passed(&worker.process)) {
            return;
        }
        if let Some(Reload { stage: Stage::Rolling { proven, .. }, .. }) = &mut self.reload {
            *proven = true;
            // What loads of the old generation would be replaced as soon as it is ready.
            self.dismiss_candidates(|generation, _| generation != goal);
            // What made the old one fail says nothing about this one.
            let now = self.now;
            self.seats.iter_mut().for_each(|seat| seat.start_over(now));
        }
    }

    /// Whether the end of this process shows that the goal cannot be served.
    pub(super) fn condemns_reload(&self, process: &Process) -> bool {
        let of_goal = [self.rolling(), self.evaluating()].contains(&Some(process.generation));
        of_goal && (process.ready.is_none() || !self.is_proven())
    }

    /// Gives the reload up: the generation that was served before goes on, and comes back to seats it has lost.
    pub(super) fn fail_reload(&mut self) {
        let Some(reload) = self.reload.take() else { return };
        let serving = self.generations.current;
        self.log(Fact::ReloadFailed { failed: reload.goal, serving });
        self.abandon(reload);
        self.stopped = false;
        if reload.told {
            // The end of the reload, whatever came of it.
            self.tell(Word::Ready);
        }
        if self.waiting {
            self.log(Fact::WaitingForReload);
        }
    }

    /// The workers of the goal that do not serve yet are of no use; the others stay until they are replaced.
    fn abandon(&mut self, reload: Reload) {
        if reload.stage == Stage::Preparing {
            return;
        }
        self.dismiss_candidates(|generation, _| generation == reload.goal);
        self.generations.abandon(reload.goal);
    }

    /// Ends the reload as far as it has come, because no worker is to be left of either generation.
    pub(super) fn cut_reload_short(&mut self) {
        if self.is_proven() {
            self.conclude_reload();
        } else {
            self.fail_reload();
        }
    }

    /// The reload is complete when the goal alone could serve.
    pub(super) fn complete_reload(&mut self) {
        let Some(goal) = self.rolling().filter(|_| self.is_proven()) else { return };
        if self.seats_of(goal) >= self.wanted(goal) {
            self.conclude_reload();
        }
    }

    fn conclude_reload(&mut self) {
        let Some(Reload { goal, begun, told, .. }) = self.reload.take() else { return };
        self.adopt(goal);
        self.waiting = false;
        self.adopted = Some(Adopted { begun, told });
    }

    /// The reload is announced when nobody who connects can come to a worker from before.
    pub(super) fn announce_reload(&mut self) {
        let current = self.generations.current;
        let is_from_before = |process: &Process| process.generation != current && process.may_accept();
        if !self.crew.workers.iter().any(|worker| is_from_before(&worker.process)) {
            self.finish_reload();
        }
    }

    fn finish_reload(&mut self) {
        let Some(Adopted { begun, told }) = self.adopted.take() else { return };
        let generation = self.generations.current;
        let took = self.now.saturating_duration_since(begun);
        self.log(Fact::Reloaded { generation, workers: self.wanted(generation), took });
        if told {
            self.tell(Word::Ready);
        }
    }

    /// Whether a reload is under way.
    pub(super) fn is_reloading(&self) -> bool {
        self.reload.is_some() || self.adopted.is_some()
    }

    /// Forget the reload: the server stops.
    pub(super) fn drop_reload(&mut self) {
        (self.reload, self.adopted) = (None, None);
    }

    /// How many seats are served by this generation.
    pub(super) fn seats_of(&self, generation: u32) -> usize {
        let of_it = |seat: &&super::Seat| {
            self.occupant(seat).is_some_and(|worker| worker.process.generation == generation)
        };
        self.seats.iter().filter(of_it).count()
    }
}
