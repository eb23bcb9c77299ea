use std::time::{Duration, Instant};

use crate::supervisor::Supervisor;

/// Who has not loaded the application in this time is not waited for.
const HEAD_START: Duration = Duration::from_secs(1);

impl Supervisor {
    /// Until when no more workers are forked that load the application: while nobody serves there are not more of them at a time than
    /// processors. All at once would be ready at about the same time, and nobody would be served until then.
    pub(super) fn head_start(&self) -> Option<Instant> {
        let workers = &self.crew.workers;
        let loading = workers.iter().filter(|worker| worker.process.is_starting()).count();
        let is_crowded = loading + self.crew.orders.len() >= self.processors;
        let loads = self.generations.find(self.base()).is_some_and(|generation| generation.direct);
        if !is_crowded || !loads || workers.iter().any(|worker| worker.process.is_ready()) {
            return None;
        }
        let starting = workers.iter().filter(|worker| worker.process.is_starting());
        let first = starting.map(|worker| worker.process.forked).min().unwrap_or(self.now);
        Some(first + HEAD_START).filter(|&end| end > self.now)
    }

    /// The same where somebody waits for it.
    pub(super) fn end_of_head_start(&self) -> Option<Instant> {
        self.head_start().filter(|_| self.seats.iter().any(|seat| self.is_unattended(seat)))
    }
}
