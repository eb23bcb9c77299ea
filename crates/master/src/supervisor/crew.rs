use rwsgi_os::Pid;

use crate::worker::{Birth, Worker};

/// All workers that live, those that leave included, and those that are ordered.
#[derive(Debug)]
pub(super) struct Crew {
    pub(super) workers: Vec<Worker>,
    /// Forks that were ordered and not answered.
    pub(super) orders: Vec<Order>,
    slots: usize,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    pub(super) birth: Birth,
    /// How often the logs had been opened again when it was given.
    pub(super) logs: u32,
}

impl Crew {
    pub(super) fn with_slots(slots: usize) -> Self {
        Self { workers: Vec::new(), orders: Vec::new(), slots }
    }

    pub(super) fn slots(&self) -> usize {
        self.slots
    }

    pub(super) fn free_slot(&self) -> Option<usize> {
        let ordered = |slot| self.orders.iter().any(|order| order.birth.slot == slot);
        let used = |slot| self.workers.iter().any(|worker| worker.slot == slot);
        (0..self.slots).find(|&slot| !used(slot) && !ordered(slot))
    }

    pub(super) fn worker(&self, pid: Pid) -> Option<&Worker> {
        self.workers.iter().find(|worker| worker.process.pid == pid)
    }

    pub(super) fn worker_mut(&mut self, pid: Pid) -> Option<&mut Worker> {
        self.workers.iter_mut().find(|worker| worker.process.pid == pid)
    }

    pub(super) fn remove(&mut self, pid: Pid) -> Option<Worker> {
        let index = self.workers.iter().position(|worker| worker.process.pid == pid)?;
        Some(self.workers.swap_remove(index))
    }

    /// Takes the order that is answered off the list.
    pub(super) fn answered(&mut self, birth: Birth) -> Option<Order> {
        let index = self.orders.iter().position(|order| order.birth == birth)?;
        Some(self.orders.swap_remove(index))
    }

    pub(super) fn is_ready(&self, pid: Pid) -> bool {
        self.worker(pid).is_some_and(|worker| worker.process.is_ready())
    }

    pub(super) fn generation(&self, pid: Pid) -> Option<u32> {
        self.worker(pid).map(|worker| worker.process.generation)
    }

    /// The worker is to be replaced when there is time for it.
    pub(super) fn tire(&mut self, pid: Pid) {
        if let Some(worker) = self.worker_mut(pid) {
            worker.tired = true;
        }
    }
}
