//! Whom to believe: the peers and networks that a setting names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// The other end of a connection, as the kernel tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PeerAddress {
    /// Over TCP. An IPv4 address that came mapped into IPv6 is an IPv4 address here.
    Ip(IpAddr),
    /// Over a unix socket, which has no address.
    #[default]
    Unix,
}

/// The peers that a setting names (Gunicorn settings `forwarded_allow_ips`, `proxy_allow_ips`). Nobody by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Every peer: `*`.
    pub all: bool,
    /// Peers over a unix socket: `unix`.
    pub unix: bool,
    /// Addresses and networks.
    pub nets: Vec<IpNet>,
}

impl Trust {
    /// This machine: `127.0.0.1`, `::1` and unix sockets.
    #[must_use]
    pub fn local() -> Self {
        let nets =
            vec![IpNet::from(IpAddr::V4(Ipv4Addr::LOCALHOST)), IpNet::from(IpAddr::V6(Ipv6Addr::LOCALHOST))];
        Self { all: false, unix: true, nets }
    }

    /// Whether this peer is one of them. An IPv4 address counts as the same whether it is mapped into IPv6 or not.
    #[must_use]
    pub fn trusts(&self, peer: &PeerAddress) -> bool {
        match peer {
            _ if self.all => true,
            PeerAddress::Unix => self.unix,
            PeerAddress::Ip(address) => self.names(*address),
        }
    }

    /// Whether this address is named, other than by `*`: that says whom to believe, not which machines are proxies.
    pub(crate) fn names(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let mapped = match address {
            IpAddr::V4(address) => Some(IpAddr::V6(address.to_ipv6_mapped())),
            IpAddr::V6(_) => None,
        };
        self.nets
            .iter()
            .any(|net| net.contains(&address) || mapped.is_some_and(|mapped| net.contains(&mapped)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust(nets: &[&str]) -> Trust {
        Trust { nets: nets.iter().map(|net| net.parse().unwrap()).collect(), ..Trust::default() }
    }

    fn ip(text: &str) -> PeerAddress {
        PeerAddress::Ip(text.parse().unwrap())
    }

    #[test]
    fn networks_hold_their_addresses() {
        let trust = trust(&["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"]);
        for address in ["10.1.2.3", "192.0.2.7", "2001:db8::9", "::ffff:10.1.2.3"] {
            assert!(trust.trusts(&ip(address)), "{address}");
        }
        for address in ["11.0.0.1", "192.0.2.8", "2001:db9::9", "::10.1.2.3", "::1"] {
            assert!(!trust.trusts(&ip(address)), "{address}");
        }
        assert!(!trust.trusts(&PeerAddress::Unix));
    }

    #[test]
    fn a_mapped_network_holds_ipv4_addresses() {
        let trust = trust(&["::ffff:10.0.0.0/104"]);
        assert!(trust.trusts(&ip("10.1.2.3")) && trust.trusts(&ip("::ffff:10.1.2.3")));
        assert!(!trust.trusts(&ip("11.1.2.3")));
    }

    #[test]
    fn unix_sockets_and_everybody_are_named_as_such() {
        let unix = Trust { unix: true, ..Trust::default() };
        assert!(unix.trusts(&PeerAddress::Unix) && !unix.trusts(&ip("127.0.0.1")));
        let all = Trust { all: true, ..Trust::default() };
        assert!(all.trusts(&PeerAddress::Unix) && all.trusts(&ip("192.0.2.7")));
        assert!(!all.names("192.0.2.7".parse().unwrap()));
        let local = Trust::local();
        assert!(
            local.trusts(&PeerAddress::Unix) && local.trusts(&ip("::1")) && local.trusts(&ip("127.0.0.1"))
        );
        assert!(!local.trusts(&ip("127.0.0.2")));
    }
}
