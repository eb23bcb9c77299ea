//! `uri-host [ ":" port ]` (RFC 9110 section 7.2, RFC 3986 section 3.2.2).

use std::net::Ipv6Addr;

use super::bytes;

/// What a Host field or an authority names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// A host.
    Named,
    /// None: by the grammar a registered name may be empty.
    Nameless,
}

/// Judges all of `value`; `None`: it does not follow the grammar.
pub(super) fn judge(value: &[u8]) -> Option<Host> {
    let end = if value.first() == Some(&b'[') { literal(value)? } else { name(value)? };
    let port = match value[end..].split_first() {
        None => &[][..],
        Some((b':', port)) => port,
        Some(_) => return None,
    };
    if !is_port(port) {
        return None;
    }
    Some(if end == 0 { Host::Nameless } else { Host::Named })
}

/// Where the registered name or the IPv4 address ends.
fn name(value: &[u8]) -> Option<usize> {
    let mut end = bytes::reg_name(value);
    while value.get(end) == Some(&b'%') {
        let digits = value.get(end + 1..end + 3)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        end += 3;
        end += bytes::reg_name(&value[end..]);
    }
    Some(end)
}

/// Where the address in brackets ends.
fn literal(value: &[u8]) -> Option<usize> {
    let close = value.iter().position(|byte| *byte == b']')?;
    let inside = &value[1..close];
    let is_good = match inside.split_first() {
        Some((b'v' | b'V', future)) => is_future(future),
        _ => str::from_utf8(inside).is_ok_and(|address| address.parse::<Ipv6Addr>().is_ok()),
    };
    is_good.then_some(close + 1)
}

/// `IPvFuture` behind its `v`.
fn is_future(text: &[u8]) -> bool {
    let Some(dot) = text.iter().position(|byte| *byte == b'.') else { return false };
    let (version, address) = (&text[..dot], &text[dot + 1..]);
    let is_in_address = |byte: &u8| *byte == b':' || bytes::reg_name(&[*byte]) == 1;
    !version.is_empty()
        && version.iter().all(u8::is_ascii_hexdigit)
        && !address.is_empty()
        && address.iter().all(is_in_address)
}

/// By the grammar a port may be empty, which means the default one, and have any number of digits; TCP has 65,536 of them.
fn is_port(text: &[u8]) -> bool {
    let add = |port: u16, digit: &u8| {
        let digit = digit.is_ascii_digit().then(|| u16::from(digit - b'0'))?;
        port.checked_mul(10)?.checked_add(digit)
    };
    text.iter().try_fold(0, add).is_some()
}
