//! The head of a plain request, made of the places that the scanner has found.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, request};

use crate::framing::{Outline, Span};

/// The head as the parser would give it; `None` leaves it to the parser.
pub(crate) fn read(bytes: &[u8], outline: &Outline) -> Option<request::Parts> {
    let shared = Bytes::copy_from_slice(bytes);
    let part = |span: Span| shared.slice(span.range());
    let (mut head, ()) = Request::new(()).into_parts();
    head.method = Method::from_bytes(&bytes[outline.method().range()]).ok()?;
    head.uri = Uri::from_maybe_shared(part(outline.target())).ok()?;
    head.headers = HeaderMap::try_with_capacity(outline.fields().len()).ok()?;
    for (name, value) in outline.fields() {
        let name = HeaderName::from_bytes(&bytes[name.range()]).ok()?;
        let value = HeaderValue::from_maybe_shared(part(*value)).ok()?;
        head.headers.try_append(name, value).ok()?;
    }
    Some(head)
}
