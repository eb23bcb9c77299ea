//! The beginning of a secured connection.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::BytesMut;
use http::StatusCode;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::clients;
use super::context::Context;
use super::facts::Facts;
use super::names::ACME;
use super::secured::Secured;
use crate::ahead::Ahead;
use crate::connection::Server;
use crate::exchange::Handler;
use crate::framing::Fault;
use crate::patience::REFUSAL;
use crate::refusal::log_refused_certificate;
use crate::{Answer, Peer, Transport, preface};

/// The first message of a client fits.
const FIRST_READ: usize = 2048;

/// The name of HTTP/2 over TLS (RFC 9113 section 3.1).
const HTTP2: &[u8] = b"h2";

const PLAIN: Fault =
    Fault { status: StatusCode::BAD_REQUEST, reason: "a plain HTTP request on an address for HTTPS" };
const SLOW: Fault = Fault {
    status: StatusCode::REQUEST_TIMEOUT,
    reason: "the TLS handshake did not come to its end in time",
};

/// A connection that is secured.
pub(crate) struct Established<S> {
    pub(crate) stream: Secured<S>,
    pub(crate) facts: Facts,
    /// What has been agreed on (ALPN).
    pub(crate) is_http2: bool,
}

/// Why a connection is not secured.
enum Failure<S> {
    /// The client has left, or said nothing.
    Gone,
    /// It speaks HTTP in the clear.
    Plain(S),
    /// The two do not come to terms.
    Refused(S, std::io::Error),
}

impl<H: Handler> Server<H> {
    /// Agrees with the client upon how the connection is secured; `None`: the connection is over.
    pub(crate) async fn secure<S: Transport>(
        &self,
        context: &Context,
        (stream, bytes): (S, BytesMut),
        peer: &Peer,
    ) -> Option<Established<S>> {
        let has_begun = AtomicBool::new(!bytes.is_empty());
        let shaken = tokio::select! {
            shaken = shake_hands(context, Ahead { bytes, stream }, &has_begun) => shaken,
            () = self.no_preface_in_time() => {
                // Whoever has opened a connection to have one is not worth a line.
                if has_begun.load(Ordering::Relaxed) && !self.closing().has_begun() {
                    self.refuse(peer, SLOW);
                }
                return None;
            }
        };
        match shaken {
            Ok(established) => return Some(established),
            Err(Failure::Gone) => {}
            Err(Failure::Plain(mut stream)) => {
                self.refuse(peer, PLAIN);
                let page = Answer::worded(PLAIN.status, "The plain HTTP request was sent to HTTPS port");
                let page = page.into_bytes(self.options.server.as_ref(), &self.options.headers);
                // Whoever does not take it in time has refused it.
                let _ = timeout(REFUSAL, preface::refuse(&mut stream, &page)).await;
            }
            Err(Failure::Refused(mut stream, error)) => {
                match clients::refusal(&error) {
                    Some(reason) => log_refused_certificate(peer, &reason),
                    // Scanners cause these in masses.
                    None => tracing::debug!("TLS handshake with ip={} failed: {error}", peer.remote_addr()),
                }
                // So that the client gets to see the alert.
                let _ = timeout(REFUSAL, preface::refuse(&mut stream, &[])).await;
            }
        }
        None
    }
}

async fn shake_hands<S: Transport>(
    context: &Context,
    mut begun: Ahead<S>,
    has_begun: &AtomicBool,
) -> Result<Established<S>, Failure<S>> {
    if begun.bytes.is_empty() {
        begun.bytes.reserve(FIRST_READ);
        let Ahead { bytes, stream } = &mut begun;
        if !matches!(stream.read_buf(bytes).await, Ok(1..)) {
            return Err(Failure::Gone);
        }
        has_begun.store(true, Ordering::Relaxed);
    }
    // No record of TLS begins with the letter of a method (RFC 8446 section 5.1).
    if begun.bytes[0].is_ascii_alphabetic() {
        return Err(Failure::Plain(begun.stream));
    }
    let acceptor = TlsAcceptor::from(context.config());
    match acceptor.accept(begun).into_fallible().await {
        Ok(stream) => {
            if stream.get_ref().1.alpn_protocol() == Some(ACME) {
                // The certificate was all that was asked for (RFC 8737 section 3).
                return Err(Failure::Gone);
            }
            let facts = Facts::of(stream.get_ref().1);
            let stream = Secured::new(stream, context.options().ragged_ends);
            let is_http2 = stream.protocol() == Some(HTTP2);
            log(&facts, stream.protocol());
            Ok(Established { stream, facts, is_http2 })
        }
        Err((error, begun)) => Err(Failure::Refused(begun.stream, error)),
    }
}

fn log(facts: &Facts, protocol: Option<&[u8]>) {
    let protocol = String::from_utf8_lossy(protocol.unwrap_or(b"no protocol")).into_owned();
    let variable = |name| facts.variable(name).unwrap_or_default();
    tracing::debug!(
        "TLS handshake: {} {} {} {protocol}",
        variable("SSL_PROTOCOL"),
        variable("SSL_CIPHER"),
        variable("SSL_SESSION_RESUMED"),
    );
}
