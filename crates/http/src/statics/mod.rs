//! Files below certain paths of URLs, sent without the handler.
//!
//! `options` (what is served), `target` (which file a path names), `service` (the way of a request), `memory` (small files that are wanted
//! often), `folder` (looking files up, off the loop), `found` (a file and its answers), `kinds` (media types), `lifetime` (how long
//! clients may keep it).

mod folder;
mod found;
mod kinds;
mod lifetime;
mod memory;
mod options;
mod service;
mod target;

pub use options::{Contents, Misses, StaticFiles, StaticFolder};
pub(crate) use service::Statics;
