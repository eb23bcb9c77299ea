//! The heads of plain requests, made of the places that the scanner has found.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};
use rwsgi_message::RequestHead;

use crate::framing::{Outline, Span};

/// What a connection remembers of its last head, since a client repeats its fields, and many their target.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    target: Vec<u8>,
    uri: Uri,
    headers: Arc<HeaderMap>,
}

impl Heads {
    /// The head as the parser would give it; `None` leaves it to the parser.
    pub(crate) fn read(&mut self, bytes: &[u8], outline: &Outline) -> Option<RequestHead> {
        let method = Method::from_bytes(&bytes[outline.method().range()]).ok()?;
        let target = &bytes[outline.target().range()];
        if self.target != target {
            self.uri = Uri::try_from(target).ok()?;
            self.target.clear();
            self.target.extend_from_slice(target);
        }
        if !outline.repeats() {
            self.headers = Arc::new(headers(bytes, outline)?);
        }
        let (uri, headers) = (self.uri.clone(), Arc::clone(&self.headers));
        Some(RequestHead { method, uri, version: Version::HTTP_11, headers })
    }
}

fn headers(bytes: &[u8], outline: &Outline) -> Option<HeaderMap> {
    let shared = Bytes::copy_from_slice(bytes);
    let value = |span: Span| HeaderValue::from_maybe_shared(shared.slice(span.range()));
    let mut headers = HeaderMap::try_with_capacity(outline.fields().len()).ok()?;
    for (name, span) in outline.fields() {
        headers.try_append(HeaderName::from_bytes(&bytes[name.range()]).ok()?, value(*span).ok()?).ok()?;
    }
    Some(headers)
}
