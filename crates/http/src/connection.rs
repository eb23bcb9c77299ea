//! The story of a connection: requests one after the other, until somebody has enough.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;

use bytes::BytesMut;
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST};
use http::{HeaderValue, StatusCode, Version};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::{Request, Response};
use rwsgi_message::RequestHead;
use tokio::time::{sleep, timeout};

use crate::activity::Activity;
use crate::closing::Closing;
use crate::collect::{Body, Budget, Reservation, collect};
use crate::exchange::{Exchange, Handler, Ticket};
use crate::forwarding::{Forwarding, Origin};
use crate::framing::Fault;
use crate::guard::Guard;
use crate::inflow::{Failure, Inflow};
use crate::inlet::Start;
use crate::journal::Journal;
use crate::lane::Way;
use crate::options::{Options, builder};
use crate::outgoing::Sending;
use crate::parking::Parking;
use crate::patience::{Patience, REFUSAL};
use crate::preface::{self, Absence};
use crate::proxies::ProxyProtocol;
use crate::ranges::Conditions;
use crate::record::Record;
use crate::refusal::{log_refusal, refusal};
use crate::reply::{ReplyBody, RequestEnd, response};
use crate::request_id;
use crate::room::Room;
use crate::x_sendfile::Roots;
use crate::{Answer, Peer, Transport};

/// A request whose answer is being made.
#[derive(Debug)]
pub(crate) struct Begun {
    version: Version,
    pub(crate) id: Option<HeaderValue>,
    conditions: Option<Box<Conditions>>,
    pub(crate) end: RequestEnd,
}

/// The answer to a request that the parser has not seen yet.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) answer: Answer,
    pub(crate) begun: Begun,
}

/// The body is not one for the lane.
#[derive(Debug)]
pub(crate) struct Deferred;

/// What all connections of a worker share.
#[derive(Debug)]
pub struct Server<H> {
    handler: H,
    pub(crate) builder: http1::Builder,
    budget: Arc<Budget>,
    pub(crate) patience: Patience,
    forwarding: Forwarding,
    pub(crate) options: Options,
    journal: Option<Arc<Journal>>,
    roots: Option<Roots>,
    pub(crate) closing: Closing,
    pub(crate) parking: Arc<Parking>,
    pub(crate) room: Room,
    #[cfg(test)]
    pub(crate) probe: crate::lane::Probe,
}

