//! The grammar of a set of peers: IP addresses, networks, `*` and `unix` with commas between them.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::{header, kind::Refusal};

/// Peers that are trusted with something. By default nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks {
    /// Every peer, those on a Unix socket included (`*`).
    pub all: bool,
    /// Every peer on a Unix socket (`unix`).
    pub unix: bool,
    /// The peers with an address in one of these networks; a single address is a network of one.
    pub nets: Vec<IpNet>,
}

impl Networks {
    /// Reads a list; an empty one is nobody.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let mut networks = Self::default();
        for item in header::items(text) {
            match item {
                "*" => networks.all = true,
                _ if item.eq_ignore_ascii_case("unix") => networks.unix = true,
                _ => networks.nets.push(network(item)?),
            }
        }
        Ok(networks)
    }
}

/// What a list of peers must be, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS: &str = "IP addresses, networks such as `10.0.0.0/8`, `unix` or `*`, with commas";

fn network(item: &str) -> Result<IpNet, Refusal> {
    if let Ok(address) = item.parse::<IpAddr>() {
        return Ok(address.into());
    }
    let network: IpNet = item
        .parse()
        .map_err(|_| Refusal::new(format!("`{item}` is no address and no network: expected {EXPECTS}")))?;
    // As in Gunicorn: whoever wrote `10.1.2.3/8` meant the one address or the whole network, and only
    // they know which.
    if network.addr() != network.network() {
        return Err(Refusal::new(format!("`{item}` is an address within a network")).hint(format!(
            "write `{}` or `{}`",
            network.addr(),
            network.trunc()
        )));
    }
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn addresses_are_networks_of_one() {
        let networks = Networks::parse("127.0.0.1, ::1,10.0.0.0/8,2001:db8::/32,").unwrap();
        let expected = nets(&["127.0.0.1/32", "::1/128", "10.0.0.0/8", "2001:db8::/32"]);
        assert_eq!(networks, Networks { nets: expected, ..Networks::default() });
    }

    #[test]
    fn words_stand_beside_networks() {
        let networks = Networks::parse("UNIX,10.0.0.1").unwrap();
        assert_eq!(networks, Networks { all: false, unix: true, nets: nets(&["10.0.0.1/32"]) });
        assert_eq!(Networks::parse("*"), Ok(Networks { all: true, ..Networks::default() }));
    }

    #[test]
    fn an_empty_list_is_nobody() {
        for text in ["", " ", ",", " , "] {
            assert_eq!(Networks::parse(text), Ok(Networks::default()), "{text:?}");
        }
    }

    #[test]
    fn every_address_is_a_network_too() {
        let networks = Networks::parse("0.0.0.0/0,::/0").unwrap();
        assert_eq!(networks, Networks { nets: nets(&["0.0.0.0/0", "::/0"]), ..Networks::default() });
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "localhost",
            "10.0.0",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/255.0.0.0",
            "010.0.0.1",
            "[::1]",
            "::1:80/x",
            "fe80::1%eth0",
            "10.0.0.1:80",
            "10.0.0.*",
            "**",
            "unix:/run/a.sock",
            "10.0.0.1 10.0.0.2",
        ] {
            let list = format!("127.0.0.1,{text}");
            let reason = Networks::parse(&list).unwrap_err().reason;
            assert!(reason.starts_with(&format!("`{text}` is no address and no network")), "{reason}");
        }
    }

    #[test]
    fn bits_of_the_host_are_refused_with_both_ways_out() {
        for (text, hint) in [
            ("10.1.2.3/8", "write `10.1.2.3` or `10.0.0.0/8`"),
            ("::1/64", "write `::1` or `::/64`"),
            ("127.0.0.1/0", "write `127.0.0.1` or `0.0.0.0/0`"),
        ] {
            assert_eq!(Networks::parse(text).unwrap_err().hint.as_deref(), Some(hint), "{text}");
        }
    }
}
