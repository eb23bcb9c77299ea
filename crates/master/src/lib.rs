//! Supervision: forks the workers, replaces what dies, and ends them when the server ends.
//!
//! **Must not know** Python, tokio, HTTP or the configuration, and never starts a thread: a fork copies only
//! the one that calls it.
//! **Called by** the program, which hands over bound listeners and goes on as a worker where [`run`] returns
//! [`Role::Worker`].
//!
//! Read `role` and `program` (what comes in and out), `intent` (what a signal asks for), `event` (the border between
//! decisions and deeds), `supervisor` (the pure machine: events in, actions out, time passed in) with `worker` and
//! `backoff`; then `driver` and `children` (do what it says), `watch` (what wakes the master), `generations` (settings and sockets),
//! `nursery` and `estate` (forks), `molds` and `mold` (the two ends of what forks with Python in it, `orders` between them),
//! `first_mold` and `attendant` (before there is a master, and what happens in a server's life), `service` and `systemd`, `tally` (numbers), and `report` (the log).
#![forbid(unsafe_code)]

mod attendant;
mod backoff;
mod children;
mod driver;
mod estate;
mod event;
mod first_mold;
mod generations;
mod intent;
mod mold;
mod molds;
mod nursery;
mod orders;
mod policy;
mod program;
mod report;
mod role;
mod service;
mod supervisor;
mod systemd;
mod tally;
mod watch;
mod worker;

pub use self::{
    attendant::{Attendant, Occasion},
    driver::run,
    first_mold::{Beginning, FirstMold, Reply},
    mold::{Cast, Mold},
    molds::SETTINGS_LIMIT,
    policy::Policy,
    program::{Numbers, Preparation, Prepared, Program},
    role::{Error, Inheritance, Options, Role},
};
