//! What the silence of a connection means.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::{Activity, Phase};
use crate::patience::Patience;

/// What the silence means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Look again at this time.
    Wait(Instant),
    /// Nothing has happened for a while: the parser and its buffers are not needed for now.
    Park,
    /// Close: the time between two requests is over.
    CloseIdle,
    /// The request does not come to its end: answer 408.
    TimeOut,
    /// Nobody is there.
    Drop,
    /// The client does not read its response.
    Stuck,
}

impl Activity {
    /// What the silence means at `now`. A connection does not tell the timer when it enters another phase, so the timer
    /// looks again before any patience that begins now could be over; but one that waits for its client in the middle of
    /// a request, as thousands may do, is left alone until its time is over or its phase another.
    pub(crate) fn judge(&self, now: Instant, patience: &Patience) -> Verdict {
        let by_phase = match self.phase() {
            Phase::New => patience.head.map(|head| (self.since() + head, Verdict::Drop)),
            Phase::Head => patience.head.map(|head| (self.since() + head, Verdict::TimeOut)),
            Phase::Idle if self.is_writing() => None,
            Phase::Idle => Some(self.idle(patience)),
            Phase::Body => self.body_due(patience).map(|due| (due, Verdict::TimeOut)),
            Phase::Busy => None,
            Phase::Leaving => Some((self.since() + patience.leave, Verdict::Drop)),
            Phase::Closing => Some((self.since() + patience.linger, Verdict::Drop)),
        };
        let stuck = self.stuck.load(Ordering::Relaxed).checked_sub(1);
        let by_writing =
            stuck.zip(patience.write).map(|(since, write)| (self.at(since) + write, Verdict::Stuck));
        let next = now + if self.phase() == Phase::Idle { patience.park } else { patience.next_look() };
        match by_phase.into_iter().chain(by_writing).min_by_key(|(due, _)| *due) {
            Some((due, verdict)) if due <= now => verdict,
            Some((due, _)) if self.is_receiving() => Verdict::Wait(due),
            Some((due, _)) => Verdict::Wait(due.min(next)),
            None => Verdict::Wait(next),
        }
    }

    fn idle(&self, patience: &Patience) -> (Instant, Verdict) {
        match patience.idle {
            Some(idle) if idle <= patience.park => (self.since() + idle, Verdict::CloseIdle),
            _ => (self.since() + patience.park, Verdict::Park),
        }
    }

    /// When the silence in a body has lasted too long, or the body has been too slow.
    fn body_due(&self, patience: &Patience) -> Option<Instant> {
        let awaited = self.awaited.load(Ordering::Relaxed).checked_sub(1)?;
        let silent = patience.body.map(|body| self.at(awaited) + body);
        let slow = patience.allowance(self.received.load(Ordering::Relaxed)).map(|allowance| {
            let waited = Duration::from_millis(self.waited.load(Ordering::Relaxed));
            self.at(awaited) + allowance.saturating_sub(waited)
        });
        silent.into_iter().chain(slow).min()
    }
}
