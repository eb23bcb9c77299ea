//! Certificates from an authority that gives them by itself (ACME, RFC 8555), such as Let's Encrypt.
//!
//! What this room does: orders a certificate for the domains of a site, proves that they lead here (TLS-ALPN-01, RFC 8737), keeps it in a
//! directory and renews it in time.
//! What it must not know: Python, the workers, settings, and how the server speaks TLS: it writes files that the server reads, and
//! looks from outside whether it has.
//! Who calls it: the program, in a process of its own.
//!
//! Read in this order: `keeper` (the story), `order`, `challenge`, `probe`, `store` (the files), `schedule`.

#![forbid(unsafe_code)]

mod challenge;
mod error;
mod keeper;
mod order;
mod probe;
mod schedule;
mod store;

pub use error::Error;
pub use keeper::{Options, keep};
pub use schedule::restart;
pub use store::Store;
