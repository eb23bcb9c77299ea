//! TLS below HTTP: what was read from files becomes a configuration, connections are secured with it, and requests learn of it.
//!
//! Nothing of rustls is known outside of this folder. Read in this order: `credentials` (with `keys`, `certificate` and `subject`),
//! `options` (with `suites`), `context` (with `names`, `clients` and `tickets`), `handshake`, `secured` and `facts`.

mod certificate;
mod clients;
mod context;
mod credentials;
mod facts;
mod flaw;
mod handshake;
mod keys;
mod names;
mod options;
mod secured;
mod subject;
mod suites;
mod tickets;

#[cfg(test)]
pub(crate) mod tests;

pub use context::{Context, Custody, Unusable};
pub use credentials::{Credentials, PairSource, Sources};
pub use facts::Facts;
pub use flaw::{Flaw, Part, Rejected};
pub(crate) use handshake::Established;
pub use options::{ClientCertificates, Options, Version};
pub use suites::CIPHERS;
pub use tickets::{SECRET, draw_secret};
