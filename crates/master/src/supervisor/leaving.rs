use std::time::{Duration, Instant};

use rwsgi_os::{Pid, Signal};

use crate::{
    event::{Action, Fact, Kind},
    supervisor::Supervisor,
    worker::Process,
};

/// How much longer than `graceful_timeout` a worker gets that leaves by itself: it has begun to count later than
/// it said so.
const LEEWAY: Duration = Duration::from_secs(2);

impl Supervisor {
    /// All workers and molds.
    pub(super) fn processes(&self) -> impl Iterator<Item = &Process> {
        let molds = self.molds.all.iter().map(|mold| &mold.process);
        self.crew.workers.iter().map(|worker| &worker.process).chain(molds)
    }

    pub(super) fn processes_mut(&mut self) -> impl Iterator<Item = &mut Process> {
        let molds = self.molds.all.iter_mut().map(|mold| &mut mold.process);
        self.crew.workers.iter_mut().map(|worker| &mut worker.process).chain(molds)
    }

    pub(super) fn find_process(&self, pid: Pid) -> Option<&Process> {
        self.processes().find(|process| process.pid == pid)
    }

    pub(super) fn kind_of(&self, pid: Pid) -> Kind {
        if self.molds.find(pid).is_some() { Kind::Mold } else { Kind::Worker }
    }

    /// Asks a worker or mold to finish what it has and to end.
    pub(super) fn retire(&mut self, pid: Pid) {
        let Some(process) = self.find_process(pid).copied() else { return };
        if process.leaving.is_some() {
            return;
        }
        let policy = self.generations.policy(process.generation);
        // One that never served has nothing to finish.
        let patience = if process.is_ready() { policy.graceful_timeout } else { policy.kill_after };
        self.leave(pid, Some(self.now + patience));
        self.send_away(pid, Signal::SIGTERM);
    }

    /// Sends a signal that asks to leave. A mold that is told of occasions hears that only while it loads: signals are also sent to
    /// whole groups of processes.
    pub(super) fn send_away(&mut self, pid: Pid, signal: Signal) {
        if self.molds.find(pid).is_some_and(|mold| mold.attended) {
            self.out.push(Action::Release(pid));
        }
        self.signal(pid, signal);
    }

    /// Makes a worker or mold that is stuck write its Python stacks and end.
    pub(super) fn abort(&mut self, pid: Pid) {
        let Some(generation) = self.find_process(pid).map(|process| process.generation) else { return };
        let patience = self.generations.policy(generation).kill_after;
        self.leave(pid, Some(self.now + patience));
        self.signal(pid, Signal::SIGABRT);
    }

    /// A worker says that it lets nobody in any more. If it does so by itself its place is free, and it gets time to finish.
    pub(super) fn retires(&mut self, pid: Pid) {
        // One that never was ready gets no replacement at once: that is a failure, dealt with when it is gone.
        if let Some(process) = self.find_process(pid).copied().filter(Process::is_ready) {
            self.log(Fact::Retiring(pid));
            let patience = self.generations.policy(process.generation).graceful_timeout + LEEWAY;
            self.lose(&process, false);
            self.leave(pid, Some(self.now + patience));
        }
        if let Some(worker) = self.crew.worker_mut(pid) {
            worker.process.close();
        }
    }

    pub(super) fn leave(&mut self, pid: Pid, kill_at: Option<Instant>) {
        if let Some(process) = self.processes_mut().find(|process| process.pid == pid) {
            process.leave(kill_at);
        }
    }

    /// Kills whoever was asked to go and has not gone in time.
    pub(super) fn kill_overdue(&mut self) {
        let now = self.now;
        let mut overdue = Vec::new();
        for process in self.processes_mut() {
            if process.kill_at().is_some_and(|due| due <= now) {
                process.kill();
                overdue.push(process.pid);
            }
        }
        for pid in overdue {
            let kind = self.kind_of(pid);
            self.out.push(Action::Log(Fact::Overdue { kind, pid }));
            self.signal(pid, Signal::SIGKILL);
        }
    }

    pub(super) fn kills_due(&self) -> impl Iterator<Item = Instant> {
        self.processes().filter_map(Process::kill_at)
    }
}
