//! An [`Answer`] as hyper sends it.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http::header::{HeaderValue, SERVER};
use http_body::{Frame, SizeHint};
use hyper::Response;
use hyper::ext::ReasonPhrase;
use tokio::time::Instant;

use crate::activity::Activity;
use crate::answer::Part;
use crate::compression::Compressed;
use crate::journal::End;
use crate::outgoing::{Data, FileSpan};
use crate::record::Record;
use crate::stream::{Next, Outlet};
use crate::{Answer, Content};

/// How much of a file is handed to hyper at once: what is counted as sent is never further ahead of the client.
const PIECE: u64 = 1024 * 1024;

/// The body of a response; its end is the end of the request.
#[derive(Debug)]
pub(crate) struct ReplyBody {
    content: Source,
    /// The end has been asked for; a broken one waits until what came before it has left.
    breaking: bool,
    end: RequestEnd,
}

#[derive(Debug)]
enum Source {
    Full(Option<Bytes>),
    Stream(Outlet),
    File(FileSpan),
    Compressed(Box<Compressed>),
    Parts(VecDeque<Part>),
    Ended,
}

/// What happens when a request is over, however it ends.
#[derive(Debug)]
pub(crate) struct RequestEnd {
    activity: Arc<Activity>,
    /// The bodies of the connection before this request.
    bodies: u64,
    record: Option<Box<Record>>,
    /// When it is over, if that has been read off a clock already.
    time: Option<Instant>,
}

impl RequestEnd {
    pub(crate) fn new(activity: &Arc<Activity>, record: Option<Box<Record>>) -> Self {
        Self { activity: Arc::clone(activity), bodies: activity.body(), record, time: None }
    }

    pub(crate) fn activity(&self) -> &Activity {
        &self.activity
    }

    /// The answer goes out, with so many bytes of a body; `now` is the end of the request.
    pub(crate) fn answered(mut self, answer: &mut Answer, sent: usize, now: Instant) {
        self.time = Some(now);
        if let Some(record) = &mut self.record {
            record.answered(answer);
            record.sent(sent);
        }
    }
}

impl Drop for RequestEnd {
    fn drop(&mut self) {
        self.activity.end_request(self.time);
        if let Some(record) = self.record.take() {
            let has_body = self.activity.body() != self.bodies;
            record.finish(if has_body { self.activity.body_bytes() } else { 0 });
        }
    }
}

/// Turns an answer into hyper's response, from a server of this name. hyper adds `Date`, the framing and `Connection`.
pub(crate) fn response(
    mut answer: Answer,
    mut end: RequestEnd,
    server: Option<&HeaderValue>,
) -> Response<ReplyBody> {
    if let Some(record) = &mut end.record {
        record.answered(&mut answer);
    }
    let content = match answer.content {
        Content::Full(bytes) => Source::Full((!bytes.is_empty()).then_some(bytes)),
        Content::Stream(stream) => Source::Stream(stream),
        Content::File(span) => Source::File(span),
        Content::Parts(parts) => Source::Parts(parts),
        Content::Compressed(body) => Source::Compressed(body),
    };
    let mut response = Response::new(ReplyBody { content, breaking: false, end });
    *response.status_mut() = answer.status;
    *response.headers_mut() = HeaderMap::from(&answer.headers);
    if let Some(server) = server {
        response.headers_mut().insert(SERVER, server.clone());
    }
    if let Some(reason) = answer.reason.and_then(|bytes| ReasonPhrase::try_from(bytes).ok()) {
        response.extensions_mut().insert(reason);
    }
    response
}

impl ReplyBody {
    /// hyper drops what it has not written when a body fails: lets it write first.
    fn must_flush(&mut self, context: &Context<'_>) -> bool {
        if !self.breaking {
            self.breaking = true;
            context.waker().wake_by_ref();
            return true;
        }
        self.end.activity.is_writing()
    }

    /// Leaves out the content, which the answer is not to have.
    pub(crate) fn leave_out(&mut self) {
        self.content = Source::Ended;
        self.ended(End::Complete);
    }

    pub(crate) fn may_have_files(&self) -> bool {
        matches!(self.content, Source::Stream(_) | Source::File(_) | Source::Parts(_))
    }

    fn data(&mut self, data: Data) -> Frame<Data> {
        if let Some(record) = &mut self.end.record {
            record.sent(data.remaining());
        }
        Frame::data(data)
    }

    fn ended(&mut self, end: End) {
        if let Some(record) = &mut self.end.record {
            record.ended(end);
        }
    }
}

/// What is sent next of several parts.
fn next_part(parts: &mut VecDeque<Part>) -> Next {
    match parts.pop_front() {
        Some(Part::Bytes(bytes)) => Next::Bytes(bytes),
        Some(Part::File(mut span)) => {
            let piece = span.split(PIECE);
            if span.length > 0 {
                parts.push_front(Part::File(span));
            }
            Next::File(piece)
        }
        None => Next::End,
    }
}

impl http_body::Body for ReplyBody {
    type Data = Data;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Data>, io::Error>>> {
        let next = match &mut self.content {
            Source::Full(bytes) => bytes.take().map_or(Next::End, Next::Bytes),
            Source::Ended => Next::End,
            Source::File(span) if span.length == 0 => Next::End,
            Source::File(span) => Next::File(span.split(PIECE)),
            Source::Parts(parts) => next_part(parts),
            Source::Stream(stream) => match stream.poll_next(context) {
                Poll::Ready(next) => next,
                Poll::Pending => return Poll::Pending,
            },
            Source::Compressed(body) => match body.poll_next(context) {
                Poll::Ready(next) => next,
                Poll::Pending => return Poll::Pending,
            },
        };
        Poll::Ready(match next {
            Next::Bytes(bytes) => Some(Ok(self.data(Data::Bytes(bytes)))),
            Next::File(span) => {
                let piece = self.end.activity.outgoing.piece(span);
                Some(Ok(self.data(piece)))
            }
            Next::End => {
                self.ended(End::Complete);
                self.content = Source::Ended;
                None
            }
            Next::Broken if self.must_flush(context) => return Poll::Pending,
            Next::Broken => {
                self.ended(End::Broken);
                Some(Err(io::Error::other("the application broke off its answer")))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Source::Full(None) | Source::Ended => true,
            Source::File(span) => span.length == 0,
            Source::Parts(parts) => parts.is_empty(),
            Source::Full(Some(_)) | Source::Stream(_) | Source::Compressed(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Source::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Source::Stream(_) | Source::Compressed(_) => SizeHint::default(),
            Source::File(span) => SizeHint::with_exact(span.length),
            Source::Parts(parts) => SizeHint::with_exact(parts.iter().map(Part::length).sum()),
            Source::Ended => SizeHint::with_exact(0),
        }
    }
}
