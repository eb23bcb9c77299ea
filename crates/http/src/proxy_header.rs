//! The PROXY protocol, versions 1 and 2, as bytes (specification: haproxy.org, proxy-protocol.txt).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::proxies::ProxyProtocol;

/// What the first bytes of a connection are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Preface {
    /// No PROXY header.
    Absent,
    /// Too few bytes to tell.
    Incomplete,
    /// A header of so many bytes. No ends: the sender speaks for itself, or does not know.
    Header { length: usize, ends: Option<Ends> },
    /// A header that is none.
    Malformed(&'static str),
}

/// The connection that the proxy accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    /// `TCP4` or `TCP6`.
    pub(crate) protocol: &'static str,
    /// The client.
    pub(crate) source: SocketAddr,
    /// Where it connected to.
    pub(crate) destination: SocketAddr,
}

/// Longer headers are refused: no proxy sends that much, and it all waits in memory.
const LONGEST: usize = FIXED_V2 + 4096;
/// Section 2.1: the longest line, with its end.
const LONGEST_V1: usize = 107;
const START_V1: &[u8] = b"PROXY ";
const START_V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Section 2.2: signature, version and command, family and protocol, length.
const FIXED_V2: usize = 16;

/// Looks at all that has come so far.
pub(crate) fn parse(bytes: &[u8], versions: ProxyProtocol) -> Preface {
    let understands = |version| versions == version || versions == ProxyProtocol::Auto;
    let begins = |start: &[u8]| bytes.iter().zip(start).all(|(byte, expected)| byte == expected);
    if understands(ProxyProtocol::V1) && begins(START_V1) {
        return if bytes.len() < START_V1.len() { Preface::Incomplete } else { v1(bytes) };
    }
    if understands(ProxyProtocol::V2) && begins(START_V2) {
        return if bytes.len() < FIXED_V2 { Preface::Incomplete } else { v2(bytes) };
    }
    Preface::Absent
}

fn v1(bytes: &[u8]) -> Preface {
    let line = &bytes[..bytes.len().min(LONGEST_V1)];
    let Some(end) = line.iter().position(|byte| !matches!(byte, b' '..=b'~')) else {
        let is_short = bytes.len() < LONGEST_V1;
        return if is_short {
            Preface::Incomplete
        } else {
            Preface::Malformed("a PROXY header that is too long")
        };
    };
    match &line[end..] {
        [b'\r'] if bytes.len() < LONGEST_V1 => Preface::Incomplete,
        [b'\r', b'\n', ..] => match fields(&line[START_V1.len()..end]) {
            Ok(ends) => Preface::Header { length: end + 2, ends },
            Err(reason) => Preface::Malformed(reason),
        },
        _ => Preface::Malformed("a PROXY header that does not end with CRLF"),
    }
}

fn fields(line: &[u8]) -> Result<Option<Ends>, &'static str> {
    let text = str::from_utf8(line).map_err(|_| "a PROXY header that is not ASCII")?;
    let fields: Vec<&str> = text.split(' ').collect();
    // Whatever follows UNKNOWN is to be ignored.
    if fields[0] == "UNKNOWN" {
        return Ok(None);
    }
    let [protocol, source, destination, source_port, destination_port] = fields[..] else {
        return Err("a PROXY header without five fields");
    };
    let address: fn(&str) -> Option<IpAddr> = match protocol {
        "TCP4" => |text| text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        "TCP6" => |text| text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => return Err("a PROXY header for another protocol than TCP4, TCP6 or UNKNOWN"),
    };
    let end = |text, port_text| Some(SocketAddr::new(address(text)?, port(port_text)?));
    match (end(source, source_port), end(destination, destination_port)) {
        (Some(source), Some(destination)) => {
            let protocol = if protocol == "TCP4" { "TCP4" } else { "TCP6" };
            Ok(Some(Ends { protocol, source, destination }))
        }
        _ => Err("a PROXY header with a malformed address or port"),
    }
}

/// Digits without leading zeros.
fn port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if is_plain { text.parse().ok() } else { None }
}

fn v2(bytes: &[u8]) -> Preface {
    let (command, family) = (bytes[12], bytes[13]);
    let length = FIXED_V2 + usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    if command >> 4 != 2 {
        return Preface::Malformed("a PROXY header of another version than 2");
    } else if command & 0xf > 1 {
        return Preface::Malformed("a PROXY header with another command than LOCAL or PROXY");
    } else if length > LONGEST {
        return Preface::Malformed("a PROXY header that is too long");
    }
    // What follows the addresses are notes (TLVs), which are skipped.
    let (protocol, size) = match (command & 0xf, family) {
        // LOCAL: the family is to be ignored. UNSPEC. A unix socket has no address.
        (0, _) | (_, 0x00) => ("", 0),
        (_, 0x31) => ("", 216),
        (_, 0x11) => ("TCP4", 4),
        (_, 0x21) => ("TCP6", 16),
        _ => {
            return Preface::Malformed(
                "a PROXY header that is not for a stream over IPv4, IPv6 or a unix socket",
            );
        }
    };
    let needed = if protocol.is_empty() { size } else { 2 * (size + 2) };
    if length - FIXED_V2 < needed {
        return Preface::Malformed("a PROXY header whose addresses do not fit");
    }
    let Some(block) = bytes.get(FIXED_V2..length) else { return Preface::Incomplete };
    let ends = if protocol.is_empty() { None } else { ends(protocol, block, size) };
    Preface::Header { length, ends }
}

/// Two addresses of `size` bytes, two ports.
fn ends(protocol: &'static str, block: &[u8], size: usize) -> Option<Ends> {
    let address = |from: usize| -> Option<IpAddr> {
        let bytes = block.get(from..from + size)?;
        match <[u8; 4]>::try_from(bytes) {
            Ok(octets) => Some(octets.into()),
            Err(_) => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        }
    };
    let port = |from: usize| Some(u16::from_be_bytes([*block.get(from)?, *block.get(from + 1)?]));
    Some(Ends {
        protocol,
        source: SocketAddr::new(address(0)?, port(2 * size)?),
        destination: SocketAddr::new(address(size)?, port(2 * size + 2)?),
    })
}

#[cfg(test)]
mod tests;
