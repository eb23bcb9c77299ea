//! How large the parts of a request may be that have to be in memory as a whole.

/// Bytes of a request line when nobody limits it: the longest target that `http::Uri` takes, 65,534 bytes, and some
/// for its method and version.
const REQUEST_LINE: usize = 66 * 1024;

/// Fields of a head when nobody limits them: `http::HeaderMap` cannot hold more than 24,576.
const FIELDS: usize = 24_000;

/// Bytes of the line with a chunk's size.
const SIZE_LINE: usize = 16 * 1024;

/// How large a request's head may be; `None`: as large as the libraries below can take.
///
/// `fields` times `field_size` bounds a head, so that one whose limits are both given needs no third.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the request line without its line end (Gunicorn setting `limit_request_line`). Beyond: 414.
    pub line: Option<usize>,
    /// Header fields, and trailer fields (Gunicorn setting `limit_request_fields`). Beyond: 431.
    pub fields: Option<usize>,
    /// Bytes of a field line, name and value, without its line end (Gunicorn setting `limit_request_field_size`).
    /// Beyond: 431.
    pub field_size: Option<usize>,
}

impl Default for Limits {
    /// What Gunicorn has.
    fn default() -> Self {
        Self { line: Some(4094), fields: Some(100), field_size: Some(8190) }
    }
}

impl Limits {
    pub(super) fn request_line(&self) -> usize {
        self.line.unwrap_or(REQUEST_LINE).min(REQUEST_LINE)
    }

    /// The most fields that pass.
    pub(crate) fn field_count(&self) -> usize {
        self.fields.unwrap_or(FIELDS).min(FIELDS)
    }

    pub(super) fn field_line(&self) -> usize {
        self.field_size.unwrap_or(usize::MAX)
    }

    pub(super) fn size_line(&self) -> usize {
        self.field_line().min(SIZE_LINE)
    }
}
