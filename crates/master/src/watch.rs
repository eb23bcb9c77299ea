use std::{
    collections::{HashMap, VecDeque},
    os::fd::AsFd,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    unistd::getppid,
};
use rwsgi_os::{self as os, Ending, Pid, Signal};

use crate::{
    Error,
    event::{Event, Exit},
    intent::{Intent, TAKEN},
    molds::{Molds, News},
    nursery::Nursery,
    report,
};

/// How often to look whether the predecessor is still there, which no event tells.
const LOOK: Duration = Duration::from_secs(1);

/// Everything that can wake the master, turned into events: signals, what workers and molds say, their ends.
pub(crate) struct Watch {
    signals: os::Signals,
    /// The workers, and their pipes as long as these are open.
    workers: HashMap<Pid, Option<os::StatusReader>>,
    pub(crate) molds: Molds,
    /// Ends of processes that may be workers of which the mold has not told yet.
    unclear: Vec<os::Exited>,
    memory_kills: os::MemoryKills,
    predecessor: Option<Pid>,
}

impl Watch {
    /// Takes the signals from now on, if nobody has taken them before.
    pub(crate) fn open(predecessor: Option<Pid>, taken: Option<os::Signals>) -> Result<Self, os::Error> {
        Ok(Self {
            signals: taken.map_or_else(|| os::Signals::install(&TAKEN), Ok)?,
            workers: HashMap::new(),
            molds: Molds::default(),
            unclear: Vec::new(),
            memory_kills: os::MemoryKills::watch(),
            predecessor,
        })
    }

    /// Hears what this worker says from now on.
    pub(crate) fn hear(&mut self, pid: Pid, status: os::StatusReader) {
        self.workers.insert(pid, Some(status));
    }

    /// Sleeps until something happens or the time has come; never returns without an event.
    pub(crate) fn wait(
        &mut self,
        wake: Option<Instant>,
        nursery: &Nursery<'_>,
    ) -> Result<VecDeque<Event>, Error> {
        self.sleep(wake)?;
        let mut events = VecDeque::from([Event::Tick]);
        // First: a worker that leaves because its whole process group was told to is not replaced.
        events.extend(self.signals.drain().into_iter().filter_map(intent).map(Event::Intent));
        let gone = os::reap();
        // Between the two, so that nothing is missed that a child said before its end.
        self.collect_news(nursery, &mut events);
        self.collect_reports(&mut events);
        self.collect_exits(gone, &mut events);
        self.look_for_predecessor(&mut events);
        Ok(events)
    }

