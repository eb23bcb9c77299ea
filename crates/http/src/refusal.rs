//! Requests that are not served: what the client is told, and what the log.

use http::StatusCode;
use rwsgi_message::RequestHead;

use crate::framing::Fault;
use crate::inflow::Failure;
use crate::{Answer, Peer};

/// The answer to a request whose body cannot be had; an error when there is nobody to answer.
pub(crate) fn refusal(
    failure: Failure,
    head: &RequestHead,
    peer: &Peer,
    fault: Option<Fault>,
) -> Result<Answer, hyper::Error> {
    let status = match failure {
        Failure::Client(error) => match fault {
            Some(fault) => {
                log_refusal(peer, fault);
                fault.status
            }
            None if error.is_incomplete_message() => return Err(error),
            None => {
                tracing::debug!("the body of {} {} is broken: {error}", head.method, head.uri.path());
                StatusCode::BAD_REQUEST
            }
        },
        Failure::Refused(fault) => {
            log_refusal(peer, fault);
            fault.status
        }
        Failure::Spool(error) => {
            tracing::error!("cannot keep the body of {} {}: {error}", head.method, head.uri.path());
            StatusCode::INSUFFICIENT_STORAGE
        }
    };
    Ok(Answer::error(status))
}

/// Gunicorn's line, with what was wrong; never with what the client sent.
pub(crate) fn log_refusal(peer: &Peer, fault: Fault) {
    let Fault { status, reason } = fault;
    let peer = place(peer);
    let status = status.as_u16();
    // Clients that are slow or go away are everyday life.
    if status == StatusCode::REQUEST_TIMEOUT || fault.is_truncation() {
        tracing::info!("Invalid request from ip={peer}: {reason} ({status})");
    } else {
        tracing::warn!("Invalid request from ip={peer}: {reason} ({status})");
    }
}

/// Whoever runs the server has to learn that it knows the wrong authorities; what is wrong is never told in the client's words.
pub(crate) fn log_refused_certificate(peer: &Peer, reason: &str) {
    tracing::info!("Client certificate from ip={} refused: {reason}", place(peer));
}

fn place(peer: &Peer) -> &str {
    if peer.remote_addr().is_empty() { "unix socket" } else { peer.remote_addr() }
}
