use crate::{supervisor::Supervisor, worker::Worker};

impl Supervisor {
    /// Begins to replace one tired worker, unless another is being replaced. A reload replaces them anyway.
    pub(super) fn recycle(&mut self) {
        let quiet = self.reload.is_none() && self.outdated().next().is_none();
        let busy = self.seats.iter().any(|seat| seat.occupant().is_some() && !seat.candidates.is_empty());
        if !quiet || busy {
            return;
        }
        let tired = |index: &usize| {
            let seat = &self.seats[*index];
            self.occupant(seat).is_some_and(|worker| worker.tired) && seat.due() <= self.now
        };
        let oldest = (0..self.seats.len())
            .filter(tired)
            .min_by_key(|&index| self.occupant(&self.seats[index]).map(|worker| worker.number));
        if let Some(index) = oldest {
            self.order(index, self.generations.current, false);
        }
    }

    pub(super) fn occupant(&self, seat: &super::Seat) -> Option<&Worker> {
        seat.occupant().and_then(|pid| self.crew.worker(pid))
    }
}
