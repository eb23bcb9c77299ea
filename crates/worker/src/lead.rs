//! Who drives the loop, and who could: the rules, without threads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Who drives the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// The Python thread of this number.
    Member(usize),
    /// The thread that never runs Python.
    StandIn,
}

/// The lead. It is held by one thread at any time; member 0 begins.
#[derive(Debug)]
pub(crate) struct Lead(Mutex<State>);

#[derive(Debug)]
struct State {
    holder: Holder,
    /// Members without a job, the one that worked last at the end: its caches and connections are warm.
    idle: Vec<usize>,
    /// The member that was given the lead and has not come yet: it needs the GIL for that.
    called: Option<usize>,
}

impl State {
    fn is_awaited(&self) -> bool {
        self.called.is_some_and(|called| self.holder == Holder::Member(called))
    }

    /// Gives the lead to an idle member, if there is one. While another is still to come, no member can.
    fn promote(&mut self) -> Option<usize> {
        if self.called.is_some() {
            return None;
        }
        let next = self.idle.pop()?;
        self.holder = Holder::Member(next);
        self.called = Some(next);
        Some(next)
    }
}

impl Lead {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State { holder: Holder::Member(0), idle: Vec::new(), called: None }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is complete before anything could panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn holder(&self) -> Holder {
        self.lock().holder
    }

    /// A member begins; it is idle unless it has the lead.
    pub(crate) fn join(&self, number: usize) {
        let mut state = self.lock();
        if state.holder != Holder::Member(number) {
            state.idle.push(number);
        }
    }

    /// Takes the lead from the job that `stamp` says began at `since`. An idle member gets it when there is work for
    /// one, else the stand-in. `None` when there was nothing to take: the job has ended.
    pub(crate) fn take(&self, number: usize, stamp: &Stamp, since: u64, work: bool) -> Option<Holder> {
        let mut state = self.lock();
        if state.holder != Holder::Member(number) || !stamp.take(since) {
            return None;
        }
        if !work || state.promote().is_none() {
            state.holder = Holder::StandIn;
        }
        Some(state.holder)
    }

    /// `from` leaves the lead to an idle member, if there is one and `from` still has it.
    pub(crate) fn hand_over(&self, from: Holder) -> Option<usize> {
        let mut state = self.lock();
        if state.holder == from { state.promote() } else { None }
    }

    /// A member has come, with the GIL, because it was called or because it looks whether it was. Whether it leads.
    pub(crate) fn arrive(&self, number: usize) -> bool {
        let mut state = self.lock();
        if state.called == Some(number) {
            state.called = None;
            match state.holder {
                Holder::StandIn => state.holder = Holder::Member(number),
                Holder::Member(holder) if holder != number => state.idle.push(number),
                Holder::Member(_) => {}
            }
        }
        state.holder == Holder::Member(number)
    }

    /// Whether nobody drives, because who was given the lead has not come yet.
    pub(crate) fn is_awaited(&self) -> bool {
        self.lock().is_awaited()
    }

    /// Whether the stand-in drives because the member that was given the lead has not come.
    pub(crate) fn is_missing(&self) -> bool {
        let state = self.lock();
        state.called.is_some() && state.holder == Holder::StandIn
    }

    /// The stand-in drives until the member comes that was given the lead; false when it has come.
    pub(crate) fn take_back(&self) -> bool {
        let mut state = self.lock();
        let is_awaited = state.is_awaited();
        if is_awaited {
            state.holder = Holder::StandIn;
        }
        is_awaited
    }

    /// Whether a member could go on.
    pub(crate) fn has_idle(&self) -> bool {
        !self.lock().idle.is_empty()
    }

    /// A member has ended a job during which it lost the lead: it takes it back from the stand-in, or is idle when
    /// another member has it. Whether it leads.
    pub(crate) fn reclaim(&self, number: usize) -> bool {
        let mut state = self.lock();
        match state.holder {
            Holder::StandIn => {
                state.holder = Holder::Member(number);
                true
            }
            Holder::Member(holder) => {
                if holder != number {
                    state.idle.push(number);
                }
                holder == number
            }
        }
    }
}

/// Since when a member runs Python, and whether the lead was taken from it meanwhile: one word, so that the end of a job
/// and the take-over see each other.
#[derive(Debug, Default)]
pub(crate) struct Stamp(AtomicU64);

const TAKEN: u64 = 1;

impl Stamp {
    /// Python begins; `taken` when the member has no lead to lose.
    pub(crate) fn begin(&self, micros: u64, taken: bool) {
        self.0.store(micros << 1 | u64::from(taken), Ordering::SeqCst);
    }

    /// Python ends; whether the lead was taken.
    pub(crate) fn end(&self) -> bool {
        self.0.swap(0, Ordering::SeqCst) & TAKEN == TAKEN
    }

    /// Since when Python runs with the lead still held, in microseconds.
    pub(crate) fn untaken(&self) -> Option<u64> {
        let word = self.0.load(Ordering::SeqCst);
        (word != 0 && word & TAKEN == 0).then_some(word >> 1)
    }

