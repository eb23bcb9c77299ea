use std::{collections::VecDeque, time::Instant};

use rwsgi_os::{self as os, ExitReason};

use crate::{
    Error, Options, Role,
    nursery::{Born, Nursery},
    report,
    supervisor::{Action, Event, Settings, Supervisor},
    watch::Watch,
    worker::Birth,
};

/// Supervises until the server has ended; the files of unix sockets go with it. In every worker it returns at
/// once, see [`Role`].
///
/// # Errors
/// The process has more than one thread, or lacks a descriptor or memory that it needs to begin.
pub fn run(options: Options<'_>, listeners: Vec<os::Listener>) -> Result<Role, Error> {
    let mut driver = match Driver::new(options) {
        Ok(driver) => driver,
        Err(error) => {
            remove_files(listeners.into_iter().filter_map(os::Listener::close));
            return Err(error);
        }
    };
    report::listening(&listeners);
    driver.listeners = listeners;
    let mut events = VecDeque::from([Event::Tick]);
    loop {
        match driver.settle(&mut events) {
            Next::Wait => events = driver.watch.wait(driver.supervisor.next_wake())?,
            Next::Finish(reason) => {
                remove_files(driver.socket_files);
                report::shutting_down(reason);
                return Ok(Role::Master(reason));
            }
            Next::BeWorker(birth, status) => {
                // Everything else that the driver holds is the master's, and closed here.
                let inheritance = driver.nursery.into_inheritance(birth, status, driver.listeners);
                return Ok(Role::Worker(Box::new(inheritance)));
            }
        }
    }
}

/// Does what the [`Supervisor`] says.
struct Driver<'a> {
    supervisor: Supervisor,
    watch: Watch,
    nursery: Nursery<'a>,
    listeners: Vec<os::Listener>,
    socket_files: Vec<os::SocketFile>,
}

enum Next {
    /// Nothing is left to do.
    Wait,
    Finish(ExitReason),
    /// This is the child.
    BeWorker(Birth, os::Status),
}

impl<'a> Driver<'a> {
    fn new(options: Options<'a>) -> Result<Self, Error> {
        os::assert_single_threaded()?;
        let workers = options.workers.max(1);
        // Every worker may retire at a time while its replacement starts.
        let slots = 2 * workers + 2;
        let settings = Settings { workers, slots, graceful_timeout: options.graceful_timeout };
        Ok(Self {
            supervisor: Supervisor::new(settings, Instant::now()),
            watch: Watch::open()?,
            nursery: Nursery::open(options, slots)?,
            listeners: Vec::new(),
            socket_files: Vec::new(),
        })
    }

    /// Feeds the events to the supervisor until neither they nor its actions leave anything to do.
    fn settle(&mut self, events: &mut VecDeque<Event>) -> Next {
        let mut actions = Vec::new();
        while let Some(event) = events.pop_front() {
            self.supervisor.step(Instant::now(), event, &mut actions);
            for action in actions.drain(..) {
                match self.perform(action, events) {
                    Next::Wait => {}
                    end => return end,
                }
            }
        }
        Next::Wait
    }

    fn perform(&mut self, action: Action, events: &mut VecDeque<Event>) -> Next {
        match action {
            Action::Fork(birth) => return self.fork(birth, events),
            Action::Finish(reason) => return Next::Finish(reason),
            Action::Signal(pid, signal) => {
                // Its end shows whether it arrived; a refusal (its user is not ours any more) cannot be
                // helped.
                let _ = os::kill(pid, signal);
            }
            Action::FreeSlot(slot) => self.nursery.free_slot(slot).iter().for_each(report::lost),
            Action::CloseListeners => {
                self.listeners.iter().for_each(turn_away);
                self.socket_files.extend(self.listeners.drain(..).filter_map(os::Listener::close));
            }
            Action::Log(fact) => report::log(&fact),
        }
        Next::Wait
    }

    fn fork(&mut self, birth: Birth, events: &mut VecDeque<Event>) -> Next {
        let answer = match self.nursery.fork(birth) {
            Ok(Born::Myself(status)) => return Next::BeWorker(birth, status),
            Ok(Born::Worker(pid, reader)) => {
                self.watch.hear(pid, reader);
                Event::Forked(birth, pid)
            }
            Err(cause) => {
                report::fork_failed(&cause);
                Event::ForkFailed(birth)
            }
        };
        events.push_back(answer);
        Next::Wait
    }
}

/// Whoever connects from now on is refused rather than reset when the last worker has closed the socket.
fn turn_away(listener: &os::Listener) {
    if let Err(error) = listener.turn_away() {
        report::cannot_turn_away(&error);
    }
}

fn remove_files(files: impl IntoIterator<Item = os::SocketFile>) {
    for file in files {
        file.remove_if_ours();
    }
}
