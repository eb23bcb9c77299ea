//! Certificates from an authority: Pebble, which the people of Let's Encrypt test clients with, on loopback.

mod authority;
mod issuing;

pub(crate) use authority::Authority;
