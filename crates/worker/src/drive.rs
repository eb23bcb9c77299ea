//! The futures at the top of the loop: while one of them is polled by `block_on`, its thread drives all I/O.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::crew::Crew;
use crate::lead::Holder;

/// How soon to look again when nothing is foreseen.
const NEVER: Duration = Duration::from_secs(24 * 3600);

/// Why the leader leaves the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// There are requests to run.
    Requests,
    /// The worker is done.
    Stop,
}

/// Why a thread that waits for its client stops waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// What it waits for is there.
    Ready,
    /// The patience is over.
    TooLong,
    /// Another member has taken the lead.
    LostLead,
}

impl Crew {
    /// The leader drives until there is something to run.
    pub(crate) fn drive_as_leader(&self) -> Turn {
        let mut flushed = false;
        self.newcomers().begin_round();
        self.runtime.block_on(std::future::poll_fn(|context| {
            self.drive_with(context.waker());
            if self.answers.deliver() && !flushed {
                // Once round the loop before the next requests run, so that the answers leave and I/O is polled.
                flushed = true;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if self.is_stopped() {
                return Poll::Ready(Turn::Stop);
            }
            if self.requests.is_empty() { Poll::Pending } else { Poll::Ready(Turn::Requests) }
        }))
    }

    /// The stand-in drives until it has lost the lead, looking at the deadlines when they are due.
    pub(crate) fn drive_as_stand_in(&'static self) {
        self.newcomers().watch_from_now_on();
        self.runtime.block_on(async {
            let mut timer = pin!(sleep(Duration::ZERO));
            std::future::poll_fn(|context| {
                let has_lead = self.drive_instead_with(context.waker());
                if self.is_stopped() || !has_lead || self.hand_over(Holder::StandIn) {
                    self.answers.deliver();
                    return Poll::Ready(());
                }
                let due = || earlier(self.watch_requests(), self.refuse_late()).unwrap_or(NEVER);
                self.poll_timer(timer.as_mut(), context, due);
                self.answers.deliver();
                Poll::Pending
            })
            .await;
        });
    }

    /// A member that has the lead and waits for its client drives until `poll` is ready or it is `end`.
    pub(crate) fn drive_until(
        &self,
        number: usize,
        end: Option<std::time::Instant>,
        poll: impl Fn(&Context<'_>) -> Poll<()>,
    ) -> Waited {
        self.newcomers().watch_from_now_on();
        self.runtime.block_on(async {
            let mut end = pin!(async {
                match end {
                    Some(end) => sleep_until(end.into()).await,
                    None => std::future::pending().await,
                }
            });
            let mut timer = pin!(sleep(Duration::ZERO));
            std::future::poll_fn(|context| {
                self.drive_with(context.waker());
                if !self.requests.is_empty() {
                    self.poll_timer(timer.as_mut(), context, || self.refuse_late().unwrap_or(NEVER));
                }
                self.answers.deliver();
                if poll(context).is_ready() {
                    return Poll::Ready(Waited::Ready);
                }
                if end.as_mut().poll(context).is_ready() {
                    return Poll::Ready(Waited::TooLong);
                }
                if self.hand_over(Holder::Member(number)) {
                    Poll::Ready(Waited::LostLead)
                } else {
                    Poll::Pending
                }
            })
            .await
        })
    }

    /// Calls `act` whenever the time has come that it named the last time. The first request that comes to wait wakes the
    /// driver, and others come behind it: looking once within the time that one may wait finds all that are late.
    fn poll_timer(&self, mut timer: Pin<&mut Sleep>, context: &mut Context<'_>, act: impl Fn() -> Duration) {
        if let Some(patience) = self.requests.patience() {
            let limit = Instant::now() + patience;
            if timer.deadline() > limit {
                timer.as_mut().reset(limit);
            }
        }
        while timer.as_mut().poll(context).is_ready() {
            let next = act();
            timer.as_mut().reset(Instant::now() + next);
        }
    }
}

fn earlier(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}
