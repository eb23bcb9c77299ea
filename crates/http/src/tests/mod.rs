//! Connections over an in-memory pipe: what a client sends, what the handler gets, what comes back.
//!
//! Time is paused and moves on only when nothing else can happen, so that timeouts take no time and a test that would
//! wait for ever fails at once.

mod access;
mod bodies;
pub(crate) mod client;
mod closing;
mod compression;
mod descriptors;
mod files;
mod framing;
mod gone;
mod http2;
mod keep_alive;
mod lane;
mod lane_bodies;
mod memory;
mod own_pages;
mod play;
mod protection;
mod proxies;
mod refusals;
mod statics;
mod timeouts;
mod x_sendfile;
