use std::{
    collections::{HashMap, VecDeque},
    os::fd::AsFd,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use rwsgi_os::{self as os, Ending, Pid};

use crate::{
    Error,
    intent::{Intent, TAKEN},
    report,
    supervisor::{Event, Exit},
};

/// Everything that can wake the master, turned into events: signals, what workers say, their ends.
pub(crate) struct Watch {
    signals: os::Signals,
    statuses: HashMap<Pid, os::StatusReader>,
    memory_kills: os::MemoryKills,
}

impl Watch {
    /// Takes the signals from now on.
    pub(crate) fn open() -> Result<Self, os::Error> {
        Ok(Self {
            signals: os::Signals::install(&TAKEN)?,
            statuses: HashMap::new(),
            memory_kills: os::MemoryKills::watch(),
        })
    }

    /// Hears what this worker says from now on.
    pub(crate) fn hear(&mut self, pid: Pid, status: os::StatusReader) {
        self.statuses.insert(pid, status);
    }

    /// Sleeps until something happens or the time has come; never returns without an event.
    pub(crate) fn wait(&mut self, wake: Option<Instant>) -> Result<VecDeque<Event>, Error> {
        self.sleep(wake)?;
        let mut events = VecDeque::from([Event::Tick]);
        // First: a worker that leaves because its whole process group was told to is not replaced.
        for signal in self.signals.drain() {
            if let Some(intent) = Intent::of(signal) {
                report::handling(signal);
                events.push_back(Event::Intent(intent));
            }
        }
        let gone = os::reap();
        // Between the two, so that nothing is missed that a worker said before its end.
        self.collect_reports(&mut events);
        self.collect_exits(gone, &mut events);
        Ok(events)
    }

    fn sleep(&self, wake: Option<Instant>) -> Result<(), Error> {
        let timeout = wake.map_or(PollTimeout::NONE, |wake| {
            // Rounded up: a millisecond too early would be a turn for nothing.
            let left = wake.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        fds.extend(self.statuses.values().map(|status| PollFd::new(status.as_fd(), PollFlags::POLLIN)));
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(Error::Wait(errno)),
        }
    }

    fn collect_reports(&mut self, events: &mut VecDeque<Event>) {
        self.statuses.retain(|&pid, status| {
            let reports = status.read();
            // A closed pipe would wake the loop for ever.
            let open = !reports.contains(&os::Report::Closed);
            events.extend(reports.into_iter().map(|report| Event::Said(pid, report)));
            open
        });
    }

    fn collect_exits(&mut self, gone: Vec<os::Exited>, events: &mut VecDeque<Event>) {
        let killed =
            |ending| matches!(ending, Ending::Signal { number, .. } if number == os::Signal::SIGKILL as i32);
        let any_killed = gone.iter().any(|gone| killed(gone.ending));
        let mut for_memory = if any_killed { self.memory_kills.since_last() } else { 0 };
        for os::Exited { pid, ending } in gone {
            self.statuses.remove(&pid);
            let out_of_memory = for_memory > 0 && killed(ending);
            for_memory -= u64::from(out_of_memory);
            events.push_back(Event::Exited(Exit { pid, ending, out_of_memory }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_closed_its_pipe_does_not_wake_the_master_for_ever() {
        let mut watch = Watch::open().unwrap();
        let (reader, status) = os::status_pipe().unwrap();
        watch.hear(Pid::from_raw(7), reader);
        status.ready();
        drop(status);
        let mut events = VecDeque::new();
        watch.collect_reports(&mut events);
        assert!(matches!(events[0], Event::Said(pid, os::Report::Ready) if pid.as_raw() == 7));
        assert!(watch.statuses.is_empty());
    }
}
