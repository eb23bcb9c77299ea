//! Starting, speaking to and ending a server.

mod builder;
mod client;
mod gate;
mod lines;
mod processes;
mod server;

use std::time::Duration;

pub(crate) use builder::{Builder, Failure};
pub(crate) use client::{Client, Response};
pub(crate) use gate::Gate;
pub(crate) use lines::Lines;
pub(crate) use processes::{
    children, cpu_ticks_of, have_sockets_in_common, resident_memory_of, sleeps_of, sockets_of, threads,
    title_of,
};
pub(crate) use server::Server;

/// How long a test waits for anything before it fails: far more than a busy machine needs, far less than the time-outs
/// that a server under test must not run into.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
