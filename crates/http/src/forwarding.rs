//! What proxies say of a request: scheme, client, mount point; and whether that is to be believed.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode;
use rwsgi_message::RequestHead;

use crate::Peer;
use crate::forwarded::{self, FORWARDED, X_FORWARDED_FOR};
use crate::framing::Fault;
use crate::proxies::{HeaderMapPolicy, Proxies};

const SCRIPT_NAME: HeaderName = HeaderName::from_static("script_name");

/// What the connection, or a trusted proxy, says of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The scheme that the client used; `None`: nobody says.
    pub scheme: Option<Scheme>,
    /// `SCRIPT_NAME`, decoded: where the application is mounted. Empty, or begins with `/` and does not end with one.
    pub script_name: Bytes,
}

/// How the client speaks to the first server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

/// The settings, prepared.
#[derive(Debug)]
pub(crate) struct Forwarding {
    proxies: Proxies,
    root_path: Bytes,
    watch: Watch,
}

/// Tells names that cannot matter from those that may, by two bits of each.
#[derive(Debug, Default)]
struct Watch {
    lengths: u64,
    initials: u64,
}

impl Watch {
    fn add(&mut self, name: &HeaderName) {
        let name = name.as_str().as_bytes();
        self.lengths |= 1 << (name.len() & 63);
        self.initials |= 1 << (name[0] & 63);
    }

    fn may_hold(&self, name: &HeaderName) -> bool {
        let name = name.as_str().as_bytes();
        self.lengths >> (name.len() & 63) & 1 == 1 && self.initials >> (name[0] & 63) & 1 == 1
    }
}

impl Forwarding {
    pub(crate) fn new(proxies: Proxies) -> Self {
        let mut watch = Watch::default();
        proxies.schemes.iter().for_each(|(name, _)| watch.add(name));
        if proxies.forwarded_for {
            [X_FORWARDED_FOR, FORWARDED].iter().for_each(|name| watch.add(name));
        }
        watch.add(&SCRIPT_NAME);
        let root_path = percent_decode(proxies.root_path.as_bytes()).collect();
        Self { proxies, root_path, watch }
    }

    /// Decides for the whole connection whether its peer's headers count; a PROXY header may say more.
    pub(crate) fn meet(&self, peer: &mut Peer) {
        peer.set_trusted(self.proxies.believe(peer));
    }

    /// Whom the request comes from, and what is said of it, unless that is to be refused.
    pub(crate) fn judge(&self, head: &RequestHead, peer: Arc<Peer>) -> (Arc<Peer>, Result<Origin, Fault>) {
        if self.proxies.header_map == HeaderMapPolicy::Refuse && self.has_refused(&head.headers, &peer) {
            return (peer, Err(Fault::bad("a header name with `_`")));
        }
        if !peer.is_trusted() || !head.headers.keys().any(|name| self.watch.may_hold(name)) {
            let scheme = scheme_of(&peer);
            return (peer, Ok(Origin { scheme, script_name: self.root_path.clone() }));
        }
        let origin = self.origin(head).map(|it| Origin { scheme: it.scheme.or(scheme_of(&peer)), ..it });
        let client = if self.proxies.forwarded_for { self.client(&head.headers, &peer) } else { None };
        (client.map_or(peer, Arc::new), origin)
    }

    fn origin(&self, head: &RequestHead) -> Result<Origin, Fault> {
        let mut named = head.headers.get_all(SCRIPT_NAME).iter().filter(|_| self.allows(&SCRIPT_NAME));
        let script_name = match (named.next(), named.next()) {
            (Some(name), None) => mount(name, head.uri.path())?,
            (Some(_), Some(_)) => return Err(Fault::bad("several headers SCRIPT_NAME")),
            (None, _) => self.root_path.clone(),
        };
        Ok(Origin { scheme: self.scheme(&head.headers)?, script_name })
    }

    /// Each header of the setting votes; the exact value says https, any other http.
    fn scheme(&self, headers: &HeaderMap) -> Result<Option<Scheme>, Fault> {
        let mut scheme = None;
        for (name, secure) in &self.proxies.schemes {
            for value in headers.get_all(name) {
                let vote = if value == secure { Scheme::Https } else { Scheme::Http };
                if scheme.replace(vote).is_some_and(|other| other != vote) {
                    return Err(Fault::bad("contradictory scheme headers"));
                }
            }
        }
        Ok(scheme)
    }

    /// Whom the peer speaks for. The client of a relay cannot name another one, whoever is trusted.
    fn client(&self, headers: &HeaderMap, peer: &Peer) -> Option<Peer> {
        if self.proxies.is_relay(peer) {
            return None;
        }
        forwarded::client(headers, &self.proxies.trusted).map(|client| peer.on_behalf_of(client))
    }

    fn allows(&self, name: &HeaderName) -> bool {
        let allowed = &self.proxies.forwarder_headers;
        allowed.all || allowed.names.contains(name)
    }

    fn has_refused(&self, headers: &HeaderMap, peer: &Peer) -> bool {
        let is_allowed = |name| peer.is_trusted() && self.allows(name);
        headers.keys().any(|name| name.as_str().contains('_') && !is_allowed(name))
    }
}

/// What the connection itself says.
fn scheme_of(peer: &Peer) -> Option<Scheme> {
    peer.tls().map(|_| Scheme::Https)
}

/// The mount point that a proxy names, which the path has to lie under.
fn mount(script_name: &HeaderValue, path: &str) -> Result<Bytes, Fault> {
    let named: Vec<u8> = percent_decode(script_name.as_bytes()).collect();
    let mut end = named.len();
    while named[..end].ends_with(b"/") {
        end -= 1;
    }
    let mount = &named[..end];
    let path: Vec<u8> = percent_decode(path.as_bytes()).collect();
    let is_under = path.strip_prefix(mount).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"));
    // `OPTIONS *` is about the server and has no path.
    if is_under || path == b"*" {
        Ok(Bytes::copy_from_slice(mount))
    } else {
        Err(Fault::bad("the path is not under SCRIPT_NAME"))
    }
}

#[cfg(test)]
mod tests;
