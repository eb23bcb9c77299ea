//! The story of a connection: requests in streams until somebody has enough.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, sleep_until};

use super::line::Line;
use super::options::Http2;
use super::streams::Streams;
use crate::activity::{Activity, Phase, Verdict};
use crate::connection::Server;
use crate::exchange::Handler;
use crate::patience::Patience;
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
        let streams = Streams::new(Arc::clone(&activity), patience.clone());
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
        let mut watch = Watch::new(patience);
        let mut is_closing = false;
        let ended = poll_fn(|context| {
            loop {
                if let Poll::Ready(ended) = connection.as_mut().poll(context) {
                    return Poll::Ready(ended);
                }
                if streams.is_abused() {
                    return Poll::Ready(drop_abused(&peer, &activity));
                }
                if !is_closing && let Poll::Ready(last_call) = closing.as_mut().poll(context) {
                    is_closing = true;
                    // A client that does not know yet gets the answers to what it sends until it has heard of it.
                    connection.as_mut().graceful_shutdown();
                    watch.patience = self.patience.at_the_end(last_call);
                    timer.as_mut().reset(Instant::now());
                    continue;
                }
                match ready!(watch.poll(timer.as_mut(), &activity, context)) {
                    Verdict::Wait(_) | Verdict::Park | Verdict::TimeOut => {}
                    Verdict::CloseIdle => {
                        connection.as_mut().graceful_shutdown();
                        activity.enter(Phase::Closing);
                    }
                    Verdict::Drop => return Poll::Ready(Ok(())),
                    Verdict::Stuck if activity.is_stuck() => {
                        log_stuck(&peer, &watch.patience);
                        activity.outgoing.reset_unless_shut_down();
                        return Poll::Ready(Ok(()));
                    }
                    Verdict::Stuck => {}
                }
            }
        })
        .await;
        self.parking.park();
        if let Err(error) = ended {
            tracing::debug!("connection of `{}` closed: {error}", peer.remote_addr());
        }
    }
}

/// Nobody is parked here: an idle connection is closed when its time is over, and one that has been told so has as long to hear
/// of it as a client may take for a response, whose end may be on its way. One that still has to be sent something is looked at
/// again after the same time.
fn patient(patience: &Patience, keep_alive: Option<Duration>) -> Patience {
    let idle = keep_alive.unwrap_or_default();
    let linger = patience.write.unwrap_or(LONG);
    Patience { idle: Some(idle), park: idle.max(patience.next_look()), linger, ..patience.clone() }
}

fn drop_abused(peer: &Peer, activity: &Activity) -> hyper::Result<()> {
    tracing::warn!(
        "dropped the connection of ip={}: it cancels most of the requests that it begins (HTTP/2)",
        peer.remote_addr()
    );
    activity.outgoing.reset_unless_shut_down();
    Ok(())
}
