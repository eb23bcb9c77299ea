//! A request in a stream, from its head to its answer.

use std::sync::Arc;

use http::header::{CONTENT_LENGTH, COOKIE};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, Uri};
use http_body::Body as _;
use rwsgi_message::RequestHead;

use super::body::StreamBody;
use super::streams::StreamRequest;
use crate::Answer;
use crate::Peer;
use crate::activity::Activity;
use crate::connection::Server;
use crate::exchange::Handler;
use crate::framing::{Fault, judge_stream, judge_values};
use crate::parking::Parking;
use crate::pipeline::prefer_target;
use crate::reply::{ReplyBody, RequestEnd, response};

impl<H: Handler> Server<H> {
    /// Answers a request in a stream.
    pub(super) async fn serve_stream(
        self: Arc<Self>,
        peer: Arc<Peer>,
        StreamRequest { mut parts, body, activity, unanswered }: StreamRequest,
    ) -> Result<Response<StreamBody>, hyper::Error> {
        let is_head = parts.method == Method::HEAD;
        let judged = judge_values(&parts.headers).and_then(|()| {
            join_cookies(&mut parts);
            judge_stream(&parts, &self.options.limits)
        });
        let response = match judged {
            Ok(()) => {
                let mut head = as_in_http_1(parts);
                let from = (&peer, &activity);
                let (begun, received) = self.receive(&mut head, body.is_end_stream(), from);
                let answer = match received {
                    Ok(from) => self.answer(head, body, from, &activity).await?,
                    Err(answer) => answer,
                };
                self.conclude(answer, begun).await
            }
            Err(fault) => self.refuse_stream(&peer, &activity, fault),
        };
        unanswered.answered();
        Ok(for_stream(response, is_head, (activity, &self.parking)))
    }

    fn refuse_stream(&self, peer: &Peer, activity: &Arc<Activity>, fault: Fault) -> Response<ReplyBody> {
        self.refuse(peer, fault);
        let mut answer = Answer::error(fault.status);
        self.dress(&mut answer, None);
        response(answer, RequestEnd::new(activity, None), self.options.server.as_ref())
    }
}

/// The answer as a stream takes it: hyper sends content also where there may be none (RFC 9110 sections 9.3.2 and 15).
fn for_stream(
    response: Response<ReplyBody>,
    is_head: bool,
    (activity, parking): (Arc<Activity>, &Arc<Parking>),
) -> Response<StreamBody> {
    let (mut parts, mut body) = response.into_parts();
    let is_bare = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&parts.status);
    if is_head
        && !is_bare
        && let Some(length) = body.size_hint().exact().filter(|length| *length > 0)
    {
        parts.headers.entry(CONTENT_LENGTH).or_insert(length.into());
    }
    if is_head || is_bare {
        body.leave_out();
    }
    Response::from_parts(parts, StreamBody::new(body, activity, parking))
}

/// HTTP/2 may send each cookie as a field of its own; elsewhere they are one field (RFC 9113 section 8.2.3).
fn join_cookies(parts: &mut Parts) {
    let crumbs: Vec<&[u8]> = parts.headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if crumbs.len() > 1
        && let Ok(cookies) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..]))
    {
        parts.headers.insert(COOKIE, cookies);
    }
}

/// The head as HTTP/1.1 has it: a target in origin form, and the authority in the field `Host`.
fn as_in_http_1(parts: Parts) -> RequestHead {
    let mut head = RequestHead::from(parts);
    prefer_target(&mut head);
    if let Some(target) = head.uri.path_and_query() {
        head.uri = Uri::from(target.clone());
    }
    head
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http::header::HOST;

    use super::*;

    #[test]
    fn a_head_reads_as_in_http_1() {
        let request = Request::get("https://example.org:8443/a/b?c=d")
            .header("cookie", "a=1")
            .header("cookie", "b=2; c=3")
            .body(())
            .unwrap();
        let (mut parts, ()) = request.into_parts();
        join_cookies(&mut parts);
        let head = as_in_http_1(parts);
        assert_eq!(head.uri, "/a/b?c=d");
        assert_eq!(head.headers[HOST], "example.org:8443");
        let cookies: Vec<_> = head.headers.get_all(COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1; b=2; c=3"]);
    }
}
