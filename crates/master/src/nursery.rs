use std::sync::Arc;

use nix::unistd::getpid;
use rwsgi_os::{self as os, ExitReason, Pid};

use crate::{Inheritance, Options, worker::Birth};

/// Forks workers, and holds what they inherit beside the listeners.
pub(crate) struct Nursery<'a> {
    options: Options<'a>,
    master: Pid,
    lifeline: os::Lifeline,
    scoreboard: Arc<os::Scoreboard>,
}

/// Requests that ended with their worker.
pub(crate) struct Lost {
    pub(crate) pid: Pid,
    pub(crate) requests: u64,
    /// Method and target of the one that began last.
    pub(crate) last: String,
}

/// On which side of the fork the caller is.
pub(crate) enum Born {
    /// The master, with the worker's pid and the end of its status pipe.
    Worker(Pid, os::StatusReader),
    /// The worker itself.
    Myself(os::Status),
}

impl<'a> Nursery<'a> {
    /// For up to `slots` workers at a time.
    pub(crate) fn open(options: Options<'a>, slots: usize) -> Result<Self, os::Error> {
        let (lifeline, scoreboard) = (os::Lifeline::open()?, os::Scoreboard::new(slots)?);
        Ok(Self { options, master: getpid(), lifeline, scoreboard: Arc::new(scoreboard) })
    }

    /// Forks one worker.
    pub(crate) fn fork(&self, birth: Birth) -> Result<Born, os::Error> {
        let (reader, status) = os::status_pipe()?;
        let slot = self.scoreboard.slot(birth.slot);
        // Before the fork, for the worker may be ready before the master runs again.
        slot.claim(birth.generation, os::Stage::Starting);
        match os::fork(self.options.hooks)? {
            os::Forked::Child => Ok(Born::Myself(status)),
            os::Forked::Parent(pid) => {
                slot.set_pid(pid);
                Ok(Born::Worker(pid, reader))
            }
        }
    }

    /// Nobody uses this slot of the scoreboard any more; what its worker was at when it ended.
    pub(crate) fn free_slot(&self, slot: usize) -> Option<Lost> {
        let signs = self.scoreboard.slot(slot);
        let (pid, requests) = (signs.pid(), signs.in_flight.load());
        let last = signs.request().filter(|_| requests > 0);
        self.scoreboard.clear(slot);
        last.map(|last| Lost { pid, requests, last: last.line })
    }

    /// In the worker: what it goes on with. The master's end of the lifeline is closed here.
    pub(crate) fn into_inheritance(
        self,
        birth: Birth,
        status: os::Status,
        listeners: Vec<os::Listener>,
    ) -> Inheritance {
        if !os::die_with_parent(self.master) {
            os::exit_now(ExitReason::MasterGone);
        }
        self.scoreboard.slot(birth.slot).set_pid(getpid());
        Inheritance {
            listeners,
            scoreboard: self.scoreboard,
            slot: birth.slot,
            number: birth.number,
            generation: birth.generation,
            status,
            lifeline: self.lifeline.into_end(),
            master: self.master,
            workers: self.options.workers.max(1),
        }
    }
}
