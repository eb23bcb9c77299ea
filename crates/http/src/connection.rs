//! The story of a connection: requests one after the other, until somebody has enough.

use std::future::{Future, pending, poll_fn};
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST};
use http::{HeaderValue, Version, request};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout};

use crate::access_log::AccessLog;
use crate::activity::{Activity, Order, Phase, Verdict};
use crate::closing::Closing;
use crate::collect::{Body, Budget, collect};
use crate::exchange::{Exchange, Handler, Ticket};
use crate::forwarding::{Forwarding, Origin};
use crate::framing::{Limits, Scanner};
use crate::guard::Guard;
use crate::inflow::{Failure, Inflow};
use crate::outgoing::Sending;
use crate::patience::{Patience, Timeouts};
use crate::preface::{self, Absence};
use crate::proxies::{Proxies, ProxyProtocol};
use crate::ranges::Conditions;
use crate::refusal::{log_refusal, refusal};
use crate::reply::{ReplyBody, RequestEnd, response};
use crate::stream::Buffering;
use crate::x_sendfile::Roots;
use crate::{Answer, Peer, Transport};

/// hyper's buffers may hold so much before it gives up: what they may by default, and what stands for "any amount".
const LEAST_BUFFER: usize = 8192 + 4096 * 100;
const UNLIMITED_HEAD: usize = 1 << 30;
/// The fields that hyper has room for without being told, and the most that the header map takes.
const HYPERS_FIELDS: usize = 100;
const MOST_FIELDS: usize = 24_000;
/// So many connections have to give up their parsers before their memory is worth giving back.
const RELEASE_AFTER: usize = 1024;
/// When all connections are to end, one that has not sent a whole head gets this long: a request may be on its way.
const LAST_CALL: Duration = Duration::from_millis(500);

/// How connections are served.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a connection may be idle between two requests (Gunicorn setting `keepalive`); `None`: each
    /// connection serves one request.
    pub keep_alive: Option<Duration>,
    /// How slow clients may be.
    pub timeouts: Timeouts,
    /// How large the head of a request may be.
    pub limits: Limits,
    /// How many bytes the body of a request may have; `None`: any number.
    pub body_limit: Option<u64>,
    /// Memory in bytes for all request bodies that wait at the same time; beyond it they go to temporary files.
    pub body_memory: usize,
    /// Whether a request is handed over when its body is complete; otherwise as soon as its head is, and the body is read
    /// while it comes.
    pub request_buffering: bool,
    /// What of an answer waits for its client so that Python does not; request bodies that go to temporary files go to
    /// the same directory.
    pub buffering: Buffering,
    /// Whether files are sent by sendfile(2) (Gunicorn setting `sendfile`), or read and written.
    pub sendfile: bool,
    /// Directories out of which an application may have files sent by `X-Accel-Redirect`, whose path begins with the
    /// string, or `X-Sendfile`, whose path begins with the directory. Empty: both headers are passed on.
    pub sendfile_roots: Vec<(String, PathBuf)>,
    /// Gives free memory back to the system. Called off the loop, now and then, when many connections have become idle.
    pub release_memory: fn(),
    /// The value of the `Server` header; `None`: there is none.
    pub server: Option<HeaderValue>,
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
    forwarding: Forwarding,
    options: Options,
    roots: Option<Roots>,
    closing: Closing,
    parked: AtomicUsize,
}

