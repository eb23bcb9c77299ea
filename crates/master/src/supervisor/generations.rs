use std::time::Instant;

use crate::{Policy, backoff::Backoff, event::Action, supervisor::Supervisor};

/// One state of the configuration and the application.
#[derive(Debug, Clone, Copy)]
pub(super) struct Generation {
    pub(super) number: u32,
    pub(super) policy: Policy,
    /// Workers are forked from the master, not from a mold.
    pub(super) direct: bool,
    /// All is done that comes before its first worker.
    pub(super) open: bool,
    /// When its mold may be forked.
    pub(super) mold_due: Instant,
    pub(super) mold_backoff: Backoff,
}

impl Generation {
    pub(super) fn new(number: u32, policy: Policy, now: Instant) -> Self {
        let (direct, open) = (!policy.mold, !policy.attended);
        Self { number, policy, direct, open, mold_due: now, mold_backoff: Backoff::default() }
    }

    pub(super) fn needs_mold(&self) -> bool {
        !self.direct || self.policy.attended
    }
}

/// All generations that still matter.
#[derive(Debug)]
pub(super) struct Generations {
    /// The one that is served; workers come back to it when a reload fails.
    pub(super) current: u32,
    /// The last number that was given.
    last: u32,
    known: Vec<Generation>,
    /// Those that failed, or were overtaken, as long as something of them is left.
    abandoned: Vec<u32>,
}

impl Generations {
    pub(super) fn starting_with(first: Generation) -> Self {
        Self { current: first.number, last: first.number, known: vec![first], abandoned: Vec::new() }
    }

    pub(super) fn next_number(&mut self) -> u32 {
        self.last += 1;
        self.last
    }

    pub(super) fn add(&mut self, generation: Generation) {
        self.known.push(generation);
    }

    pub(super) fn find(&self, number: u32) -> Option<&Generation> {
        self.known.iter().find(|generation| generation.number == number)
    }

    pub(super) fn find_mut(&mut self, number: u32) -> Option<&mut Generation> {
        self.known.iter_mut().find(|generation| generation.number == number)
    }

    /// How this generation is supervised; as the current one where it is forgotten already.
    pub(super) fn policy(&self, number: u32) -> &Policy {
        let wanted = self.find(number).or_else(|| self.find(self.current)).unwrap_or(&self.known[0]);
        &wanted.policy
    }

    /// It will not be served.
    pub(super) fn abandon(&mut self, number: u32) {
        self.abandoned.push(number);
    }

    /// It is served by all; everything before is forgotten.
    fn adopt(&mut self, number: u32) {
        self.current = number;
        self.known.retain(|generation| generation.number >= number);
        self.abandoned.retain(|&abandoned| abandoned > number);
    }
}

impl Supervisor {
    pub(super) fn adopt(&mut self, number: u32) {
        self.generations.adopt(number);
        self.out.push(Action::Adopt(number));
    }

    /// Lets go of what a failed reload has opened, once nobody serves it any more or is about to.
    pub(super) fn give_up_generations(&mut self) {
        let done = |number: &u32| !self.has_worker_of(*number);
        let done: Vec<u32> = self.generations.abandoned.iter().copied().filter(done).collect();
        self.generations.abandoned.retain(|number| !done.contains(number));
        self.generations.known.retain(|generation| !done.contains(&generation.number));
        self.out.extend(done.into_iter().map(Action::GiveUp));
    }

    /// Whether any worker of it has a seat or is on its way to one.
    fn has_worker_of(&self, generation: u32) -> bool {
        let ordered = self.crew.orders.iter().any(|order| order.birth.generation == generation);
        let loading = self
            .crew
            .workers
            .iter()
            .any(|worker| worker.process.generation == generation && worker.process.ready.is_none());
        ordered
            || loading
            || self
                .seats
                .iter()
                .any(|seat| seat.occupant().is_some_and(|pid| self.crew.generation(pid) == Some(generation)))
    }
}
