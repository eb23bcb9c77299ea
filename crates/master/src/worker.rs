use std::time::{Duration, Instant};

use rwsgi_os::Pid;

/// A child of the master as the supervisor sees it: a worker or a mold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    pub(crate) pid: Pid,
    /// Which generation of the configuration it was forked for.
    pub(crate) generation: u32,
    pub(crate) forked: Instant,
    /// When it said that it has loaded the application.
    pub(crate) ready: Option<Instant>,
    /// It is on its way out, whoever wanted it.
    pub(crate) leaving: Option<Leaving>,
    /// How often logs had been opened again when it was forked.
    pub(crate) logs: u32,
}

/// The way out of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leaving {
    /// When it is killed; none once it was, and while the server stops, which has a deadline for all.
    pub(crate) kill_at: Option<Instant>,
    /// Whether the master itself has sent it `KILL`.
    pub(crate) killed: bool,
    /// Whether it has said that it lets nobody in any more.
    pub(crate) closed: bool,
}

impl Process {
    /// It loads the application and nobody has given it up.
    pub(crate) fn is_starting(&self) -> bool {
        self.ready.is_none() && self.leaving.is_none()
    }

    /// It serves and takes new work.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.is_some() && self.leaving.is_none()
    }

    pub(crate) fn was_killed(&self) -> bool {
        self.leaving.is_some_and(|leaving| leaving.killed)
    }

    /// Whoever connects may be let in by it.
    pub(crate) fn may_accept(&self) -> bool {
        self.ready.is_some() && !self.leaving.is_some_and(|leaving| leaving.killed || leaving.closed)
    }

    /// When it is killed if it is still there.
    pub(crate) fn kill_at(&self) -> Option<Instant> {
        self.leaving.and_then(|leaving| leaving.kill_at)
    }

    /// From now on it is expected to end, at the latest when it is killed.
    pub(crate) fn leave(&mut self, kill_at: Option<Instant>) {
        let killed = self.was_killed();
        let closed = self.leaving.is_some_and(|leaving| leaving.closed);
        self.leaving = Some(Leaving { kill_at, killed, closed });
    }

    /// It lets nobody in any more, if it is on its way out.
    pub(crate) fn close(&mut self) {
        self.leaving.iter_mut().for_each(|leaving| leaving.closed = true);
    }

    /// It is sent `KILL`.
    pub(crate) fn kill(&mut self) {
        self.leave(None);
        self.leaving.iter_mut().for_each(|leaving| leaving.killed = true);
    }

    /// When it will have shown, or has shown, that it does not die at once; none if it does not serve.
    pub(crate) fn probation_end(&self) -> Option<Instant> {
        self.ready.filter(|_| self.leaving.is_none()).map(|ready| ready + PROBATION)
    }

    /// Whether it has served for so long that its end says nothing about the application.
    pub(crate) fn has_lasted(&self, now: Instant) -> bool {
        self.ready.is_some_and(|ready| now.saturating_duration_since(ready) >= LASTING)
    }
}

/// New code that dies at once must not have cost an old worker: a worker has to live for so long after it was
/// ready before others rely on it.
const PROBATION: Duration = Duration::from_millis(500);

/// A worker that ends sooner after it was ready counts as a failure, as if it had never been.
const LASTING: Duration = Duration::from_secs(5);

/// The master's view of one worker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Worker {
    pub(crate) process: Process,
    /// Its slot of the scoreboard.
    pub(crate) slot: usize,
    pub(crate) number: u64,
    /// It is to be replaced when there is time for it.
    pub(crate) tired: bool,
    pub(crate) pulse: Option<Pulse>,
}

/// When a worker's loop was last seen to turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pulse {
    pub(crate) turns: u64,
    pub(crate) since: Instant,
    /// When it was first woken since, to see whether it can turn.
    pub(crate) prodded: Option<Instant>,
}

/// The order to fork one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Birth {
    /// For which place.
    pub(crate) seat: usize,
    /// Which slot of the scoreboard it gets.
    pub(crate) slot: usize,
    /// Its number, never given twice.
    pub(crate) number: u64,
    /// For which generation of the configuration.
    pub(crate) generation: u32,
}
