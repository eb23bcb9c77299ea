//! Supervision: forks the workers, replaces what dies, and ends them when the server ends.
//!
//! **Must not know** Python, tokio, HTTP or the configuration, and never starts a thread: a fork copies only
//! the one that calls it.
//! **Called by** the program, which hands over bound listeners and goes on as a worker where [`run`] returns
//! [`Role::Worker`].
//!
//! Read `role` (what comes out), `intent` (what a signal asks for), `supervisor` (the pure machine: events
//! in, actions out, time passed in) with `worker` and `backoff`, then `driver` (does what it says), `watch`
//! (what wakes the master), `nursery` (the fork) and `report` (the log).
#![forbid(unsafe_code)]

mod backoff;
mod driver;
mod intent;
mod nursery;
mod report;
mod role;
mod supervisor;
#[allow(dead_code)]
mod systemd;
mod watch;
mod worker;

pub use self::{
    driver::run,
    role::{Error, Inheritance, Options, Role},
};
