//! The connections of a worker that wait and are not watched.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// Which connections wait without being watched, and for how long they may.
#[derive(Debug, Default)]
pub struct Newcomers {
    waiting: Mutex<Waiting>,
    /// So many wait.
    count: AtomicUsize,
    rounds: AtomicU64,
    may_wait: AtomicBool,
}

/// That a connection waits, and until when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    ticket: u64,
    /// The round in which it must be watched.
    until: u64,
}

/// Those that wait, the oldest first.
#[derive(Debug, Default)]
struct Waiting {
    /// `None`: it waits no longer.
    wakers: VecDeque<Option<Waker>>,
    /// The ticket of the first of them.
    first: u64,
    /// So many of them, from the front, wait since before this round.
    old: usize,
    /// So many of them still wait.
    count: usize,
}

impl Waiting {
    fn add(&mut self, waker: Waker) -> u64 {
        self.wakers.push_back(Some(waker));
        self.count += 1;
        self.first + self.wakers.len() as u64 - 1
    }

    fn remove(&mut self, ticket: u64) {
        let Some(place) = ticket.checked_sub(self.first) else { return };
        let waker = self.wakers.get_mut(place as usize).and_then(Option::take);
        self.count -= usize::from(waker.is_some());
        if self.count == 0 {
            // There is nobody behind these places.
            self.wake(self.wakers.len());
        }
    }

    /// Wakes so many places from the front.
    fn wake(&mut self, places: usize) {
        for waker in self.wakers.drain(..places).flatten() {
            self.count -= 1;
            waker.wake();
        }
        self.first += places as u64;
        self.old = self.old.saturating_sub(places);
    }
}

impl Newcomers {
    /// Whoever drives the loop begins another round, between which requests are answered: those that wait since before the last
    /// one are woken, and will be watched. They have got no answer in a whole round.
    pub fn begin_round(&self) {
        self.may_wait.store(true, Ordering::Relaxed);
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut waiting = self.lock();
        self.rounds.fetch_add(1, Ordering::Relaxed);
        let old = waiting.old;
        waiting.wake(old);
        waiting.old = waiting.wakers.len();
        self.count.store(waiting.count, Ordering::Relaxed);
    }

    /// The loop is to sleep: all are woken, and will be watched. Whether there were any, which now have something to do.
    pub fn watch_all(&self) -> bool {
        let any = self.count.load(Ordering::Relaxed) > 0;
        if any {
            let mut waiting = self.lock();
            self.rounds.fetch_add(2, Ordering::Relaxed);
            let all = waiting.wakers.len();
            waiting.wake(all);
            self.count.store(0, Ordering::Relaxed);
        }
        any
    }

    /// From now on no connection waits without being watched, until the next [round](Self::begin_round) begins: whoever drives the
    /// loop does so for as long as Python is busy.
    pub fn watch_from_now_on(&self) {
        self.may_wait.store(false, Ordering::Relaxed);
        self.watch_all();
    }

    /// Notes who is to be woken when it has to be watched; `None` if that is now.
    pub(crate) fn wait(&self, waker: &Waker) -> Option<Wait> {
        if !self.may_wait.load(Ordering::Relaxed) {
            return None;
        }
        let mut waiting = self.lock();
        let ticket = waiting.add(waker.clone());
        self.count.store(waiting.count, Ordering::Relaxed);
        Some(Wait { ticket, until: self.rounds.load(Ordering::Relaxed) + 2 })
    }

    /// Whether a connection may go on waiting.
    pub(crate) fn may_wait(&self, wait: Wait) -> bool {
        self.rounds.load(Ordering::Relaxed) < wait.until
    }

    /// A connection waits no longer. One that has ended must not be taken for one that has something to do when it is woken.
    pub(crate) fn leave(&self, wait: Wait) {
        let mut waiting = self.lock();
        waiting.remove(wait.ticket);
        self.count.store(waiting.count, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Every change is complete before anything could panic.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn only_those_that_still_wait_are_woken_and_counted() {
        let newcomers = Newcomers::default();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let seen = || woken.0.load(Ordering::Relaxed);
        let wait = || newcomers.wait(&waker).unwrap();
        newcomers.begin_round();
        let first: Vec<Wait> = (0..4).map(|_| wait()).collect();
        newcomers.leave(first[1]);
        newcomers.leave(first[1]);
        newcomers.begin_round();
        let second = [wait(), wait()];
        newcomers.leave(second[0]);
        newcomers.leave(first[3]);
        newcomers.begin_round();
        assert_eq!(seen(), 2, "the first round's, without those that left");
        assert!(first.iter().all(|wait| !newcomers.may_wait(*wait)));
        assert!(newcomers.may_wait(second[1]));
        newcomers.leave(first[0]);
        assert!(newcomers.watch_all());
        assert_eq!(seen(), 3);
        assert!(!newcomers.watch_all());
        newcomers.leave(wait());
        assert!(!newcomers.watch_all());
        assert_eq!(seen(), 3);
    }
}
