//! What is to be looked at on the way from Gunicorn.

use std::{ffi::OsString, path::PathBuf};

/// How Gunicorn is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Migration {
    /// By this command line.
    Command(OsString),
    /// By this unit of systemd.
    Unit(PathBuf),
}
