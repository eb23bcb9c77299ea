//! Who drives the loop and who runs Python: the leader, its followers and the stand-in.
//!
//! One tokio runtime is driven by one thread at a time. Usually that is the *leader*, a Python thread that alternates
//! between the loop and the requests that the loop collected. When a request blocks or lasts, the stand-in takes the
//! lead away: it drives the loop itself or hands the lead to an idle *follower*. A member whose lead was taken learns of
//! it when its request ends.
//!
//! Who wins between the end of a job and the take-over is decided in `lead`; this file tells the threads.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::thread::{self, Thread};
use std::time::Duration;

use rwsgi_http::{Answer, Buffering, Exchange, Newcomers};
use rwsgi_os::{ExitReason, Scoreboard, Slot, ThreadClock, ThreadId, monotonic_micros};
use rwsgi_wsgi::{Hooks, PythonThread, StackDump};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::course::Limits;
use crate::deadline::Running;
use crate::inquiry::Inquiries;
use crate::lead::{Holder, Lead, Stamp};
use crate::queue::{Answers, Popped, Pushed, Requests};
use crate::refusal::{Refusal, Refusals};
use crate::run::Options;
use crate::shutdown::Order;
use crate::stand_in::Sleep;

/// What the threads of a worker share. Lives as long as the process.
#[derive(Debug)]
pub(crate) struct Crew {
    pub(crate) runtime: Runtime,
    pub(crate) requests: Requests,
    pub(crate) answers: Answers,
    newcomers: Arc<Newcomers>,
    refusals: Refusals,
    pub(crate) members: Box<[Member]>,
    pub(crate) stand_in: Sleep,
    /// What is watched of requests.
    pub(crate) limits: Limits,
    /// `--write-timeout`: how long a request may wait for its client to read.
    pub(crate) write_timeout: Option<Duration>,
    /// How much of an answer waits for its client.
    pub(crate) buffering: Arc<Buffering>,
    /// Requests that take long and are looked into.
    pub(crate) inquiries: Inquiries,
    /// After so many requests another worker should take this one's place.
    pub(crate) share: u64,
    /// Opens the log files of the server again.
    pub(crate) reopen_logs: fn(),
    /// The hooks of the settings file.
    pub(crate) hooks: Option<Hooks>,
    orders: mpsc::UnboundedSender<Order>,
    exit: OnceLock<ExitReason>,
    lead: Lead,
    driver: Driver,
    stopped: AtomicBool,
    scoreboard: Arc<Scoreboard>,
    slot: usize,
    /// Whether anybody wants to know how long Python runs.
    pub(crate) measures: bool,
}

/// One Python thread, as the others see it.
#[derive(Debug, Default)]
pub(crate) struct Member {
    pub(crate) stamp: Stamp,
    pub(crate) running: Mutex<Option<Running>>,
    thread: OnceLock<Thread>,
    clock: OnceLock<ThreadClock>,
    /// Microseconds within a job that were waited for the client.
    pub(crate) waited: AtomicU64,
    id: OnceLock<ThreadId>,
    python: OnceLock<PythonThread>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Member {
    /// What runs here, for the deadline.
    pub(crate) fn running(&self) -> MutexGuard<'_, Option<Running>> {
        lock(&self.running)
    }

    /// The thread, to be sent a signal.
    pub(crate) fn id(&self) -> Option<ThreadId> {
        self.id.get().copied()
    }

    /// The thread, to be interrupted in Python.
    pub(crate) fn python(&self) -> Option<PythonThread> {
        self.python.get().copied()
    }

    /// Whether it is the calling thread.
    pub(crate) fn is_current(&self) -> bool {
        self.thread.get().is_some_and(|thread| thread.id() == thread::current().id())
    }

    /// The processor time of the thread.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        self.clock.get().map(|clock| clock.read())
    }
}

impl Crew {
    pub(crate) fn new(
        (runtime, newcomers): (Runtime, Arc<Newcomers>),
        options: &Options,
        place: (Arc<Scoreboard>, usize, bool),
        alarm: (StackDump, mpsc::UnboundedSender<Order>),
    ) -> Self {
        let (scoreboard, slot, measures) = place;
        let (stacks, orders) = alarm;
        Self {
            runtime,
            requests: Requests::new(
                options.queue_size,
                options.queue_timeout,
                (Arc::clone(&scoreboard), slot),
            ),
            answers: Answers::default(),
            newcomers,
            refusals: Refusals::new(options),
            members: (0..options.threads).map(|_| Member::default()).collect(),
            stand_in: Sleep::default(),
            limits: Limits::new(options.timeout, options.timeout_kill, options.slow_log),
            write_timeout: options.http.timeouts.write,
            buffering: Arc::new(options.http.buffering.clone()),
            inquiries: Inquiries::new(stacks),
            // Not the generator of `HashMap` for the lot: forked processes would all draw the same.
            share: share(options.max_requests, options.max_requests_jitter, (std::process::id(), now())),
            reopen_logs: options.reopen_logs,
            hooks: options.hooks.clone(),
            orders,
            exit: OnceLock::new(),
            lead: Lead::new(),
            driver: Driver::default(),
            stopped: AtomicBool::new(false),
            scoreboard,
            slot,
            measures,
        }
    }

