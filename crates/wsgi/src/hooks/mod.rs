//! Gunicorn's server hooks: which there are (`hook`), calling them (`calls`), and those round each request (`request`, `noted`).

mod calls;
mod hook;
mod noted;
mod request;

pub use calls::{Duties, HookError, Hooks, ServerFacts};
pub use hook::Hook;
pub(crate) use request::{RequestHooks, Visit};