    /// Takes the lead from the job that began at `micros`; fails when it has ended.
    fn take(&self, micros: u64) -> bool {
        let word = micros << 1;
        self.0.compare_exchange(word, word | TAKEN, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    pub(crate) fn is_taken(&self) -> bool {
        self.0.load(Ordering::SeqCst) & TAKEN == TAKEN
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;

    #[test]
    fn the_end_of_a_job_and_the_take_over_see_each_other() {
        let stamp = Stamp::default();
        stamp.begin(7, false);
        assert_eq!(stamp.untaken(), Some(7));
        assert!(stamp.take(7));
        assert_eq!(stamp.untaken(), None);
        assert!(!stamp.take(7));
        assert!(stamp.end());
        stamp.begin(8, false);
        assert!(!stamp.take(7), "that job has ended");
        assert!(!stamp.end());
        assert!(!stamp.take(8));
    }

    #[test]
    fn a_lone_member_loses_the_lead_to_the_stand_in_and_takes_it_back() {
        let (lead, stamp) = (Lead::new(), Stamp::default());
        lead.join(0);
        stamp.begin(5, false);
        assert_eq!(lead.take(0, &stamp, 5, true), Some(Holder::StandIn));
        assert!(stamp.end());
        assert!(lead.reclaim(0));
        assert_eq!(lead.holder(), Holder::Member(0));
    }

    #[test]
    fn the_member_that_worked_last_gets_the_lead_when_there_is_work() {
        let (lead, stamp) = (Lead::new(), Stamp::default());
        (0..3).for_each(|number| lead.join(number));
        stamp.begin(5, false);
        assert_eq!(lead.take(0, &stamp, 5, true), Some(Holder::Member(2)));
        assert!(stamp.end());
        assert!(lead.arrive(2));
        assert!(!lead.reclaim(0), "another member leads");
        assert_eq!(lead.hand_over(Holder::Member(2)), Some(0));
    }

    #[test]
    fn without_work_nobody_is_woken() {
        let (lead, stamp) = (Lead::new(), Stamp::default());
        (0..2).for_each(|number| lead.join(number));
        stamp.begin(5, false);
        assert_eq!(lead.take(0, &stamp, 5, false), Some(Holder::StandIn));
        assert_eq!(lead.hand_over(Holder::StandIn), Some(1), "work came later");
    }

    #[test]
    fn what_was_taken_back_is_not_handed_over() {
        let (lead, stamp) = (Lead::new(), Stamp::default());
        (0..2).for_each(|number| lead.join(number));
        stamp.begin(5, false);
        assert_eq!(lead.take(0, &stamp, 5, false), Some(Holder::StandIn));
        assert!(stamp.end() && lead.reclaim(0));
        assert_eq!(lead.hand_over(Holder::StandIn), None, "two members would lead");
    }

    #[test]
    fn the_stand_in_drives_while_a_member_that_was_called_cannot_come() {
        let (lead, stamp) = (Lead::new(), Stamp::default());
        (0..3).for_each(|number| lead.join(number));
        stamp.begin(5, false);
        assert_eq!(lead.take(0, &stamp, 5, true), Some(Holder::Member(2)));
        assert!(lead.is_awaited() && !lead.is_missing() && lead.take_back());
        assert!(lead.holder() == Holder::StandIn && !lead.is_awaited() && lead.is_missing());
        assert_eq!(lead.hand_over(Holder::StandIn), None, "no other could come either");
        assert!(lead.arrive(2), "it has come at last");
        assert!(!lead.take_back());
        assert_eq!(lead.hand_over(Holder::Member(2)), Some(1), "others can be called again");
        assert!(lead.arrive(1));
    }

    #[test]
    fn a_member_that_comes_when_another_leads_is_idle() {
        let (lead, stamp) = (Lead::new(), Stamp::default());
        (0..2).for_each(|number| lead.join(number));
        stamp.begin(5, false);
        assert_eq!(lead.take(0, &stamp, 5, true), Some(Holder::Member(1)));
        assert!(lead.take_back());
        assert!(stamp.end() && lead.reclaim(0), "the job has ended first");
        assert!(!lead.arrive(1));
        assert_eq!(lead.hand_over(Holder::Member(0)), Some(1));
    }

    #[test]
    fn the_lead_of_a_job_that_ended_is_not_taken() {
        let (lead, stamp) = (Lead::new(), Stamp::default());
        stamp.begin(5, false);
        stamp.end();
        assert_eq!(lead.take(0, &stamp, 5, true), None);
        assert_eq!(lead.holder(), Holder::Member(0));
    }

    /// A member that ends jobs as fast as it can, and a stand-in that takes the lead as often as it can: one of them has
    /// it, never both, and it is never lost.
    #[test]
    fn one_thread_drives_however_the_two_race() {
        let (lead, stamp) = (&Lead::new(), &Stamp::default());
        let (driven, stop) = (&AtomicBool::new(false), &AtomicBool::new(false));
        let drive = || {
            assert!(!driven.swap(true, Ordering::SeqCst), "two threads drive");
            driven.store(false, Ordering::SeqCst);
        };
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    let Some(since) = stamp.untaken() else { continue };
                    if lead.take(0, stamp, since, false).is_some() {
                        while lead.holder() == Holder::StandIn {
                            std::hint::spin_loop();
                        }
                    }
                }
            });
            for job in 1..20_000 {
                drive();
                stamp.begin(job, false);
                let leads = !stamp.end() || lead.reclaim(0);
                assert!(leads, "the lead is lost");
            }
            stop.store(true, Ordering::SeqCst);
        });
    }
}
