//! A connection in conversation: hyper, its timer, and the end of all connections; and a connection that waits.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, ready};

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, sleep_until};

use crate::activity::{Activity, Order, Phase, Verdict};
use crate::connection::Server;
use crate::exchange::Handler;
use crate::guard::Guard;
use crate::patience::Patience;
use crate::pipeline::Answered;
use crate::watch::Watch;
use crate::{Peer, Transport};

impl<H: Handler> Server<H> {
    /// Serves requests until the connection has ended or has nothing to do for a while.
    /// The first one may have been `answered` already, but not as far as the client knows.
    pub(crate) async fn talk<S: Transport>(
        &self,
        mut guard: Guard<S>,
        peer: &Arc<Peer>,
        answered: Option<Box<Answered>>,
    ) -> Guard<S> {
        guard.hand_over();
        let activity = Arc::clone(guard.activity());
        let from = (peer, &activity);
        let answered = Cell::new(answered);
        let service = service_fn(move |request| {
            let answered = answered.take();
            if answered.is_none() {
                // At once: what hyper reads next may be refused, which has to wait for this request then.
                from.1.enter(Phase::Busy);
            }
            self.request(request, from, answered)
        });
        let mut connection = self.builder.serve_connection(TokioIo::new(guard), service);
        let mut closing = pin!(self.closing.wait());
        let talking = self.parking.talk();
        let patience = Patience { park: talking.patience(), ..self.patience.clone() };
        let mut timer = pin!(sleep_until(Instant::now() + patience.park));
        let mut watch = Watch::new(patience);
        let mut is_closing = false;
        let ended = poll_fn(|context| {
            loop {
                if let Poll::Ready(ended) = Pin::new(&mut connection).poll(context) {
                    return Poll::Ready(ended);
                }
                if !is_closing && let Poll::Ready(last_call) = closing.as_mut().poll(context) {
                    is_closing = true;
                    watch.patience = watch.patience.at_the_end(last_call);
                    timer.as_mut().reset(Instant::now());
                }
                // hyper reads again only when it is polled.
                if activity.end_is_due() {
                    continue;
                }
                match ready!(watch.poll(timer.as_mut(), &activity, context)) {
                    Verdict::Wait(_) => {}
                    Verdict::Park => activity.order(Order::Park),
                    Verdict::TimeOut => activity.order(Order::TimeOut),
                    Verdict::CloseIdle => Pin::new(&mut connection).graceful_shutdown(),
                    Verdict::Drop => return Poll::Ready(Ok(())),
                    Verdict::Stuck if activity.is_stuck() => {
                        log_stuck(peer, &watch.patience);
                        activity.outgoing.reset_unless_shut_down();
                        return Poll::Ready(Ok(()));
                    }
                    Verdict::Stuck => {}
                }
            }
        })
        .await;
        if let Err(error) = ended {
            tracing::debug!("connection of `{}` closed: {error}", peer.remote_addr());
        }
        connection.into_parts().io.into_inner()
    }

    /// Waits for the next request on a connection that has given back its parser; whether one comes.
    pub(crate) async fn wakes<S: Transport>(&self, guard: &mut Guard<S>) -> bool {
        self.parking.park();
        let idle = self.options.keep_alive.unwrap_or_default();
        let activity = Arc::clone(guard.activity());
        tokio::select! {
            // A request that has come is served, also when its time or that of all connections is over.
            biased;
            comes = poll_fn(|context| guard.poll_wake(context)) => comes,
            () = self.room.is_wanted() => false,
            () = sleep_until(activity.idle_until(idle)) => false,
            () = self.last_call(&activity) => false,
        }
    }

    /// All connections are to end, and this one has been idle for too long.
    async fn last_call(&self, activity: &Activity) {
        let last_call = self.closing.wait().await;
        sleep_until(activity.idle_until(last_call)).await;
    }
}

pub(crate) fn log_stuck(peer: &Peer, patience: &Patience) {
    let seconds = patience.write.unwrap_or_default().as_secs_f64();
    tracing::info!(
        "dropped the connection of ip={}: nothing of its response was read for {seconds} s (`--write-timeout`)",
        peer.remote_addr()
    );
}
