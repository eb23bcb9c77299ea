//! Compression of the application's answers, and of static files in memory.
//!
//! Which answers, and what becomes of their headers, is decided in `policy`; `compressed` is a body on its way, `encoder` the codings.

mod compressed;
mod encoder;
mod policy;

pub use compressed::Compressed;
pub use policy::Compression;
pub(crate) use policy::Wanted;

#[cfg(test)]
pub(crate) mod tests {
    pub(crate) use super::encoder::tests::{decode, noise, text};
    pub(crate) use super::policy::tests::compression;
}
