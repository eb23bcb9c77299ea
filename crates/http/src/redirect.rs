//! The way to HTTPS: a handler for addresses in the clear, whose every answer names the secured one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::task::Waker;

use http::header::{CONTENT_LENGTH, HOST, LOCATION, TRANSFER_ENCODING};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Method, StatusCode};
use rwsgi_message::RequestHead;

use crate::{Answer, Exchange, Handler, Options, Peer, Server, StaticFiles};

/// Sends clients to HTTPS.
#[derive(Debug)]
pub struct Redirect {
    /// The port that they are sent to.
    port: AtomicU16,
}

/// The ports that `https` and `http` have when none is named.
const USUAL: u16 = 443;
const USUAL_IN_THE_CLEAR: u16 = 80;

impl Redirect {
    /// A server with these options, but in the clear, that sends its clients to the usual port.
    #[must_use]
    pub fn server(options: &Options) -> Arc<Server<Self>> {
        // Nobody reads the bodies.
        let options = Options {
            tls: None,
            http2: None,
            hsts: None,
            statics: StaticFiles::default(),
            compression: None,
            request_buffering: false,
            sendfile_roots: Vec::new(),
            ..options.clone()
        };
        Server::new(Self::to(USUAL), options)
    }

    fn to(port: u16) -> Self {
        Self { port: AtomicU16::new(port) }
    }

    /// From now on clients are sent to this port.
    pub fn lead_to(&self, port: u16) {
        self.port.store(port, Ordering::Relaxed);
    }

    fn answer(&self, head: &RequestHead, peer: &Peer) -> Answer {
        let Some(location) = self.location(head, peer) else { return Answer::error(StatusCode::BAD_REQUEST) };
        let status = match head.method {
            // 301 is what all clients know; behind it they may change any other method to GET (RFC 9110 section 15.4.2).
            Method::GET | Method::HEAD => StatusCode::MOVED_PERMANENTLY,
            _ => StatusCode::PERMANENT_REDIRECT,
        };
        let mut answer = Answer::error(status);
        answer.headers.insert(LOCATION, location);
        let has_body = [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| head.headers.contains_key(name));
        if !has_body {
            answer.headers.remove(http::header::CONNECTION);
        }
        answer
    }

    fn location(&self, head: &RequestHead, peer: &Peer) -> Option<HeaderValue> {
        let host = head.headers.get(HOST)?.to_str().ok()?;
        let authority = host.parse::<Authority>().ok().filter(|_| !host.contains('@'))?;
        let (host, port) = (authority.host(), authority.port_u16().unwrap_or(USUAL_IN_THE_CLEAR));
        if host.is_empty() {
            return None;
        }
        // Whoever asks for another port than that of this address has come through a router or a container that maps ports, and
        // what is bound here is not what the world sees.
        let own = peer.server().and_then(|(_, own)| own.parse().ok()).unwrap_or(port);
        let port = if own == port { self.port.load(Ordering::Relaxed) } else { USUAL };
        let port = if port == USUAL { String::new() } else { format!(":{port}") };
        let target = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let target = if target.starts_with('/') { target } else { "/" };
        HeaderValue::try_from(format!("https://{host}{port}{target}")).ok()
    }
}

impl Handler for Redirect {
    fn call(&self, exchange: Box<Exchange>) {
        let answer = self.answer(&exchange.head, &exchange.peer);
        exchange.ticket.answer(answer).into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use http::Version;

    use super::*;

    fn answer(method: &str, target: &str, host: Option<&str>) -> (u16, String) {
        let mut request = http::Request::builder().method(method).uri(target).version(Version::HTTP_11);
        if let Some(host) = host {
            request = request.header(HOST, host);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let answer = Redirect::to(8443).answer(&RequestHead::from(parts), &Peer::unix());
        let location = answer.headers.get(LOCATION).unwrap_or_default();
        (answer.status.as_u16(), String::from_utf8(location.to_vec()).unwrap())
    }

    #[test]
    fn the_same_is_asked_for_over_https() {
        for (method, target, host, status, location) in [
            ("GET", "/a%2Fb?c=d", "example.com", 301, "https://example.com:8443/a%2Fb?c=d"),
            ("HEAD", "/", "example.com:80", 301, "https://example.com:8443/"),
            ("POST", "//evil.test/", "[2001:db8::1]:80", 308, "https://[2001:db8::1]:8443//evil.test/"),
            ("OPTIONS", "*", "example.com", 308, "https://example.com:8443/"),
        ] {
            assert_eq!(answer(method, target, Some(host)), (status, location.to_owned()), "{target}");
        }
    }

    #[test]
    fn a_host_that_is_none_is_refused() {
        for host in [None, Some(""), Some("a b"), Some("user@example.com"), Some("a/b"), Some(":80")] {
            assert_eq!(answer("GET", "/", host), (400, String::new()), "{host:?}");
        }
    }

    #[test]
    fn the_port_is_named_where_it_is_the_one_that_the_client_can_reach() {
        for (bound, own, host, location) in [
            (443, 80, "a.test", "https://a.test/"),
            (443, 80, "a.test:80", "https://a.test/"),
            (8443, 80, "a.test", "https://a.test:8443/"),
            (8443, 8080, "a.test:8080", "https://a.test:8443/"),
            (443, 8080, "a.test:8080", "https://a.test/"),
            // Through a router.
            (8443, 8080, "a.test", "https://a.test/"),
            (8443, 8080, "[2001:db8::1]:80", "https://[2001:db8::1]/"),
        ] {
            let request = http::Request::builder().uri("/").header(HOST, host).body(()).unwrap();
            let peer = Peer::tcp(([192, 0, 2, 7], 4711).into(), ([192, 0, 2, 1], own).into());
            let found = Redirect::to(bound).location(&RequestHead::from(request.into_parts().0), &peer);
            assert_eq!(found.unwrap(), location, "{bound} {own} {host}");
        }
    }
}
