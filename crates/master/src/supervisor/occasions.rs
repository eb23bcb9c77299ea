//! What the settings file has functions for (server hooks), in Gunicorn's order.

use rwsgi_os::{ExitReason, Pid, Signal};

use crate::{
    Occasion,
    event::{Action, Exit},
    supervisor::{Phase, Supervisor, boot::boot_failure, molds::Mold},
    worker::Worker,
};

impl Supervisor {
    /// Whether all is done that comes before the first worker of this generation. If not, its mold, which is ready, is asked for it.
    pub(super) fn is_opened(&mut self, generation: u32) -> bool {
        let Some(known) = self.generations.find(generation).filter(|known| !known.open) else { return true };
        let (number, is_reload) = (known.number, self.rolling() == Some(generation));
        let Some(mold) = self.molds.starting(number).filter(|mold| !mold.asked) else { return false };
        mold.asked = true;
        if is_reload {
            let (new, old) = (self.wanted(generation), self.wanted(self.generations.current));
            self.announce_to(generation, Occasion::WorkersChanged { new, old: Some(old) });
            self.announce_to(generation, Occasion::Reloaded);
        } else {
            self.announce_to(generation, Occasion::Ready);
        }
        false
    }

    /// A mold has dealt with something.
    pub(super) fn attended(&mut self, generation: u32, occasion: Occasion, content: bool) {
        let is_gate = matches!(occasion, Occasion::Ready | Occasion::Reloaded);
        if !is_gate || self.phase != Phase::Serving || self.molds.starting(generation).is_none() {
            return;
        }
        if content {
            if let Some(known) = self.generations.find_mut(generation) {
                known.open = true;
            }
            self.mold_ready(generation);
        } else if self.rolling() == Some(generation) {
            self.fail_reload();
        } else {
            self.stop(Signal::SIGTERM, ExitReason::Config);
        }
    }

    /// `TTIN` and `TTOU` have changed how many workers are wanted.
    pub(super) fn announce_count(&mut self, new: usize, old: usize) {
        self.announce_to(self.target(), Occasion::WorkersChanged { new, old: Some(old) });
    }

    /// Gunicorn does not tell of workers that failed to boot.
    pub(super) fn announce_exit(&mut self, exit: Exit, worker: &Worker) {
        if boot_failure(exit.ending).is_none() {
            let occasion = Occasion::ChildExited { pid: exit.pid, number: worker.number };
            // Where its mold has died, the one of the generation that is served knows what to do.
            let own = Some(worker.process.generation).filter(|&own| self.molds.has_attended(own));
            self.announce_to(own.unwrap_or(self.generations.current), occasion);
        }
    }

    /// Tells the mold of this generation of something, if it wants to know.
    pub(super) fn announce_to(&mut self, generation: u32, occasion: Occasion) {
        if self.molds.has_attended(generation) {
            self.out.push(Action::Announce(generation, occasion));
        }
    }

    /// Whether this is a mold that outlives the workers while the server ends.
    pub(super) fn is_attendant(&self, pid: Pid) -> bool {
        self.molds.find(pid).is_some_and(Mold::is_attendant)
    }

    /// All workers are gone: the molds that have stayed leave too, the one of the generation that was served with its last words.
    pub(super) fn dismiss_attendants(&mut self) {
        let attendants: Vec<_> = self.molds.all.iter().filter(|mold| mold.is_attendant()).copied().collect();
        for mold in attendants {
            let (pid, generation) = (mold.process.pid, mold.process.generation);
            self.leave(pid, None);
            self.out.push(if generation == self.generations.current {
                Action::Announce(generation, Occasion::Exiting)
            } else {
                Action::Release(pid)
            });
        }
    }
}
