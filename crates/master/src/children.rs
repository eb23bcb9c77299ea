use std::{collections::VecDeque, time::Instant};

use rwsgi_os::{self as os, ExitReason};

use crate::{
    Mold, Role,
    driver::Driver,
    event::Event,
    nursery::{Born, Team},
    report,
    worker::Birth,
};

/// How the driver goes on after an action.
pub(crate) enum Next {
    /// Nothing is left to do.
    Wait,
    Finish(ExitReason),
    /// This is a child.
    Become(Child),
}

/// As what a process goes on that the master has just forked.
pub(crate) enum Child {
    Worker(Birth, os::Status),
    Mold(u32, os::Channel),
    Helper,
}

impl Driver<'_> {
    /// Forks a worker, or orders it from the mold.
    pub(crate) fn fork(&mut self, birth: Birth, events: &mut VecDeque<Event>) -> Option<Next> {
        let Self { nursery, watch, generations, .. } = self;
        if watch.molds.has_ready(birth.generation) {
            nursery.claim(birth);
            let workers = generations.workers(birth.generation);
            let bequest = nursery.bequest(workers, generations.listeners_of(birth.generation));
            // The answer comes from the mold.
            if let Err(error) = watch.molds.order(birth, &bequest) {
                report::failed(&error);
                events.push_back(Event::ForkFailed(birth));
            }
            return None;
        }
        events.push_back(match nursery.fork_worker(birth) {
            Ok(Born::Child(status)) => return Some(Next::Become(Child::Worker(birth, status))),
            Ok(Born::Parent(pid, reader)) => {
                watch.hear(pid, reader);
                Event::Forked(birth, pid)
            }
            Err(error) => {
                report::failed(&error);
                Event::ForkFailed(birth)
            }
        });
        None
    }

    pub(crate) fn start_mold(&mut self, generation: u32, events: &mut VecDeque<Event>) -> Option<Next> {
        events.push_back(match self.nursery.fork_mold() {
            Ok(Born::Child(channel)) => return Some(Next::Become(Child::Mold(generation, channel))),
            Ok(Born::Parent(pid, channel)) => {
                self.watch.molds.add(generation, pid, channel);
                Event::MoldForked(generation, pid)
            }
            Err(error) => {
                report::failed(&error);
                Event::MoldForkFailed(generation)
            }
        });
        None
    }

    /// Forks the process that the program wants for itself, if it is time.
    pub(crate) fn fork_helper(&mut self) -> Option<Child> {
        let due = self.helper_due().filter(|due| *due <= Instant::now());
        due?;
        let forked = match self.nursery.fork_helper() {
            Ok(os::Forked::Child) => return Some(Child::Helper),
            Ok(os::Forked::Parent(pid)) => Some(pid),
            Err(error) => {
                report::failed(&error);
                None
            }
        };
        self.program.helper_forked(forked);
        None
    }

    /// In a child: what it goes on with. Everything else that the driver holds is the master's, and closed here.
    pub(crate) fn become_child(self, child: Child) -> Role {
        match child {
            Child::Worker(birth, status) => {
                let generation = birth.generation;
                let workers = self.generations.workers(generation);
                let listeners = self.generations.into_listeners(generation);
                let estate = self.nursery.into_estate(status, Team { generation, workers, listeners });
                Role::Worker(estate.into_inheritance(birth.slot, birth.number))
            }
            Child::Helper => Role::Helper,
            Child::Mold(generation, channel) => {
                Role::Mold(Box::new(Mold::new(generation, self.nursery.master(), channel)))
            }
        }
    }
}
