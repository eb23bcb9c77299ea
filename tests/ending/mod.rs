//! How workers and the server end, and what comes after.
mod orphans;
mod stopping;
mod supervision;
