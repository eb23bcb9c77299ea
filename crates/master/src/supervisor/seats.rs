use std::{
    mem,
    time::{Duration, Instant},
};

use rwsgi_os::Pid;

use crate::{
    backoff::Backoff,
    event::Action,
    supervisor::{Supervisor, crew::Order},
    worker::{Birth, Process},
};

/// A place for one serving worker.
#[derive(Debug)]
pub(super) struct Seat {
    /// Never the number of another seat that exists.
    number: usize,
    /// The worker that serves here.
    occupant: Option<Pid>,
    /// Those that are to serve here; of each generation at most one.
    pub(super) candidates: Vec<Candidate>,
    /// The next fork comes no sooner.
    due: Instant,
    pub(super) backoff: Backoff,
}

/// A worker on its way to a seat.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    number: u64,
    pub(super) generation: u32,
    /// None until the fork is done.
    pub(super) pid: Option<Pid>,
    /// The occupant was sent away to make room for it.
    made_room: bool,
}

impl Seat {
    pub(super) fn occupant(&self) -> Option<Pid> {
        self.occupant
    }

    pub(super) fn due(&self) -> Instant {
        self.due
    }

    pub(super) fn has_candidate_of(&self, generation: u32) -> bool {
        self.candidates.iter().any(|candidate| candidate.generation == generation)
    }

    /// Forgets `pid`, and tells whether it belonged here.
    pub(super) fn release(&mut self, pid: Pid) -> bool {
        let candidates = self.candidates.len();
        self.candidates.retain(|candidate| candidate.pid != Some(pid));
        self.occupant.take_if(|occupant| *occupant == pid).is_some() || self.candidates.len() < candidates
    }

    /// Makes the seat empty and names those who had it, or were about to.
    pub(super) fn clear(&mut self) -> Vec<Pid> {
        let candidates = mem::take(&mut self.candidates);
        candidates.into_iter().filter_map(|candidate| candidate.pid).chain(self.occupant.take()).collect()
    }

    /// Forgets the candidate of this order, and tells whether it belonged here.
    pub(super) fn lose_order(&mut self, birth: Birth) -> bool {
        let before = self.candidates.len();
        self.candidates.retain(|candidate| candidate.number != birth.number);
        self.candidates.len() < before
    }

    /// The next fork may come at once, as if nothing had ever failed.
    pub(super) fn start_over(&mut self, now: Instant) {
        self.due = now;
        self.backoff.reset();
    }

    pub(super) fn postpone(&mut self, due: Instant) {
        self.due = due;
    }

    /// Puts what has become of `process` to the account of the seat: one that has lasted starts it over, any
    /// other makes the next one wait, but not one that served when no `others` do. Returns how long.
    pub(super) fn account(&mut self, process: &Process, now: Instant, others: bool) -> Duration {
        let delay = if process.has_lasted(now) {
            self.backoff.reset();
            Duration::ZERO
        } else if process.ready.is_some() {
            let delay = self.backoff.fail_ready();
            if others { delay } else { Duration::ZERO }
        } else {
            self.backoff.fail()
        };
        self.due = now + delay;
        delay
    }
}

impl Supervisor {
    pub(super) fn seat_of(&mut self, pid: Pid) -> Option<&mut Seat> {
        self.seats.iter_mut().find(|seat| {
            seat.occupant == Some(pid) || seat.candidates.iter().any(|candidate| candidate.pid == Some(pid))
        })
    }

    /// The candidate that this order was for; none if it is not wanted any more.
    pub(super) fn candidate_of(&mut self, birth: Birth) -> Option<&mut Candidate> {
        let mut candidates = self.seats.iter_mut().flat_map(|seat| seat.candidates.iter_mut());
        candidates.find(|candidate| candidate.number == birth.number)
    }

    /// Candidates that are ready take their seats, and who sat there retires.
    pub(super) fn seat_candidates(&mut self) {
        let (base, target) = (self.base(), self.target());
        let mut dismissed = Vec::new();
        for seat in &mut self.seats {
            let ready = |candidate: &&Candidate| {
                let is_ready = candidate.pid.is_some_and(|pid| self.crew.is_ready(pid));
                is_ready && (seat.occupant.is_none() || candidate.generation == base)
            };
            let Some(&chosen) = seat.candidates.iter().find(ready) else { continue };
            if let Some(pid) = mem::replace(&mut seat.occupant, chosen.pid) {
                if self.crew.worker(pid).is_some_and(|worker| worker.process.has_lasted(self.now)) {
                    seat.backoff.reset();
                }
                dismissed.push(pid);
            }
            // One that is to replace the new occupant anyway may stay.
            let stays = |other: &Candidate| other.generation == target && chosen.generation != target;
            let others = mem::take(&mut seat.candidates);
            let others = others.into_iter().filter(|other| other.number != chosen.number);
            let (kept, gone): (Vec<_>, Vec<_>) = others.partition(stays);
            seat.candidates = kept;
            dismissed.extend(gone.iter().filter_map(|candidate| candidate.pid));
        }
        for pid in dismissed {
            self.retire(pid);
        }
    }

