//! The hooks of the settings file that are called from the loop.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use rwsgi_wsgi::{Duties, Hook, Hooks};

use crate::crew::Crew;
use crate::shutdown::Order;

/// How long a hook may keep a worker that is to end at once: Python may be stuck, and the hook never begin.
const PATIENCE: Duration = Duration::from_secs(1);

/// What `worker.nr` and `worker.alive` are about.
pub(crate) struct OfCrew(pub(crate) &'static Crew);

impl Duties for OfCrew {
    fn requests(&self) -> u64 {
        self.0.slot().requests.load()
    }

    fn leave(&self) {
        self.0.order(Order::Tired);
    }
}

impl Crew {
    /// INT or QUIT has come: calls `worker_int`, on the main thread if that drives the loop.
    pub(crate) fn interrupt_hook(&'static self) {
        let Some(hooks) = self.hooks.as_ref().filter(|hooks| hooks.has(Hook::WorkerInt)) else { return };
        if self.members[0].is_current() {
            hooks.worker_int();
        } else {
            self.within(PATIENCE, hooks, Hooks::worker_int);
        }
    }

    /// The process ends without coming back from the loop: calls `worker_exit` if that has not been done.
    pub(crate) fn exit_hook(&'static self) {
        let Some(hooks) = self.hooks.as_ref().filter(|hooks| hooks.has(Hook::WorkerExit)) else { return };
        self.within(PATIENCE, hooks, Hooks::worker_exit);
    }

    /// Calls a hook from a thread of its own and waits for it so long, without the GIL.
    fn within(&'static self, patience: Duration, hooks: &Hooks, call: fn(&Hooks) -> bool) {
        let hooks = hooks.clone();
        let underway = self.inquiries.attach();
        let (done, ended) = channel();
        let work = move || {
            call(&hooks);
            drop(underway);
            let _ = done.send(());
        };
        match thread::Builder::new().name("rwsgi-hook".to_owned()).spawn(work) {
            Ok(_) => {
                rwsgi_wsgi::park();
                if ended.recv_timeout(patience).is_err() {
                    tracing::warn!("a hook did not end in time (pid: {})", std::process::id());
                }
                rwsgi_wsgi::resume();
            }
            Err(error) => tracing::error!("a hook cannot be called: {error}"),
        }
    }
}
