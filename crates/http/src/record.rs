//! One request from its head to its end, made when a journal is kept.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version};
use rwsgi_message::{Fields, RequestHead};

use crate::access_log::Captures;
use crate::journal::{End, Finished, Journal};
use crate::{Answer, Origin, Peer};

/// The status of a request whose client went away before there was an answer: nginx's number for it.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// One request.
#[derive(Debug)]
pub(crate) struct Record {
    journal: Arc<Journal>,
    method: Method,
    start: Instant,
    first_byte: Option<Duration>,
    queued: Option<Duration>,
    status: Option<StatusCode>,
    /// Bytes of the answer that the application has promised.
    promised: Option<u64>,
    bytes_out: u64,
    end: End,
    shown: Option<Shown>,
}

/// What only the access log shows.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) peer: Arc<Peer>,
    pub(crate) uri: Uri,
    pub(crate) version: Version,
    pub(crate) script_name: Bytes,
    /// The values of the headers that the format names, in its order.
    pub(crate) request_headers: Vec<Option<HeaderValue>>,
    pub(crate) response_headers: Vec<Option<HeaderValue>>,
    /// The values of the environ's variables that the format names, in its order; empty when the application gave no answer.
    pub(crate) environ: Box<[Option<Bytes>]>,
    /// All headers of request and answer, for a format that shows them.
    pub(crate) all_headers: Option<Box<(Arc<HeaderMap>, Fields)>>,
}

/// Of several values of one name the last one, as under Gunicorn.
fn capture(names: &[HeaderName], headers: &HeaderMap) -> Vec<Option<HeaderValue>> {
    names.iter().map(|name| headers.get_all(name).iter().next_back().cloned()).collect()
}

fn capture_answer(names: &[HeaderName], headers: &Fields) -> Vec<Option<HeaderValue>> {
    let value = |name: &HeaderName| HeaderValue::from_bytes(headers.get_all(name.as_str()).last()?).ok();
    names.iter().map(value).collect()
}

impl Shown {
    pub(crate) fn new(
        captures: &Captures,
        head: &RequestHead,
        (peer, origin): (&Arc<Peer>, Option<&Origin>),
    ) -> Self {
        Self {
            peer: Arc::clone(peer),
            uri: head.uri.clone(),
            version: head.version,
            script_name: origin.map_or_else(Bytes::new, |origin| origin.script_name.clone()),
            request_headers: capture(&captures.request_headers, &head.headers),
            response_headers: Vec::new(),
            environ: Box::default(),
            all_headers: captures.all_headers.then(|| Box::new((head.headers.clone(), Fields::default()))),
        }
    }
}

impl Record {
    /// A request begins: its head has been read.
    pub(crate) fn begin(
        journal: &Arc<Journal>,
        head: &RequestHead,
        from: (&Arc<Peer>, Option<&Origin>),
    ) -> Box<Self> {
        journal.meter.iter().for_each(|meter| meter.begun());
        let log = journal.access_log.as_ref();
        Box::new(Self {
            method: head.method.clone(),
            shown: log.map(|log| Shown::new(log.captures(), head, from)),
            journal: Arc::clone(journal),
            start: Instant::now(),
            first_byte: None,
            queued: None,
            status: None,
            promised: None,
            bytes_out: 0,
            end: End::Gone,
        })
    }

    /// The head of the answer goes out.
    pub(crate) fn answered(&mut self, answer: &mut Answer) {
        self.first_byte = Some(self.start.elapsed());
        self.status = Some(answer.status);
        self.queued = answer.queued;
        self.promised = promised(&self.method, answer);
        self.look();
        if let (Some(shown), Some(log)) = (&mut self.shown, &self.journal.access_log) {
            shown.response_headers = capture_answer(&log.captures().response_headers, &answer.headers);
            shown.environ = std::mem::take(&mut answer.environ);
            shown.all_headers.iter_mut().for_each(|headers| headers.1 = answer.headers.clone());
        }
    }

    /// Bytes of the answer's body go out.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.bytes_out += bytes as u64;
        self.look();
    }

    /// The body has come to its end, or is broken off.
    pub(crate) fn ended(&mut self, end: End) {
        if self.end == End::Gone {
            self.end = end;
        }
    }

    /// What has no more bytes to come is not asked for its end.
    fn look(&mut self) {
        if self.promised.is_some_and(|promised| self.bytes_out >= promised) {
            self.end = End::Complete;
        }
    }

    /// The request is over, and its body had so many bytes.
    pub(crate) fn finish(&self, bytes_in: u64) {
        let finished = Finished {
            method: &self.method,
            status: self.status.map_or(CLIENT_CLOSED_REQUEST, |status| status.as_u16()),
            duration: self.start.elapsed(),
            queued: self.queued,
            first_byte: self.first_byte,
            bytes_in,
            bytes_out: self.bytes_out,
            end: self.end,
        };
        if let Some(meter) = &self.journal.meter {
            meter.finished(&finished);
        }
        if let (Some(shown), Some(log)) = (&self.shown, &self.journal.access_log) {
            log.write(&finished, shown);
        }
    }
}

/// How many bytes will be handed over, if that is known; nothing is where there must be no content (RFC 9110 section 6.4.1).
fn promised(method: &Method, answer: &Answer) -> Option<u64> {
    let is_bare =
        *method == Method::HEAD || matches!(answer.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if is_bare {
        return Some(0);
    }
    answer.content.length().or_else(|| str::from_utf8(answer.headers.get(CONTENT_LENGTH)?).ok()?.parse().ok())
}
