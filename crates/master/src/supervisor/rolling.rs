use rwsgi_os::Pid;

use crate::supervisor::{Seat, Supervisor};

impl Supervisor {
    /// Replaces workers that are not of the target, as many at a time as the policy of the target allows. So the
    /// new generation gets its seats in a reload, and the old one gets them back when that has failed.
    pub(super) fn roll(&mut self) {
        let target = self.target();
        let is_preparing = self.reload.is_some() && self.rolling().is_none();
        if is_preparing || !self.can_fork(target) {
            return;
        }
        while self.still_missing(target) > 0 && (self.replace_beside(target) || self.replace_instead(target))
        {
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
        let policy = self.generations.policy(target);
        // Both zero would be a standstill.
        let surge = if policy.max_unavailable == 0 { policy.surge.max(1) } else { policy.surge };
        let living = |seat: &Seat| usize::from(seat.occupant().is_some()) + seat.candidates.len();
        let surplus: usize = self.seats.iter().map(|seat| living(seat).saturating_sub(1)).sum();
        if surplus >= surge {
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

    /// Sends an old worker away before the new one is there, if there may be one fewer. Before the target has
    /// proven itself only where it could not begin otherwise.
    fn replace_instead(&mut self, target: u32) -> bool {
        let policy = self.generations.policy(target);
        let is_trusted = self.base() == target;
        let has_begun =
            self.seats_of(target) > 0 || self.seats.iter().any(|seat| seat.has_candidate_of(target));
        let serving = self.seats.iter().filter(|seat| seat.occupant().is_some()).count();
        let enough = serving + policy.max_unavailable > self.seats.len();
        if !enough || self.crew.free_slot().is_none() || !(is_trusted || policy.surge == 0 && !has_begun) {
            return false;
        }
        let free =
            |index: &usize| self.seats[*index].candidates.is_empty() && self.seats[*index].due() <= self.now;
        let Some(index) = self.outdated().filter(free).min_by_key(|&index| self.rank_at(index)) else {
            return false;
        };
        let occupant: Option<Pid> = self.seats[index].occupant();
        if !self.order(index, target, true) {
            return false;
        }
        if let Some(pid) = occupant {
            self.seats[index].release(pid);
            self.retire(pid);
        }
        true
    }

    /// Who goes first: what a failed reload has left, then the oldest.
    fn rank_at(&self, index: usize) -> Option<(bool, u64)> {
        let worker = self.occupant(&self.seats[index])?;
        Some((worker.process.generation == self.generations.current, worker.number))
    }
}
