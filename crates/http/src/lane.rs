//! The plain lane: requests without a body, or with a small one that comes with its head, whose answers are there as a whole,
//! which is most of them, read and written without hyper. Whatever is not plain, a request or its answer, goes to hyper as it
//! came, and the connection stays there until it parks. Nobody can tell from the bytes which way an answer went.

use std::future::poll_fn;
use std::io::IoSlice;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;
use tokio::time::{Instant, sleep_until};

use crate::activity::{Activity, Order, Phase, Verdict};
use crate::connection::Server;
use crate::encode::{Framing, Parcel};
use crate::exchange::{Handler, Ticket, Wait};
use crate::guard::{Came, Guard};
use crate::head::Heads;
use crate::patience::Patience;
use crate::pipeline::{Answered, Begun};
use crate::talk::log_stuck;
use crate::watch::Watch;
use crate::{Answer, Exchange, Peer, Transport};

/// How a connection leaves the lane.
#[derive(Debug)]
pub(crate) enum Way {
    /// To hyper, which reads what is held. The answer to the first request may be there already.
    Parser(Option<Box<Answered>>),
    /// It has nothing to do for a while.
    Parked,
    /// It is over.
    Over,
}

/// Lets tests close the lane, and see that it is used.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct Probe {
    pub(crate) is_off: bool,
    pub(crate) answers: std::sync::atomic::AtomicUsize,
}

impl<H: Handler> Server<H> {
    /// Serves plain requests until something else comes, or nothing for a while.
    pub(crate) async fn ride<S: Transport>(&self, guard: Guard<S>, peer: &Arc<Peer>) -> (Guard<S>, Way) {
        #[cfg(test)]
        if self.probe.is_off {
            return (guard, Way::Parser(None));
        }
        let activity = Arc::clone(guard.activity());
        let mut lane = Lane::new(self, guard, peer);
        let mut closing = pin!(self.closing.wait());
        let talking = self.parking.talk();
        let mut watch = Watch::new(Patience { park: talking.patience(), ..self.patience.clone() });
        let mut timer = pin!(sleep_until(Instant::now() + watch.patience.park));
        let mut armed: Option<Waker> = None;
        let way = poll_fn(|context| {
            loop {
                if let Poll::Ready(way) = lane.poll(context) {
                    return Poll::Ready(way);
                }
                let is_closing = self.closing.has_begun();
                if is_closing && lane.is_between() {
                    return Poll::Ready(Way::Parser(None));
                }
                // What has been polled with this waker wakes it. So requests touch neither timer nor list.
                let is_armed = armed.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
                if is_armed && watch.is_set(&timer, &activity) {
                    return Poll::Pending;
                }
                if !is_closing && closing.as_mut().poll(context).is_ready() {
                    continue;
                }
                armed = Some(context.waker().clone());
                let verdict = ready!(watch.poll(timer.as_mut(), &activity, context));
                if let Some(way) = lane.obey(verdict, &watch.patience) {
                    return Poll::Ready(way);
                }
            }
        })
        .await;
        (lane.guard, way)
    }
}

/// A connection in the lane.
struct Lane<'a, H, S: Transport> {
    server: &'a Server<H>,
    guard: Guard<S>,
    peer: &'a Arc<Peer>,
    activity: Arc<Activity>,
    stage: Stage,
    heads: Heads,
    /// The request that is run.
    begun: Option<Begun>,
    wait: Wait,
    parcel: Parcel,
    /// The client wants no content.
    is_head: bool,
    /// The connection ends with the answer.
    closes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The next head is awaited.
    Reading,
    /// A request is run.
    Running,
    /// Its answer goes out; so many bytes have gone.
    Writing(usize),
    /// The end of the connection.
    Ending,
}

impl<'a, H: Handler, S: Transport> Lane<'a, H, S> {
    fn new(server: &'a Server<H>, guard: Guard<S>, peer: &'a Arc<Peer>) -> Self {
        Self {
            server,
            activity: Arc::clone(guard.activity()),
            guard,
            peer,
            stage: Stage::Reading,
            heads: Heads::default(),
            begun: None,
            wait: Ticket::new().1,
            parcel: Parcel::default(),
            is_head: false,
            closes: false,
        }
    }