    pub(crate) fn scoreboard(&self) -> &Scoreboard {
        &self.scoreboard
    }

    /// This worker's life signs.
    pub(crate) fn slot(&self) -> &Slot {
        self.scoreboard.slot(self.slot)
    }

    /// The connections that the loop does not watch yet.
    pub(crate) fn newcomers(&self) -> &Arc<Newcomers> {
        &self.newcomers
    }

    /// Gives the worker an order; any thread may.
    pub(crate) fn order(&self, order: Order) {
        // Nobody receives any more: the worker is about to leave anyway.
        let _ = self.orders.send(order);
    }

    /// How the worker will have ended.
    pub(crate) fn set_exit(&self, reason: ExitReason) {
        let _ = self.exit.set(reason);
    }

    pub(crate) fn exit(&self) -> ExitReason {
        self.exit.get().copied().unwrap_or(ExitReason::Internal)
    }

    /// A request is complete; called by whoever drives the loop.
    pub(crate) fn enqueue(&self, exchange: Box<Exchange>) {
        match self.requests.push(exchange, now()) {
            Pushed::First => self.wake_driver(),
            Pushed::Behind => {}
            Pushed::Refused(exchange) => self.refuse(&exchange, Refusal::Full),
        }
    }

    /// The next request to be run, at `time`.
    pub(crate) fn next_request(&self, time: u64) -> Option<Box<Exchange>> {
        loop {
            match self.requests.pop(time)? {
                Popped::Timely(exchange) => return Some(exchange),
                Popped::Late(exchange) => self.refuse(&exchange, Refusal::Late),
                Popped::Doubtful(exchange) => self.answer(&exchange, Answer::unavailable()),
            }
        }
    }

    /// Refuses what has waited for too long; how long until something else will have.
    pub(crate) fn refuse_late(&self) -> Option<Duration> {
        let time = now();
        loop {
            match self.requests.pop_late(time) {
                Ok(exchange) => self.refuse(&exchange, Refusal::Late),
                Err(left) => return left.map(Duration::from_micros),
            }
        }
    }

    fn refuse(&self, exchange: &Exchange, refusal: Refusal) {
        if !exchange.ticket.is_settled() {
            self.slot().counters.refuse(503);
            self.refusals.add(refusal, self.runtime.handle());
            self.answer(exchange, Answer::unavailable());
        }
    }

    fn answer(&self, exchange: &Exchange, answer: Answer) {
        let answer = Answer { queued: exchange.waited, ..answer };
        exchange.ticket.answer(answer).into_iter().for_each(|waker| self.answers.push(waker));
    }

    /// Remembers how to wake the member that drives the loop, which turns.
    pub(crate) fn drive_with(&self, waker: &Waker) {
        self.slot().turns.advance();
        self.driver.set(waker, || true);
    }

    /// The same for the stand-in; whether it has the lead. The member may have ended its job and drive again by now.
    pub(crate) fn drive_instead_with(&self, waker: &Waker) -> bool {
        self.slot().turns.advance();
        self.driver.set(waker, || self.holder() == Holder::StandIn)
    }

    /// Lets the driver look around.
    pub(crate) fn wake_driver(&self) {
        self.driver.wake();
    }

    /// A connection has got something to send, from member `number`: it is woken by the member when it drives the loop
    /// again, or at once when somebody else drives.
    pub(crate) fn deliver(&self, number: usize, connection: Waker) {
        self.answers.push(connection);
        // The stand-in delivers when it takes over; this covers a take-over between its look and our push.
        if self.members[number].stamp.is_taken() {
            self.wake_driver();
        }
    }

    pub(crate) fn holder(&self) -> Holder {
        self.lead.holder()
    }

    /// Makes the calling thread known as member `number`.
    pub(crate) fn join(&self, number: usize) {
        let member = &self.members[number];
        let _ = member.thread.set(thread::current());
        let _ = member.clock.set(ThreadClock::of_current());
        let _ = member.id.set(ThreadId::current());
        let _ = member.python.set(PythonThread::current());
        self.lead.join(number);
    }

    /// Takes the lead from member `number`, whose job began at `since`. Whether the stand-in has it now.
    pub(crate) fn take_lead(&self, number: usize, since: u64) -> bool {
        let stamp = &self.members[number].stamp;
        match self.lead.take(number, stamp, since, !self.requests.is_empty()) {
            Some(Holder::StandIn) => {
                // From now on no Python thread is free here: the other workers see it and take what comes.
                self.slot().busy_since.store(since.max(1));
                true
            }
            Some(Holder::Member(next)) => {
                self.unpark(next);
                false
            }
            None => false,
        }
    }

