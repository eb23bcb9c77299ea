use std::{sync::Arc, time::Instant};

use rwsgi_os as os;

use crate::Policy;
#[cfg(doc)]
use crate::Role;

/// What a generation needs of its master.
#[derive(Debug)]
pub struct Prepared {
    /// How to supervise it.
    pub policy: Policy,
    /// Where it listens; what the server listens on already is kept.
    pub sockets: Vec<os::SocketPlan>,
}

/// Who is told in numbers how the server is.
#[derive(Debug, Clone)]
pub struct Numbers {
    /// Where they go.
    pub statsd: Arc<os::Statsd>,
    /// Whether the lengths of the listen queues are among them (Gunicorn's `enable_backlog_metric`).
    pub backlogs: bool,
}

/// What has come of reading the settings of a new generation.
#[derive(Debug)]
pub enum Preparation {
    /// They are good.
    Ready(Prepared),
    /// They are in a file that only a process with Python can read: the mold of the generation, which is forked now and sends them.
    NeedsMold,
    /// They are no good.
    Failed,
}

/// The program round the master, which alone knows settings, logs and the application. Whatever fails here the
/// program has told the log by the time it returns.
pub trait Program {
    /// A reload: reads the settings anew and checks them as far as that goes without the application; the running generation is not
    /// touched. Generations are numbered from 1, and no number comes twice; those that have neither failed nor are adopted nor given
    /// up are remembered, since workers of them may be forked at any time.
    fn prepare(&mut self, generation: u32) -> Preparation;

    /// The mold that [`Preparation::NeedsMold`] has asked for has executed the settings file, which says this. `None` when it is no
    /// good.
    fn settings(&mut self, generation: u32, json: String) -> Option<Prepared>;

    /// All workers serve this generation now: no worker of an earlier one will be forked again.
    fn adopt(&mut self, generation: u32);

    /// This generation will not be served: no worker of it will be forked again.
    fn give_up(&mut self, generation: u32);

    /// Who is told how the server is, by the newest generation that was adopted.
    fn numbers(&self) -> Option<Numbers> {
        None
    }

    /// When [`Program::look`] is wanted next if nothing happens; `None`: not at all.
    fn next_look(&self) -> Option<Instant> {
        None
    }

    /// Looks after what the program has outside of this process, such as files that may have changed. Called whenever something
    /// has happened, so it decides itself whether it is time.
    fn look(&mut self, _now: Instant) {}

    /// When a process for the program itself is to be forked, which goes on as [`Role::Helper`]; `None`: none is wanted now. Asked as
    /// long as the server serves.
    fn helper_due(&self) -> Option<Instant> {
        None
    }

    /// It was forked, and has this pid; `None`: the system has no process left.
    fn helper_forked(&mut self, _pid: Option<os::Pid>) {}

    /// `USR1`: opens the log files again.
    fn reopen_logs(&mut self);

    /// A child of this process has ended although the server serves. The program may have some of its own; the others are the
    /// master's affair.
    fn child_ended(&mut self, pid: os::Pid, ending: os::Ending);

    /// The master that this one was started by is gone: this one is the server now (Gunicorn's pid file loses
    /// its `.2`).
    fn promote(&mut self);
}
