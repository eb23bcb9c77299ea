//! The judge of what a client sends: request bytes go in, and out comes how many of them may be passed on to hyper.
//!
//! hyper parses leniently: bare LF, repeated Host, `gzip, chunked` and more. Where a proxy in front of this server reads
//! such bytes differently, a request can be smuggled through it. Here all that RFC 9110 and RFC 9112 let a server
//! refuse is refused. No I/O, no allocation, no clock.
//!
//! Read in this order: `scanner` (the stages of a connection), `request_line`, `fields`, `host`, `chunks`; `stream` (heads and trailers of HTTP/2); `outline` (what it
//! was made of); `bytes` (the character classes of the RFCs), `limits`, `fault`.

mod bytes;
mod chunks;
mod fault;
mod fields;
mod host;
mod limits;
mod outline;
mod request_line;
mod scanner;
mod stream;

#[cfg(test)]
mod tests;

pub(crate) use fault::Fault;
pub use limits::Limits;
pub(crate) use outline::{Outline, Span};
pub(crate) use scanner::{Place, Scan, Scanner};
pub(crate) use stream::{judge_stream, judge_trailers, judge_values};
