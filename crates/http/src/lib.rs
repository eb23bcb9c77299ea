//! Bytes to requests and answers to bytes: one accepted HTTP/1 connection at a time.
//!
//! What this room does: reads requests with hyper, collects their bodies, hands them over as [`Exchange`]s, writes the
//! answers, times out connections that are silent, writes the access log.
//! What it must not know: Python, processes, signals, settings, and who answers a request.
//! Who calls it: `worker`, with every connection that it accepts.
//!
//! Read in this order: `exchange` (the seam), `options`, `connection`, `lane`, `talk` and `parking` (the story of a connection); `head`, `encode` and
//! `date` (requests and answers without hyper); `inflow`,
//! `collect`, `spool` and `inlet` (request bodies); `answer`, `stream`, `overflow` and `reply` (the way back); `outgoing` and
//! `transport` (files), `x_sendfile` and `ranges`; `guard`, `framing` and `refusal` (what is let in), `activity` and
//! `patience` (silence); `proxies` and `trust` (whom to believe), `preface` and `proxy_header` (PROXY protocol), `forwarding`
//! and `forwarded` (headers of proxies); `health` and `page_server` (the server's own pages); `request_id`, `journal`, `record` and
//! `access_log` (what is told of requests). `bench` opens two private parts to the micro-benchmarks.

#![forbid(unsafe_code)]

mod access_log;
mod activity;
mod answer;
#[doc(hidden)]
pub mod bench;
mod closing;
mod collect;
mod connection;
mod date;
mod encode;
mod error;
mod exchange;
mod forwarded;
mod forwarding;
mod framing;
mod guard;
mod head;
mod health;
mod inflow;
mod inlet;
mod journal;
mod lane;
mod newcomer;
mod newcomers;
mod options;
mod outgoing;
mod overflow;
mod page_server;
mod parking;
mod patience;
mod peer;
mod preface;
mod proxies;
mod proxy_header;
mod ranges;
mod record;
mod refusal;
mod reply;
mod request_id;
mod room;
mod spool;
mod stream;
mod talk;
mod transport;
mod trust;
mod watch;
mod x_sendfile;

#[cfg(test)]
mod tests;

pub use access_log::{AccessLog, Format};
pub use answer::{Answer, Content};
pub use closing::Closing;
pub use collect::{Body, Budget};
pub use connection::Server;
pub use error::FormatError;
pub use exchange::{Exchange, Handler, Ticket, Wait};
pub use forwarding::{Origin, Scheme};
pub use framing::Limits;
pub use health::Health;
pub use inlet::Inlet;
pub use journal::{End, Finished, Journal, Meter};
pub use newcomer::{Newcomer, Unwatched, Watchable};
pub use newcomers::Newcomers;
pub use options::Options;
pub use outgoing::FileSpan;
pub use page_server::serve_metrics;
pub use patience::Timeouts;
pub use peer::{Local, Peer, Proxied};
pub use proxies::{ForwarderHeaders, HeaderMapPolicy, Proxies, ProxyProtocol};
pub use stream::{Buffering, Outlet, Stream};
pub use transport::Transport;
pub use trust::{PeerAddress, Trust};