    fn sleep(&mut self, wake: Option<Instant>) -> Result<(), Error> {
        let now = Instant::now();
        self.molds.hurry(now);
        let look = self.predecessor.map(|_| now + LOOK);
        let wake = [wake, self.molds.deadline(), look].into_iter().flatten().min();
        let timeout = wake.map_or(PollTimeout::NONE, |wake| {
            // Rounded up: a millisecond too early would be a turn for nothing.
            let left = wake.saturating_duration_since(now) + Duration::from_millis(1);
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        let statuses = self.workers.values().flatten().map(AsFd::as_fd);
        let fds = statuses.chain(self.molds.channels()).chain([self.signals.as_fd()]);
        let mut fds: Vec<PollFd<'_>> = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(Error::Wait(errno)),
        }
    }

    fn collect_news(&mut self, nursery: &Nursery<'_>, events: &mut VecDeque<Event>) {
        for news in self.molds.news(nursery.scoreboard()) {
            events.push_back(match news {
                News::Evaluated(generation) => Event::Evaluated(generation),
                News::Ready(generation) => Event::MoldReady(generation),
                News::Unfit(generation) => Event::MoldUnfit(generation),
                News::Threads(generation) => Event::MoldThreads(generation),
                News::Attended(generation, occasion, content) => {
                    Event::Attended(generation, occasion, content)
                }
                News::ForkFailed(birth) => Event::ForkFailed(birth),
                News::Forked(birth, pid, status) => {
                    nursery.settle(birth, pid);
                    self.hear(pid, status);
                    Event::Forked(birth, pid)
                }
            });
        }
    }

    fn collect_reports(&mut self, events: &mut VecDeque<Event>) {
        for (&pid, status) in &mut self.workers {
            let reports = status.as_ref().map(os::StatusReader::read).unwrap_or_default();
            // A closed pipe would wake the loop for ever.
            if reports.contains(&os::Report::Closed) {
                *status = None;
            }
            events.extend(reports.into_iter().map(|report| Event::Said(pid, report)));
        }
    }

    fn collect_exits(&mut self, gone: Vec<os::Exited>, events: &mut VecDeque<Event>) {
        let killed =
            |ending| matches!(ending, Ending::Signal { number, .. } if number == Signal::SIGKILL as i32);
        let any_killed = gone.iter().any(|gone| killed(gone.ending));
        let mut for_memory = if any_killed { self.memory_kills.since_last() } else { 0 };
        let are_forking = self.molds.are_forking();
        let unclear = std::mem::take(&mut self.unclear);
        for gone in unclear.into_iter().chain(gone) {
            let os::Exited { pid, ending } = gone;
            let is_known = self.workers.remove(&pid).is_some() || self.molds.ended(pid);
            if !is_known && are_forking {
                self.unclear.push(gone);
                continue;
            }
            let out_of_memory = for_memory > 0 && killed(ending);
            for_memory -= u64::from(out_of_memory);
            events.push_back(Event::Exited(Exit { pid, ending, out_of_memory }));
        }
    }

    fn look_for_predecessor(&mut self, events: &mut VecDeque<Event>) {
        if self.predecessor.is_some_and(|predecessor| getppid() != predecessor) {
            self.predecessor = None;
            events.push_back(Event::PredecessorGone);
        }
    }
}

/// What a signal asks for. A terminal sends `WINCH` when its window changes: only a server without one is meant by it.
fn intent(signal: Signal) -> Option<Intent> {
    let intent = match Intent::of(signal)? {
        Intent::StopWorkers if os::has_terminal() => Intent::WindowChanged,
        intent => intent,
    };
    if intent != Intent::WindowChanged {
        report::handling(signal);
    }
    Some(intent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{orders::Answer, worker::Birth};

    #[test]
    fn a_worker_that_closed_its_pipe_does_not_wake_the_master_for_ever() {
        let mut watch = Watch::open(None, None).unwrap();
        let (reader, status) = os::status_pipe().unwrap();
        let pid = Pid::from_raw(7);
        watch.hear(pid, reader);
        status.ready();
        drop(status);
        let mut events = VecDeque::new();
        watch.collect_reports(&mut events);
        assert!(matches!(events[0], Event::Said(pid, os::Report::Ready) if pid.as_raw() == 7));
        assert!(watch.workers[&pid].is_none());
    }

    #[test]
    fn the_end_of_a_worker_waits_for_its_beginning() {
        let mut watch = Watch::open(None, None).unwrap();
        let (ours, theirs) = os::Channel::pair().unwrap();
        watch.molds.add(1, Pid::from_raw(6), ours);
        theirs.send(&Answer::Ready.to_bytes(), &[]).unwrap();
        let nursery = Nursery::open(&os::NoHooks, 1).unwrap();
        watch.molds.news(nursery.scoreboard());
        let birth = Birth { seat: 0, slot: 0, number: 1, generation: 1 };
        watch.molds.order(birth, &nursery.bequest(1, Vec::new())).unwrap();
        let gone = os::Exited { pid: Pid::from_raw(7), ending: Ending::Code(0) };
        let mut events = VecDeque::new();
        watch.collect_exits(vec![gone], &mut events);
        assert!(events.is_empty());
        watch.molds = Molds::default();
        watch.collect_exits(Vec::new(), &mut events);
        assert!(matches!(events[0], Event::Exited(exit) if exit.pid == gone.pid));
    }
}
