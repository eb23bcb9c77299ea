//! The client's address out of `X-Forwarded-For` or `Forwarded` (RFC 7239).

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};

use crate::trust::Trust;

pub(crate) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(crate) const FORWARDED: HeaderName = HeaderName::from_static("forwarded");

/// Somebody on the way of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hop {
    pub(crate) address: IpAddr,
    pub(crate) port: Option<u16>,
}

/// The client, as a trusted peer tells: each proxy adds at the right whom it talked to, so the first one from there that
/// is no proxy itself is the client, and what stands further left is what the client says. An entry that is no address
/// ends the search at the one before it. `None`: nothing is told.
pub(crate) fn client(headers: &HeaderMap, proxies: &Trust) -> Option<Hop> {
    let mut client = None;
    for hop in from_the_right(headers) {
        let Some(hop) = hop else { break };
        client = Some(hop);
        if !proxies.names(hop.address) {
            break;
        }
    }
    client
}

fn from_the_right(headers: &HeaderMap) -> Box<dyn Iterator<Item = Option<Hop>> + '_> {
    if headers.contains_key(X_FORWARDED_FOR) {
        let values = headers.get_all(X_FORWARDED_FOR).iter().rev();
        return Box::new(values.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b',')).map(node));
    }
    let values = headers.get_all(FORWARDED).iter().rev();
    Box::new(values.flat_map(|value| elements(value.as_bytes()).into_iter().rev()))
}

/// An address, with a port or without: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn node(text: &[u8]) -> Option<Hop> {
    let text = str::from_utf8(text).ok()?.trim_matches([' ', '\t']);
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return Some(Hop { address: socket.ip().to_canonical(), port: Some(socket.port()) });
    }
    let bare =
        text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).filter(|text| text.contains(':'));
    let address: IpAddr = bare.unwrap_or(text).parse().ok()?;
    Some(Hop { address: address.to_canonical(), port: None })
}

/// The `for` of each element of a `Forwarded` header; one that has none, or not an address, or is not well-formed, is
/// `None`.
fn elements(value: &[u8]) -> Vec<Option<Hop>> {
    match split(value, b',') {
        Some(elements) => elements.into_iter().map(element).collect(),
        None => vec![None],
    }
}

fn element(element: &[u8]) -> Option<Hop> {
    let mut found = None;
    for pair in split(element, b';')? {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"for") {
            let quoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
            let hop = node(quoted.unwrap_or(value))?;
            if found.replace(hop).is_some() {
                return None;
            }
        }
    }
    found
}

/// The parts between separators that do not stand in quotes; `None` when a quote does not end.
fn split(text: &[u8], separator: u8) -> Option<Vec<&[u8]>> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (place, &byte) in text.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            _ if byte == separator && !is_quoted => {
                parts.push(&text[start..place]);
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (!is_quoted).then_some(parts)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn found(lines: &[(HeaderName, &str)]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let nets = ["10.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap()).to_vec();
        let hop = client(&headers, &Trust { all: true, nets, ..Trust::default() })?;
        Some(hop.port.map_or(hop.address.to_string(), |port| SocketAddr::new(hop.address, port).to_string()))
    }

    #[track_caller]
    fn x_forwarded_for(value: &str, expected: Option<&str>) {
        assert_eq!(found(&[(X_FORWARDED_FOR, value)]).as_deref(), expected, "{value}");
    }

    #[track_caller]
    fn forwarded(value: &str, expected: Option<&str>) {
        assert_eq!(found(&[(FORWARDED, value)]).as_deref(), expected, "{value}");
    }

    #[test]
    fn the_client_is_the_first_from_the_right_that_is_no_proxy() {
        x_forwarded_for("192.0.2.1", Some("192.0.2.1"));
        x_forwarded_for("6.6.6.6, 192.0.2.1", Some("192.0.2.1"));
        x_forwarded_for("6.6.6.6,192.0.2.1 ,10.0.0.1,\t10.0.0.2", Some("192.0.2.1"));
        x_forwarded_for("6.6.6.6, 192.0.2.1, ::ffff:10.0.0.1", Some("192.0.2.1"));
        x_forwarded_for("10.0.0.3, 10.0.0.2", Some("10.0.0.3"));
    }

    #[test]
    fn several_lines_are_one_list() {
        let lines = [(X_FORWARDED_FOR, "6.6.6.6, 192.0.2.1"), (X_FORWARDED_FOR, "192.0.2.2, 10.0.0.1")];
        assert_eq!(found(&lines).as_deref(), Some("192.0.2.2"));
        let lines = [(FORWARDED, "for=192.0.2.1"), (FORWARDED, "for=10.0.0.1, for=10.0.0.2")];
        assert_eq!(found(&lines).as_deref(), Some("192.0.2.1"));
    }

    #[test]
    fn addresses_come_in_many_forms() {
        x_forwarded_for("192.0.2.1:4711", Some("192.0.2.1:4711"));
        x_forwarded_for("2001:DB8::1", Some("2001:db8::1"));
        x_forwarded_for("[2001:db8::1]", Some("2001:db8::1"));
        x_forwarded_for("[2001:db8::1]:80", Some("[2001:db8::1]:80"));
        x_forwarded_for("::ffff:192.0.2.1", Some("192.0.2.1"));
    }

    #[test]
    fn what_is_no_address_ends_the_search() {
        for value in
            ["", "unknown", "_hidden", "192.0.2.01", "[192.0.2.1]", "192.0.2.1:99999", "a.example", "\u{e9}"]
        {
            x_forwarded_for(value, None);
            x_forwarded_for(&format!("6.6.6.6, {value}, 10.0.0.1"), Some("10.0.0.1"));
        }
        x_forwarded_for("6.6.6.6, , 10.0.0.1", Some("10.0.0.1"));
    }

    #[test]
    fn forwarded_is_read_when_it_stands_alone() {
        forwarded("for=192.0.2.1", Some("192.0.2.1"));
        forwarded("For=\"[2001:db8:cafe::17]:4711\"", Some("[2001:db8:cafe::17]:4711"));
        forwarded("for=6.6.6.6, by=203.0.113.4; for=192.0.2.1;proto=https ,for=10.0.0.1", Some("192.0.2.1"));
        forwarded("for=192.0.2.1;host=\"a,b;for=6.6.6.6\\\",c\"", Some("192.0.2.1"));
        assert_eq!(
            found(&[(FORWARDED, "for=6.6.6.6"), (X_FORWARDED_FOR, "192.0.2.1")]).as_deref(),
            Some("192.0.2.1")
        );
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn broken_elements_end_the_search() {
        for element in
            ["proto=https", "for", "for=unknown", "for=192.0.2.1;for=192.0.2.2", "for=\"192.0.2.1\\\"", ""]
        {
            forwarded(element, None);
            forwarded(
                &format!("{element}, for=10.0.0.1"),
                if element.contains('\\') { None } else { Some("10.0.0.1") },
            );
        }
        forwarded("for=\"192.0.2.1, for=10.0.0.1", None);
    }
}
