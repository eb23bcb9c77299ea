//! From settings to how HTTP/2 is spoken.

use rwsgi_config::{Config, HttpVersion};
use rwsgi_http::Http2;

/// How it is spoken, if it is.
pub(crate) fn http2(config: &Config) -> Option<Http2> {
    let prior_knowledge = config.http2_cleartext.takes_prior_knowledge();
    let is_offered = config.http_protocols.contains(&HttpVersion::Http2);
    (prior_knowledge || is_offered).then(|| Http2 {
        prior_knowledge,
        concurrent_streams: config.http2_max_concurrent_streams,
        window: config.http2_initial_window_size,
        frame: config.http2_max_frame_size,
        header_list: config.http2_max_header_list_size.map(|bytes| u32::try_from(bytes).unwrap_or(u32::MAX)),
    })
}
