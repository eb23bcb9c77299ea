//! What the server believes of what proxies say.

use std::net::IpAddr;

use http::{HeaderName, HeaderValue};

use crate::Peer;
use crate::trust::{PeerAddress, Trust};

/// How the server behaves behind proxies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxies {
    /// Whose forwarding headers count (Gunicorn setting `forwarded_allow_ips`): the other end of the connection.
    pub trusted: Trust,
    /// Whether they count also when a PROXY header names a client behind it that is not trusted. Then the other end must
    /// not be a proxy that passes on what clients write.
    pub trusts_relays: bool,
    /// Headers that say https by exactly this value and http by any other one (Gunicorn setting
    /// `secure_scheme_headers`).
    pub schemes: Vec<(HeaderName, HeaderValue)>,
    /// Names with `_` that trusted peers may send (Gunicorn setting `forwarder_headers`).
    pub forwarder_headers: ForwarderHeaders,
    /// What becomes of other names with `_` (Gunicorn setting `header_map`).
    pub header_map: HeaderMapPolicy,
    /// Whether the client's address is taken from `X-Forwarded-For`, or `Forwarded` (RFC 7239), of trusted peers.
    pub forwarded_for: bool,
    /// Whether connections may begin with a PROXY header (Gunicorn setting `proxy_protocol`).
    pub proxy_protocol: ProxyProtocol,
    /// Who may send one (Gunicorn setting `proxy_allow_ips`).
    pub proxy_allowed: Trust,
    /// `SCRIPT_NAME` of requests that bring none, percent-encoded or not: empty, or begins with `/` and does not end with one.
    pub root_path: String,
}

/// Names with `_` that trusted peers may send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForwarderHeaders {
    /// Every one: `*`.
    pub all: bool,
    /// These.
    pub names: Vec<HeaderName>,
}

/// What becomes of header names with `_`, which become the same environ key as those with `-`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeaderMapPolicy {
    /// The application does not see them.
    #[default]
    Drop,
    /// The request is answered with 400.
    Refuse,
    /// The application sees them, but for those that pass for a forwarding header.
    Dangerous,
}

/// Which versions of the PROXY protocol are understood (specification: haproxy.org, proxy-protocol.txt).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// None: a PROXY header is a malformed request.
    #[default]
    Off,
    /// The line of text.
    V1,
    /// The binary one.
    V2,
    /// Both.
    Auto,
}

impl Proxies {
    /// Whether connections from this address are those of a proxy, which brings the clients of many.
    #[must_use]
    pub fn is_proxy(&self, address: IpAddr) -> bool {
        let address = PeerAddress::Ip(address);
        let speaks_proxy = self.proxy_protocol != ProxyProtocol::Off && self.proxy_allowed.trusts(&address);
        self.trusted.trusts(&address) || speaks_proxy
    }

    /// Whether the forwarding headers of this peer count.
    pub(crate) fn believe(&self, peer: &Peer) -> bool {
        self.trusted.trusts(peer.socket()) && (self.trusts_relays || !self.is_relay(peer))
    }

    /// Whether a PROXY header has named somebody who is no proxy: what the headers say comes from there.
    pub(crate) fn is_relay(&self, peer: &Peer) -> bool {
        let client = peer.proxied().and_then(|_| peer.client());
        client.is_some_and(|address| !self.trusted.names(address))
    }
}

impl Default for Proxies {
    /// The defaults of the settings.
    fn default() -> Self {
        let scheme = |name, value| (HeaderName::from_static(name), HeaderValue::from_static(value));
        Self {
            trusted: Trust::local(),
            trusts_relays: false,
            schemes: vec![
                scheme("x-forwarded-protocol", "ssl"),
                scheme("x-forwarded-proto", "https"),
                scheme("x-forwarded-ssl", "on"),
            ],
            forwarder_headers: ForwarderHeaders {
                all: false,
                names: ["script_name", "path_info"].map(HeaderName::from_static).to_vec(),
            },
            header_map: HeaderMapPolicy::default(),
            forwarded_for: false,
            proxy_protocol: ProxyProtocol::default(),
            proxy_allowed: Trust::local(),
            root_path: String::new(),
        }
    }
}
