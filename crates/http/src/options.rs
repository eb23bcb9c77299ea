//! How connections are served, and what of it is hyper's business.

use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use rwsgi_message::Fields;

use crate::compression::Compression;
use crate::framing::Limits;
use crate::health::Health;
use crate::http2::Http2;
use crate::journal::Journal;
use crate::patience::Timeouts;
use crate::protection::Protection;
use crate::proxies::Proxies;
use crate::statics::StaticFiles;
use crate::stream::Buffering;
use crate::tls;

/// hyper's buffers may hold so much before it gives up: what they may by default, and what stands for "any amount".
const LEAST_BUFFER: usize = 8192 + 4096 * 100;
const UNLIMITED_HEAD: usize = 1 << 30;
/// The fields that hyper has room for without being told.
const HYPERS_FIELDS: usize = 100;
/// How connections are served.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a connection may be idle between two requests (Gunicorn setting `keepalive`); `None`: each
    /// connection serves one request.
    pub keep_alive: Option<Duration>,
    /// How slow clients may be.
    pub timeouts: Timeouts,
    /// How large the head of a request may be.
    pub limits: Limits,
    /// How many bytes the body of a request may have; `None`: any number.
    pub body_limit: Option<u64>,
    /// Memory in bytes for all request bodies that wait at the same time; beyond it they go to temporary files.
    pub body_memory: usize,
    /// Whether a request is handed over when its body is complete; otherwise as soon as its head is, and the body is read
    /// while it comes.
    pub request_buffering: bool,
    /// What of an answer waits for its client so that Python does not; request bodies that go to temporary files go to
    /// the same directory.
    pub buffering: Buffering,
    /// Whether files are sent by sendfile(2) (Gunicorn setting `sendfile`), or read and written.
    pub sendfile: bool,
    /// Directories out of which an application may have files sent by `X-Accel-Redirect`, whose path begins with the
    /// string, or `X-Sendfile`, whose path begins with the directory. Empty: both headers are passed on.
    pub sendfile_roots: Vec<(String, PathBuf)>,
    /// Files that are sent without asking the handler.
    pub statics: StaticFiles,
    /// How answers of the application are compressed; `None`: they are not.
    pub compression: Option<Compression>,
    /// Gives free memory back to the system. Called off the loop, now and then, when many connections have become idle.
    pub release_memory: fn(),
    /// How many bytes a socket has not got rid of (`SIOCOUTQ`), if the system can tell: whether a client reads.
    pub unsent: fn(BorrowedFd<'_>) -> Option<u64>,
    /// The value of the `Server` header; `None`: there is none.
    pub server: Option<HeaderValue>,
    /// Who is told of requests; `None`: nobody, which saves the time to gather what would be told.
    pub journal: Option<Journal>,
    /// The header by which requests are told apart: believed where it comes from a trusted peer, else made, and put into the
    /// answer too. `None`: there is none.
    pub request_id: Option<HeaderName>,
    /// Under which path the server says how it is; `None`: nowhere.
    pub health: Option<Health>,
    /// How HTTP/2 is spoken; `None`: it is not.
    pub http2: Option<Http2>,
    /// What is believed of proxies.
    pub proxies: Proxies,
    /// What is refused before the handler is asked.
    pub protection: Protection,
    /// Fields for every answer that has none of their names.
    pub headers: Arc<Fields>,
    /// By what connections are secured; `None`: they are in the clear.
    pub tls: Option<Arc<tls::Context>>,
    /// The value of `Strict-Transport-Security` in every answer (RFC 6797, which forbids it in the clear); `None`: there is none.
    pub hsts: Option<HeaderValue>,
}

/// The bytes of the largest head that passes.
fn head_size(limits: Limits) -> Option<usize> {
    let fields = limits.fields?.checked_mul(limits.field_size?.checked_add(2)?)?;
    fields.checked_add(limits.line?.checked_add(4)?)
}

pub(crate) fn builder(options: &Options) -> http1::Builder {
    let mut builder = http1::Builder::new();
    // Not `pipeline_flush`: with it hyper's write buffer has no bound, and a slow reader fills the memory.
    builder
        .title_case_headers(true)
        .keep_alive(options.keep_alive.is_some())
        .max_buf_size(head_size(options.limits).map_or(UNLIMITED_HEAD, |size| size.max(LEAST_BUFFER)));
    // hyper keeps up to 100 fields on its stack, and more at the price of an allocation for each request.
    let fields = options.limits.field_count();
    if fields > HYPERS_FIELDS {
        builder.max_headers(fields);
    }
    builder
}
