//! Taking connections from the listen queue that all workers share, each its part.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use rwsgi_http::{Handler, Local, Newcomer, Peer, Server, Transport};
use rwsgi_os::{ClosedInChildren, Connection, Listener, Slot, Socket, Stage, has_handshakes};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::admission::{Admission, Admitted};
use crate::crew::Crew;
use crate::ready::Watched;

/// Requests that may wait for Python before the worker leaves new connections to others where fewer wait.
const QUEUE_LIMIT: usize = 256;
/// How often a worker that has more than its share lets the others go first: it may be them who are slow.
const PAUSES: u32 = 2;
/// A worker may have this part of all connections more than its share: waiting for each other one by one, the workers
/// would take a burst too slowly.
const TOLERANCE: u64 = 16;
/// The same for a worker without a free Python thread while another one has some.
const BUSY_PAUSES: u32 = 100;
/// How long it does so, and how long a full worker waits before it looks again.
const PAUSE: Duration = Duration::from_millis(1);
/// So many connections are accepted at most before those that are here are served again.
const BURST: u64 = 16;
/// How long accepting pauses when the system has no descriptors or memory left.
pub(crate) const EXHAUSTED: Duration = Duration::from_millis(100);

/// How long a worker that is the last to accept pauses between its looks for those who have connected and not spoken, and how often
/// it looks: the kernel lets them in after a second, or a little more.
const LAST_LOOK: Duration = Duration::from_millis(25);
const LAST_LOOKS: u32 = 60;

/// What the doors of a worker share.
pub(crate) struct Entrance<H> {
    pub(crate) crew: &'static Crew,
    pub(crate) server: Arc<Server<H>>,
    /// Connections at most (`--worker-connections`).
    pub(crate) limit: u64,
    pub(crate) admission: Arc<Admission>,
}

impl<H> Clone for Entrance<H> {
    fn clone(&self) -> Self {
        Self {
            crew: self.crew,
            server: Arc::clone(&self.server),
            limit: self.limit,
            admission: Arc::clone(&self.admission),
        }
    }
}

impl<H> Entrance<H> {
    /// The entrance to another server of the same worker.
    pub(crate) fn to<T>(&self, server: &Arc<Server<T>>) -> Entrance<T> {
        let server = Arc::clone(server);
        Entrance { crew: self.crew, server, limit: self.limit, admission: Arc::clone(&self.admission) }
    }
}

/// What a worker does with its listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doors {
    /// Accept.
    Open,
    /// Take what is in the listen queue now, then close: the whole server stops.
    LastRound,
    /// Close: other workers go on.
    Closed,
}

/// A listener that processes which the application forks do not keep open.
pub(crate) struct Guarded {
    // Before the listener, since it is dropped first.
    closed_in_children: Option<ClosedInChildren>,
    listener: Listener,
}

impl From<Listener> for Guarded {
    fn from(listener: Listener) -> Self {
        Self { closed_in_children: ClosedInChildren::new(listener.as_fd().as_raw_fd()), listener }
    }
}

/// A listener in the loop.
pub(crate) struct Door {
    // Before the socket, since it is dropped first.
    _closed_in_children: Option<ClosedInChildren>,
    socket: Socket,
    local: Local,
    port: Option<u16>,
    url: String,
}

impl From<Guarded> for Door {
    fn from(Guarded { closed_in_children, listener }: Guarded) -> Self {
        let url = listener.url();
        let socket = listener.into_socket();
        let local = match &socket {
            Socket::Tcp(listener) => listener.local_addr().ok(),
            Socket::Unix(_) => None,
        };
        let port = local.map(|local| local.port());
        let local = local.unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0))).into();
        Self { _closed_in_children: closed_in_children, socket, local, port, url }
    }
}

impl AsFd for Door {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Tcp(listener) => listener.as_fd(),
            Socket::Unix(listener) => listener.as_fd(),
        }
    }
}

/// An accepted connection.
pub(crate) enum Accepted {
    Tcp(Newcomer<TcpStream>, SocketAddr),
    Unix(Newcomer<UnixStream>),
}

impl Door {
    /// Where clients reach it, for people.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The port, unless it is a unix socket.
    pub(crate) fn port(&self) -> Option<u16> {
        self.port
    }

    pub(crate) fn accept(&self, crew: &Crew) -> io::Result<Accepted> {
        let connection = self.socket.accept()?;
        // Looked at afterwards: the master says so before the first connection can be concerned.
        if crew.slot().is_turning_away() {
            connection.welcome();
        }
        let newcomers = Arc::clone(crew.newcomers());
        Ok(match connection {
            Connection::Tcp(socket, remote) => Accepted::Tcp(Newcomer::new(socket, newcomers), remote),
            Connection::Unix(socket) => Accepted::Unix(Newcomer::new(socket, newcomers)),
        })
    }
}

/// Accepts on one listener until the doors close.
pub(crate) async fn accept<H: Handler>(
    door: Arc<Door>,
    entrance: Entrance<H>,
    mut doors: watch::Receiver<Doors>,
) {
    let door = match Watched::new(door) {
        Ok(door) => door,
        Err(error) => return tracing::error!("cannot wait for connections: {error}"),
    };
    tokio::select! {
        () = accept_for_ever(&door, &entrance) => {}
        _ = doors.wait_for(|doors| *doors != Doors::Open) => {}
    }
    if *doors.borrow() == Doors::LastRound {
        entrance.last_round(door.owner()).await;
    }
}

