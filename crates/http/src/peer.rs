//! What a connection says about its two ends, as text, made once.

use std::net::SocketAddr;

/// The two ends of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    remote: Option<(String, String)>,
    local: Option<(String, String)>,
}

impl Peer {
    /// A TCP connection from `remote`, accepted by the listener that is bound to `local`.
    #[must_use]
    pub fn tcp(remote: SocketAddr, local: SocketAddr) -> Self {
        let text =
            |address: SocketAddr| (address.ip().to_canonical().to_string(), address.port().to_string());
        Self { remote: Some(text(remote)), local: Some(text(local)) }
    }

    /// A connection over a unix socket, whose ends have no addresses.
    #[must_use]
    pub fn unix() -> Self {
        Self::default()
    }

    /// The client's address, empty for a unix socket.
    #[must_use]
    pub fn remote_addr(&self) -> &str {
        self.remote.as_ref().map_or("", |(address, _)| address)
    }

    /// The client's port.
    #[must_use]
    pub fn remote_port(&self) -> Option<&str> {
        self.remote.as_ref().map(|(_, port)| port.as_str())
    }

    /// Address and port that the listener is bound to.
    #[must_use]
    pub fn server(&self) -> Option<(&str, &str)> {
        self.local.as_ref().map(|(address, port)| (address.as_str(), port.as_str()))
    }
}
