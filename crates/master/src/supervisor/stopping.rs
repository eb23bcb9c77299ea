use std::time::{Duration, Instant};

use rwsgi_os::{ExitReason, Pid, Signal};

use crate::{
    event::{Action, Fact, Word},
    supervisor::Supervisor,
    worker::Process,
};

/// How long workers have when the server is to end soon.
const QUICK: Duration = Duration::from_secs(2);

/// How long the last words (`on_exit`) may take when the workers have used up the time.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How long killed workers have to disappear.
const BURIAL: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Serving,
    Stopping(Stopping),
    Finished,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stopping {
    /// What everybody was told last: `TERM`, `QUIT` or `KILL`.
    signal: Signal,
    /// When more is done about those that are left.
    pub(super) deadline: Instant,
    reason: ExitReason,
    /// The workers are gone, and the molds that have outlived them are to follow.
    last_words: bool,
}

impl Supervisor {
    /// Sees everybody out with `TERM` (they finish what they have) or `QUIT` (they have two seconds).
    pub(super) fn stop(&mut self, signal: Signal, reason: ExitReason) {
        if self.phase != Phase::Serving {
            return;
        }
        let graceful = self.generations.policy(self.base()).graceful_timeout;
        let patience = if signal == Signal::SIGTERM { graceful } else { graceful.min(QUICK) };
        self.phase =
            Phase::Stopping(Stopping { signal, deadline: self.now + patience, reason, last_words: false });
        self.drop_reload();
        self.out.push(Action::CloseListeners);
        self.tell(self.upgrade.successor().map_or(Word::Stopping, Word::MainPid));
        for pid in self.pids_to_end() {
            self.see_out(pid);
        }
    }

    /// Tells one process what all are told, unless it was told that before.
    pub(super) fn see_out(&mut self, pid: Pid) {
        let Phase::Stopping(Stopping { signal, .. }) = self.phase else { return };
        let Some(process) = self.find_process(pid).copied() else { return };
        if process.was_killed() || signal == Signal::SIGTERM && process.leaving.is_some() {
            return;
        }
        match signal {
            Signal::SIGKILL => {
                self.processes_mut().filter(|process| process.pid == pid).for_each(|it| it.kill())
            }
            _ if process.leaving.is_none() => self.leave(pid, None),
            _ => {}
        }
        self.send_away(pid, signal);
    }

    /// Asked to end soon while everybody is finishing: two seconds; asked for that again: none.
    pub(super) fn hasten(&mut self) {
        let Phase::Stopping(stopping) = &mut self.phase else { return };
        match stopping.signal {
            Signal::SIGTERM => {
                stopping.signal = Signal::SIGQUIT;
                stopping.deadline = stopping.deadline.min(self.now + QUICK);
                for pid in self.pids_to_end() {
                    self.see_out(pid);
                }
            }
            Signal::SIGQUIT => stopping.deadline = self.now,
            _ => {}
        }
    }

    /// Ends the server when nobody is left, kills those that take too long.
    pub(super) fn press(&mut self) {
        self.kill_overdue();
        let Phase::Stopping(stopping) = self.phase else { return };
        // The answer to an order is on its way, and may bring somebody to see out. Where a mold keeps it back for too long,
        // that one's end is the answer.
        let ordered =
            !self.crew.orders.is_empty() || !self.molds.orders.is_empty() || self.upgrade.is_ordered();
        let workers = self.pids_to_end().len();
        if workers == 0 && !ordered {
            if stopping.last_words || self.processes().next().is_none() {
                return self.finish(stopping.reason);
            }
            let deadline = stopping.deadline.max(self.now + LAST_WORDS);
            let last = Stopping { signal: Signal::SIGTERM, deadline, last_words: true, ..stopping };
            self.phase = Phase::Stopping(last);
            return self.dismiss_attendants();
        }
        if self.now < stopping.deadline {
            return;
        }
        if stopping.signal == Signal::SIGKILL {
            self.log(Fact::Unkillable { workers });
            return self.finish(stopping.reason);
        }
        // A mold that has not answered by now is stuck in a hook.
        let pids = if ordered { self.processes().map(|it| it.pid).collect() } else { self.pids_to_end() };
        let left = pids.iter().filter(|&&pid| !self.was_killed(pid)).count();
        let deadline = self.now + BURIAL;
        self.phase = Phase::Stopping(Stopping { signal: Signal::SIGKILL, deadline, ..stopping });
        if left > 0 {
            self.log(Fact::Killing { workers: left });
        }
        for pid in pids {
            self.see_out(pid);
        }
    }

    fn was_killed(&self, pid: Pid) -> bool {
        self.find_process(pid).is_some_and(Process::was_killed)
    }

    fn finish(&mut self, reason: ExitReason) {
        self.phase = Phase::Finished;
        self.out.push(Action::Finish(reason));
    }

    /// Those that are to end: all but the molds that outlive the workers.
    fn pids_to_end(&self) -> Vec<Pid> {
        let pids = self.processes().map(|process| process.pid);
        pids.filter(|&pid| !self.is_attendant(pid)).collect()
    }
}
