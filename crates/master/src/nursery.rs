use std::{
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use nix::unistd::getpid;
use rwsgi_os::{self as os, Pid};

use crate::{estate::Estate, event::Vitals, molds::Bequest, worker::Birth};

/// Forks workers and molds, and holds what they inherit beside the listeners.
pub(crate) struct Nursery<'a> {
    hooks: &'a dyn os::ForkHooks,
    master: Pid,
    lifeline: os::Lifeline,
    scoreboard: Arc<os::Scoreboard>,
    /// By which workers attach to it that a mold forks.
    shared_scoreboard: OwnedFd,
    /// What workers have answered whose slots are free again.
    answered: u64,
}

/// Requests that ended with their worker.
pub(crate) struct Lost {
    pub(crate) pid: Pid,
    pub(crate) requests: u64,
    /// Method and target of the one that began last.
    pub(crate) last: String,
}

/// The generation that a worker is forked for.
pub(crate) struct Team {
    pub(crate) generation: u32,
    /// How many serve.
    pub(crate) workers: usize,
    pub(crate) listeners: Vec<os::Listener>,
}

/// On which side of the fork the caller is.
pub(crate) enum Born<P, C> {
    /// The master, with the child's pid and the master's end of what connects them.
    Parent(Pid, P),
    /// The child, with the other end.
    Child(C),
}

impl<'a> Nursery<'a> {
    /// For up to `slots` workers at a time.
    pub(crate) fn open(hooks: &'a dyn os::ForkHooks, slots: usize) -> Result<Self, os::Error> {
        let lifeline = os::Lifeline::open()?;
        let (scoreboard, shared_scoreboard) = os::Scoreboard::shared(slots)?;
        let (scoreboard, master) = (Arc::new(scoreboard), getpid());
        Ok(Self { hooks, master, lifeline, scoreboard, shared_scoreboard, answered: 0 })
    }

    /// Lets the workers know that nobody will serve in their place.
    pub(crate) fn announce_end(&self) {
        self.scoreboard.end();
    }

    /// Lets the workers of these generations know that listeners which only they have are about to be closed.
    pub(crate) fn announce_turning_away(&self, is_concerned: impl Fn(u32) -> bool) {
        self.scoreboard.turn_away(is_concerned);
    }

    /// Forks one worker into its slot.
    pub(crate) fn fork_worker(&self, birth: Birth) -> Result<Born<os::StatusReader, os::Status>, os::Error> {
        let (reader, status) = os::status_pipe()?;
        self.claim(birth);
        match os::fork(self.hooks)? {
            os::Forked::Child => Ok(Born::Child(status)),
            os::Forked::Parent(pid) => {
                self.settle(birth, pid);
                Ok(Born::Parent(pid, reader))
            }
        }
    }

    /// Forks a mold.
    pub(crate) fn fork_mold(&self) -> Result<Born<os::Channel, os::Channel>, os::Error> {
        // Else the workers that it forks would not be children of this process.
        os::adopt_orphans()?;
        let (ours, theirs) = os::Channel::pair()?;
        match os::fork(self.hooks)? {
            os::Forked::Child => Ok(Born::Child(theirs)),
            os::Forked::Parent(pid) => Ok(Born::Parent(pid, ours)),
        }
    }

    /// Forks a process that is none of the master's affair.
    pub(crate) fn fork_helper(&self) -> Result<os::Forked, os::Error> {
        os::fork(self.hooks)
    }

    /// Takes the slot for a worker about to be forked: it may be ready before the master runs again.
    pub(crate) fn claim(&self, birth: Birth) {
        self.scoreboard.slot(birth.slot).claim(birth.generation, os::Stage::Starting);
    }

    /// The worker was forked.
    pub(crate) fn settle(&self, birth: Birth, pid: Pid) {
        self.scoreboard.slot(birth.slot).set_pid(pid);
    }

    /// Nobody uses this slot of the scoreboard any more; what its worker was at when it ended.
    pub(crate) fn free_slot(&mut self, slot: usize) -> Option<Lost> {
        let signs = self.scoreboard.slot(slot);
        let (pid, requests) = (signs.pid(), signs.in_flight.load());
        let last = signs.request().filter(|_| requests > 0);
        self.answered += signs.requests.load();
        self.scoreboard.clear(slot);
        last.map(|last| Lost { pid, requests, last: last.line })
    }

    /// The life signs of all workers that are ready.
    pub(crate) fn vitals(&self, with_memory: bool) -> Vec<(Pid, Vitals)> {
        let ready = self.scoreboard.slots().iter().filter(|slot| slot.stage() == os::Stage::Ready);
        let vitals = |slot: &os::Slot| Vitals {
            turns: slot.turns.load(),
            asleep: slot.asleep.load() != 0,
            memory: with_memory.then(|| os::resident_memory(slot.pid())).flatten(),
        };
        ready.map(|slot| (slot.pid(), vitals(slot))).collect()
    }

    /// How many requests were answered since the start.
    pub(crate) fn answered(&self) -> u64 {
        self.answered + self.scoreboard.slots().iter().map(|slot| slot.requests.load()).sum::<u64>()
    }

    pub(crate) fn scoreboard(&self) -> &os::Scoreboard {
        &self.scoreboard
    }

    /// What a worker gets that is forked from a mold, one of so many.
    pub(crate) fn bequest<'b>(&'b self, workers: usize, listeners: Vec<&'b os::Listener>) -> Bequest<'b> {
        Bequest {
            lifeline: self.lifeline.as_fd(),
            scoreboard: self.shared_scoreboard.as_fd(),
            listeners,
            workers,
        }
    }

    pub(crate) fn master(&self) -> Pid {
        self.master
    }

    /// In a worker: what it has from its master. The master's end of the lifeline is closed.
    pub(crate) fn into_estate(self, status: os::Status, team: Team) -> Estate {
        let Self { master, lifeline, scoreboard, .. } = self;
        let Team { generation, workers, listeners } = team;
        Estate { listeners, scoreboard, lifeline: lifeline.into_end(), status, master, generation, workers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_only_when_asked_for() {
        let nursery = Nursery::open(&os::NoHooks, 1).unwrap();
        nursery.scoreboard.slot(0).claim(1, os::Stage::Ready);
        nursery.scoreboard.slot(0).set_pid(getpid());
        let memory = |with_memory| nursery.vitals(with_memory)[0].1.memory;
        assert_eq!(memory(false), None);
        assert!(memory(true).is_some_and(|bytes| bytes > 100 * 1024));
    }
}
