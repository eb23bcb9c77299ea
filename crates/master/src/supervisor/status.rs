use crate::{
    supervisor::{Phase, Supervisor},
    worker::Process,
};

/// The server in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Census {
    /// How many workers there should be.
    pub(crate) wanted: usize,
    pub(crate) ready: usize,
    pub(crate) starting: usize,
    /// Workers on their way out.
    pub(crate) retiring: usize,
    /// The generation that is served.
    pub(crate) generation: u32,
    pub(crate) reloading: bool,
}

impl Supervisor {
    pub(crate) fn status(&self) -> Census {
        let count =
            |of: fn(&Process) -> bool| self.crew.workers.iter().filter(|worker| of(&worker.process)).count();
        Census {
            wanted: if self.stopped { 0 } else { self.wanted(self.base()) },
            ready: count(Process::is_ready),
            starting: count(Process::is_starting),
            retiring: count(|process| process.leaving.is_some()),
            generation: self.generations.current,
            reloading: self.is_reloading(),
        }
    }

    /// Whether the server has not begun to stop.
    pub(crate) fn is_serving(&self) -> bool {
        self.phase == Phase::Serving
    }

    /// Whether the server does what it is for: a worker serves, or nobody is meant to, or somebody is about to
    /// without a history of failures.
    pub(crate) fn is_well(&self) -> bool {
        let on_purpose = self.phase != Phase::Serving || self.stopped || self.waiting || !self.ever_ready;
        let serves = self.crew.workers.iter().any(|worker| worker.process.is_ready());
        on_purpose || serves || self.is_starting()
    }

    /// The first failure is retried at once; from the second on it is no start but a storm of crashes.
    fn is_starting(&self) -> bool {
        let loads = |pid| self.find_process(pid).is_some_and(Process::is_starting);
        let seat = self.seats.iter().any(|seat| {
            let coming = seat.candidates.iter().any(|candidate| candidate.pid.is_none_or(loads));
            coming && seat.backoff.failures() <= 1
        });
        let mold = self.molds.all.iter().map(|mold| &mold.process).any(|mold| {
            let failures = self.generations.find(mold.generation).map(|known| known.mold_backoff.failures());
            mold.is_starting() && failures.is_some_and(|failures| failures <= 1)
        });
        seat || mold
    }
}
