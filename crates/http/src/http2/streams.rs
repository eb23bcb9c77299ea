//! The requests of a connection, each a task of its own, counted.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http::Request;
use http::request::Parts;
use hyper::body::Incoming;
use hyper::rt::Executor;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::Peer;
use crate::activity::{Activity, Phase, Verdict};
use crate::arriving::{Arriving, InStream};
use crate::patience::Patience;

/// So many requests may be cancelled on a connection before it matters how many were not.
const CANCELLED: usize = 100;

/// The streams of one connection. Clones are handles to the same ones.
#[derive(Clone, Debug)]
pub(super) struct Streams {
    shared: Arc<Shared>,
    patience: Arc<Patience>,
}

#[derive(Debug)]
struct Shared {
    /// What the connection is doing: busy as long as it has streams.
    connection: Arc<Activity>,
    open: AtomicUsize,
    begun: AtomicUsize,
    cancelled: AtomicUsize,
    /// Whether it has been logged that streams were reset whose answers are not read: once is enough.
    has_told: AtomicBool,
    peer: Arc<Peer>,
    /// The one whose task comes next: hyper asks the service first, and has the task run right behind that.
    next: Mutex<Option<Watching>>,
}

/// A request that has come in a stream.
#[derive(Debug)]
pub(super) struct StreamRequest {
    pub(super) parts: Parts,
    pub(super) body: Arriving,
    pub(super) activity: Arc<Activity>,
    /// Told when the request has its answer.
    pub(super) unanswered: Unanswered,
}

/// What the task of a stream has to know of it.
#[derive(Debug)]
struct Watching {
    activity: Arc<Activity>,
    body: Option<InStream>,
}

impl Streams {
    pub(super) fn new(connection: Arc<Activity>, patience: Patience, peer: Arc<Peer>) -> Self {
        let (open, begun, cancelled, has_told, next) = Default::default();
        let shared = Arc::new(Shared { connection, open, begun, cancelled, has_told, peer, next });
        Self { shared, patience: Arc::new(patience) }
    }

    /// A request has come in a stream.
    pub(super) fn begin(&self, request: Request<Incoming>) -> StreamRequest {
        let (parts, incoming) = request.into_parts();
        let activity = Arc::new(Activity::new());
        activity.enter(Phase::Busy);
        let (body, shared) = Arriving::in_stream(incoming);
        *self.next() = Some(Watching { activity: Arc::clone(&activity), body: shared });
        self.shared.begun.fetch_add(1, Ordering::Relaxed);
        StreamRequest {
            parts,
            body,
            activity,
            unanswered: Unanswered { streams: self.clone(), is_answered: false },
        }
    }

    /// Whether the client begins requests only to cancel them: what they cost, nobody wants (CVE-2023-44487).
    pub(super) fn is_abused(&self) -> bool {
        let [begun, cancelled] =
            [&self.shared.begun, &self.shared.cancelled].map(|count| count.load(Ordering::Relaxed));
        cancelled > CANCELLED && cancelled > begun / 2
    }

    fn next(&self) -> std::sync::MutexGuard<'_, Option<Watching>> {
        // Nothing panics while it holds the lock.
        self.shared.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log_reset(&self) {
        if !self.shared.has_told.swap(true, Ordering::Relaxed) {
            let seconds = self.patience.write.unwrap_or_default().as_secs_f64();
            tracing::info!(
                "reset a stream of ip={}: nothing of its response was read for {seconds} s (`--write-timeout`); \
                 others of this connection are reset without a line (HTTP/2)",
                self.shared.peer.remote_addr()
            );
        }
    }

    fn open(&self) -> Open {
        self.shared.open.fetch_add(1, Ordering::Relaxed);
        self.shared.connection.enter(Phase::Busy);
        Open(Arc::clone(&self.shared))
    }
}

/// Counts a request as cancelled if it is dropped without an answer.
#[derive(Debug)]
pub(super) struct Unanswered {
    streams: Streams,
    is_answered: bool,
}

impl Unanswered {
    pub(super) fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if !self.is_answered {
            self.streams.shared.cancelled.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A stream that is open as long as this is.
#[derive(Debug)]
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        if self.0.open.fetch_sub(1, Ordering::Relaxed) == 1 && self.0.connection.phase() == Phase::Busy {
            self.0.connection.enter(Phase::Idle);
        }
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let watching = self.next().take();
        let open = self.open();
        let streams = self.clone();
        tokio::spawn(async move {
            let _open = open;
            let Some(Watching { activity, body }) = watching else { return stream.await };
            {
                let stream = pin!(stream);
                // Dropped, a stream is reset.
                Watched { stream, timer: None, activity, streams }.await;
            }
            if let Some(body) = body {
                body.drain().await;
            }
        });
    }
}

/// A stream that ends when its client takes nothing of its answer for too long.
struct Watched<'a, F> {
    stream: Pin<&'a mut F>,
    /// Set when the stream has to wait for the first time: most never do.
    timer: Option<Pin<Box<Sleep>>>,
    activity: Arc<Activity>,
    streams: Streams,
}

impl<F: Future<Output = ()>> Future for Watched<'_, F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.stream.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        if !self.activity.is_writing() {
            self.timer = None;
            return Poll::Pending;
        }
        loop {
            let now = Instant::now();
            let patience = &self.streams.patience;
            let until = match self.activity.judge(now, patience) {
                Verdict::Stuck => {
                    self.streams.log_reset();
                    return Poll::Ready(());
                }
                Verdict::Wait(until) => until,
                _ => now + patience.next_look(),
            };
            let timer = self.timer.insert(Box::pin(sleep_until(until)));
            if timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}
