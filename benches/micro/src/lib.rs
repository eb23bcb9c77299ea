//! What the micro-benchmarks and the instruction counts measure, one short operation each.
//!
//! **Does:** gives the [`cases`], each ready to be run again and again: the bridge with requests and answers of several sizes,
//! the validator of request heads, a line of the access log, the settings, and a whole request through `http` and `wsgi`.
//! **Must not know:** how it is measured, sockets, processes, workers.
//! **Called by** the criterion benchmarks (`benches/micro.rs`, time) and `counted.rs`, which runs below
//! callgrind for `counts.py` (instructions).
//!
//! **Read in this order:** `cases`, `sample` (the requests), `python`, `bridge`, `wire` and `site` (a whole request).
#![forbid(unsafe_code)]

mod bridge;
mod cases;
mod python;
mod sample;
mod site;
mod wire;

pub use cases::{Case, cases};
pub use python::with_python;
