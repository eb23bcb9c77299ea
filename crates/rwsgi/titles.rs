//! What `ps` shows for the processes: what each is, and in brackets whose (Gunicorn's `proc_name`).

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
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Master => "master",
            Self::Worker => "worker",
            Self::Mold => "mold",
            Self::Reloader => "reloader",
        })
    }
}

/// The titles of the processes of one generation.
#[derive(Debug)]
pub(crate) struct Titles {
    name: String,
    predecessor: Option<Pid>,
}

impl Titles {
    pub(crate) fn new(config: &Config, launch: &Launch) -> Self {
        Self { name: config.process_name().to_owned(), predecessor: launch.predecessor() }
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

/// Gives this process a title before its settings are known.
pub(crate) fn show_nameless(part: Part) {
    set(&format!("{}: {part}", PROGRAM.name));
}

fn set(title: &str) {
    if !rwsgi_os::set_title(title) {
        tracing::debug!("the process has no title, for the kernel does not tell where its arguments are");
    }
}
