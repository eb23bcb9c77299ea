//! How HTTP/2 is spoken.

use hyper::server::conn::http2::Builder;

use super::streams::Streams;

/// What of an answer hyper and the library below it hold for one stream, in bytes.
const SEND_BUFFER: usize = 128 * 1024;

/// What a client may send in all streams of a connection together before it waits, in bytes.
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Streams that a client may cancel before they have been looked at (CVE-2023-44487), and that it may make the server
/// cancel by its faults (CVE-2025-8671), before the connection is closed.
const RESETS: usize = 20;
const FAULTS: usize = 100;

/// The largest list of fields where nobody limits it, in bytes.
const UNLIMITED: u32 = 1 << 30;

/// Whether and how HTTP/2 is spoken (Gunicorn settings `http_protocols`, `http2_*`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http2 {
    /// Whether a client that a proxy would be may begin with HTTP/2 on a connection without TLS (RFC 9113 section 3.3): one
    /// whose forwarding headers count.
    pub prior_knowledge: bool,
    /// Requests at a time in a connection.
    pub concurrent_streams: u32,
    /// Bytes that a client may send in a stream before it waits until some have been taken.
    pub window: u32,
    /// The largest frame that a client may send, in bytes.
    pub frame: u32,
    /// The largest list of header fields, in bytes as RFC 9113 section 6.5.2 counts; `None`: any that fits the limits of HTTP/1.
    pub header_list: Option<u32>,
}

impl Default for Http2 {
    /// What Gunicorn has.
    fn default() -> Self {
        Self {
            prior_knowledge: false,
            concurrent_streams: 100,
            window: 65_535,
            frame: 16_384,
            header_list: Some(65_536),
        }
    }
}

impl Http2 {
    pub(super) fn builder(&self, streams: Streams) -> Builder<Streams> {
        let mut builder = Builder::new(streams);
        builder
            .max_concurrent_streams(self.concurrent_streams)
            .initial_stream_window_size(self.window)
            .initial_connection_window_size(CONNECTION_WINDOW.max(self.window))
            .max_frame_size(self.frame)
            .max_header_list_size(self.header_list.unwrap_or(UNLIMITED))
            .max_send_buf_size(SEND_BUFFER)
            .max_pending_accept_reset_streams(RESETS)
            .max_local_error_reset_streams(FAULTS);
        builder
    }
}
