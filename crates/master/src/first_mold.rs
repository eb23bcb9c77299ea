use std::{
    os::fd::{AsFd, OwnedFd},
    time::{Duration, Instant},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::wait::{Id, WaitPidFlag, WaitStatus, waitid},
    unistd::getpid,
};
use rwsgi_os::{self as os, Pid, Received, Signal};

use crate::{
    Mold, Occasion,
    intent::{Intent, TAKEN},
    molds::SETTINGS_LIMIT,
    orders::{ANSWER, Answer, Order},
    report,
};

/// How long a mold that is asked to leave may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// The mold of the first generation, which the program forks before there is a master, because only its settings file says how
/// to be one.
///
/// From its fork on, signals are taken as the master takes them, so none is lost until [`crate::run`] begins.
#[derive(Debug)]
pub struct FirstMold {
    pub(crate) pid: Pid,
    pub(crate) channel: os::Channel,
    pub(crate) signals: os::Signals,
}

/// On which side of the fork the caller is.
#[derive(Debug)]
pub enum Beginning {
    /// In the process that becomes the master.
    Master(FirstMold),
    /// In the mold.
    Mold(Mold),
}

/// What has come of a question to the first mold.
#[derive(Debug)]
pub enum Reply<T> {
    /// This.
    Told(T),
    /// It has ended instead, in this way. `None` when its parent cannot be told, which ignores its children.
    Ended(Option<os::Ending>),
    /// It has taken too long, and is gone.
    Late,
    /// A signal asks the server to end. The mold is gone.
    Stopped,
}

impl FirstMold {
    /// Forks it. Signals are this module's affair from now on, also when the mold ends.
    ///
    /// # Errors
    /// The process has more than one thread, or no process or descriptor is left.
    pub fn fork(hooks: &dyn os::ForkHooks) -> Result<Beginning, os::Error> {
        // Else the workers that it forks would not be children of this process.
        os::adopt_orphans()?;
        let (ours, theirs) = os::Channel::pair()?;
        let (master, signals) = (getpid(), os::Signals::install(&TAKEN)?);
        Ok(match os::fork(hooks)? {
            os::Forked::Child => {
                drop((ours, signals));
                Beginning::Mold(Mold::new(1, master, theirs))
            }
            os::Forked::Parent(pid) => Beginning::Master(Self { pid, channel: ours, signals }),
        })
    }

    /// Waits for what the settings file says, as JSON, at most so long.
    pub fn settings(&self, limit: Option<Duration>) -> Reply<String> {
        self.wait(limit, |answer, memory| {
            let memory = memory.filter(|_| answer == Answer::Settings)?;
            os::read_sealed(memory, SETTINGS_LIMIT).map_err(|error| report::failed(&error)).ok()
        })
    }

    /// Tells the mold of something, and waits for what comes of it, at most so long.
    pub fn attend(&self, occasion: Occasion, limit: Option<Duration>) -> Reply<bool> {
        // One that is gone shows in the wait.
        let _ = self.channel.send(&Order::Attend(occasion).to_bytes(), &[]);
        self.wait(limit, |answer, _| match answer {
            Answer::Attended(attended, content) if attended == occasion => Some(content),
            _ => None,
        })
    }

    /// Ends the mold, which was only there for its settings. Signals end this process from now on.
    ///
    /// # Errors
    /// None that a caller could bring about.
    pub fn end(self) -> Result<(), os::Error> {
        self.see_out(Some(Signal::SIGTERM));
        drop(self);
        os::boot_handlers()
    }

    fn wait<T>(
        &self,
        limit: Option<Duration>,
        mut heard: impl FnMut(Answer, Option<OwnedFd>) -> Option<T>,
    ) -> Reply<T> {
        let deadline = limit.map(|limit| Instant::now() + limit);
        let mut bytes = [0; ANSWER];
        loop {
            if self.signals.drain().into_iter().any(is_stop) {
                self.see_out(Some(Signal::SIGTERM));
                return Reply::Stopped;
            }
            // Before its answers: one that it has given is there then.
            let has_ended = has_ended(self.pid);
            loop {
                match self.channel.receive(&mut bytes) {
                    Received::Message(length, descriptors) => {
                        let answer = Answer::from_bytes(&bytes[..length]);
                        let told = answer.and_then(|answer| heard(answer, descriptors.into_iter().next()));
                        if let Some(told) = told {
                            return Reply::Told(told);
                        }
                    }
                    Received::Nothing if !has_ended => break,
                    Received::Nothing | Received::Closed => {
                        // It may still be telling why: a signal would change how it ends.
                        return Reply::Ended(self.see_out(None));
                    }
                }
            }
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                // It writes its Python stacks.
                self.see_out(Some(Signal::SIGABRT));
                return Reply::Late;
            }
            self.sleep(deadline, true);
        }
    }

    /// Ends it, if it has not ended, and waits until it is gone.
    fn see_out(&self, signal: Option<Signal>) -> Option<os::Ending> {
        let _ = signal.map(|signal| os::kill(self.pid, signal));
        let deadline = Instant::now() + FAREWELL;
        while !has_ended(self.pid) {
            if deadline <= Instant::now() {
                let _ = os::kill(self.pid, Signal::SIGKILL);
            }
            self.sleep(Some(deadline), false);
            self.signals.drain();
        }
        os::reap().into_iter().find(|gone| gone.pid == self.pid).map(|gone| gone.ending)
    }

    /// Until a signal comes, an answer if one is wanted, or the time.
    fn sleep(&self, deadline: Option<Instant>, for_answers: bool) {
        let timeout = deadline.map_or(PollTimeout::NONE, |deadline| {
            let left = deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        let fds = [self.signals.as_fd(), self.channel.as_fd()];
        let mut fds = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        // An interrupted wait is over too.
        let _ = poll(&mut fds[..if for_answers { 2 } else { 1 }], timeout);
    }
}

fn is_stop(signal: Signal) -> bool {
    let asked = Intent::of(signal);
    asked.inspect(|_| report::handling(signal)).is_some_and(|it| matches!(it, Intent::Stop | Intent::StopNow))
}

/// Whether this child is dead; it stays to be reaped.
fn has_ended(pid: Pid) -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    waitid(Id::Pid(pid), flags) != Ok(WaitStatus::StillAlive)
}
