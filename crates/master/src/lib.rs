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
#![allow(dead_code, unreachable_pub)]

mod backoff;
mod event;
mod intent;
mod policy;
mod supervisor;
mod worker;

pub use self::policy::Policy;
