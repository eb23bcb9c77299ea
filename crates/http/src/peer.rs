//! What a connection says about its two ends, as text, made once.

use std::fmt::{self, Display, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::forwarded::Hop;
use crate::proxy_header::Ends;
use crate::tls::Facts;
use crate::trust::PeerAddress;

/// The two ends of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    socket: PeerAddress,
    remote: Option<Remote>,
    local: Option<Local>,
    proxied: Option<Proxied>,
    is_trusted: bool,
    tls: Option<Arc<Facts>>,
}

/// Who sends the requests, as far as the server believes it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Remote {
    ip: IpAddr,
    address: Text<45>,
    port: Option<Text<5>>,
}

/// The end of a connection that is a listener's: the same for all connections that it accepts, and so made once for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local(Arc<(String, String)>);

impl From<SocketAddr> for Local {
    fn from(address: SocketAddr) -> Self {
        Self(Arc::new((address.ip().to_canonical().to_string(), address.port().to_string())))
    }
}

/// A short text that needs no memory of its own: an IPv6 address has at most 45 characters, a port 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Text<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Text<N> {
    fn new(value: impl Display) -> Self {
        let mut text = Self { bytes: [0; N], length: 0 };
        write!(text, "{value}").expect("it is as long as the longest");
        text
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.length]).expect("only whole strings are written")
    }
}

impl<const N: usize> fmt::Write for Text<N> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let end = self.length + part.len();
        self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(part.as_bytes());
        self.length = end;
        Ok(())
    }
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
        Self { ip, address: Text::new(ip), port: port.map(Text::new) }
    }
}

impl Peer {
    /// A TCP connection from `remote`, accepted by the listener that is bound to `local`.
    #[must_use]
    pub fn tcp(remote: SocketAddr, local: SocketAddr) -> Self {
        Self::accepted(remote, &Local::from(local))
    }

    /// The same where many connections have the local end in common.
    #[must_use]
    pub fn accepted(remote: SocketAddr, local: &Local) -> Self {
        Self {
            socket: PeerAddress::Ip(remote.ip().to_canonical()),
            remote: Some(Remote::new(remote.ip(), Some(remote.port()))),
            local: Some(local.clone()),
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
        self.remote.as_ref().map_or("", |remote| remote.address.as_str())
    }

    /// The client's port, when it is known.
    #[must_use]
    pub fn remote_port(&self) -> Option<&str> {
        self.remote.as_ref()?.port.as_ref().map(Text::as_str)
    }

    /// Address and port that the listener is bound to.
    #[must_use]
    pub fn server(&self) -> Option<(&str, &str)> {
        self.local.as_ref().map(|Local(ends)| (ends.0.as_str(), ends.1.as_str()))
    }

    /// What a PROXY header said of the connection before this one.
    #[must_use]
    pub fn proxied(&self) -> Option<&Proxied> {
        self.proxied.as_ref()
    }

    /// How the connection is secured, if this server does that.
    #[must_use]
    pub fn tls(&self) -> Option<&Facts> {
        self.tls.as_deref()
    }

    /// The connection is secured.
    pub(crate) fn over_tls(self, facts: Facts) -> Self {
        Self { tls: Some(Arc::new(facts)), ..self }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_ends_have_room() {
        let remote = "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535".parse().unwrap();
        let peer = Peer::tcp(remote, "[::ffff:192.0.2.255]:65535".parse().unwrap());
        assert_eq!(peer.remote_addr(), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
        assert_eq!(peer.remote_port(), Some("65535"));
        assert_eq!(peer.server(), Some(("192.0.2.255", "65535")));
        let longest = Text::<45>::new("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255");
        assert_eq!(longest.as_str().len(), 45);
    }
}
