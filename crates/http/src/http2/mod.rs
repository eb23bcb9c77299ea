//! HTTP/2 (RFC 9113): a connection with many requests at a time, each in a stream of its own.
//!
//! hyper reads and writes the frames. What is asked of a request and done about its answer is the same as with HTTP/1
//! (`pipeline`), and so are the limits: each stream has its own [`Activity`](crate::activity::Activity), by which its silence is judged.
//!
//! Read in this order: `options`, `knowledge` (who speaks it), `connection` (the story of a connection), `line` (its bytes), `frames`
//! (which of them are of answers), `streams` (its requests as tasks), `request` (one of them), `body` (the way back).

mod body;
mod connection;
mod frames;
mod knowledge;
mod line;
mod options;
mod request;
mod streams;

pub(crate) use knowledge::speaks_http2;
pub use options::Http2;