    fn is_between(&self) -> bool {
        self.stage == Stage::Reading
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Way> {
        loop {
            let way = match self.stage {
                Stage::Reading => match ready!(self.guard.poll_request(context)) {
                    Came::Plain if !self.server.closing.has_begun() => self.begin(),
                    Came::Plain | Came::Other => Some(Way::Parser(None)),
                    Came::End => self.enter(Stage::Ending),
                    Came::Broken => Some(Way::Over),
                },
                Stage::Running => ready!(self.poll_answer(context)),
                Stage::Writing(sent) => ready!(self.poll_write(sent, context)),
                Stage::Ending => {
                    // What cannot be ended in order is over all the same.
                    let _ = ready!(Pin::new(&mut self.guard).poll_shutdown(context));
                    Some(Way::Over)
                }
            };
            if let Some(way) = way {
                return Poll::Ready(way);
            }
        }
    }

    fn enter(&mut self, stage: Stage) -> Option<Way> {
        self.stage = stage;
        None
    }

    /// Does what the timer has found to be due.
    fn obey(&mut self, verdict: Verdict, patience: &Patience) -> Option<Way> {
        match verdict {
            Verdict::Wait(_) => None,
            Verdict::Park if self.is_between() && self.guard.park() => Some(Way::Parked),
            Verdict::Park => None,
            Verdict::TimeOut => {
                self.activity.order(Order::TimeOut);
                Some(Way::Parser(None))
            }
            Verdict::CloseIdle => self.enter(Stage::Ending),
            Verdict::Drop => Some(Way::Over),
            Verdict::Stuck if self.activity.is_stuck() => {
                log_stuck(self.peer, patience);
                self.activity.outgoing.reset_unless_shut_down();
                Some(Way::Over)
            }
            Verdict::Stuck => None,
        }
    }

    /// A request has come.
    fn begin(&mut self) -> Option<Way> {
        let (bytes, outline) = self.guard.head();
        let Ok(body) = self.server.body_at_once(outline.length(), self.guard.content()) else {
            return Some(Way::Parser(None));
        };
        let Some(mut head) = self.heads.read(bytes, outline) else { return Some(Way::Parser(None)) };
        self.closes = outline.closes() || self.server.options.keep_alive.is_none();
        self.guard.remember();
        self.is_head = head.method == http::Method::HEAD;
        self.activity.enter(Phase::Busy);
        let is_bare = body.as_ref().is_none_or(|body| body.length() == Some(0));
        let (begun, received) = self.server.receive(&mut head, is_bare, (self.peer, &self.activity));
        match received {
            Ok((peer, origin)) => {
                if let Some(body) = &body {
                    self.activity.has_body(body.length().unwrap_or_default());
                }
                let ticket = Ticket::renew(&mut self.wait);
                self.begun = Some(begun);
                self.server.call(Box::new(Exchange { head, body, peer, origin, waited: None, ticket }));
                self.enter(Stage::Running)
            }
            Err(answer) => self.finish(answer, begun, false),
        }
    }

    /// Waits for the answer, or until nobody wants it any more.
    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<Option<Way>> {
        if self.activity.is_doubtful() {
            self.wait.doubt();
        }
        if let Poll::Ready(answer) = Pin::new(&mut self.wait).poll(context) {
            return Poll::Ready(match self.begun.take() {
                Some(begun) => self.finish(answer, begun, true),
                None => Some(Way::Over),
            });
        }
        let is_gone = ready!(self.guard.poll_gone(context));
        Poll::Ready(is_gone.then_some(Way::Over))
    }

    /// A request has its answer, of the handler or not.
    fn finish(&mut self, mut answer: Answer, mut begun: Begun, is_handlers: bool) -> Option<Way> {
        if is_handlers {
            self.server.parking.watch(&mut answer);
        }
        let is_plain = self.guard.is_open() && !self.server.concerns(&answer);
        if is_plain {
            self.server.compress(&mut answer, &mut begun);
        }
        self.server.dress(&mut answer, begun.id.take());
        let now = Instant::now();
        let server = self.server.options.server.as_ref();
        let framing = Framing { server, is_head: self.is_head, closes: self.closes, now };
        let packed = if is_plain { self.parcel.pack(&answer, &framing) } else { None };
        let Some(sent) = packed else {
            self.activity.begin_answer();
            return Some(Way::Parser(Some(Box::new(Answered { answer, begun }))));
        };
        #[cfg(test)]
        self.server.probe.answers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        begun.end.answered(&mut answer, sent, now);
        self.guard.consume();
        self.enter(Stage::Writing(0))
    }

    fn poll_write(&mut self, sent: usize, context: &mut Context<'_>) -> Poll<Option<Way>> {
        let Parcel { head, body } = &mut self.parcel;
        let guard = Pin::new(&mut self.guard);
        let written = ready!(if body.is_empty() {
            guard.poll_write(context, &head[sent..])
        } else {
            guard.poll_write_vectored(context, &[IoSlice::new(&head[sent..]), IoSlice::new(body)])
        });
        let Ok(count @ 1..) = written else { return Poll::Ready(Some(Way::Over)) };
        let of_head = count.min(head.len() - sent);
        body.advance(count - of_head);
        if body.is_empty() && count > of_head {
            // What it was a part of goes now, and not with the next large answer.
            *body = Bytes::new();
        }
        let stage = match (sent + of_head == head.len() && body.is_empty(), self.closes) {
            (false, _) => Stage::Writing(sent + of_head),
            (true, false) => Stage::Reading,
            (true, true) => {
                self.guard.ignore();
                Stage::Ending
            }
        };
        Poll::Ready(self.enter(stage))
    }
}
