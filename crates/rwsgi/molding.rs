//! A mold whose settings are in Python: it executes the file, and is what the file's objects live in.

use std::env;
use std::io::PipeWriter;
use std::path::Path;

use rwsgi_config::{Draft, File, Settled};
use rwsgi_master::{Cast, Inheritance, Mold};
use rwsgi_os::{ExitReason, exit_now};
use rwsgi_worker::{Preloaded, Source};
use rwsgi_wsgi::{Embedding, FileError, Hooks, SettingsFile, SettingsSource};

use crate::error::Error;
use crate::hooks::{self, Attending};
use crate::plan::Plan;
use crate::roles::{self, Loaded};
use crate::{Host, allow_descriptors, home, logging, privileges, reloader, site, ui};

/// What a mold begins with.
pub(crate) struct Molding<'a> {
    pub(crate) draft: &'a Draft,
    pub(crate) source: &'a SettingsSource,
    /// Where the program was started.
    pub(crate) directory: &'a Path,
    pub(crate) host: Host,
    /// How the reloader is told of modules, if this process has not got that from the master.
    pub(crate) reports: Option<PipeWriter>,
}

/// The file, executed, and what it defines.
struct Executed {
    file: SettingsFile,
    json: String,
}

/// Executes the file, gets ready when the master says so, and forks workers until the mold is not needed any more. Returns in each of the
/// workers too, when that has ended.
pub(crate) fn cast(mold: Mold, molding: Molding<'_>) -> ExitReason {
    rwsgi_wsgi_after_start(&molding, |molding| evaluate(mold, molding))
}
