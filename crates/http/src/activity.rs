//! What a connection is doing and since when: words that the connection writes and its timer reads.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;

use crate::framing::Fault;
use crate::outgoing::Outgoing;

mod verdict;

pub(crate) use verdict::Verdict;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing has come yet.
    New,
    /// Between two requests.
    Idle,
    /// In the middle of a head.
    Head,
    /// In the middle of a body.
    Body,
    /// A request is run or answered.
    Busy,
    /// The client has been told to go, and has not said that it has heard of it (HTTP/2).
    Leaving,
    /// Everything has been sent; what the client still sends is read and thrown away.
    Closing,
}

/// What the timer has decided; the guard obeys when it is read from next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    None,
    /// Give up the parser, which has nothing to do.
    Park,
    /// Refuse the request that does not come to its end.
    TimeOut,
}

/// The state of one connection. It is written by tasks of one loop, so nothing has to be ordered.
#[derive(Debug)]
pub(crate) struct Activity {
    epoch: Instant,
    /// The phase, and when it began.
    phase: AtomicU64,
    /// Since when the last write could not send all; 0: it could.
    stuck: AtomicU64,
    /// Since when the body's next bytes are awaited; 0: they are not.
    awaited: AtomicU64,
    /// How long bytes of this body have been waited for, in milliseconds.
    waited: AtomicU64,
    /// Bytes of this body.
    received: AtomicU64,
    /// The same without their framing, and with those that came together with the head.
    counted: AtomicU64,
    bodies: AtomicU64,
    /// The request of this body has its answer.
    answered: AtomicBool,
    /// The answer is on its way.
    answering: AtomicBool,
    /// Nothing more comes behind the request that is being run.
    doubtful: AtomicBool,
    /// The end of the connection, or a refusal, waits until the request before it has been answered.
    owes_end: AtomicBool,
    /// What the system had not sent when the client was last seen taking something.
    unsent: AtomicU64,
    /// The client is to be asked whether it takes something of its response.
    doubted: AtomicBool,
    /// It does not.
    is_stuck: AtomicBool,
    order: AtomicU8,
    fault: OnceLock<Fault>,
    /// What its answers and its stream have to tell each other.
    pub(crate) outgoing: Arc<Outgoing>,
}

const PHASES: [Phase; 7] =
    [Phase::New, Phase::Idle, Phase::Head, Phase::Body, Phase::Busy, Phase::Leaving, Phase::Closing];
const PHASE_BITS: u32 = 3;

/// A client that ends its sending side within so many milliseconds of its request wants the answer: nobody who gives up is so
/// quick.
const HALF_CLOSE: u64 = 100;

impl Activity {
    pub(crate) fn new() -> Self {
        Self {
            epoch: Instant::now(),
            phase: AtomicU64::new(Phase::New as u64),
            stuck: AtomicU64::new(0),
            awaited: AtomicU64::new(0),
            waited: AtomicU64::new(0),
            received: AtomicU64::new(0),
            counted: AtomicU64::new(0),
            bodies: AtomicU64::new(0),
            answered: AtomicBool::new(false),
            answering: AtomicBool::new(false),
            doubtful: AtomicBool::new(false),
            owes_end: AtomicBool::new(false),
            unsent: AtomicU64::new(0),
            doubted: AtomicBool::new(false),
            is_stuck: AtomicBool::new(false),
            order: AtomicU8::new(Order::None as u8),
            fault: OnceLock::new(),
            outgoing: Arc::default(),
        }
    }

    fn millis(&self) -> u64 {
        self.millis_at(Instant::now())
    }

