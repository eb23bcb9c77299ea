//! The listeners for the server's own numbers: no turn is waited for here, nothing is counted, and Python is not asked.

use std::os::fd::AsFd;
use std::os::unix::process::parent_id;
use std::sync::{Arc, Weak};

use rwsgi_http::{Health, serve_metrics};
use rwsgi_os::{Pid, waiting_connections};
use tokio::sync::{Semaphore, watch};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::accept::{Accepted, Door, Doors, EXHAUSTED, is_exhausted};
use crate::crew::Crew;
use crate::exposition::{Backlog, render};
use crate::ready::Watched;

/// How many connections a worker has here at a time; further ones are closed.
const CONNECTIONS: usize = 64;

/// What is told, and of whom.
pub(crate) struct Monitor {
    crew: &'static Crew,
    health: Option<Health>,
    /// The sockets of the application. Not held open: one that is closed must be so at once.
    doors: Vec<(String, Weak<Door>)>,
    master: Pid,
    room: Arc<Semaphore>,
}

impl Monitor {
    pub(crate) fn new(crew: &'static Crew, health: Option<Health>, doors: &[Arc<Door>]) -> Arc<Self> {
        let doors = doors.iter().map(|door| (door.url().to_owned(), Arc::downgrade(door))).collect();
        let master = Pid::from_raw(parent_id().cast_signed());
        Arc::new(Self { crew, health, doors, master, room: Arc::new(Semaphore::new(CONNECTIONS)) })
    }

    /// Whether somebody waits for a page.
    pub(crate) fn is_asked(&self) -> bool {
        self.room.available_permits() < CONNECTIONS
    }

    /// Answers on one listener until the worker leaves: where the whole server ends, until that has ended, and otherwise until
    /// others answer.
    pub(crate) async fn answer(self: Arc<Self>, door: Arc<Door>, mut doors: watch::Receiver<Doors>) {
        let door = match Watched::new(door) {
            Ok(door) => door,
            Err(error) => return tracing::error!("cannot wait for connections: {error}"),
        };
        tokio::select! {
            () = self.answer_for_ever(&door) => {}
            _ = doors.wait_for(|doors| *doors != Doors::Open) => {}
        }
        drop(doors);
        if self.crew.slot().is_ending() {
            self.answer_for_ever(&door).await;
        }
    }

    async fn answer_for_ever(self: &Arc<Self>, door: &Watched<Arc<Door>>) {
        while let Ok(mut ready) = door.readable().await {
            match ready.try_io(|_| door.owner().accept(self.crew)) {
                Ok(Ok(accepted)) => self.admit(accepted),
                Ok(Err(error)) if is_exhausted(&error) => sleep(EXHAUSTED).await,
                // The connection is gone, or another worker was faster.
                Ok(Err(_)) | Err(_) => {}
            }
            tokio::task::yield_now().await;
        }
    }

    fn admit(self: &Arc<Self>, accepted: Accepted) {
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else { return };
        let monitor = Arc::clone(self);
        tokio::spawn(async move {
            let _place = place;
            let health = monitor.health.clone();
            let metrics = || Arc::clone(&monitor).metrics();
            match accepted {
                Accepted::Tcp(stream, ..) => serve_metrics(stream, health, metrics).await,
                Accepted::Unix(stream) => serve_metrics(stream, health, metrics).await,
            }
        });
    }

    /// The kernel takes its time to add up the memory of a process.
    async fn metrics(self: Arc<Self>) -> String {
        spawn_blocking(move || render(self.crew.scoreboard(), self.master, &self.backlogs()))
            .await
            .unwrap_or_default()
    }

    fn backlogs(&self) -> Vec<Backlog> {
        let backlog = |(url, door): &(String, Weak<Door>)| {
            Some((url.clone(), waiting_connections(door.upgrade()?.as_fd())?))
        };
        self.doors.iter().filter_map(backlog).collect()
    }
}