    /// Makes as many seats as are wanted.
    pub(super) fn fit_seats(&mut self) {
        let wanted = self.seats_wanted();
        while self.seats.len() < wanted {
            let taken = |number: usize| self.seats.iter().any(|seat| seat.number == number);
            let number = (0..).find(|&number| !taken(number)).expect("there are not that many seats");
            let seat = Seat {
                number,
                occupant: None,
                candidates: Vec::new(),
                due: self.now,
                backoff: Backoff::default(),
            };
            self.seats.push(seat);
        }
        while self.seats.len() > wanted {
            let Some(index) = (0..self.seats.len()).min_by_key(|&index| self.worth(index)) else { return };
            for pid in self.seats.remove(index).clear() {
                self.retire(pid);
            }
        }
    }

    /// The seat that is worth least goes first: one that does not serve, then one that is to be replaced
    /// anyway, then the one of the oldest worker (as Gunicorn does).
    fn worth(&self, index: usize) -> (u8, u64) {
        let seat = &self.seats[index];
        match seat.occupant.and_then(|pid| self.crew.worker(pid)) {
            None => (u8::from(!seat.candidates.is_empty()), 0),
            Some(worker) if worker.process.generation != self.target() => (2, worker.number),
            Some(worker) => (3, worker.number),
        }
    }

    /// Orders a worker for each seat in which nobody serves or is about to, or for the first of them.
    pub(super) fn fill_empty_seats(&mut self) {
        let base = self.base();
        for index in 0..self.seats.len() {
            if self.head_start().is_some() {
                return;
            }
            if self.is_unattended(&self.seats[index]) && self.seats[index].due <= self.now {
                self.order(index, base, false);
            }
        }
    }

    /// Whether nobody serves here and nobody is on the way who can be relied on: a candidate of a generation
    /// that has still to prove itself cannot, unless the seat was emptied for it.
    pub(super) fn is_unattended(&self, seat: &Seat) -> bool {
        let relied_on = |candidate: &Candidate| candidate.generation == self.base() || candidate.made_room;
        seat.occupant.is_none() && !seat.candidates.iter().any(relied_on)
    }

    /// Orders a worker of this generation for a seat, if that is possible now.
    pub(super) fn order(&mut self, index: usize, generation: u32, made_room: bool) -> bool {
        let Some(slot) = self.crew.free_slot().filter(|_| self.can_fork(generation)) else { return false };
        self.last_number += 1;
        let number = self.last_number;
        let seat = &mut self.seats[index];
        let birth = Birth { seat: seat.number, slot, number, generation };
        seat.candidates.push(Candidate { number, generation, pid: None, made_room });
        self.crew.orders.push(Order { birth, logs: self.logs });
        self.out.push(Action::Fork(birth));
        true
    }

    /// Whether a worker of this generation can be ordered now.
    pub(super) fn can_order(&self, generation: u32) -> bool {
        self.crew.free_slot().is_some() && self.can_fork(generation)
    }

    /// Whether there is something to fork workers of this generation from.
    fn can_fork(&self, generation: u32) -> bool {
        if self.waiting && generation == self.generations.current {
            return false;
        }
        let known = self.generations.find(generation);
        known.is_some_and(|known| known.open && (known.direct || self.molds.has_ready(generation)))
    }

    /// Sends all candidates away that `unwanted` names by generation, and whether their seat is served.
    pub(super) fn dismiss_candidates(&mut self, unwanted: impl Fn(u32, bool) -> bool) {
        let mut dismissed = Vec::new();
        for seat in &mut self.seats {
            let served = seat.occupant.is_some();
            seat.candidates.retain(|candidate| {
                let gone = unwanted(candidate.generation, served);
                dismissed.extend(candidate.pid.filter(|_| gone));
                !gone
            });
        }
        for pid in dismissed {
            self.retire(pid);
        }
    }
}
