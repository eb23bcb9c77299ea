//! The story of a connection: requests one after the other, until somebody has enough.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderValue, StatusCode, Version, request};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::access_log::AccessLog;
use crate::activity::{Activity, Patience, Phase, Verdict};
use crate::collect::{Body, Budget, Failure, collect};
use crate::exchange::{Exchange, Handler, Ticket};
use crate::forwarding::{Doubt, Forwarding};
use crate::guard::Guard;
use crate::preface::introduce;
use crate::proxies::Proxies;
use crate::reply::{ReplyBody, RequestEnd, response};
use crate::{Answer, Peer};

/// When all connections are to end, one that has not sent a whole head gets this long: a request may be on its way.
const LAST_CALL: Duration = Duration::from_millis(500);

/// How connections are served.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a connection may be idle between two requests (Gunicorn setting `keepalive`); `None`: each
    /// connection serves one request.
    pub keep_alive: Option<Duration>,
    /// How long a client may take for the head of a request.
    pub head_timeout: Duration,
    /// Memory in bytes for all request bodies that wait at the same time; beyond it they go to temporary files.
    pub body_memory: usize,
    /// Where requests are logged.
    pub access_log: Option<AccessLog>,
    /// What is believed of proxies.
    pub proxies: Proxies,
}

/// What all connections of a worker share.
#[derive(Debug)]
pub struct Server<H> {
    handler: H,
    builder: http1::Builder,
    budget: Arc<Budget>,
    patience: Patience,
    access_log: Option<AccessLog>,
    forwarding: Forwarding,
    closing: Closing,
}

/// Tells all connections to end: idle ones at once, the others after the request that they are at.
#[derive(Debug, Default)]
pub struct Closing {
    begun: AtomicBool,
    notify: Notify,
}

impl Closing {
    /// Begins.
    pub fn begin(&self) {
        self.begun.store(true, Ordering::Release);
        self.notify.notify_waiters();
    }

    fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    async fn wait(&self) {
        let notified = self.notify.notified();
        if !self.has_begun() {
            notified.await;
        }
    }
}

impl<H: Handler> Server<H> {
    /// A server whose requests go to `handler`.
    pub fn new(handler: H, options: Options) -> Arc<Self> {
        let mut builder = http1::Builder::new();
        // Not `pipeline_flush`: with it hyper's write buffer has no bound, and a slow reader fills the memory.
        builder.title_case_headers(true).keep_alive(options.keep_alive.is_some());
        Arc::new(Self {
            handler,
            builder,
            budget: Budget::new(options.body_memory),
            patience: Patience { idle: options.keep_alive, head: options.head_timeout },
            access_log: options.access_log,
            forwarding: Forwarding::new(options.proxies),
            closing: Closing::default(),
        })
    }

    /// Whoever answers the requests.
    pub fn handler(&self) -> &H {
        &self.handler
    }

    /// How to end all connections.
    pub fn closing(&self) -> &Closing {
        &self.closing
    }

