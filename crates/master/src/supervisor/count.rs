use crate::{event::Fact, supervisor::Supervisor};

impl Supervisor {
    /// How many workers of this generation would be right, with what `TTIN` and `TTOU` have changed.
    pub(super) fn wanted(&self, generation: u32) -> usize {
        let workers = self.generations.policy(generation).workers.max(1);
        workers.saturating_add_signed(self.adjustment).clamp(1, self.most_workers())
    }

    /// How many workers there may be, so that one of them can still be replaced.
    pub(super) fn most_workers(&self) -> usize {
        let surge = self.generations.policy(self.target()).surge.max(1);
        self.crew.slots().saturating_sub(surge).max(1)
    }

    /// How many seats there are to be.
    pub(super) fn seats_wanted(&self) -> usize {
        if self.stopped {
            return 0;
        }
        let target = self.target();
        if self.reload.is_none() || self.base() != target {
            return self.wanted(self.base());
        }
        // Surplus seats serve until the reload is complete: then the old generation leaves them.
        let used =
            self.seats.iter().filter(|seat| seat.occupant().is_some() || seat.has_candidate_of(target));
        self.wanted(target).max(used.count())
    }

    pub(super) fn more_workers(&mut self) {
        if self.stopped {
            self.stopped = false;
            return self.log(Fact::WorkersWanted { workers: self.wanted(self.base()) });
        }
        let most = self.most_workers();
        if self.wanted(self.base()) >= most {
            return self.log(Fact::TooManyWorkers { most });
        }
        self.adjust(1);
    }

    pub(super) fn fewer_workers(&mut self) {
        if !self.stopped && self.wanted(self.base()) > 1 {
            self.adjust(-1);
        }
    }

    fn adjust(&mut self, change: isize) {
        let old = self.wanted(self.base());
        let workers = old.saturating_add_signed(change);
        let configured = self.generations.policy(self.base()).workers.max(1);
        self.adjustment = workers.cast_signed().saturating_sub(configured.cast_signed());
        self.log(Fact::WorkersWanted { workers });
        self.announce_count(workers, old);
    }

    pub(super) fn stop_workers(&mut self) {
        if self.stopped {
            return self.log(Fact::WinchIgnored);
        }
        if self.reload.is_some() {
            self.cut_reload_short();
        }
        self.stopped = true;
        self.log(Fact::WorkersStopped);
    }
}
