use std::time::Instant;

use crate::{
    supervisor::{Seat, Supervisor},
    worker::Worker,
};

impl Supervisor {
    /// Replaces workers that are not of the target, as many at a time as the policy of the target allows. So the
    /// new generation gets its seats in a reload, and the old one gets them back when that has failed.
    pub(super) fn roll(&mut self) {
        let target = self.target();
        let is_preparing = self.reload.is_some() && self.rolling().is_none();
        while !is_preparing && self.still_missing(target) > 0 && self.can_order(target) {
            if !self.replace_beside(target) && !self.replace_instead(target) {
                return;
            }
        }
    }

    /// Seats whose worker is not of the target.
    pub(super) fn outdated(&self) -> impl Iterator<Item = usize> {
        let target = self.target();
        (0..self.seats.len()).filter(move |&index| {
            self.occupant(&self.seats[index]).is_some_and(|worker| worker.process.generation != target)
        })
    }

    /// How many workers of the target are wanted, and neither there nor on their way.
    fn still_missing(&self, target: u32) -> usize {
        let coming = self.seats.iter().filter(|seat| {
            seat.has_candidate_of(target) || (self.base() == target && seat.occupant().is_none())
        });
        self.wanted(target).saturating_sub(self.seats_of(target) + coming.count())
    }

    /// Orders a worker of the target while the old one still serves, if there may be one more.
    fn replace_beside(&mut self, target: u32) -> bool {
        let surge = self.surge(target);
        let living = |seat: &Seat| usize::from(seat.occupant().is_some()) + seat.candidates.len();
        let surplus: usize = self.seats.iter().map(|seat| living(seat).saturating_sub(1)).sum();
        // One on probation is a surplus wherever it stands: the old generation is to have all the seats.
        let on_probation = self.seats.iter().filter(|seat| seat.has_candidate_of(target)).count();
        if surplus >= surge || self.base() != target && on_probation >= surge {
            return false;
        }
        let free = |index: &usize| {
            !self.seats[*index].has_candidate_of(target) && self.seats[*index].due() <= self.now
        };
        let outdated = self.outdated().filter(free).min_by_key(|&index| self.rank_at(index));
        // Where all old ones have ended, the goal stands beside what is to follow them.
        let beside = || (0..self.seats.len()).find(free).filter(|_| self.base() != target);
        let Some(index) = outdated.or_else(beside) else { return false };
        self.order(index, target, false)
    }

    /// How many more than wanted there may be. No worker more and none fewer would be a standstill.
    fn surge(&self, target: u32) -> usize {
        let policy = self.generations.policy(target);
        if policy.max_unavailable == 0 { policy.surge.max(1) } else { policy.surge }
    }

    /// Makes room for a worker of the target before it is there, if there may be one fewer. Before the target has
    /// proven itself only where it could not begin otherwise.
    fn replace_instead(&mut self, target: u32) -> bool {
        let has_begun =
            self.seats_of(target) > 0 || self.seats.iter().any(|seat| seat.has_candidate_of(target));
        let is_trusted = self.base() == target;
        if !is_trusted && (self.surge(target) > 0 || has_begun) {
            return false;
        }
        let index = if is_trusted { None } else { self.dispensable_empty_seat() };
        let Some(index) = index.or_else(|| self.dispensable_occupied_seat(target)) else { return false };
        for pid in self.seats[index].clear() {
            self.retire(pid);
        }
        self.order(index, target, true)
    }

    /// A seat where the old generation does not serve at present: nobody would be missed.
    fn dispensable_empty_seat(&self) -> Option<usize> {
        self.seats.iter().position(|seat| seat.occupant().is_none() && seat.due() <= self.now)
    }

    /// The seat whose worker goes next, if enough others serve.
    fn dispensable_occupied_seat(&self, target: u32) -> Option<usize> {
        let free =
            |index: &usize| self.seats[*index].candidates.is_empty() && self.seats[*index].due() <= self.now;
        let index = self.outdated().filter(free).min_by_key(|&index| self.rank_at(index))?;
        let others = self.seats.iter().enumerate().filter(|&(other, _)| other != index);
        let left = others.filter(|(_, seat)| self.is_relied_on(seat)).count();
        let enough = left + self.generations.policy(target).max_unavailable >= self.seats.len();
        enough.then_some(index)
    }

    /// Whether somebody serves here who has passed the probation, or need not: what a failed reload has left
    /// may have failed it.
    fn is_relied_on(&self, seat: &Seat) -> bool {
        self.occupant(seat).is_some_and(|Worker { process, .. }| {
            let is_trusted = [self.base(), self.generations.current].contains(&process.generation);
            is_trusted || process.probation_end().is_some_and(|end| end <= self.now)
        })
    }

    /// When workers will have passed their probation, while others wait for that.
    pub(super) fn probations(&self) -> impl Iterator<Item = Instant> {
        let is_rolling = self.rolling().is_some() || self.outdated().next().is_some();
        let workers = self.crew.workers.iter().filter(move |_| is_rolling);
        workers.filter_map(|worker| worker.process.probation_end())
    }

    /// Who goes first: what a failed reload has left, then the oldest.
    fn rank_at(&self, index: usize) -> Option<(bool, u64)> {
        let worker = self.occupant(&self.seats[index])?;
        Some((worker.process.generation == self.generations.current, worker.number))
    }
}