impl<H: Handler> Server<H> {
    /// A server whose requests go to `handler`.
    pub fn new(handler: H, options: Options) -> Arc<Self> {
        Arc::new(Self {
            handler,
            builder: builder(&options),
            budget: Budget::new(options.body_memory, options.buffering.temp_dir.as_deref()),
            patience: Patience::new(options.keep_alive, &options.timeouts),
            roots: Roots::open(&options.sendfile_roots),
            forwarding: Forwarding::new(options.proxies.clone()),
            options,
            closing: Closing::default(),
            parked: AtomicUsize::new(0),
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

    /// Serves one connection until it ends. What a client does wrong is logged and answered as far as it can be.
    pub async fn serve<S>(self: Arc<Self>, mut stream: S, mut peer: Peer)
    where
        S: Transport,
    {
        let Some(ahead) = self.introduce(&mut stream, &mut peer).await else { return };
        let peer = Arc::new(peer);
        let activity = Arc::new(Activity::new());
        let stream = Sending::new(stream, Arc::clone(&activity.outgoing), self.options.sendfile);
        let scanner = Scanner::new(self.options.limits);
        let mut guard = Guard::new(stream, scanner, activity, self.options.server.clone());
        guard.hold(&ahead);
        drop(ahead);
        loop {
            // Boxed, so that a connection that waits for its next request holds no memory for a parser.
            guard = Box::pin(self.talk(guard, &peer)).await;
            if let Some(fault) = guard.refused() {
                log_refusal(&peer, fault);
            }
            if !guard.is_parked() || !self.wakes(&mut guard).await {
                return;
            }
        }
    }

    /// Meets the peer and takes its PROXY header off the connection; gives what came behind that. `None`: the connection is
    /// over.
    async fn introduce<S: Transport>(&self, stream: &mut S, peer: &mut Peer) -> Option<BytesMut> {
        self.forwarding.meet(peer);
        if self.options.proxies.proxy_protocol == ProxyProtocol::Off {
            return Some(BytesMut::new());
        }
        let read = tokio::select! {
            // Boxed: connections that expect no PROXY header need no room for this.
            read = Box::pin(preface::read(stream, peer, &self.options.proxies)) => read,
            () = self.no_preface_in_time() => return None,
        };
        match read {
            Ok(ahead) => Some(ahead),
            Err(Absence::Gone) => None,
            Err(Absence::Refused(fault)) => {
                log_refusal(peer, fault);
                let page = Answer::error(fault.status).into_bytes(self.options.server.as_ref());
                // Whoever does not take it in time has refused it.
                let _ = timeout(LAST_CALL, Box::pin(preface::refuse(stream, &page))).await;
                None
            }
        }
    }

    /// A client may take for a PROXY header what it may take for the head of a request.
    async fn no_preface_in_time(&self) {
        let too_late = async {
            match self.patience.head {
                Some(head) => sleep(head).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = too_late => {}
            () = self.closing.wait() => sleep(LAST_CALL).await,
        }
    }

    /// Serves requests until the connection has ended or has nothing to do for a while.
    async fn talk<S: Transport>(&self, guard: Guard<Sending<S>>, peer: &Arc<Peer>) -> Guard<Sending<S>> {
        let activity = Arc::clone(guard.activity());
        let service = service_fn(|request| {
            activity.enter(Phase::Busy);
            self.request(request, Arc::clone(peer), Arc::clone(&activity))
        });
        let mut connection = self.builder.serve_connection(TokioIo::new(guard), service);
        let mut closing = pin!(self.closing.wait());
        let mut patience = self.patience.clone();
        let mut timer = pin!(sleep_until(Instant::now() + patience.park));
        let (mut is_closing, mut is_told) = (false, false);
        let ended = poll_fn(|context| {
            loop {
                if let Poll::Ready(ended) = Pin::new(&mut connection).poll(context) {
                    return Poll::Ready(ended);
                }
                // hyper does not read again by itself what it has once waited for behind a request.
                if activity.take_refusal_due() {
                    continue;
                }
                if !is_closing && closing.as_mut().poll(context).is_ready() {
                    is_closing = true;
                    patience = patience.at_the_end(LAST_CALL);
                    timer.as_mut().reset(Instant::now());
                }
                // A connection without a request would be closed by this; one that has a request closes after it.
                if is_closing && !is_told && activity.is_busy() {
                    is_told = true;
                    Pin::new(&mut connection).graceful_shutdown();
                    continue;
                }
                match ready!(poll_silence(timer.as_mut(), &activity, &patience, context)) {
                    Verdict::Wait(_) => {}
                    Verdict::Park => activity.order(Order::Park),
                    Verdict::TimeOut => activity.order(Order::TimeOut),
                    Verdict::CloseIdle => Pin::new(&mut connection).graceful_shutdown(),
                    Verdict::Drop => return Poll::Ready(Ok(())),
                    Verdict::Stuck => {
                        activity.outgoing.reset_unless_shut_down();
                        return Poll::Ready(Ok(()));
                    }
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
    async fn wakes<S: Transport>(&self, guard: &mut Guard<Sending<S>>) -> bool {
        if self.parked.fetch_add(1, Ordering::Relaxed) % RELEASE_AFTER == RELEASE_AFTER - 1 {
            tokio::task::spawn_blocking(self.options.release_memory);
        }
        let idle = self.options.keep_alive.unwrap_or_default();
        let due = guard.activity().idle_until(idle);
        tokio::select! {
            comes = poll_fn(|context| guard.poll_wake(context)) => comes,
            () = sleep_until(due) => false,
            () = self.closing.wait() => false,
        }
    }

    async fn request(
        &self,
        request: Request<Incoming>,
        peer: Arc<Peer>,
        activity: Arc<Activity>,
    ) -> Result<Response<ReplyBody>, hyper::Error> {
        let (mut head, incoming) = request.into_parts();
        prefer_target(&mut head);
        let (peer, origin) = self.forwarding.judge(&head, peer);
        let line = self.options.access_log.as_ref().map(|log| log.begin(&head, &peer));
        let end = RequestEnd { activity: Arc::clone(&activity), line };
        let is_1_0 = head.version == Version::HTTP_10;
        let answer = match origin {
            Ok(origin) => self.answer(head, incoming, (peer, origin), &activity).await?,
            Err(fault) => {
                log_refusal(&peer, fault);
                Answer::error(fault.status)
            }
        };
        let mut response = response(answer, end, self.options.server.as_ref());
        if is_1_0 && response.headers().contains_key(CONNECTION) {
            // To a client that has asked for `keep-alive` hyper would promise it beside our `close`.
            *response.version_mut() = Version::HTTP_10;
        }
        Ok(response)
    }

    async fn answer(
        &self,
        head: request::Parts,
        incoming: Incoming,
        (peer, origin): (Arc<Peer>, Origin),
        activity: &Arc<Activity>,
    ) -> Result<Answer, hyper::Error> {
        let body = match self.body(&head, incoming, activity).await {
            Ok(body) => body,
            Err(failure) => return refusal(failure, &head, &peer, activity.fault()),
        };
        let (ticket, wait) = Ticket::new();
        let is_1_0 = head.version == Version::HTTP_10;
        let live = body.as_ref().and_then(Body::inlet).map(|_| Arc::clone(&peer));
        let conditions = self.roots.as_ref().map(|_| Conditions::of(&head));
        self.handler.call(Exchange { head, body, peer, origin, ticket });
        let mut answer = wait.await;
        if let (Some(peer), Some(fault)) = (live, activity.fault()) {
            // Whatever the application made of half a body.
            log_refusal(&peer, fault);
            answer = Answer::error(fault.status);
        }
        if let (Some(roots), Some(conditions)) = (&self.roots, conditions)
            && roots.concern(&answer)
        {
            // Rare, so it must not make the future of every request larger.
            answer = Box::pin(roots.resolve(answer, conditions)).await;
        }
        // The connection learns of the end only when it is polled next, and the client should not send another request.
        // Under HTTP/1.0 a body without a length ends with the connection.
        let ends_by_closing = is_1_0 && answer.has_unknown_length();
        if ends_by_closing {
            activity.outgoing.reset_unless_shut_down();
        }
        if self.closing.has_begun() || ends_by_closing {
            answer.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(answer)
    }

    async fn body(
        &self,
        head: &request::Parts,
        incoming: Incoming,
        activity: &Arc<Activity>,
    ) -> Result<Option<Body>, Failure> {
        if incoming.is_end_stream() && !head.headers.contains_key(CONTENT_LENGTH) {
            return Ok(None);
        }
        let inflow = Inflow::new(incoming, self.options.body_limit)?;
        let body = activity.begin_body();
        if !self.options.request_buffering && inflow.length() != Some(0) {
            return Ok(Some(Body::live(inflow, Arc::clone(activity))));
        }
        let collected = collect(inflow, &self.budget).await;
        activity.end_body(body);
        collected.map(Some)
    }
}

/// The bytes of the largest head that passes.
fn head_size(limits: Limits) -> Option<usize> {
    let fields = limits.fields?.checked_mul(limits.field_size?.checked_add(2)?)?;
    fields.checked_add(limits.line?.checked_add(4)?)
}

fn builder(options: &Options) -> http1::Builder {
    let mut builder = http1::Builder::new();
    // Not `pipeline_flush`: with it hyper's write buffer has no bound, and a slow reader fills the memory.
    builder
        .title_case_headers(true)
        .keep_alive(options.keep_alive.is_some())
        .max_buf_size(head_size(options.limits).map_or(UNLIMITED_HEAD, |size| size.max(LEAST_BUFFER)));
    // hyper keeps up to 100 fields on its stack, and more at the price of an allocation for each request.
    if options.limits.fields.is_none_or(|fields| fields > HYPERS_FIELDS) {
        builder.max_headers(options.limits.fields.unwrap_or(MOST_FIELDS).min(MOST_FIELDS));
    }
    builder
}

/// Where the target names a host, that is the host, whatever the field says (RFC 9112 section 3.2.2).
fn prefer_target(head: &mut request::Parts) {
    let Some(authority) = head.uri.authority() else { return };
    if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
        head.headers.insert(HOST, host);
    }
}

/// Looks at the silence each time the timer runs out, and sets it anew: requests do not touch it. Ready when something is to
/// be done about it.
fn poll_silence(
    mut timer: Pin<&mut Sleep>,
    activity: &Activity,
    patience: &Patience,
    context: &mut Context<'_>,
) -> Poll<Verdict> {
    loop {
        ready!(timer.as_mut().poll(context));
        let now = Instant::now();
        match activity.judge(now, patience) {
            Verdict::Wait(until) => timer.as_mut().reset(until),
            verdict => {
                timer.as_mut().reset(now + patience.next_look());
                return Poll::Ready(verdict);
            }
        }
    }
}
