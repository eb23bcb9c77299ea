use std::{fmt, sync::Arc};

use rwsgi_os as os;

use crate::{FirstMold, Mold, Policy};

/// With what the master begins.
pub struct Options<'a> {
    /// How the first generation is supervised.
    pub policy: Policy,
    /// What the log calls the kind of its workers (Gunicorn's `worker_class`).
    pub worker_class: &'static str,
    /// What the host does round a fork.
    pub hooks: &'a dyn os::ForkHooks,
    /// How this program was started, to start it anew.
    pub invocation: &'a os::Invocation,
    /// The master that started this one to take its place, unless it has ended.
    pub predecessor: Option<os::Pid>,
    /// The same one, even if it has ended: what systemd asked of it is asked of this one.
    pub giver: Option<os::Pid>,
    /// The mold of the first generation, which has told its settings.
    pub first_mold: Option<FirstMold>,
}

impl fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// As what the caller goes on. [`crate::run`] returns once in the master, at the very end, once in every
/// worker that the master forks and once in every mold and helper, at their start.
#[derive(Debug)]
pub enum Role {
    /// The server has ended.
    Master(os::ExitReason),
    /// This process is a worker: serve, then end with an [`os::ExitReason`]. Boxed, since it is larger than
    /// the other by far.
    Worker(Box<Inheritance>),
    /// This process is a mold: execute the settings file and send what it says, and wait until that is accepted; load the application;
    /// then [`Mold::serve`].
    Mold(Box<Mold>),
    /// This process is for the program itself, which has asked for it ([`crate::Program::helper_due`]). It holds nothing of the master's.
    Helper,
}

/// What a worker has from its master. It runs with [`os::boot_handlers`] until it installs its own, gets
/// `TERM` when the master dies, and holds no descriptor that is the master's alone.
#[derive(Debug)]
pub struct Inheritance {
    /// The bound listeners, shared with all other workers.
    pub listeners: Vec<os::Listener>,
    /// Everybody's life signs.
    pub scoreboard: Arc<os::Scoreboard>,
    /// Which slot of the scoreboard this worker writes; it moves the stage on from [`os::Stage::Starting`]
    /// itself.
    pub slot: usize,
    /// Workers are numbered from 1 as they are forked and no number comes twice (Gunicorn's `worker.age`).
    pub number: u64,
    /// Which generation of the configuration the worker serves, from 1.
    pub generation: u32,
    /// Tells the master that the worker is ready, or retiring.
    pub status: os::Status,
    /// Becomes readable when the master is gone.
    pub lifeline: os::LifelineEnd,
    /// The pid of the master.
    pub master: os::Pid,
    /// How many workers serve, for `wsgi.multiprocess`.
    pub workers: usize,
}

/// Why supervision could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A resource that every server needs is missing.
    #[error("cannot prepare the server process")]
    Prepare(#[from] os::Error),
    /// Waiting for signals and workers failed.
    #[error("cannot wait for the workers")]
    Wait(#[source] nix::Error),
}

impl Error {
    /// What the user can do about it, for a line that starts with `hint:`.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Prepare(cause) => cause.hint(),
            Self::Wait(_) => None,
        }
    }
}
