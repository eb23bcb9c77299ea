use std::{os::fd::OwnedFd, sync::Arc};

use nix::unistd::getpid;
use rwsgi_os::{self as os, ExitReason, Pid, Signal};

use crate::{Inheritance, orders::Post};

/// What a worker has from its master, whoever forked it.
#[derive(Debug)]
pub(crate) struct Estate {
    pub(crate) listeners: Vec<os::Listener>,
    pub(crate) scoreboard: Arc<os::Scoreboard>,
    pub(crate) lifeline: os::LifelineEnd,
    pub(crate) status: os::Status,
    pub(crate) master: Pid,
    pub(crate) generation: u32,
    pub(crate) workers: usize,
}

/// Whose the mold is that an order has come to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) master: Pid,
    pub(crate) generation: u32,
}

impl Estate {
    /// What has come to a mold with the order to fork a worker; `None` if something is missing.
    ///
    /// # Errors
    /// A descriptor is not what it should be, or there is no memory.
    pub(crate) fn receive(
        post: &Post,
        descriptors: Vec<OwnedFd>,
        origin: Origin,
    ) -> Result<Option<Self>, os::Error> {
        let mut descriptors = descriptors.into_iter();
        let (Some(status), Some(lifeline), Some(scoreboard)) =
            (descriptors.next(), descriptors.next(), descriptors.next())
        else {
            return Ok(None);
        };
        if descriptors.len() != post.addresses.len() {
            return Ok(None);
        }
        let listeners = descriptors.zip(&post.addresses);
        let listeners =
            listeners.map(|(descriptor, address)| os::Listener::received(descriptor, address.clone()));
        Ok(Some(Self {
            listeners: listeners.collect::<Result<_, _>>()?,
            scoreboard: Arc::new(os::Scoreboard::attach(&scoreboard)?),
            lifeline: lifeline.into(),
            status: status.into(),
            master: origin.master,
            generation: origin.generation,
            workers: post.workers,
        }))
    }

    /// In a worker: what it goes on with.
    pub(crate) fn into_inheritance(self, slot: usize, number: u64) -> Box<Inheritance> {
        die_with(self.master, Signal::SIGTERM);
        self.scoreboard.slot(slot).set_pid(getpid());
        Box::new(Inheritance {
            listeners: self.listeners,
            scoreboard: self.scoreboard,
            slot,
            number,
            generation: self.generation,
            status: self.status,
            lifeline: self.lifeline,
            master: self.master,
            workers: self.workers,
        })
    }
}

/// In a process whose parent is the master: ends with it by this signal, at once if it is gone already.
pub(crate) fn die_with(master: Pid, signal: Signal) {
    if !os::die_with_parent(master, signal) {
        os::exit_now(ExitReason::MasterGone);
    }
}
