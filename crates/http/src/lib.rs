//! Bytes to requests and answers to bytes: one accepted HTTP/1 connection at a time.
//!
//! What this room does: reads requests with hyper, collects their bodies, hands them over as [`Exchange`]s, writes the
//! answers, sends static files by itself, times out connections that are silent, writes the access log.
//! What it must not know: Python, processes, signals, settings, and who answers a request.
//! Who calls it: `worker`, with every connection that it accepts.
//!
//! Read in this order: `exchange` (the seam), `options`, `connection`, `lane`, `talk` and `parking` (the story of a connection), `pipeline` (that of a request); `head`, `encode` and
//! `date` (requests and answers without hyper); `arriving`, `inflow`,
//! `collect`, `spool` and `inlet` (request bodies); `answer`, `stream`, `overflow` and `reply` (the way back); `outgoing` and
//! `transport` (files), `x_sendfile`, `statics`, `root`, `descriptors`, `conditions` and `ranges`; `codings` and `compression`; `guard`, `framing` and `refusal` (what is let in), `activity` and
//! `patience` (silence); `proxies` and `trust` (whom to believe), `preface` and `proxy_header` (PROXY protocol), `ahead` (what was read to see what is spoken), `forwarding`
//! and `forwarded` (headers of proxies); `protection` (what is refused before the application is asked); `health` and `page_server` (the
//! server's own pages); `request_id`, `journal`, `record` and `access_log` (what is told of requests). `http2` (many requests at a time), `redirect` (the way to HTTPS) and `tls` (its folder says how to read it).
//! `bench` opens two private parts to the micro-benchmarks.

#![forbid(unsafe_code)]

mod access_log;
mod activity;
mod ahead;
mod answer;
mod arriving;
#[doc(hidden)]
pub mod bench;
mod closing;
mod codings;
mod collect;
mod compression;
mod conditions;
mod connection;
mod date;
mod descriptors;
mod encode;
mod error;
mod exchange;
mod forwarded;
mod forwarding;
mod framing;
mod guard;
mod head;
mod health;
mod http2;
mod inflow;
mod inlet;
mod journal;
mod lane;
mod linger;
mod newcomer;
mod newcomers;
mod options;
mod outgoing;
mod overflow;
mod page_server;
mod parking;
mod patience;
mod peer;
mod pipeline;
mod preface;
mod protection;
mod proxies;
mod proxy_header;
mod ranges;
mod record;
mod redirect;
mod refusal;
mod reply;
mod request_id;
mod room;
mod root;
mod spool;
mod statics;
mod stream;
mod talk;
pub mod tls;
mod transport;
mod trust;
mod watch;
mod x_sendfile;

#[cfg(test)]
mod tests;

pub use access_log::{AccessLog, Format};
pub use answer::{Answer, Content, Part};
pub use closing::Closing;
pub use codings::Coding;
pub use collect::{Body, Budget};
pub use compression::{Compressed, Compression};
pub use connection::Server;
pub use error::FormatError;
pub use exchange::{Exchange, Handler, Ticket, Wait};
pub use forwarding::{Origin, Scheme};
pub use framing::Limits;
pub use health::Health;
pub use http2::Http2;
pub use inlet::Inlet;
pub use journal::{End, Finished, Journal, Meter};
pub use newcomer::{Newcomer, Unwatched, Watchable};
pub use newcomers::Newcomers;
pub use options::Options;
pub use outgoing::FileSpan;
pub use page_server::serve_metrics;
pub use patience::Timeouts;
pub use peer::{Local, Peer, Proxied};
pub use protection::{DeniedPaths, Hosts, Pace, Protection, RateLimit, RateLimits, RateTable};
pub use proxies::{ForwarderHeaders, HeaderMapPolicy, Proxies, ProxyProtocol};
pub use redirect::Redirect;
pub use statics::{Contents, Misses, StaticFiles, StaticFolder};
pub use stream::{Buffering, Outlet, Stream};
pub use transport::Transport;
pub use trust::{PeerAddress, Trust};
