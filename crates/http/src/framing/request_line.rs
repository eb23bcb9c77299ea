//! The first line of a request (RFC 9112 section 3).

use http::StatusCode;
use memchr::{memchr, memchr_iter, memrchr};

use super::bytes;
use super::fault::Fault;
use super::host::{self, Host};

/// The longest target that `http::Uri` takes.
const TARGET: usize = 65_534;

/// More colons than this `http::Uri` does not take in an authority's brackets; no IPv6 address has more.
const COLONS: usize = 8;

/// The line that HTTP/2 begins with (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0";
const HTTP_2: &str = "HTTP/2 without TLS, which is spoken with `--http2-cleartext`, and with senders that \
                      `--forwarded-allow-ips` names";

/// What the rest of the head is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestLine {
    /// HTTP/1.1; HTTP/1.0 otherwise.
    pub(super) is_1_1: bool,
    /// The target has an authority of its own, which replaces the Host field's.
    pub(super) is_absolute: bool,
    /// The answer has no content.
    pub(super) is_head: bool,
    /// How long the method is, which is followed by one space.
    pub(super) method: usize,
    /// How long the target is behind that.
    pub(super) target: usize,
}

impl RequestLine {
    /// Judges the line without its end.
    pub(super) fn of(line: &[u8]) -> Result<Self, Fault> {
        let end = bytes::token(line);
        if end == 0 || line.get(end) != Some(&b' ') {
            return Err(Fault::bad("request line does not begin with a method"));
        }
        let (method, rest) = (&line[..end], &line[end + 1..]);
        let Some(space) = memrchr(b' ', rest) else {
            return Err(Fault::bad("request line without a version"));
        };
        if line == PREFACE {
            return Err(Fault { status: StatusCode::HTTP_VERSION_NOT_SUPPORTED, reason: HTTP_2 });
        }
        let is_1_1 = is_1_1(&rest[space + 1..])?;
        if method == b"CONNECT" {
            return Err(Fault::not_implemented("CONNECT"));
        }
        let is_absolute = is_absolute(&rest[..space], method)?;
        Ok(Self { is_1_1, is_absolute, is_head: method == b"HEAD", method: end, target: space })
    }
}

fn is_1_1(version: &[u8]) -> Result<bool, Fault> {
    match version {
        b"HTTP/1.1" => Ok(true),
        b"HTTP/1.0" => Ok(false),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
            Err(Fault { status: StatusCode::HTTP_VERSION_NOT_SUPPORTED, reason: "unknown version" })
        }
        _ => Err(Fault::bad("malformed version")),
    }
}

/// Judges the target (RFC 9112 section 3.2); whether it is in absolute form.
fn is_absolute(target: &[u8], method: &[u8]) -> Result<bool, Fault> {
    if target.len() > TARGET {
        return Err(Fault::uri_too_long("target too long"));
    }
    match target.first() {
        Some(b'/') => path_and_query(target).map(|()| false),
        Some(b'*') if target.len() == 1 && method == b"OPTIONS" => Ok(false),
        _ => absolute(target).map(|()| true),
    }
}

fn path_and_query(target: &[u8]) -> Result<(), Fault> {
    let end = bytes::path(target);
    let rest = &target[end..];
    let is_good = match rest.first() {
        None => true,
        Some(b'?') => bytes::query(rest) == rest.len(),
        Some(_) => false,
    };
    if is_good { Ok(()) } else { Err(Fault::bad("bad byte in the target")) }
}

fn absolute(target: &[u8]) -> Result<(), Fault> {
    let scheme = ["http://", "https://"].into_iter().find(|scheme| {
        target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
    });
    let Some(scheme) = scheme else {
        return Err(Fault::bad("target is neither a path nor an http URI"));
    };
    let rest = &target[scheme.len()..];
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    // Encoded bytes in a name and more colons are good by RFC 3986, but `http::Uri` does not take them.
    let literal = &authority[..memchr(b']', authority).unwrap_or(0)];
    let is_taken = memchr(b'%', authority).is_none() && memchr_iter(b':', literal).count() <= COLONS;
    if host::judge(authority) != Some(Host::Named) || !is_taken {
        return Err(Fault::bad("bad authority in the target"));
    }
    path_and_query(rest)
}
