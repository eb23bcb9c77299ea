use std::os::fd::{AsFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rwsgi_os::{self as os, ExitReason, Pid, Received, Signal};

use crate::{
    Attendant, Inheritance, Occasion,
    estate::{Estate, Origin, die_with},
    orders::{Answer, ORDER, Order, Post},
    report,
};

/// What a mold handles; the rest of what a supervisor may send by mistake does nothing.
const TAKEN: [Signal; 4] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGUSR1];

/// A process that executes the settings file, if that is Python, loads the application, if that is wanted, and forks workers when its
/// master says so: they share its memory, and are children of the master.
///
/// It holds nothing of what they inherit; that comes with each order. Until [`Mold::serve`] it runs with [`os::boot_handlers`], and
/// gets `TERM` when the master dies.
#[derive(Debug)]
pub struct Mold {
    origin: Origin,
    channel: os::Channel,
    /// Its hooks are called to the very end of the server.
    is_attended: bool,
    /// The master knows that no worker can be forked from here.
    has_threads: bool,
    buffer: Vec<u8>,
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
    /// In a process just forked.
    pub(crate) fn new(generation: u32, master: Pid, channel: os::Channel) -> Self {
        die_with(master, Signal::SIGTERM);
        if let Err(error) = os::guard_descendants() {
            report::failed(&error);
        }
        let origin = Origin { master, generation };
        Self { origin, channel, is_attended: false, has_threads: false, buffer: vec![0; ORDER] }
    }

