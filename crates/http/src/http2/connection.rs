//! The story of a connection: requests in streams until somebody has enough.

use std::error::Error as _;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use h2::Reason;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, Sleep, sleep_until};

use super::line::Line;
use super::options::Http2;
use super::streams::Streams;
use crate::activity::{Activity, Phase, Verdict};
use crate::connection::Server;
use crate::exchange::Handler;
use crate::patience::Patience;
use crate::room::{Idler, Room};
use crate::talk::log_stuck;
use crate::watch::Watch;
use crate::{Peer, Transport};

/// How long a client that may take for ever for a response has to hear of the end.
const LONG: Duration = Duration::from_secs(3600);

impl<H: Handler> Server<H> {
    /// Serves a connection in HTTP/2 whose first bytes are `ahead`.
    pub(crate) async fn serve_http2<S: Transport>(
        self: &Arc<Self>,
        (stream, ahead): (S, BytesMut),
        peer: Arc<Peer>,
        options: &Http2,
    ) {
        let activity = Arc::new(Activity::new());
        let patience = patient(&self.patience, self.options.keep_alive);
        let streams = Streams::new(Arc::clone(&activity), patience.clone(), Arc::clone(&peer));
        let line = Line::new((stream, ahead), Arc::clone(&activity), &self.options);
        let service = {
            let (server, peer, streams) = (Arc::clone(self), Arc::clone(&peer), streams.clone());
            service_fn(move |request| {
                Arc::clone(&server).serve_stream(Arc::clone(&peer), streams.begin(request))
            })
        };
        let mut connection =
            pin!(options.builder(streams.clone()).serve_connection(TokioIo::new(line), service));
        let mut closing = pin!(self.closing.wait());
        let mut timer = pin!(sleep_until(Instant::now() + patience.next_look()));
        let mut oversight = Oversight::new(&peer, &activity, patience, &self.room);
        let ended = poll_fn(|context| {
            loop {
                if let Poll::Ready(ended) = connection.as_mut().poll(context) {
                    return Poll::Ready(ended);
                }
                if streams.is_abused() {
                    log_abuse(&peer, "it cancels most of the requests that it begins");
                    activity.outgoing.reset_unless_shut_down();
                    return Poll::Ready(Ok(()));
                }
                if !oversight.is_closing
                    && let Poll::Ready(last_call) = closing.as_mut().poll(context)
                {
                    oversight.is_closing = true;
                    // A client that does not know yet gets the answers to what it sends until it has heard of it.
                    connection.as_mut().graceful_shutdown();
                    oversight.watch.patience = self.patience.at_the_end(last_call);
                    timer.as_mut().reset(Instant::now());
                    continue;
                }
                match ready!(oversight.poll(timer.as_mut(), &self.patience, context)) {
                    Fate::GoesOn => {}
                    Fate::Leaves => connection.as_mut().graceful_shutdown(),
                    Fate::Ends => return Poll::Ready(Ok(())),
                }
            }
        })
        .await;
        self.parking.park();
        if let Err(error) = ended {
            log_end(&peer, &error);
        }
    }
}

/// What becomes of a connection.
#[derive(Debug)]
enum Fate {
    GoesOn,
    /// It is told to go.
    Leaves,
    /// It is closed as it is.
    Ends,
}

/// Who looks whether a connection is to end.
struct Oversight<'a> {
    peer: &'a Peer,
    activity: &'a Activity,
    watch: Watch,
    idler: Idler<'a>,
    /// All connections are to end.
    is_closing: bool,
}

impl<'a> Oversight<'a> {
    fn new(peer: &'a Peer, activity: &'a Activity, patience: Patience, room: &'a Room) -> Self {
        Self { peer, activity, watch: Watch::new(patience), idler: Idler::new(room), is_closing: false }
    }

    fn poll(&mut self, timer: Pin<&mut Sleep>, usual: &Patience, context: &mut Context<'_>) -> Poll<Fate> {
        let phase = self.activity.phase();
        let is_idle = phase == Phase::Idle && !self.is_closing;
        // It gets its place when the timer looks: between two requests that follow each other it would only cost.
        let gives_way = self.idler.has_to_leave(is_idle, timer.is_elapsed(), context);
        let verdict = if gives_way {
            Verdict::CloseIdle
        } else {
            ready!(self.watch.poll(timer, self.activity, context))
        };
        let is_unused = phase == Phase::New && !self.is_closing;
        Poll::Ready(match verdict {
            Verdict::CloseIdle => self.leaves(gives_way.then_some(usual)),
            Verdict::Drop if is_unused => self.leaves(Some(usual)),
            Verdict::Drop => Fate::Ends,
            Verdict::Stuck if self.activity.is_stuck() => {
                log_stuck(self.peer, &self.watch.patience);
                self.activity.outgoing.reset_unless_shut_down();
                Fate::Ends
            }
            Verdict::Wait(_) | Verdict::Park | Verdict::TimeOut | Verdict::Stuck => Fate::GoesOn,
        })
    }

    /// The client has less time to hear of it, the `usual`, where somebody waits for the place or nothing can be on its way to it.
    fn leaves(&mut self, usual: Option<&Patience>) -> Fate {
        if let Some(usual) = usual {
            self.watch.patience.leave = usual.leave;
        }
        self.activity.enter(Phase::Leaving);
        Fate::Leaves
    }
}

/// Nobody is parked here: an idle connection is closed when its time is over, and one that has been told so has as long to hear
/// of it as a client may take for a response, whose end may be on its way. One that still has to be sent something is looked at
/// again after the same time.
fn patient(patience: &Patience, keep_alive: Option<Duration>) -> Patience {
    let idle = keep_alive.unwrap_or_default();
    let leave = patience.write.unwrap_or(LONG);
    Patience { idle: Some(idle), park: idle.max(patience.next_look()), leave, ..patience.clone() }
}

fn log_end(peer: &Peer, error: &hyper::Error) {
    let found = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
    if found.is_some_and(|error| error.is_library() && error.reason() == Some(Reason::ENHANCE_YOUR_CALM)) {
        log_abuse(peer, "it sends more frames that bring nothing than a client needs");
    } else {
        tracing::debug!("connection of `{}` closed: {error}", peer.remote_addr());
    }
}

fn log_abuse(peer: &Peer, why: &str) {
    tracing::warn!("dropped the connection of ip={}: {why} (HTTP/2)", peer.remote_addr());
}
