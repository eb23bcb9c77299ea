//! The native binary from outside: each test starts a real server on port 0 and waits for what it does, never for time.
//!
//! Read `harness` first (how a server is started, spoken to and ended); then `starting` (command line, application,
//! addresses, Python), `serving` (requests, logs, threads, time-outs; `requests` has
//! raw ones as data, `fuzzing` many that are nearly right), `proxies` (nginx, HAProxy and what they say), `ending` (signals,
//! dying workers), `lifecycle` (all that changes a server under load), `reloading` (`--reload`), `systemd` (the units that we ship, under a real one).

#[cfg(test)]
mod acme;
#[cfg(test)]
mod ending;
#[cfg(test)]
mod fuzzing;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod http2;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod reloading;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod serving;
#[cfg(test)]
mod starting;
#[cfg(test)]
mod systemd;
