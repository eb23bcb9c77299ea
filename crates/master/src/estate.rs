use std::sync::Arc;

use nix::unistd::getpid;
use rwsgi_os::{self as os, ExitReason, Pid};

use crate::Inheritance;

/// What every worker of a generation has from its master, and a mold holds for its workers.
#[derive(Debug)]
pub(crate) struct Estate {
    pub(crate) listeners: Vec<os::Listener>,
    pub(crate) scoreboard: Arc<os::Scoreboard>,
    pub(crate) lifeline: os::LifelineEnd,
    pub(crate) master: Pid,
    pub(crate) generation: u32,
    pub(crate) workers: usize,
}

impl Estate {
    /// In a process just forked, whose parent is the master: ends with it, at once if it is gone already.
    pub(crate) fn die_with_master(&self) {
        if !os::die_with_parent(self.master) {
            os::exit_now(ExitReason::MasterGone);
        }
    }

    /// In a worker: what it goes on with.
    pub(crate) fn into_inheritance(self, slot: usize, number: u64, status: os::Status) -> Box<Inheritance> {
        self.die_with_master();
        self.scoreboard.slot(slot).set_pid(getpid());
        Box::new(Inheritance {
            listeners: self.listeners,
            scoreboard: self.scoreboard,
            slot,
            number,
            generation: self.generation,
            status,
            lifeline: self.lifeline,
            master: self.master,
            workers: self.workers,
        })
    }
}
