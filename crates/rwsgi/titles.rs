//! What `ps` shows for the processes: what each is, and in brackets whose (Gunicorn's `proc_name`).

use std::ffi::OsString;
use std::fmt;

use rwsgi_config::Config;
use rwsgi_os::Pid;

use crate::PROGRAM;
use crate::launch::Launch;

/// What a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Master,
    Worker,
    Mold,
    Reloader,
    Keeper,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Master => "master",
            Self::Worker => "worker",
            Self::Mold => "mold",
            Self::Reloader => "reloader",
            Self::Keeper => "certificates",
        })
    }
}

/// The titles of the processes of one generation.
#[derive(Debug)]
pub(crate) struct Titles {
    name: String,
    arguments: Vec<OsString>,
    predecessor: Option<Pid>,
}

impl Titles {
    pub(crate) fn new(config: &Config, launch: &Launch) -> Self {
        Self {
            name: config.process_name().to_owned(),
            arguments: launch.arguments().to_owned(),
            predecessor: launch.predecessor(),
        }
    }

    /// See [`share`].
    pub(crate) fn share(&self) {
        share(&self.arguments);
    }

    /// Gives this process its title: the master, or a child of it.
    pub(crate) fn show(&self, part: Part) {
        let master = if part == Part::Master { Pid::this() } else { Pid::parent() };
        // Asked anew each time: a mold does not hear that the predecessor has gone.
        let is_second = self.predecessor.is_some_and(|pid| rwsgi_os::parent_of(master) == Some(pid));
        let suffix = if is_second { ".2" } else { "" };
        set(&format!("{}: {part} [{}{suffix}]", PROGRAM.name, self.name));
    }
}

/// Where Python has just come to be: the application may set titles too, if it has the package for it, which looks for the command
/// line where ours is. It looks once, and would do nothing from then on.
pub(crate) fn share(arguments: &[OsString]) {
    if rwsgi_wsgi::has_setproctitle() {
        rwsgi_os::without_title(arguments, rwsgi_wsgi::begin_setproctitle);
    }
}

/// Gives this process a title before its settings are known.
pub(crate) fn show_nameless(part: Part) {
    set(&format!("{}: {part}", PROGRAM.name));
}

fn set(title: &str) {
    if !rwsgi_os::set_title(title) {
        tracing::debug!("the process has no title, for the kernel does not tell where its arguments are");
    }
}