    /// Serves one connection until it ends. What a client does wrong is logged at debug level and answered as far as
    /// it can be.
    pub async fn serve<S>(self: Arc<Self>, stream: S, peer: Peer)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let introduced = tokio::select! {
            biased;
            introduced = introduce(stream, peer, &self.forwarding) => introduced,
            () = self.no_preface_in_time() => None,
        };
        let Some((stream, peer)) = introduced else { return };
        let activity = Arc::new(Activity::new());
        let peer = Arc::new(peer);
        let io = TokioIo::new(Guard::new(stream, Arc::clone(&activity)));
        let (server, state) = (&*self, &activity);
        let service = service_fn(|request| server.request(request, Arc::clone(&peer), Arc::clone(state)));
        let mut connection = pin!(self.builder.serve_connection(io, service));
        let mut closing = pin!(self.closing.wait());
        let mut patience = self.patience;
        let (mut is_closing, mut is_told) = (false, false);
        let mut timer = pin!(sleep_until(Instant::now() + patience.next_look()));
        let ended = poll_fn(|context| {
            if let Poll::Ready(ended) = connection.as_mut().poll(context) {
                return Poll::Ready(Some(ended));
            }
            if !is_closing && closing.as_mut().poll(context).is_ready() {
                is_closing = true;
                patience = Patience { idle: Some(Duration::ZERO), head: LAST_CALL.min(self.patience.head) };
                timer.as_mut().reset(Instant::now());
            }
            if let Some(due) = activity.head_due(patience).filter(|due| *due < timer.deadline()) {
                timer.as_mut().reset(due);
            }
            let verdict = poll_timer(timer.as_mut(), &activity, patience, context);
            if verdict == Some(Verdict::Drop) {
                return Poll::Ready(None);
            }
            // A connection without a request would be closed by this; one that has a request closes after it.
            if verdict == Some(Verdict::CloseIdle) || (is_closing && !is_told && activity.is_busy()) {
                is_told = true;
                connection.as_mut().graceful_shutdown();
                return connection.as_mut().poll(context).map(Some);
            }
            Poll::Pending
        });
        match ended.await {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::debug!("connection of `{}` closed: {error}", peer.remote_addr()),
            None => tracing::debug!("connection of `{}` closed: no request came in time", peer.remote_addr()),
        }
    }

    /// A client may take for a PROXY header what it may take for the head of a request.
    async fn no_preface_in_time(&self) {
        tokio::select! {
            () = sleep(self.patience.head) => {}
            () = self.closing.wait() => sleep(LAST_CALL).await,
        }
    }

    async fn request(
        &self,
        request: Request<Incoming>,
        peer: Arc<Peer>,
        activity: Arc<Activity>,
    ) -> Result<Response<ReplyBody>, hyper::Error> {
        activity.enter(Phase::Busy);
        let (head, incoming) = request.into_parts();
        let judged = self.forwarding.judge(&head, &peer);
        let client = judged.as_ref().ok().and_then(|(_, client)| client.clone());
        let peer = client.unwrap_or(peer);
        let line = self.access_log.as_ref().map(|log| log.begin(&head, &peer));
        let end = RequestEnd { activity, line };
        let origin = match judged {
            Ok((origin, _)) => origin,
            Err(Doubt(reason)) => {
                tracing::warn!("Invalid request from ip={}: {reason} (400)", peer.remote_addr());
                return Ok(response(Answer::error(StatusCode::BAD_REQUEST), end));
            }
        };
        let body = match self.body(&head, incoming).await {
            Ok(body) => body,
            // Somebody who has gone needs no answer; hyper only reports the rest.
            Err(Failure::Client(error)) if error.is_incomplete_message() => return Err(error),
            Err(Failure::Client(error)) => {
                tracing::debug!("the body of {} {} is broken: {error}", head.method, head.uri.path());
                return Ok(response(Answer::error(StatusCode::BAD_REQUEST), end));
            }
            Err(Failure::Spool(error)) => {
                tracing::error!("cannot keep the body of {} {}: {error}", head.method, head.uri.path());
                return Ok(response(Answer::error(StatusCode::INSUFFICIENT_STORAGE), end));
            }
        };
        let (ticket, wait) = Ticket::new();
        let is_1_0 = head.version == Version::HTTP_10;
        self.handler.call(Exchange { head, body, peer, origin, ticket });
        let mut answer = wait.await;
        // The connection learns of the end only when it is polled next, and the client should not send another request.
        // Under HTTP/1.0 a body without a length ends with the connection.
        if self.closing.has_begun() || (is_1_0 && answer.has_unknown_length()) {
            answer.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response(answer, end))
    }

    async fn body(&self, head: &request::Parts, incoming: Incoming) -> Result<Option<Body>, Failure> {
        if incoming.is_end_stream() && !head.headers.contains_key(CONTENT_LENGTH) {
            return Ok(None);
        }
        collect(incoming, &self.budget).await.map(Some)
    }
}

/// Looks at the silence each time the timer runs out, and sets it anew: requests do not touch it.
fn poll_timer(
    mut timer: Pin<&mut Sleep>,
    activity: &Activity,
    patience: Patience,
    context: &mut Context<'_>,
) -> Option<Verdict> {
    while timer.as_mut().poll(context).is_ready() {
        match activity.judge(Instant::now(), patience) {
            Verdict::Wait(until) => timer.as_mut().reset(until),
            verdict => return Some(verdict),
        }
    }
    None
}
