//! The head and the trailers of a request that came in an HTTP/2 stream (RFC 9113 section 8), judged as if they had come in HTTP/1.1.
//!
//! What belongs to HTTP/2 alone, as the order of its pseudo-header fields or the case of names, the library that reads its frames
//! has seen to, but for the whitespace around values. It shows neither a fragment in `:path`, which it cuts off, nor pseudo-header fields
//! in trailers.

use http::HeaderMap;
use http::request::Parts;
use http::uri::Uri;

use super::bytes;
use super::chunks::Chunks;
use super::fault::Fault;
use super::fields::Head;
use super::limits::Limits;
use super::request_line::RequestLine;

/// Judges a head. So an application gets nothing over HTTP/2 that it would not get over HTTP/1.1, and no other limits hold.
pub(crate) fn judge_stream(parts: &Parts, limits: &Limits) -> Result<(), Fault> {
    let line = request_line(parts);
    if line.len() > limits.request_line() {
        return Err(Fault::uri_too_long("request line too long"));
    }
    let mut head = Head::new(RequestLine::of(&line)?);
    let host = parts.headers.get(http::header::HOST).map(http::HeaderValue::as_bytes);
    let authority = parts.uri.authority().map(|authority| authority.as_str().as_bytes());
    match (authority, host) {
        // RFC 9113 section 8.3.1.
        (Some(authority), Some(host)) if !authority.eq_ignore_ascii_case(host) => {
            return Err(Fault::bad("Host contradicts :authority"));
        }
        (Some(authority), None) => field(&mut head, (b"host", authority), limits)?,
        _ => {}
    }
    for (name, value) in &parts.headers {
        field(&mut head, (name.as_str().as_bytes(), value.as_bytes()), limits)?;
    }
    head.finish().map(|_| ())
}

/// Judges the values of fields as the client wrote them, before any are put together: HTTP/1.1 may have whitespace around a value that
/// is no part of it, HTTP/2 must not (RFC 9113 section 8.2.1).
pub(crate) fn judge_values(fields: &HeaderMap) -> Result<(), Fault> {
    let is_trimmed = |value: &[u8]| bytes::trim(value).len() == value.len();
    if fields.values().all(|value| is_trimmed(value.as_bytes())) {
        Ok(())
    } else {
        Err(Fault::bad("whitespace around a field value"))
    }
}

/// Judges the trailers of a body by the rules for those behind chunks.
pub(crate) fn judge_trailers(trailers: &HeaderMap, limits: &Limits) -> Result<(), Fault> {
    judge_values(trailers)?;
    let mut judged = Chunks::default();
    for (name, value) in trailers {
        if judged.is_full(limits) {
            return Err(Fault::fields_too_large("too many trailer fields"));
        }
        let line = line(name.as_str().as_bytes(), value.as_bytes());
        if line.len() > limits.field_line() {
            return Err(Fault::fields_too_large("trailer line too long"));
        }
        judged.trailer(&line)?;
    }
    Ok(())
}

/// The same as HTTP/1.1 writes it, with the target in origin form.
fn request_line(parts: &Parts) -> Vec<u8> {
    let target = target(&parts.uri);
    let mut line = Vec::with_capacity(parts.method.as_str().len() + target.len() + 10);
    line.extend_from_slice(parts.method.as_str().as_bytes());
    line.push(b' ');
    line.extend_from_slice(target.as_bytes());
    line.extend_from_slice(b" HTTP/1.1");
    line
}

fn target(uri: &Uri) -> &str {
    uri.path_and_query().map_or("", |target| target.as_str())
}

fn field(head: &mut Head, (name, value): (&[u8], &[u8]), limits: &Limits) -> Result<(), Fault> {
    let line = line(name, value);
    if line.len() > limits.field_line() {
        return Err(Fault::fields_too_large("field line too long"));
    }
    head.field(&line)?;
    if head.count > limits.field_count() {
        return Err(Fault::fields_too_large("too many fields"));
    }
    Ok(())
}

fn line(name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(name.len() + value.len() + 2);
    line.extend_from_slice(name);
    line.extend_from_slice(b": ");
    line.extend_from_slice(value);
    line
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue, Request};

    use super::*;

    fn judge(uri: &str, fields: &[(&str, &str)]) -> Result<(), u16> {
        let mut request = Request::get(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let limits = Limits { line: Some(50), fields: Some(3), field_size: Some(40) };
        judge_stream(&parts, &limits).map_err(|fault| fault.status.as_u16())
    }

    #[test]
    fn what_http_1_refuses_is_refused_here_too() {
        let long = "x".repeat(50);
        for (uri, fields, expected) in [
            ("https://a/x?y=1", &[("accept", "*/*")][..], Ok(())),
            ("https://a/", &[("host", "A")], Ok(())),
            ("https://a/", &[("host", "b")], Err(400)),
            ("/", &[("host", "a")], Ok(())),
            ("/", &[], Err(400)),
            ("/", &[("host", "a b")], Err(400)),
            ("https://a/", &[("content-length", "1x")], Err(400)),
            ("https://a/", &[("content-length", "1"), ("content-length", "1")], Err(400)),
            ("https://a/", &[("content-type", "a/b"), ("content-type", "c/d")], Err(400)),
            ("https://a/", &[("expect", "miracles")], Err(417)),
            ("https://a/", &[("transfer-encoding", "gzip")], Err(501)),
            (&format!("https://a/{long}"), &[], Err(414)),
            ("https://a/", &[("x", &long)], Err(431)),
            ("https://a/", &[("a", "1"), ("b", "2"), ("c", "3")], Err(431)),
        ] {
            assert_eq!(judge(uri, fields), expected, "{uri} {fields:?}");
        }
    }

    fn fields(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let field = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        fields.iter().map(field).collect()
    }

    #[test]
    fn whitespace_around_a_value_is_refused() {
        for (value, is_good) in
            [("a b", true), ("a\tb", true), ("", true), (" a", false), ("a\t", false), (" ", false)]
        {
            assert_eq!(judge_values(&fields(&[("x", "y"), ("x", value)])).is_ok(), is_good, "{value:?}");
        }
    }

    #[test]
    fn trailers_that_http_1_refuses_are_refused_here_too() {
        let limits = Limits { fields: Some(2), field_size: Some(30), ..Limits::default() };
        for (trailers, expected) in [
            (&[("x-sum", "1"), ("server-timing", "a b")][..], Ok(())),
            (&[("content-length", "1")], Err(400)),
            (&[("x-sum", "1"), ("authorization", "x")], Err(400)),
            (&[("if-match", "x")], Err(400)),
            (&[("x-sum", " 1")], Err(400)),
            (&[("a", "1"), ("b", "2"), ("c", "3")], Err(431)),
            (&[("x-sum", "a value of more than thirty bytes")], Err(431)),
        ] {
            let judged = judge_trailers(&fields(trailers), &limits);
            assert_eq!(judged.map_err(|fault| fault.status.as_u16()), expected, "{trailers:?}");
        }
    }
}