    /// For which generation of the configuration it is.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.origin.generation
    }

    /// Tells the master what the settings file says. A mold without a file goes on without this, and without
    /// [`Mold::await_load`].
    ///
    /// # Errors
    /// No memory or descriptor is left.
    pub fn settings(&self, json: &str) -> Result<(), os::Error> {
        let memory = os::seal_text(json)?;
        self.channel.send(&Answer::Settings.to_bytes(), &[memory.as_fd()])
    }

    /// Waits until the master has accepted the settings. False when the mold is not needed any more, for which it should end.
    #[must_use]
    pub fn await_load(&mut self, attendant: &mut dyn Attendant) -> bool {
        loop {
            let mut fds = [PollFd::new(self.channel.as_fd(), PollFlags::POLLIN)];
            // An interrupted wait is over too.
            let _ = poll(&mut fds, PollTimeout::NONE);
            match self.next_order() {
                Next::Order(Order::Load { attended }, _) => {
                    self.is_attended = attended;
                    return true;
                }
                Next::Order(Order::Attend(occasion), _) => self.attend(occasion, attendant),
                Next::Order(Order::Fork(post), _) => self.answer(Answer::Failed(post.number)),
                Next::Order(Order::Leave, _) | Next::MasterGone => return false,
                Next::Nothing => {}
            }
        }
    }

    /// Tells the master that the application does load, but has threads that no worker would have: workers are to load
    /// it themselves. The mold should end then.
    pub fn unfit(&self) {
        self.answer(Answer::Unfit);
    }

    /// Tells the master that this process has threads: workers are to be forked by the master, and execute the settings file for
    /// themselves. The mold goes on, for the hooks.
    pub fn threads(&mut self) {
        self.has_threads = true;
        self.answer(Answer::Threads);
    }

    /// Tells the master that all is loaded, and forks workers until the mold is not needed any more; returns in each of them too.
    #[must_use]
    pub fn serve(mut self, hooks: &dyn os::ForkHooks, attendant: &mut dyn Attendant) -> Cast {
        let signals = match os::Signals::install(&TAKEN) {
            Ok(signals) => signals,
            Err(error) => {
                report::failed(&error);
                return Cast::Over(ExitReason::BootFailed);
            }
        };
        if self.is_attended {
            // It takes no notice of `TERM`, and nobody would be left to kill it in a hook that never ends.
            die_with(self.origin.master, Signal::SIGKILL);
        }
        // Not before its signals are taken: who is ready is sent those that it has missed.
        self.answer(Answer::Ready);
        loop {
            self.sleep(&signals);
            // Before the signals: those that were sent before the order have come by then, and count for the worker.
            let next = self.next_order();
            for signal in signals.drain() {
                match signal {
                    Signal::SIGUSR1 => attendant.reopen_logs(),
                    // Sent to the whole process group, or to the control group by systemd. It outlives the workers for the sake
                    // of the hooks.
                    _ if self.is_attended => {}
                    _ => return Cast::Over(ExitReason::Ok),
                }
            }
            match next {
                Next::Order(Order::Fork(post), descriptors) => {
                    if let Some((estate, post)) = self.fork((post, descriptors), hooks, attendant) {
                        drop(signals);
                        let inheritance = estate.into_inheritance(post.slot, post.number);
                        // The channel goes last: when its end comes unanswered, the master looks for the pid in the slot.
                        drop(self);
                        return Cast::Worker(inheritance);
                    }
                }
                Next::Order(Order::Attend(occasion), _) => {
                    self.attend(occasion, attendant);
                    if occasion == Occasion::Exiting {
                        return Cast::Over(ExitReason::Ok);
                    }
                }
                Next::Order(Order::Leave, _) => return Cast::Over(ExitReason::Ok),
                Next::MasterGone => return Cast::Over(ExitReason::MasterGone),
                Next::Order(Order::Load { .. }, _) | Next::Nothing => {}
            }
        }
    }

    /// Forks a worker as ordered; in that: what it has.
    fn fork(
        &mut self,
        (post, descriptors): (Post, Vec<OwnedFd>),
        hooks: &dyn os::ForkHooks,
        attendant: &mut dyn Attendant,
    ) -> Option<(Estate, Post)> {
        let number = post.number;
        let estate = Estate::receive(&post, descriptors, self.origin);
        if let Err(error) = &estate {
            report::failed(error);
        }
        let Some(estate) = estate.ok().flatten().filter(|_| attendant.before_fork(number)) else {
            self.answer(Answer::Failed(number));
            return None;
        };
        match os::fork_for(self.origin.master, hooks) {
            Ok(os::Forked::Child) => return Some((estate, post)),
            Ok(os::Forked::Parent(pid)) => {
                // Whoever knows of the worker finds nothing of it here any more.
                drop(estate);
                self.answer(Answer::Forked(number, pid));
                attendant.forked(number, pid);
            }
            Err(error @ os::Error::Threads { .. }) => {
                self.tell_threads(&error);
                self.answer(Answer::Failed(number));
            }
            Err(error) => {
                report::failed(&error);
                self.answer(Answer::Failed(number));
            }
        }
        None
    }

    fn attend(&mut self, occasion: Occasion, attendant: &mut dyn Attendant) {
        let content = attendant.attend(occasion);
        // Workers are ordered behind these two.
        let is_gate = matches!(occasion, Occasion::Ready | Occasion::Reloaded);
        if let (true, Err(error)) = (is_gate, os::assert_single_threaded()) {
            self.tell_threads(&error);
        }
        self.answer(Answer::Attended(occasion, content));
    }

    fn tell_threads(&mut self, error: &os::Error) {
        if !self.has_threads {
            report::mold_has_threads(error);
            self.threads();
        }
    }

    fn sleep(&self, signals: &os::Signals) {
        let fds = [signals.as_fd(), self.channel.as_fd()];
        let mut fds = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        // An interrupted wait is over too.
        let _ = poll(&mut fds, PollTimeout::NONE);
    }

    fn next_order(&mut self) -> Next {
        match self.channel.receive(&mut self.buffer) {
            Received::Message(length, descriptors) => match Order::from_bytes(&self.buffer[..length]) {
                Some(order) => Next::Order(order, descriptors),
                None => Next::Nothing,
            },
            // Only the master has the other end.
            Received::Closed => Next::MasterGone,
            Received::Nothing => Next::Nothing,
        }
    }

    fn answer(&self, answer: Answer) {
        // A master that is gone shows at the next wait; one that does not read for hundreds of answers misses one, and
        // ends this mold for it.
        let _ = self.channel.send(&answer.to_bytes(), &[]);
    }
}

enum Next {
    Order(Order, Vec<OwnedFd>),
    Nothing,
    MasterGone,
}