async fn accept_for_ever<H: Handler>(door: &Watched<Arc<Door>>, entrance: &Entrance<H>) {
    loop {
        let Ok(mut ready) = door.readable().await else { return };
        entrance.wait_for_room().await;
        entrance.let_others_go_first().await;
        for _ in 0..entrance.share_now() {
            match ready.try_io(|_| door.owner().accept(entrance.crew)) {
                Ok(Ok(accepted)) => entrance.admit(accepted, door.owner()),
                Ok(Err(error)) if is_exhausted(&error) => {
                    entrance.admission.exhausted(entrance.crew, error);
                    sleep(EXHAUSTED).await;
                    break;
                }
                Ok(Err(error)) => tracing::debug!("a connection was gone before it was accepted: {error}"),
                // That was all, or another worker was faster.
                Err(_) => break,
            }
        }
        // Connections come in bursts, and those that are here want to be served too.
        tokio::task::yield_now().await;
    }
}

/// `EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM` (accept(2)): trying again at once would only spin.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(24 | 23 | 105 | 12))
}

impl<H: Handler> Entrance<H> {
    /// Waits while the worker has as much as it can serve; the rest stays in the listen queue for the others. Where none of
    /// them has room, idle connections give way.
    async fn wait_for_room(&self) {
        let slot = self.crew.slot();
        while self.is_full(slot) {
            let left = self.admission.left();
            if self.is_full(slot) {
                let has_room = |slot: &Slot| slot.stage() == Stage::Ready && !self.is_full(slot);
                if !self.crew.scoreboard().slots().iter().any(has_room) {
                    self.server.make_room();
                }
                left.await;
            }
        }
        while self.is_crowded() {
            sleep(PAUSE).await;
        }
    }

    fn is_full(&self, slot: &Slot) -> bool {
        slot.connections.load() >= self.limit
    }

    /// Whether more requests wait than a worker should collect while another one has fewer. Where all have as many, they
    /// are accepted, so that those beyond `queue_size` are told so.
    fn is_crowded(&self) -> bool {
        let has_room =
            |slot: &Slot| slot.stage() == Stage::Ready && slot.queue_depth.load() < QUEUE_LIMIT as u64;
        self.crew.requests.len() >= QUEUE_LIMIT && self.crew.scoreboard().slots().iter().any(has_room)
    }

    /// How many connections this worker may have more than the others leave it, or fewer: the excess over its share.
    fn over_share(&self) -> i64 {
        let scoreboard = self.crew.scoreboard();
        let workers = scoreboard.ready_workers() as u64;
        let total = scoreboard.total_connections();
        if workers <= 1 {
            return i64::MIN;
        }
        let share = (total + total / TOLERANCE) / workers;
        self.crew.slot().connections.load() as i64 - share as i64
    }

    fn is_over_share(&self) -> bool {
        self.over_share() > 0
    }

    /// How many connections to accept before the loop turns.
    fn share_now(&self) -> u64 {
        let slot = self.crew.slot();
        let room = self.limit.saturating_sub(slot.connections.load());
        BURST.min(room).min(1 + self.over_share().min(0).unsigned_abs())
    }

    /// Whether a request would wait here that another worker could run at once.
    fn is_busier(&self) -> bool {
        let is_free = |slot: &Slot| slot.stage() == Stage::Ready && slot.busy_since.load() == 0;
        self.crew.slot().busy_since.load() != 0 && self.crew.scoreboard().slots().iter().any(is_free)
    }

    /// Leaves the connection that is waiting to the others, but not for ever: a worker that is stuck must not keep the
    /// rest from accepting. Where connections end as fast as they come, one that ends here is what is waited for.
    async fn let_others_go_first(&self) {
        let mut pauses = 0;
        loop {
            let left = self.admission.left();
            let is_busier = pauses < BUSY_PAUSES && self.is_busier();
            if !is_busier && (pauses >= PAUSES || !self.is_over_share()) {
                return;
            }
            if timeout(PAUSE, left).await.is_err() {
                pauses += 1;
            }
        }
    }

    /// Takes what is in the listen queue. Where nobody will come after this worker, also those who have connected and not spoken:
    /// the kernel lets them in when they do, or after a second.
    async fn last_round(&self, door: &Door) {
        let looks = if self.crew.slot().is_ending() { LAST_LOOKS } else { 0 };
        for _ in 0..looks {
            self.admit_all(door);
            if !door.port.is_some_and(has_handshakes) {
                break;
            }
            sleep(LAST_LOOK).await;
        }
        self.admit_all(door);
    }

    fn admit_all(&self, door: &Door) {
        while let Ok(accepted) = door.accept(self.crew) {
            self.admit(accepted, door);
        }
    }

    /// Serves a connection, unless there are too many from where it comes: then it is reset, which costs least.
    fn admit(&self, accepted: Accepted, door: &Door) {
        let address = match &accepted {
            Accepted::Tcp(_, remote) => Some(remote.ip()),
            Accepted::Unix(_) => None,
        };
        let Some(admitted) = self.admission.admit(self.crew, address) else {
            if let Accepted::Tcp(stream, _) = accepted {
                stream.reset_on_close(true);
            }
            return;
        };
        let server = Arc::clone(&self.server);
        match accepted {
            Accepted::Tcp(stream, remote) => {
                self.begin(admitted, server.serve(stream, Peer::accepted(remote, &door.local)));
            }
            Accepted::Unix(stream) => self.begin(admitted, server.serve(stream, Peer::unix())),
        }
    }

    fn begin(&self, admitted: Admitted, connection: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(async move {
            let _admitted = admitted;
            connection.await;
        });
    }
}