    /// Member `number` has come. Whether it leads.
    pub(crate) fn arrive(&self, number: usize) -> bool {
        let was_replaced = self.holder() == Holder::StandIn;
        let leads = self.lead.arrive(number);
        if leads && was_replaced {
            self.slot().busy_since.store(0);
            // The stand-in leaves for us.
            self.wake_driver();
        }
        leads
    }

    pub(crate) fn is_awaited(&self) -> bool {
        self.lead.is_awaited()
    }

    /// The stand-in drives in the place of a member that does not come: somebody holds the GIL and lets nobody have it.
    pub(crate) fn take_back(&self) {
        if self.lead.take_back() {
            self.slot().busy_since.store(now());
        }
    }

    /// The driver, about to leave, hands the lead to an idle member if there is work for one.
    pub(crate) fn hand_over(&self, from: Holder) -> bool {
        if self.requests.is_empty() {
            return false;
        }
        let Some(next) = self.lead.hand_over(from) else { return false };
        self.slot().busy_since.store(0);
        self.unpark(next);
        // To see whether it comes.
        self.stand_in.wake();
        true
    }

    /// Member `number` has ended a job during which it lost the lead. Whether it leads again.
    pub(crate) fn reclaim(&self, number: usize) -> bool {
        let leads = self.lead.reclaim(number);
        // This thread is free, whoever leads.
        self.slot().busy_since.store(0);
        // The driver leaves for us, or delivers our answer.
        self.wake_driver();
        leads
    }

    /// Says in the scoreboard whether a thread that waits for a client leaves nobody to run requests.
    pub(crate) fn set_waiting(&self, since: Option<u64>) {
        let busy = since.filter(|_| !self.lead.has_idle());
        self.slot().busy_since.store(busy.unwrap_or_default());
    }

    /// Everybody leaves: nothing is left to do.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.wake_driver();
        (0..self.members.len()).for_each(|number| self.unpark(number));
        self.stand_in.wake();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    fn unpark(&self, number: usize) {
        if let Some(thread) = self.members[number].thread.get() {
            thread.unpark();
        }
    }

    /// Whether nothing will be done here any more: all members are at requests that are over their time, or one is, and
    /// lets no other have the GIL.
    pub(crate) fn is_stuck(&self) -> bool {
        let expired = self.expired();
        expired == self.members.len() as u64 || expired > 0 && self.lead.is_missing()
    }
}

/// How to wake whoever drives the loop.
#[derive(Debug, Default)]
struct Driver(Mutex<Option<Waker>>);

impl Driver {
    /// From now on this one is woken, if it is to drive. That is asked under the lock: who is told to and registers afterwards
    /// replaces who was told before, and one that comes too late replaces nobody, who would never be woken again.
    fn set(&self, waker: &Waker, is_to_drive: impl FnOnce() -> bool) -> bool {
        let mut driver = lock(&self.0);
        let is_to_drive = is_to_drive();
        if is_to_drive && !driver.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *driver = Some(waker.clone());
        }
        is_to_drive
    }

    fn wake(&self) {
        if let Some(waker) = &*lock(&self.0) {
            waker.wake_by_ref();
        }
    }
}

/// `--max-requests` with up to `jitter` more, by lot, so that the workers do not all get tired at a time.
fn share(requests: Option<u64>, jitter: u64, lot: impl Hash) -> u64 {
    let Some(requests) = requests else { return u64::MAX };
    let mut hasher = DefaultHasher::new();
    lot.hash(&mut hasher);
    requests.saturating_add(hasher.finish() % jitter.saturating_add(1))
}

/// The time of stamps, in microseconds.
pub(crate) fn now() -> u64 {
    monotonic_micros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_that_comes_too_late_does_not_take_the_place_of_who_drives() {
        let woken = [const { AtomicBool::new(false) }; 2].map(|flag| Arc::new(Flag(flag)));
        let [member, stand_in] = woken.each_ref().map(|flag| Waker::from(Arc::clone(flag)));
        let driver = Driver::default();
        driver.wake();
        assert!(driver.set(&member, || true));
        assert!(!driver.set(&stand_in, || false));
        driver.wake();
        assert_eq!(woken.each_ref().map(|flag| flag.0.load(Ordering::SeqCst)), [true, false]);
        assert!(driver.set(&stand_in, || true));
        driver.wake();
        assert!(woken[1].0.load(Ordering::SeqCst));
    }

    struct Flag(AtomicBool);

    impl std::task::Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_share_lies_between_the_number_and_its_jitter() {
        assert_eq!(share(None, 10, 1), u64::MAX);
        assert_eq!(share(Some(100), 0, 1), 100);
        assert_eq!(share(Some(u64::MAX), u64::MAX, 1), u64::MAX);
        let drawn: Vec<u64> = (0..1_000).map(|lot| share(Some(100), 9, lot)).collect();
        assert!((100..=109).all(|value| drawn.contains(&value)), "all of them come");
        assert!(drawn.iter().all(|value| (100..=109).contains(value)));
    }
}
