//! The head of a request.

use std::sync::Arc;

use http::{HeaderMap, Method, Uri, Version, request};

/// Method, target, version and header fields, whoever has read them.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// As it was sent; case matters.
    pub method: Method,
    /// The target as it was sent (RFC 9112 section 3.2).
    pub uri: Uri,
    /// 1.0, 1.1 or 2.
    pub version: Version,
    /// The fields. A client repeats most of them on a connection, so several requests may share them.
    pub headers: Arc<HeaderMap>,
}

impl From<request::Parts> for RequestHead {
    fn from(parts: request::Parts) -> Self {
        let request::Parts { method, uri, version, headers, .. } = parts;
        Self { method, uri, version, headers: Arc::new(headers) }
    }
}