    fn millis_at(&self, time: Instant) -> u64 {
        let elapsed = time.saturating_duration_since(self.epoch);
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX >> PHASE_BITS)
    }

    /// A phase begins.
    pub(crate) fn enter(&self, phase: Phase) {
        self.enter_at(phase, Instant::now());
    }

    fn enter_at(&self, phase: Phase, time: Instant) {
        self.phase.store(self.millis_at(time) << PHASE_BITS | phase as u64, Ordering::Relaxed);
    }

    pub(crate) fn phase(&self) -> Phase {
        // The number comes from a phase; what is not one cannot be in there.
        let number = self.phase.load(Ordering::Relaxed) & ((1 << PHASE_BITS) - 1);
        PHASES.get(number as usize).copied().unwrap_or(Phase::Busy)
    }

    /// Whether a request is being received, run or answered.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self.phase(), Phase::Body | Phase::Busy)
    }

    /// Whether a request is expected or on its way from the client.
    fn is_receiving(&self) -> bool {
        matches!(self.phase(), Phase::New | Phase::Head | Phase::Body)
    }

    /// Whether hyper is at a request, from its head to the last byte of its answer: hearing of the end it would let all of it drop.
    pub(crate) fn is_engaged(&self) -> bool {
        self.is_busy() || self.is_writing()
    }

    /// An answer is on its way to the client.
    pub(crate) fn begin_answer(&self) {
        self.answering.store(true, Ordering::Relaxed);
    }

    /// Whether the end of what a client sends is that of its interest: not while an answer is on its way, nor right behind a request.
    pub(crate) fn end_means_gone(&self) -> bool {
        let is_early =
            self.millis().saturating_sub(self.phase.load(Ordering::Relaxed) >> PHASE_BITS) < HALF_CLOSE;
        self.is_busy() && !is_early && !self.answering.load(Ordering::Relaxed)
    }

    /// The client has closed its sending side behind its request.
    pub(crate) fn doubt(&self) {
        self.doubtful.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_doubtful(&self) -> bool {
        self.doubtful.load(Ordering::Relaxed)
    }

    /// A body is going to be received; its number.
    pub(crate) fn begin_body(&self) -> u64 {
        for word in [&self.awaited, &self.waited, &self.received, &self.counted] {
            word.store(0, Ordering::Relaxed);
        }
        self.answered.store(false, Ordering::Relaxed);
        self.enter(Phase::Body);
        self.bodies.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A body of so many bytes has come with its head.
    pub(crate) fn has_body(&self, bytes: u64) {
        self.counted.store(bytes, Ordering::Relaxed);
        self.bodies.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of the last body.
    pub(crate) fn body(&self) -> u64 {
        self.bodies.load(Ordering::Relaxed)
    }

    /// So many bytes of it have come, without their framing.
    pub(crate) fn count_body(&self, bytes: u64) {
        self.counted.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How many bytes of it have come, without their framing.
    pub(crate) fn body_bytes(&self) -> u64 {
        self.counted.load(Ordering::Relaxed)
    }

    /// A body has been received, or will not be, unless something has been begun since.
    pub(crate) fn end_body(&self, number: u64) {
        if self.phase() == Phase::Body && self.body() == number {
            self.enter(if self.answered.load(Ordering::Relaxed) { Phase::Idle } else { Phase::Busy });
        }
    }

    /// A request has been answered, now or at the given time; its body may still come.
    pub(crate) fn end_request(&self, time: Option<Instant>) {
        self.answering.store(false, Ordering::Relaxed);
        if self.phase() == Phase::Body {
            self.answered.store(true, Ordering::Relaxed);
        } else {
            self.enter_at(Phase::Idle, time.unwrap_or_else(Instant::now));
        }
    }

    /// Bytes came.
    pub(crate) fn received(&self, bytes: usize) {
        if self.phase() != Phase::Body {
            return;
        }
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
        let awaited = self.awaited.swap(0, Ordering::Relaxed);
        if awaited > 0 {
            self.waited.fetch_add(self.millis() + 1 - awaited, Ordering::Relaxed);
        }
    }

    /// The client has sent all that there is to read, and is `in_head` or not. Only this time counts against a body, not the
    /// time that a full disk or a slow application takes.
    pub(crate) fn awaits_client(&self, in_head: bool) {
        match self.phase() {
            Phase::New | Phase::Idle if in_head => self.enter(Phase::Head),
            Phase::Body if self.awaited.load(Ordering::Relaxed) == 0 => {
                self.awaited.store(self.millis() + 1, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    pub(crate) fn is_writing(&self) -> bool {
        self.stuck.load(Ordering::Relaxed) > 0
    }

    /// Everything has been sent. The connection is idle only from now on.
    pub(crate) fn wrote_all(&self) {
        if self.is_writing() {
            self.wrote_some();
            if self.phase() == Phase::Idle {
                self.enter(Phase::Idle);
            }
        }
    }

    /// The client has taken something of what waited for it, if anything did.
    pub(crate) fn wrote_some(&self) {
        self.stuck.store(0, Ordering::Relaxed);
        self.is_stuck.store(false, Ordering::Relaxed);
    }

    /// Bytes wait for the client to read. `unsent` tells how many the system has not got rid of, if it can: a socket takes new ones
    /// only when a good part of what it holds has gone, so that a slow reader looks like one that does not read.
    pub(crate) fn waits_for_reader(&self, unsent: impl FnOnce() -> Option<u64>) {
        if !self.is_writing() {
            self.takes(unsent());
        } else if self.doubted.load(Ordering::Relaxed) {
            self.doubted.store(false, Ordering::Relaxed);
            match unsent() {
                Some(unsent) if unsent != self.unsent.load(Ordering::Relaxed) => self.takes(Some(unsent)),
                _ => self.is_stuck.store(true, Ordering::Relaxed),
            }
        }
    }

    fn takes(&self, unsent: Option<u64>) {
        self.unsent.store(unsent.unwrap_or_default(), Ordering::Relaxed);
        self.is_stuck.store(false, Ordering::Relaxed);
        self.stuck.store(self.millis() + 1, Ordering::Relaxed);
    }

    /// Nothing could be written for too long. Whether that has been looked into, and is so; otherwise it will be with the next
    /// write.
    pub(crate) fn is_stuck(&self) -> bool {
        let is_stuck = self.is_stuck.load(Ordering::Relaxed);
        self.doubted.store(!is_stuck, Ordering::Relaxed);
        is_stuck
    }

    /// The connection cannot end before the request that it is at has been answered.
    pub(crate) fn owe_end(&self) {
        self.owes_end.store(true, Ordering::Relaxed);
    }

    /// Whether an end that had to wait can come now; once.
    pub(crate) fn end_is_due(&self) -> bool {
        let is_due = self.owes_end.load(Ordering::Relaxed) && !self.is_engaged();
        if is_due {
            self.owes_end.store(false, Ordering::Relaxed);
        }
        is_due
    }

    pub(crate) fn order(&self, order: Order) {
        self.order.store(order as u8, Ordering::Relaxed);
    }

    /// The order that stands, once.
    pub(crate) fn take_order(&self) -> Order {
        // A load first: this is asked at every read, and a store is the rare case.
        match self.order.load(Ordering::Relaxed) {
            0 => Order::None,
            order => {
                self.order(Order::None);
                if order == Order::Park as u8 { Order::Park } else { Order::TimeOut }
            }
        }
    }

    /// Remembers why the request that is being received is refused.
    pub(crate) fn refuse(&self, fault: Fault) {
        let _ = self.fault.set(fault);
    }

    pub(crate) fn fault(&self) -> Option<Fault> {
        self.fault.get().copied()
    }

    /// When the connection that is idle now has been so for `time`.
    pub(crate) fn idle_until(&self, time: Duration) -> Instant {
        self.since() + time
    }

    fn since(&self) -> Instant {
        self.at(self.phase.load(Ordering::Relaxed) >> PHASE_BITS)
    }

    fn at(&self, millis: u64) -> Instant {
        self.epoch + Duration::from_millis(millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patience::Patience;

    fn patience() -> Patience {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        Patience {
            idle: seconds(5),
            head: seconds(10),
            body: seconds(30),
            body_rate: 500,
            body_grace: Duration::from_secs(10),
            write: seconds(60),
            leave: Duration::from_secs(60),
            linger: Duration::from_secs(2),
            park: Duration::from_secs(1),
        }
    }

    fn later(activity: &Activity, seconds: u64) -> Instant {
        activity.epoch + Duration::from_secs(seconds)
    }

    #[test]
    fn silence_is_judged_by_what_it_interrupts() {
        let activity = Activity::new();
        let judge = |seconds| activity.judge(later(&activity, seconds), &patience());
        assert_eq!(judge(9), Verdict::Wait(later(&activity, 10)));
        assert_eq!(judge(10), Verdict::Drop);
        activity.awaits_client(true);
        assert_eq!(judge(11), Verdict::TimeOut);
        activity.enter(Phase::Busy);
        assert_eq!(judge(100), Verdict::Wait(later(&activity, 101)));
        activity.enter(Phase::Idle);
        assert_eq!(judge(2), Verdict::Park);
        activity.enter(Phase::Closing);
        assert_eq!(judge(3), Verdict::Drop);
    }

    #[test]
    fn a_short_idle_time_closes_and_a_long_one_parks() {
        let activity = Activity::new();
        activity.enter(Phase::Idle);
        let short = Patience { idle: Some(Duration::from_millis(500)), ..patience() };
        assert_eq!(activity.judge(later(&activity, 1), &short), Verdict::CloseIdle);
        assert_eq!(activity.judge(later(&activity, 2), &patience()), Verdict::Park);
    }

    #[test]
    fn an_answer_on_its_way_out_is_not_idle_but_must_be_read() {
        let activity = Activity::new();
        activity.enter(Phase::Idle);
        activity.waits_for_reader(|| None);
        assert!(matches!(activity.judge(later(&activity, 59), &patience()), Verdict::Wait(_)));
        assert_eq!(activity.judge(later(&activity, 61), &patience()), Verdict::Stuck);
    }

    #[test]
    fn a_reader_is_slow_as_long_as_the_system_gets_rid_of_bytes() {
        let activity = Activity::new();
        activity.enter(Phase::Busy);
        activity.waits_for_reader(|| Some(1_000));
        assert_eq!(activity.judge(later(&activity, 61), &patience()), Verdict::Stuck);
        assert!(!activity.is_stuck(), "that has to be looked into first");
        activity.waits_for_reader(|| Some(900));
        assert!(!activity.is_stuck(), "it took some");
        activity.waits_for_reader(|| Some(900));
        assert!(activity.is_stuck());
        activity.wrote_all();
        assert!(!activity.is_writing());
    }

    #[test]
    fn the_end_of_what_a_client_sends_is_not_always_the_end_of_its_interest() {
        let activity = Activity::new();
        activity.enter(Phase::Busy);
        assert!(!activity.end_means_gone(), "right behind the request");
        activity.phase.store(Phase::Busy as u64, Ordering::Relaxed);
        let waited = Activity { epoch: Instant::now() - Duration::from_secs(1), ..activity };
        assert!(waited.end_means_gone());
        waited.begin_answer();
        assert!(!waited.end_means_gone(), "an answer is on its way");
    }

    #[test]
    fn a_body_that_comes_on_after_its_answer_is_still_judged() {
        let activity = Activity::new();
        let body = activity.begin_body();
        activity.begin_answer();
        activity.end_request(None);
        activity.awaits_client(false);
        assert_eq!(activity.judge(later(&activity, 31), &patience()), Verdict::TimeOut);
        activity.end_body(body);
        assert_eq!(activity.phase(), Phase::Idle);
    }

    #[test]
    fn a_body_is_judged_only_while_its_client_is_awaited() {
        let activity = Activity::new();
        activity.begin_body();
        assert!(matches!(activity.judge(later(&activity, 500), &patience()), Verdict::Wait(_)));
        activity.awaits_client(false);
        activity.received(1_000_000);
        activity.awaits_client(false);
        assert!(matches!(activity.judge(later(&activity, 29), &patience()), Verdict::Wait(_)));
        assert_eq!(activity.judge(later(&activity, 31), &patience()), Verdict::TimeOut);
    }

    #[test]
    fn a_slow_body_is_refused_after_the_grace_time() {
        let activity = Activity::new();
        activity.begin_body();
        activity.received(6_000);
        activity.awaits_client(false);
        assert!(matches!(activity.judge(later(&activity, 11), &patience()), Verdict::Wait(_)));
        assert_eq!(activity.judge(later(&activity, 13), &patience()), Verdict::TimeOut);
    }
}
