//! The thread that watches the leader and drives the loop in its place. It never runs Python and never waits for the GIL.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use crate::crew::{Crew, now};
use crate::lead::Holder;

/// A job that computes keeps the lead for this long, in microseconds: handing it over earlier would make Python threads
/// compete for the GIL.
const TAKE: u64 = 5_000;
/// How often the leader is looked at while it runs Python and another member could go on.
const TICK: Duration = Duration::from_micros(250);
/// The same when there is no other member: only the loop itself waits then.
const LONE_TICK: Duration = Duration::from_millis(2);
/// A member that was given the lead has so long to come, in microseconds: twice the time after which CPython makes a thread
/// let go of the GIL. A call into C lets go when it likes.
const ARRIVAL: u64 = 10_000;
/// After this many looks at a leader without a job the stand-in sleeps until it is woken.
const QUIET: u32 = 20;

/// Whether the stand-in sleeps, and how to wake it.
#[derive(Debug, Default)]
pub(crate) struct Sleep {
    asleep: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Sleep {
    /// Wakes the stand-in if it sleeps; costs a load otherwise.
    pub(crate) fn wake(&self) {
        if self.asleep.load(Ordering::SeqCst) && self.asleep.swap(false, Ordering::SeqCst) {
            self.thread.get().into_iter().for_each(Thread::unpark);
        }
    }
}

/// Watches until the crew is stopped.
pub(crate) fn watch(crew: &'static Crew) {
    let _ = crew.stand_in.thread.set(thread::current());
    let tick = if crew.members.len() > 1 { TICK } else { LONE_TICK };
    let mut watch = Watch { crew, tick, quiet: 0, before: None, awaited: None };
    while !crew.is_stopped() {
        if crew.holder() == Holder::StandIn {
            crew.drive_as_stand_in();
        } else {
            watch.look();
        }
    }
}

struct Watch {
    crew: &'static Crew,
    tick: Duration,
    quiet: u32,
    /// The job seen at the last look, and the processor time of its thread then.
    before: Option<(u64, Duration)>,
    /// Since when nobody drives, because the member that was given the lead has not come.
    awaited: Option<u64>,
}

impl Watch {
    fn look(&mut self) {
        let next_deadline = self.crew.watch_requests();
        if self.crew.is_awaited() {
            return self.await_leader();
        }
        self.awaited = None;
        let Holder::Member(leader) = self.crew.holder() else { return };
        let Some(since) = self.crew.members[leader].stamp.untaken() else {
            self.before = None;
            self.quiet += 1;
            if self.quiet < QUIET {
                thread::sleep(self.tick)
            } else {
                self.sleep(next_deadline)
            }
            return;
        };
        self.quiet = 0;
        if (now().saturating_sub(since) >= TAKE || self.is_blocked(leader, since))
            && self.crew.take_lead(leader, since)
        {
            return;
        }
        thread::sleep(self.tick);
    }

    fn await_leader(&mut self) {
        self.quiet = 0;
        let since = *self.awaited.get_or_insert_with(now);
        if now().saturating_sub(since) >= ARRIVAL {
            self.awaited = None;
            self.crew.take_back();
        } else {
            thread::sleep(self.tick);
        }
    }

    /// Whether the thread used less than a quarter of the time since the last look: then it waits for something.
    fn is_blocked(&mut self, leader: usize, since: u64) -> bool {
        let Some(cpu) = self.crew.members[leader].cpu() else { return false };
        let before = self.before.replace((since, cpu));
        before.is_some_and(|(job, used)| job == since && cpu.saturating_sub(used) < self.tick / 4)
    }

    /// Sleeps until a job begins, or a job of another member is due.
    fn sleep(&mut self, next_deadline: Option<Duration>) {
        let sleep = &self.crew.stand_in;
        sleep.asleep.store(true, Ordering::SeqCst);
        let Holder::Member(leader) = self.crew.holder() else { return };
        // A job that began, or a lead that was handed over, before the flag was up has not woken us.
        let is_needed = self.crew.members[leader].stamp.untaken().is_some() || self.crew.is_awaited();
        if !is_needed && !self.crew.is_stopped() {
            match next_deadline {
                Some(due) => thread::park_timeout(due),
                None => thread::park(),
            }
        }
        sleep.asleep.store(false, Ordering::SeqCst);
        self.quiet = 0;
    }
}
