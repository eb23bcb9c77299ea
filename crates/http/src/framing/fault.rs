//! Why bytes are refused.

use http::StatusCode;

/// What is wrong with what the client sent. Nothing that follows it on the connection can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The status to answer with.
    pub(crate) status: StatusCode,
    /// For the log of the server, never for the client; lower case.
    pub(crate) reason: &'static str,
}

impl Fault {
    /// The client went away, or said no more, before its request was complete.
    pub(super) const IN_HEAD: Self = Self::bad("the connection ended in a head");
    pub(super) const IN_BODY: Self = Self::bad("the connection ended in a body");

    /// Whether nothing is wrong but the end.
    pub(crate) fn is_truncation(&self) -> bool {
        [Self::IN_HEAD, Self::IN_BODY].contains(self)
    }

    /// 400: what most things are.
    pub(crate) const fn bad(reason: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, reason }
    }

    /// 414.
    pub(super) const fn uri_too_long(reason: &'static str) -> Self {
        Self { status: StatusCode::URI_TOO_LONG, reason }
    }

    /// 431 (RFC 6585 section 5).
    pub(super) const fn fields_too_large(reason: &'static str) -> Self {
        Self { status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, reason }
    }

    /// 501.
    pub(super) const fn not_implemented(reason: &'static str) -> Self {
        Self { status: StatusCode::NOT_IMPLEMENTED, reason }
    }
}