impl<H: Handler> Server<H> {
    /// A server whose requests go to `handler`.
    pub fn new(handler: H, options: Options) -> Arc<Self> {
        let parking = Parking::new(options.release_memory);
        Arc::new(Self {
            handler,
            builder: builder(&options),
            budget: Budget::new(options.body_memory, options.buffering.temp_dir.as_deref()),
            patience: Patience::new(options.keep_alive, &options.timeouts),
            roots: Roots::open(&options.sendfile_roots),
            forwarding: Forwarding::new(options.proxies.clone()),
            journal: options.journal.clone().and_then(Journal::wanted).map(Arc::new),
            options,
            closing: Closing::default(),
            parking,
            room: Room::default(),
            #[cfg(test)]
            probe: crate::lane::Probe::default(),
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
        let stream = Sending::new(stream, Arc::clone(&activity.outgoing), &self.options);
        let mut guard = Guard::new(stream, activity, &self.options, Reservation::new(&self.budget));
        guard.hold(&ahead);
        drop(ahead);
        loop {
            // Boxed, so that a connection that waits for its next request holds no memory for a request or a parser.
            let (left, way) = Box::pin(self.ride(guard, &peer)).await;
            guard = left;
            if let Way::Parser(answered) = way {
                guard = Box::pin(self.talk(guard, &peer, answered)).await;
            }
            if let Some(fault) = guard.refused() {
                self.refuse(&peer, fault);
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
                self.refuse(peer, fault);
                let page = Answer::error(fault.status).into_bytes(self.options.server.as_ref());
                // Whoever does not take it in time has refused it.
                let _ = timeout(REFUSAL, Box::pin(preface::refuse(stream, &page))).await;
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
            last_call = self.closing.wait() => sleep(last_call).await,
        }
    }

    /// Takes a request from the parser; where it has been `answered` before, gives that.
    pub(crate) async fn request(
        &self,
        request: Request<Incoming>,
        from: (&Arc<Peer>, &Arc<Activity>),
        answered: Option<Box<Answered>>,
    ) -> Result<Response<ReplyBody>, hyper::Error> {
        if let Some(answered) = answered {
            let Answered { answer, begun } = *answered;
            return Ok(self.conclude(answer, begun).await);
        }
        let (peer, activity) = from;
        let (parts, incoming) = request.into_parts();
        let mut head = RequestHead::from(parts);
        prefer_target(&mut head);
        let (begun, received) = self.receive(&mut head, incoming.is_end_stream(), (peer, activity));
        let answer = match received {
            Ok(from) => self.answer(head, incoming, from, activity).await?,
            Err(answer) => answer,
        };
        Ok(self.conclude(answer, begun).await)
    }

    /// Begins a request: names it, decides whom to believe, and whether it is one for the handler. The answer if it is not.
    pub(crate) fn receive(
        &self,
        head: &mut RequestHead,
        is_bare: bool,
        (peer, activity): (&Arc<Peer>, &Arc<Activity>),
    ) -> (Begun, Result<(Arc<Peer>, Origin), Answer>) {
        let version = head.version;
        if let Some(page) = self.own_page(head, is_bare) {
            let end = RequestEnd::new(activity, None);
            return (Begun { version, id: None, conditions: None, end }, Err(page));
        }
        let (peer, origin) = self.forwarding.judge(head, Arc::clone(peer));
        let id = self.options.request_id.as_ref().map(|name| request_id::assign(name, head, &peer));
        let from = (&peer, origin.as_ref().ok());
        let record = self.journal.as_ref().map(|journal| Record::begin(journal, head, from));
        let end = RequestEnd::new(activity, record);
        let conditions = self.roots.as_ref().map(|_| Box::new(Conditions::of(head)));
        let received = origin.map(|origin| (Arc::clone(&peer), origin)).map_err(|fault| {
            self.refuse(&peer, fault);
            Answer::error(fault.status)
        });
        (Begun { version, id, conditions, end }, received)
    }

    /// The body of a request that says this length and came as a whole, `Ok(None)` where it has none; an error where it is to be
    /// received as others are.
    pub(crate) fn body_at_once(&self, length: Option<u64>, content: &[u8]) -> Result<Option<Body>, Deferred> {
        let Some(length) = length else { return Ok(None) };
        let is_allowed = self.options.body_limit.is_none_or(|limit| length <= limit);
        if !is_allowed || !self.options.request_buffering {
            return Err(Deferred);
        }
        Body::at_once(content, &self.budget).map(Some).ok_or(Deferred)
    }

    /// Hands a request over.
    pub(crate) fn call(&self, exchange: Box<Exchange>) {
        self.handler.call(exchange);
    }

    /// Makes a response of the answer to a request that has begun.
    async fn conclude(&self, mut answer: Answer, begun: Begun) -> Response<ReplyBody> {
        let Begun { version, id, conditions, end } = begun;
        if let (Some(roots), Some(conditions)) = (&self.roots, conditions)
            && roots.concern(&answer)
        {
            // Rare, so it must not make the future of every request larger.
            answer = Box::pin(roots.resolve(answer, *conditions)).await;
        }
        // The connection learns of the end only when it is polled next, and the client should not send another request.
        // Under HTTP/1.0 a body without a length ends with the connection.
        let ends_by_closing = version == Version::HTTP_10 && answer.has_unknown_length();
        if ends_by_closing {
            end.activity().outgoing.reset_unless_shut_down();
        }
        if self.closing.has_begun() || ends_by_closing {
            answer.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        self.name(&mut answer, id);
        self.respond(answer, end, version)
    }

    /// Puts the name of the request into its answer.
    pub(crate) fn name(&self, answer: &mut Answer, id: Option<HeaderValue>) {
        if let (Some(name), Some(id)) = (&self.options.request_id, id) {
            // An application that names the request knows better.
            answer.headers.or_insert(name.clone(), id);
        }
    }

    /// Whether something is to be done about an answer that only [`conclude`](Self::conclude) does.
    pub(crate) fn concerns(&self, answer: &Answer) -> bool {
        self.closing.has_begun() || self.roots.as_ref().is_some_and(|roots| roots.concern(answer))
    }

    fn respond(&self, answer: Answer, end: RequestEnd, version: Version) -> Response<ReplyBody> {
        let mut response = response(answer, end, self.options.server.as_ref());
        if version == Version::HTTP_10 && response.headers().contains_key(CONNECTION) {
            // To a client that has asked for `keep-alive` hyper would promise it beside our `close`.
            *response.version_mut() = Version::HTTP_10;
        }
        response
    }

    /// The answer to a request that is not for the application.
    fn own_page(&self, head: &RequestHead, is_bare: bool) -> Option<Answer> {
        let mut page = self.options.health.as_ref()?.answer(&head.method, head.uri.path())?;
        // Nobody reads the body.
        if self.closing.has_begun() || !is_bare {
            page.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Some(page)
    }

    fn refuse(&self, peer: &Peer, fault: Fault) {
        log_refusal(peer, fault);
        self.count_refusal(fault.status);
    }

    fn count_refusal(&self, status: StatusCode) {
        let meter = self.journal.as_ref().and_then(|journal| journal.meter.as_ref());
        meter.into_iter().for_each(|meter| meter.refused(status.as_u16()));
    }

    async fn answer(
        &self,
        head: RequestHead,
        incoming: Incoming,
        (peer, origin): (Arc<Peer>, Origin),
        activity: &Arc<Activity>,
    ) -> Result<Answer, hyper::Error> {
        let body = match self.body(&head, incoming, activity).await {
            Ok(body) => body,
            Err(failure) => {
                let refused = refusal(failure, &head, &peer, activity.fault());
                return refused.inspect(|answer| self.count_refusal(answer.status));
            }
        };
        let (ticket, mut wait) = Ticket::new();
        let live = body.as_ref().and_then(Body::inlet).map(|_| Arc::clone(&peer));
        self.call(Box::new(Exchange { head, body, peer, origin, waited: None, ticket }));
        let mut answer = poll_fn(|context| {
            if activity.is_doubtful() {
                wait.doubt();
            }
            Pin::new(&mut wait).poll(context)
        })
        .await;
        activity.begin_answer();
        if let (Some(peer), Some(fault)) = (live, activity.fault()) {
            // Whatever the application made of half a body.
            self.refuse(&peer, fault);
            answer = Answer::error(fault.status);
        }
        Ok(answer)
    }

    async fn body(
        &self,
        head: &RequestHead,
        incoming: Incoming,
        activity: &Arc<Activity>,
    ) -> Result<Option<Body>, Failure> {
        if incoming.is_end_stream() && !head.headers.contains_key(CONTENT_LENGTH) {
            return Ok(None);
        }
        let inflow = Inflow::new(incoming, self.options.body_limit)?;
        let body = activity.begin_body();
        if !self.options.request_buffering && inflow.length() != Some(0) {
            let start = if head.headers.contains_key(EXPECT) { Start::WhenWanted } else { Start::Now };
            return Ok(Some(Body::live(inflow, start, Arc::clone(activity))));
        }
        let collected = collect(inflow, &self.budget).await;
        activity.end_body(body);
        let body = collected?;
        let length = body.length().unwrap_or_default();
        activity.count_body(length);
        self.parking.received(length);
        Ok(Some(body))
    }
}

/// Where the target names a host, that is the host, whatever the field says (RFC 9112 section 3.2.2).
fn prefer_target(head: &mut RequestHead) {
    let Some(authority) = head.uri.authority() else { return };
    if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
        Arc::make_mut(&mut head.headers).insert(HOST, host);
    }
}
