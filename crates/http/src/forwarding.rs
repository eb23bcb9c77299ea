//! What proxies say of a request: scheme, client, mount point; and whether that is to be believed.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, request};
use percent_encoding::percent_decode;

use crate::Peer;
use crate::forwarded::{self, FORWARDED, X_FORWARDED_FOR};
use crate::proxies::{HeaderMapPolicy, Proxies, ProxyProtocol};
use crate::trust::Trust;

const SCRIPT_NAME: HeaderName = HeaderName::from_static("script_name");

/// What a trusted proxy says of a request.
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

/// Why a request is refused with 400; the client is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Doubt(pub(crate) &'static str);

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

    /// Decides for the whole connection whether its peer's headers count.
    pub(crate) fn meet(&self, peer: &mut Peer) {
        peer.set_trusted(self.proxies.trusted.trusts(peer.socket()));
    }

    /// Which PROXY headers connections may begin with.
    pub(crate) fn proxy_protocol(&self) -> ProxyProtocol {
        self.proxies.proxy_protocol
    }

    /// Who may send PROXY headers.
    pub(crate) fn proxy_allowed(&self) -> &Trust {
        &self.proxies.proxy_allowed
    }

    /// What is said of a request, and the peer that stands for its client when that is not the connection's.
    pub(crate) fn judge(
        &self,
        head: &request::Parts,
        peer: &Peer,
    ) -> Result<(Origin, Option<Arc<Peer>>), Doubt> {
        if self.proxies.header_map == HeaderMapPolicy::Refuse {
            self.refuse_underscores(&head.headers, peer)?;
        }
        let mut origin = Origin { scheme: None, script_name: self.root_path.clone() };
        let is_told = peer.is_trusted() && head.headers.keys().any(|name| self.watch.may_hold(name));
        if !is_told {
            return Ok((origin, None));
        }
        origin.scheme = self.scheme(&head.headers)?;
        if let Some(script_name) = head.headers.get(SCRIPT_NAME).filter(|_| self.allows(&SCRIPT_NAME)) {
            origin.script_name = mount(script_name, head.uri.path())?;
        }
        let client = if self.proxies.forwarded_for { self.client(&head.headers, peer) } else { None };
        Ok((origin, client.map(Arc::new)))
    }

    /// Each header of the setting votes; the exact value says https, any other http.
    fn scheme(&self, headers: &HeaderMap) -> Result<Option<Scheme>, Doubt> {
        let mut scheme = None;
        for (name, secure) in &self.proxies.schemes {
            for value in headers.get_all(name) {
                let vote = if value == secure { Scheme::Https } else { Scheme::Http };
                if scheme.replace(vote).is_some_and(|other| other != vote) {
                    return Err(Doubt("contradictory scheme headers"));
                }
            }
        }
        Ok(scheme)
    }

    /// Whom the peer speaks for. When a PROXY header has named somebody who is no proxy, that is the client, and what the
    /// headers say comes from there.
    fn client(&self, headers: &HeaderMap, peer: &Peer) -> Option<Peer> {
        let nearest = peer.proxied().and_then(|_| peer.client());
        if nearest.is_some_and(|address| !self.proxies.trusted.names(address)) {
            return None;
        }
        forwarded::client(headers, &self.proxies.trusted).map(|client| peer.on_behalf_of(client))
    }

    fn allows(&self, name: &HeaderName) -> bool {
        let allowed = &self.proxies.forwarder_headers;
        allowed.all || allowed.names.contains(name)
    }

    fn refuse_underscores(&self, headers: &HeaderMap, peer: &Peer) -> Result<(), Doubt> {
        let is_refused =
            |name: &HeaderName| name.as_str().contains('_') && !(peer.is_trusted() && self.allows(name));
        if headers.keys().any(is_refused) { Err(Doubt("a header name with `_`")) } else { Ok(()) }
    }
}

/// The mount point that a proxy names, which the path has to lie under.
fn mount(script_name: &HeaderValue, path: &str) -> Result<Bytes, Doubt> {
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
        Err(Doubt("the path is not under SCRIPT_NAME"))
    }
}

#[cfg(test)]
mod tests;
