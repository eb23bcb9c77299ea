//! The timer of a connection: looks at the silence.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep};

use crate::activity::{Activity, Phase, Verdict};
use crate::patience::Patience;

/// What a timer goes by.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) patience: Patience,
    /// The timer has been set far ahead for a connection that was in this phase.
    far: Option<Phase>,
}

impl Watch {
    pub(crate) fn new(patience: Patience) -> Self {
        Self { patience, far: None }
    }

    /// Whether nothing is to be done about a timer that has been polled: it runs, and for what the connection is doing now.
    pub(crate) fn is_set(&self, timer: &Sleep, activity: &Activity) -> bool {
        !timer.is_elapsed() && self.far.is_none_or(|phase| phase == activity.phase())
    }

    /// Looks each time the timer runs out, and sets it anew: requests do not touch it. Ready when something is to be done.
    pub(crate) fn poll(
        &mut self,
        mut timer: Pin<&mut Sleep>,
        activity: &Activity,
        context: &mut Context<'_>,
    ) -> Poll<Verdict> {
        if self.far.is_some_and(|phase| phase != activity.phase()) {
            self.far = None;
            timer.as_mut().reset(Instant::now() + self.patience.next_look());
        }
        loop {
            ready!(timer.as_mut().poll(context));
            let now = Instant::now();
            let next = now + self.patience.next_look();
            let verdict = activity.judge(now, &self.patience);
            let until = if let Verdict::Wait(until) = verdict { until } else { next };
            self.far = (until > next).then(|| activity.phase());
            timer.as_mut().reset(until);
            if !matches!(verdict, Verdict::Wait(_)) {
                return Poll::Ready(verdict);
            }
        }
    }
}
