//! The futures at the top of the loop: while one of them is polled by `block_on`, its thread drives all I/O.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use rwsgi_http::Stream;
use tokio::time::{Sleep, sleep};

use crate::crew::Crew;
use crate::lead::Holder;

/// How soon the stand-in looks again when no deadline counts: a request that waits for its client may go on.
const DEADLINES: Duration = Duration::from_millis(250);

/// Why the leader leaves the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// There are requests to run.
    Requests,
    /// The worker is done.
    Stop,
}

/// Why a thread that waits for a slow client stops waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// The buffer is empty again, the client has gone, or the patience is over.
    Free,
    /// Another member has taken the lead.
    LostLead,
}

impl Crew {
    /// The leader drives until there is something to run.
    pub(crate) fn drive_as_leader(&self) -> Turn {
        let mut flushed = false;
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
    pub(crate) fn drive_as_stand_in(&self) {
        self.runtime.block_on(async {
            let mut timer = pin!(sleep(Duration::ZERO));
            std::future::poll_fn(|context| {
                self.drive_with(context.waker());
                self.answers.deliver();
                if self.is_stopped() || self.holder() != Holder::StandIn || self.hand_over(Holder::StandIn) {
                    return Poll::Ready(());
                }
                self.poll_deadlines(timer.as_mut(), context);
                Poll::Pending
            })
            .await;
        });
    }

    fn poll_deadlines(&self, mut timer: Pin<&mut Sleep>, context: &mut Context<'_>) {
        while timer.as_mut().poll(context).is_ready() {
            let next = self.enforce_deadlines().unwrap_or(DEADLINES);
            timer.as_mut().reset(tokio::time::Instant::now() + next);
        }
    }

    /// A member that has the lead and waits for a slow client drives meanwhile.
    pub(crate) fn drive_until_room(
        &self,
        number: usize,
        stream: &Stream,
        patience: Option<Duration>,
    ) -> Room {
        self.runtime.block_on(async {
            let mut end = pin!(async {
                match patience {
                    Some(patience) => sleep(patience).await,
                    None => std::future::pending().await,
                }
            });
            std::future::poll_fn(|context| {
                self.drive_with(context.waker());
                self.answers.deliver();
                if stream.poll_room(context).is_ready() || end.as_mut().poll(context).is_ready() {
                    return Poll::Ready(Room::Free);
                }
                if self.hand_over(Holder::Member(number)) {
                    Poll::Ready(Room::LostLead)
                } else {
                    Poll::Pending
                }
            })
            .await
        })
    }
}
