//! How workers and the server end, and what comes after.
mod memory;
mod orphans;
mod preload;
mod reload;
mod stopping;
mod supervision;
mod upgrade;
