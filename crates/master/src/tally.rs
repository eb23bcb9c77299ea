use std::{
    collections::HashSet,
    os::fd::AsFd,
    time::{Duration, Instant, SystemTime},
};

use rwsgi_os::{self as os, Ending, ExitReason, Pid, Report, RestartReason, Signal};

use crate::{
    event::{Event, Exit, Fact, Kind},
    program::Numbers,
    supervisor::Census,
};

/// How often statsd is told how busy the server is.
const LOOK: Duration = Duration::from_secs(1);

/// Keeps the numbers that only the master knows: in the scoreboard, where workers read them, and at statsd, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Workers on their way out of which the reason is counted already.
    explained: HashSet<Pid>,
    /// How many workers statsd knows of.
    told: usize,
    /// When it is told next.
    next: Option<Instant>,
}

impl Tally {
    /// The server starts.
    pub(crate) fn begin(server: &os::ServerCounters) -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        server.started.store(u64::try_from(now.as_millis()).unwrap_or_default());
        Self::default()
    }

    /// A worker has answered its share.
    pub(crate) fn hear(&mut self, event: &Event, server: &os::ServerCounters) {
        if let Event::Said(pid, Report::Tired) = event {
            self.explain(*pid, RestartReason::MaxRequests, server);
        }
    }

    /// Takes note of what was found worth knowing.
    pub(crate) fn heed(&mut self, fact: &Fact, server: &os::ServerCounters) {
        match *fact {
            Fact::TooOld { pid, .. } => self.explain(pid, RestartReason::Lifetime, server),
            Fact::TooBig { pid, .. } => self.explain(pid, RestartReason::Memory, server),
            Fact::Silent { pid, .. } => self.explain(pid, RestartReason::Timeout, server),
            Fact::BootTimeout { kind: Kind::Worker, pid, .. } => {
                self.explain(pid, RestartReason::BootFailure, server);
            }
            Fact::Exited { exit, killed, was_ready, .. } => {
                let is_explained = self.explained.remove(&exit.pid);
                let reason = reason(exit, was_ready).filter(|_| !is_explained && !killed);
                reason.into_iter().for_each(|reason| server.restart(reason));
            }
            Fact::Reloaded { .. } => server.reloads.add(1),
            Fact::ReloadFailed { .. } => server.failed_reloads.add(1),
            _ => {}
        }
    }

    fn explain(&mut self, pid: Pid, reason: RestartReason, server: &os::ServerCounters) {
        if self.explained.insert(pid) {
            server.restart(reason);
        }
    }

    /// Brings the scoreboard up to date, and tells statsd what is due.
    pub(crate) fn report<'a>(
        &mut self,
        now: Instant,
        census: &Census,
        scoreboard: &os::Scoreboard,
        statsd: Option<(Numbers, impl IntoIterator<Item = &'a os::Listener>)>,
    ) {
        let server = scoreboard.server();
        server.generation.store(u64::from(census.generation));
        server.wanted.store(census.wanted as u64);
        let Some((Numbers { statsd, backlogs }, listeners)) = statsd else {
            (self.told, self.next) = (0, None);
            return;
        };
        let workers = census.ready + census.starting + census.retiring;
        if workers != self.told {
            self.told = workers;
            statsd.gauge("gunicorn.workers", workers as u64);
        }
        if self.next.is_some_and(|next| now < next) {
            return;
        }
        self.next = Some(now + LOOK);
        if backlogs {
            let waiting =
                listeners.into_iter().filter_map(|listener| os::waiting_connections(listener.as_fd()));
            statsd.histogram("gunicorn.backlog", waiting.sum());
        }
        let busy = scoreboard.busy_workers();
        statsd.gauge("gunicorn.workers.busy", busy as u64);
        statsd.gauge("gunicorn.workers.idle", scoreboard.ready_workers().saturating_sub(busy) as u64);
        statsd.gauge("gunicorn.queue.depth", scoreboard.queued_requests());
    }

    /// When [`Tally::report`] is wanted again if nothing happens; never without a statsd.
    pub(crate) fn next_wake(&self) -> Option<Instant> {
        self.next
    }
}

/// Why a worker has to be replaced that has ended like this; none for one that was asked to go.
fn reason(exit: Exit, was_ready: bool) -> Option<RestartReason> {
    match exit.ending {
        Ending::Code(0) => None,
        Ending::Code(code) if ExitReason::from_code(code) == Some(ExitReason::Timeout) => {
            Some(RestartReason::Timeout)
        }
        Ending::Signal { number, .. } if is_asked(number) => None,
        Ending::Signal { .. } if exit.out_of_memory => Some(RestartReason::OutOfMemory),
        _ if !was_ready => Some(RestartReason::BootFailure),
        Ending::Code(_) => Some(RestartReason::ExitCode),
        Ending::Signal { .. } => Some(RestartReason::Signal),
    }
}

/// A worker that is not ready yet ends by the signals that ask it to.
fn is_asked(signal: i32) -> bool {
    matches!(Signal::try_from(signal), Ok(Signal::SIGTERM | Signal::SIGINT | Signal::SIGQUIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exited(pid: i32, ending: Ending, was_ready: bool) -> Fact {
        let exit = Exit { pid: Pid::from_raw(pid), ending, out_of_memory: false };
        Fact::Exited { exit, killed: false, was_ready, age: Duration::ZERO }
    }

    fn signal(number: Signal) -> Ending {
        Ending::Signal { number: number as i32, core_dumped: false }
    }

    #[test]
    fn each_worker_is_replaced_for_one_reason() {
        let server = os::ServerCounters::default();
        let mut tally = Tally::default();
        let pid = Pid::from_raw;
        for fact in [
            Fact::TooOld { pid: pid(1), age: Duration::ZERO },
            Fact::TooBig { pid: pid(1), memory: 1 },
            exited(1, Ending::Code(9), true),
            Fact::Silent { pid: pid(2), silence: Duration::ZERO },
            exited(2, signal(Signal::SIGABRT), true),
            exited(3, signal(Signal::SIGSEGV), true),
            exited(4, signal(Signal::SIGSEGV), false),
            exited(5, signal(Signal::SIGTERM), false),
            exited(6, Ending::Code(0), true),
            exited(7, Ending::Code(9), true),
            exited(8, Ending::Code(ExitReason::Timeout.code().into()), true),
        ] {
            tally.heed(&fact, &server);
        }
        for _ in 0..2 {
            tally.hear(&Event::Said(pid(9), Report::Tired), &server);
        }
        let counts: Vec<u64> = server.restarts.iter().map(os::Counter::load).collect();
        let names = os::RESTARTS.into_iter().zip(counts).filter(|(_, count)| *count > 0);
        let expected = [
            ("signal", 1),
            ("exit_code", 1),
            ("timeout", 2),
            ("max_requests", 1),
            ("lifetime", 1),
            ("boot_failure", 1),
        ];
        assert_eq!(names.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn without_a_statsd_nobody_is_woken() {
        let scoreboard = os::Scoreboard::new(1).unwrap();
        let census =
            Census { wanted: 3, ready: 3, starting: 0, retiring: 0, generation: 2, reloading: false };
        let mut tally = Tally::begin(scoreboard.server());
        let nobody: Option<(Numbers, Vec<&os::Listener>)> = None;
        tally.report(Instant::now(), &census, &scoreboard, nobody);
        assert_eq!(tally.next_wake(), None);
        let server = scoreboard.server();
        assert_eq!((server.generation.load(), server.wanted.load()), (2, 3));
        assert!(server.started.load() > 0);
    }
}
