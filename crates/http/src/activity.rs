//! Since when a connection has been silent, and what for: one word that the connection writes and its timer reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::outgoing::Outgoing;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Between two requests.
    Idle,
    /// Before the first request, or in the middle of a head.
    Head,
    /// A request is being received, run or answered.
    Busy,
}

/// The state of one connection.
#[derive(Debug)]
pub(crate) struct Activity {
    epoch: Instant,
    /// Milliseconds since `epoch`, shifted left by two, and the phase.
    word: AtomicU64,
    /// The last write could not send all: the client has not taken its answer yet.
    writing: AtomicBool,
    /// What its answers and its stream have to tell each other.
    pub(crate) outgoing: Arc<Outgoing>,
}

/// The timer never looks more often than this, however short a patience is.
const SHORTEST_LOOK: Duration = Duration::from_millis(50);

/// How long each phase may last; `None` for ever.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) idle: Option<Duration>,
    pub(crate) head: Duration,
}

impl Patience {
    /// After this time the timer looks again, whatever the connection is doing now.
    pub(crate) fn next_look(&self) -> Duration {
        self.idle.map_or(self.head, |idle| idle.min(self.head)).max(SHORTEST_LOOK)
    }
}

/// What the timer is to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Look again at this time.
    Wait(Instant),
    /// Close: the time between two requests is over.
    CloseIdle,
    /// Drop: no request came.
    Drop,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self {
            epoch: Instant::now(),
            word: AtomicU64::new(Phase::Head as u64),
            writing: AtomicBool::new(false),
            outgoing: Arc::default(),
        }
    }

    /// A phase begins. Nobody asks how long a busy one lasts, so that one costs no look at the clock.
    pub(crate) fn enter(&self, phase: Phase) {
        let millis = match phase {
            Phase::Busy => 0,
            Phase::Idle | Phase::Head => {
                u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX >> 2)
            }
        };
        self.word.store(millis << 2 | phase as u64, Ordering::Relaxed);
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.word.load(Ordering::Relaxed) & 3 == Phase::Busy as u64
    }

    pub(crate) fn is_writing(&self) -> bool {
        self.writing.load(Ordering::Relaxed)
    }

    /// Bytes came: the first ones after a pause begin a head.
    pub(crate) fn received(&self) {
        if self.word.load(Ordering::Relaxed) & 3 == Phase::Idle as u64 {
            self.enter(Phase::Head);
        }
    }

    /// Whether bytes wait for the client to read. The connection is idle only from when the last one has left.
    pub(crate) fn set_writing(&self, writing: bool) {
        if self.writing.load(Ordering::Relaxed) == writing {
            return;
        }
        self.writing.store(writing, Ordering::Relaxed);
        if !writing && self.word.load(Ordering::Relaxed) & 3 == Phase::Idle as u64 {
            self.enter(Phase::Idle);
        }
    }

    /// When a head that has begun must be complete.
    pub(crate) fn head_due(&self, patience: Patience) -> Option<Instant> {
        let word = self.word.load(Ordering::Relaxed);
        (word & 3 == Phase::Head as u64).then(|| self.since(word) + patience.head)
    }

    fn since(&self, word: u64) -> Instant {
        self.epoch + Duration::from_millis(word >> 2)
    }

    /// What the silence means at `now`. A busy connection does not tell the timer when it becomes idle, so the timer looks
    /// again before it could have been idle for too long; one that is idle is left alone until its time is over.
    pub(crate) fn judge(&self, now: Instant, patience: Patience) -> Verdict {
        let word = self.word.load(Ordering::Relaxed);
        let (due, verdict) = match (word & 3, patience.idle) {
            (0, Some(idle)) if !self.is_writing() => (self.since(word) + idle, Verdict::CloseIdle),
            (1, _) => (self.since(word) + patience.head, Verdict::Drop),
            _ => return Verdict::Wait(now + patience.next_look()),
        };
        if due <= now { verdict } else { Verdict::Wait(due) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { idle: Some(Duration::from_secs(5)), head: Duration::from_secs(10) };

    #[test]
    fn silence_is_judged_by_what_it_interrupts() {
        let activity = Activity::new();
        let later = |seconds| activity.epoch + Duration::from_secs(seconds);
        assert_eq!(activity.judge(later(9), PATIENCE), Verdict::Wait(later(10)));
        assert_eq!(activity.judge(later(10), PATIENCE), Verdict::Drop);
        activity.enter(Phase::Busy);
        assert_eq!(activity.judge(later(100), PATIENCE), Verdict::Wait(later(105)));
        activity.enter(Phase::Idle);
        assert_eq!(activity.judge(later(6), PATIENCE), Verdict::CloseIdle);
        activity.received();
        assert!(matches!(activity.judge(later(6), PATIENCE), Verdict::Wait(_)));
    }

    #[test]
    fn an_answer_on_its_way_out_is_not_idle() {
        let activity = Activity::new();
        activity.enter(Phase::Idle);
        activity.set_writing(true);
        assert!(matches!(
            activity.judge(activity.epoch + Duration::from_secs(60), PATIENCE),
            Verdict::Wait(_)
        ));
    }
}
