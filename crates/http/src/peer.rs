//! What a connection says about its two ends, as text, made once.

use std::net::{IpAddr, SocketAddr};

use crate::forwarded::Hop;
use crate::proxy_header::Ends;
use crate::trust::PeerAddress;

/// The two ends of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    socket: PeerAddress,
    remote: Option<Remote>,
    local: Option<(String, String)>,
    proxied: Option<Proxied>,
    is_trusted: bool,
}

/// Who sends the requests, as far as the server believes it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Remote {
    ip: IpAddr,
    address: String,
    port: Option<String>,
}

/// What a PROXY header says of the connection that the proxy accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxied {
    /// `TCP4` or `TCP6`.
    pub protocol: &'static str,
    /// The address that the client connected to.
    pub address: String,
    /// The port that the client connected to.
    pub port: String,
}

impl Remote {
    fn new(ip: IpAddr, port: Option<u16>) -> Self {
        let ip = ip.to_canonical();
        Self { ip, address: ip.to_string(), port: port.map(|port| port.to_string()) }
    }
}

impl Peer {
    /// A TCP connection from `remote`, accepted by the listener that is bound to `local`.
    #[must_use]
    pub fn tcp(remote: SocketAddr, local: SocketAddr) -> Self {
        Self {
            socket: PeerAddress::Ip(remote.ip().to_canonical()),
            remote: Some(Remote::new(remote.ip(), Some(remote.port()))),
            local: Some((local.ip().to_canonical().to_string(), local.port().to_string())),
            ..Self::default()
        }
    }

    /// A connection over a unix socket, whose ends have no addresses.
    #[must_use]
    pub fn unix() -> Self {
        Self::default()
    }

    /// The other end of the connection, whoever it speaks for.
    #[must_use]
    pub fn socket(&self) -> &PeerAddress {
        &self.socket
    }

    /// Whether the forwarding headers of this peer count.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.is_trusted
    }

    /// The client's address, empty for a unix socket.
    #[must_use]
    pub fn remote_addr(&self) -> &str {
        self.remote.as_ref().map_or("", |remote| &remote.address)
    }

    /// The client's port, when it is known.
    #[must_use]
    pub fn remote_port(&self) -> Option<&str> {
        self.remote.as_ref()?.port.as_deref()
    }

    /// Address and port that the listener is bound to.
    #[must_use]
    pub fn server(&self) -> Option<(&str, &str)> {
        self.local.as_ref().map(|(address, port)| (address.as_str(), port.as_str()))
    }

    /// What a PROXY header said of the connection before this one.
    #[must_use]
    pub fn proxied(&self) -> Option<&Proxied> {
        self.proxied.as_ref()
    }

    pub(crate) fn set_trusted(&mut self, is_trusted: bool) {
        self.is_trusted = is_trusted;
    }

    /// The client's address, as far as it has one.
    pub(crate) fn client(&self) -> Option<IpAddr> {
        self.remote.as_ref().map(|remote| remote.ip)
    }

    /// A PROXY header names the client.
    pub(crate) fn stand_for(&mut self, ends: &Ends) {
        let Ends { protocol, source, destination } = ends;
        self.remote = Some(Remote::new(source.ip(), Some(source.port())));
        let (address, port) = (destination.ip().to_canonical().to_string(), destination.port().to_string());
        self.proxied = Some(Proxied { protocol, address, port });
    }

    /// The same connection, for one request of this client.
    pub(crate) fn on_behalf_of(&self, client: Hop) -> Self {
        Self { remote: Some(Remote::new(client.address, client.port)), ..self.clone() }
    }
}
