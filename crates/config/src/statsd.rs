//! The grammar of the address of a statsd.

use std::path::PathBuf;

use crate::{
    bind::{self, Address},
    kind::Refusal,
};

/// Where a statsd listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatsdAddress {
    /// By UDP.
    Udp {
        /// A host name or an IP address; an IPv6 address stands without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// At a unix datagram socket.
    Unix(PathBuf),
}

/// As in Gunicorn.
const DEFAULT_PORT: &str = "8125";

/// What [`parse`] reads, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS: &str = "`HOST:PORT`, `[IPV6]:PORT` or `unix://PATH`";

/// Reads it; white space round it does not count.
pub(crate) fn parse(text: &str) -> Result<StatsdAddress, Refusal> {
    let text = text.trim();
    let unexpected = || Refusal::new(format!("expected {EXPECTS}"));
    if let Some(path) = text.strip_prefix("unix://") {
        return if path.is_empty() { Err(unexpected()) } else { Ok(StatsdAddress::Unix(path.into())) };
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number || text.contains("://") || text.starts_with("unix:") || text.starts_with(':') {
        return Err(unexpected());
    }
    let has_port =
        text.rsplit_once(':').is_some_and(|(host, _)| !text.starts_with('[') || host.ends_with(']'));
    let whole = if has_port { text.to_owned() } else { format!("{text}:{DEFAULT_PORT}") };
    match bind::Address::parse(&whole) {
        Ok(Address::Tcp { host, port }) if port != 0 => Ok(StatsdAddress::Udp { host, port }),
        _ => Err(unexpected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_a_port_or_the_usual_one() {
        for (text, host, port) in [
            ("localhost", "localhost", 8125),
            ("statsd:9125", "statsd", 9125),
            (" 10.0.0.1:8125 ", "10.0.0.1", 8125),
            ("[::1]:9000", "::1", 9000),
            ("[::1]", "::1", 8125),
        ] {
            assert_eq!(parse(text), Ok(StatsdAddress::Udp { host: host.into(), port }), "{text}");
        }
        assert_eq!(parse("unix:///run/statsd"), Ok(StatsdAddress::Unix("/run/statsd".into())));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "8125", ":8125", "unix:", "unix://", "udp://a:1", "a:0", "a:65536", "a:b", "::1", "a b:1"]
        {
            assert_eq!(parse(text), Err(Refusal::new(format!("expected {EXPECTS}"))), "{text:?}");
        }
    }
}
