use std::os::fd::{AsFd, AsRawFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rwsgi_os::{self as os, ExitReason, Received, Signal};

use crate::{
    Inheritance,
    estate::Estate,
    orders::{Answer, LONGEST, Order},
    report,
};

/// What a mold handles; the rest of what a supervisor may send by mistake does nothing.
const TAKEN: [Signal; 4] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGUSR1];

/// A process with one thread that has loaded the application and forks workers when its master says so; they
/// share its memory, and are children of the master.
///
/// Until [`Mold::serve`] it runs with [`os::boot_handlers`], and gets `TERM` when the master dies.
#[derive(Debug)]
pub struct Mold {
    // Before the listeners, since they are dropped first.
    closed_in_children: Vec<os::ClosedInChildren>,
    estate: Estate,
    channel: os::Channel,
}

/// As what the caller of [`Mold::serve`] goes on.
#[derive(Debug)]
pub enum Cast {
    /// This process is a worker.
    Worker(Box<Inheritance>),
    /// This is the mold, which is not needed any more.
    Over(ExitReason),
}

impl Mold {
    pub(crate) fn new(estate: Estate, channel: os::Channel) -> Self {
        estate.die_with_master();
        if let Err(error) = os::guard_descendants() {
            report::failed(&error);
        }
        let descriptors = estate.listeners.iter().map(|listener| listener.as_fd().as_raw_fd());
        let closed_in_children = descriptors.filter_map(os::ClosedInChildren::new).collect();
        Self { closed_in_children, estate, channel }
    }

    /// For which generation of the configuration it is.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.estate.generation
    }

    /// Tells the master that the application does load, but has threads that no worker would have: workers are to load
    /// it themselves. The mold should end then.
    pub fn unfit(&self) {
        self.answer(Answer::Unfit);
    }

    /// Tells the master that the application is loaded, and forks workers until the mold is not needed any more; returns
    /// in each of them too. `reopen_logs` is called for `USR1`: workers have the descriptors that the mold has.
    #[must_use]
    pub fn serve(mut self, hooks: &dyn os::ForkHooks, reopen_logs: &mut dyn FnMut()) -> Cast {
        // Each worker sees to its own from here on.
        self.closed_in_children.clear();
        let signals = match os::Signals::install(&TAKEN) {
            Ok(signals) => signals,
            Err(error) => {
                report::failed(&error);
                return Cast::Over(ExitReason::BootFailed);
            }
        };
        // Not before its signals are taken: who is ready is sent those that it has missed.
        self.answer(Answer::Ready);
        loop {
            self.sleep(&signals);
            // Before the signals: those that were sent before the order have come by then, and count for the worker.
            let next = self.next_order();
            for signal in signals.drain() {
                match signal {
                    Signal::SIGUSR1 => reopen_logs(),
                    _ => return Cast::Over(ExitReason::Ok),
                }
            }
            let (order, status) = match next {
                Next::Order(order, status) => (order, status),
                Next::Nothing => continue,
                Next::MasterGone => return Cast::Over(ExitReason::MasterGone),
            };
            match os::fork_for(self.estate.master, hooks) {
                Ok(os::Forked::Parent(pid)) => self.answer(Answer::Forked(order.number, pid)),
                Ok(os::Forked::Child) => {
                    drop(signals);
                    // The channel goes last: when its end comes unanswered, the master looks for the pid in the slot.
                    let Self { estate, channel, .. } = self;
                    let inheritance = estate.into_inheritance(order.slot, order.number, status);
                    drop(channel);
                    return Cast::Worker(inheritance);
                }
                Err(error) => {
                    report::failed(&error);
                    self.answer(Answer::Failed(order.number));
                }
            }
        }
    }

    fn sleep(&self, signals: &os::Signals) {
        let fds = [signals.as_fd(), self.channel.as_fd(), self.estate.lifeline.as_fd()];
        let mut fds = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        // An interrupted wait is over too.
        let _ = poll(&mut fds, PollTimeout::NONE);
    }

    fn next_order(&self) -> Next {
        let mut bytes = [0; LONGEST];
        match self.channel.receive(&mut bytes) {
            Received::Message(length, Some(status)) => match Order::from_bytes(&bytes[..length]) {
                Some(order) => Next::Order(order, status.into()),
                None => Next::Nothing,
            },
            Received::Message(_, None) => Next::Nothing,
            Received::Closed => Next::MasterGone,
            Received::Nothing if self.estate.lifeline.is_cut() => Next::MasterGone,
            Received::Nothing => Next::Nothing,
        }
    }

    fn answer(&self, answer: Answer) {
        // A master that is gone shows at the next wait; one that does not read for thousands of answers misses one, and
        // ends this mold for it.
        let _ = self.channel.send(&answer.to_bytes(), None);
    }
}

enum Next {
    Order(Order, os::Status),
    Nothing,
    MasterGone,
}
