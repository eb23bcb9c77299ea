//! What becomes of a request, step by step.
//!
//! On the way in: what is no request at all has been refused before (`guard`); the server's own pages; whom to believe; what is refused to whom
//! (`protection`); static files; the handler.
//! On the way out: files that the application names; compression; the end of the connection; the name of the request, and headers for every answer. Each step is decided
//! in a file of its own, and knows nothing of the others; requests of the plain lane and those that hyper has read take the same ones.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, STRICT_TRANSPORT_SECURITY};
use http::{HeaderValue, Version};
use hyper::body::{Body as _, Incoming};
use hyper::{Request, Response};
use rwsgi_message::RequestHead;

use crate::activity::Activity;
use crate::arriving::Arriving;
use crate::collect::{Body, collect};
use crate::compression::Wanted;
use crate::conditions::Conditions;
use crate::connection::Server;
use crate::exchange::{Exchange, Handler, Ticket};
use crate::forwarding::Origin;
use crate::inflow::{Failure, Inflow};
use crate::inlet::Start;
use crate::record::Record;
use crate::refusal::refusal;
use crate::reply::{ReplyBody, RequestEnd, response};
use crate::request_id;
use crate::{Answer, Peer};

/// A request whose answer is being made.
#[derive(Debug)]
pub(crate) struct Begun {
    version: Version,
    pub(crate) id: Option<HeaderValue>,
    conditions: Option<Box<Conditions>>,
    /// How the answer of the application may be compressed; `None`: it is not, or is not the application's.
    wanted: Option<Wanted>,
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

impl<H: Handler> Server<H> {
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
            Ok(from) => self.answer(head, Arriving::Own(incoming), from, activity).await?,
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
            return (Begun { version, id: None, conditions: None, wanted: None, end }, Err(page));
        }
        let (peer, origin) = self.forwarding.judge(head, Arc::clone(peer));
        let id = self.options.request_id.as_ref().map(|name| request_id::assign(name, head, &peer));
        let from = (&peer, origin.as_ref().ok());
        let record = self.journal.as_ref().map(|journal| Record::begin(journal, head, from));
        let end = RequestEnd::new(activity, record);
        let conditions = self.roots.as_ref().map(|_| Box::new(Conditions::of(head)));
        let received = match origin {
            Ok(origin) => match self.protect(head, is_bare, &peer) {
                None => Ok((peer, origin)),
                Some(answer) => Err(answer),
            },
            Err(fault) => {
                self.refuse(&peer, fault);
                Err(Answer::error(fault.status))
            }
        };
        let compression = self.options.compression.as_ref().filter(|_| received.is_ok());
        let wanted = compression.map(|compression| compression.wanted(head));
        (Begun { version, id, conditions, wanted, end }, received)
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

    /// Hands a request over, unless it is for a file that is sent without the handler.
    pub(crate) fn call(&self, exchange: Box<Exchange>) {
        let left = match &self.statics {
            None => Some(exchange),
            Some(statics) => statics.take(exchange),
        };
        if let Some(exchange) = left {
            self.handler.call(exchange);
        }
    }

    /// Makes a response of the answer to a request that has begun.
    pub(crate) async fn conclude(&self, mut answer: Answer, mut begun: Begun) -> Response<ReplyBody> {
        let conditions = begun.conditions.take();
        if let (Some(roots), Some(conditions)) = (&self.roots, conditions)
            && roots.concern(&answer)
        {
            // Rare, so it must not make the future of every request larger.
            answer = Box::pin(roots.resolve(answer, *conditions)).await;
        }
        self.compress(&mut answer, &mut begun);
        let Begun { version, id, end, .. } = begun;
        // The connection learns of the end only when it is polled next, and the client should not send another request.
        // Under HTTP/1.0 a body without a length ends with the connection.
        let ends_by_closing = version == Version::HTTP_10 && answer.has_unknown_length();
        if ends_by_closing {
            end.activity().outgoing.reset_unless_shut_down();
        }
        if self.closing.has_begun() || ends_by_closing {
            answer.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        self.dress(&mut answer, id);
        self.respond(answer, end, version)
    }

    /// Compresses the application's answer where that is wanted, once.
    pub(crate) fn compress(&self, answer: &mut Answer, begun: &mut Begun) {
        if let (Some(compression), Some(wanted)) = (&self.options.compression, begun.wanted.take()) {
            compression.apply(answer, wanted);
        }
    }

    /// Puts into an answer what the server has to say in every one: the name of the request, that HTTPS is to be used, and what it was
    /// told to say.
    pub(crate) fn dress(&self, answer: &mut Answer, id: Option<HeaderValue>) {
        if let (Some(name), Some(id)) = (&self.options.request_id, id) {
            // An application that names the request knows better.
            answer.headers.or_insert(name.clone(), id);
        }
        if let Some(hsts) = &self.options.hsts {
            answer.headers.or_insert(STRICT_TRANSPORT_SECURITY, hsts.clone());
        }
        if !self.options.headers.is_empty() {
            answer.headers.add_missing(&self.options.headers);
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
        let page = self.options.health.as_ref()?.answer(&head.method, head.uri.path())?;
        Some(self.without_body(page, is_bare))
    }

    /// The answer to a request that is refused to its client.
    fn protect(&self, head: &RequestHead, is_bare: bool, peer: &Peer) -> Option<Answer> {
        let answer = self.protection.as_ref()?.refuse(head, peer)?;
        self.count_refusal(answer.status);
        Some(self.without_body(answer, is_bare))
    }

    /// An answer that is given without the request's body, if it has one.
    fn without_body(&self, mut answer: Answer, is_bare: bool) -> Answer {
        // Nobody reads the body.
        if self.closing.has_begun() || !is_bare {
            answer.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }

    pub(crate) async fn answer(
        &self,
        head: RequestHead,
        incoming: Arriving,
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
        self.parking.watch(&mut answer);
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
        incoming: Arriving,
        activity: &Arc<Activity>,
    ) -> Result<Option<Body>, Failure> {
        if incoming.is_end_stream() && !head.headers.contains_key(CONTENT_LENGTH) {
            return Ok(None);
        }
        let inflow = Inflow::new(incoming, self.options.body_limit)?;
        let inflow = match head.version {
            Version::HTTP_2 => {
                inflow.in_stream(Arc::clone(activity), self.patience.clone(), self.options.limits)
            }
            _ => inflow,
        };
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
        self.parking.held(length);
        Ok(Some(body))
    }
}

/// Where the target names a host, that is the host, whatever the field says (RFC 9112 section 3.2.2).
pub(crate) fn prefer_target(head: &mut RequestHead) {
    let Some(authority) = head.uri.authority() else { return };
    if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
        Arc::make_mut(&mut head.headers).insert(HOST, host);
    }
}
