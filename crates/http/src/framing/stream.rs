//! The head of a request that came in an HTTP/2 stream (RFC 9113 section 8), judged as if it had come in HTTP/1.1.
//!
//! What belongs to HTTP/2 alone, as the order of its pseudo-header fields or the case of names, the library that reads its frames
//! has seen to.

use http::request::Parts;
use http::uri::Uri;

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
    let mut line = Vec::with_capacity(name.len() + value.len() + 2);
    line.extend_from_slice(name);
    line.extend_from_slice(b": ");
    line.extend_from_slice(value);
    if line.len() > limits.field_line() {
        return Err(Fault::fields_too_large("field line too long"));
    }
    head.field(&line)?;
    if head.count > limits.field_count() {
        return Err(Fault::fields_too_large("too many fields"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::Request;

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
}
