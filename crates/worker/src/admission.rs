//! Who is let in: not more than so many connections from one place at a time.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rwsgi_http::Proxies;
use rwsgi_os::Crowd;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::crew::Crew;
use crate::notice::Notice;
use crate::run::Options;

/// Dropped connections, and the lack of descriptors, leave one line in this time.
const INTERVAL: Duration = Duration::from_secs(10);

/// Who may come in, and what the log says of the others.
#[derive(Debug)]
pub(crate) struct Admission {
    limit: Option<usize>,
    /// Proxies may have any number of connections: each brings all its clients over few addresses.
    proxies: Proxies,
    dropped: Notice<(IpAddr, usize)>,
    exhausted: Notice<io::Error>,
    left: Notify,
}

/// A connection in the counts, until it is dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    crew: &'static Crew,
    crowd: Option<Crowd>,
    admission: Arc<Admission>,
}

impl Admission {
    /// Takes from the options what is about this.
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            limit: options.connections_per_address,
            proxies: options.http.proxies.clone(),
            dropped: Notice::new(INTERVAL, |(address, limit), count| {
                tracing::warn!(
                    "dropped {}, the last from `{address}`: it has {limit} (`--limit-connections-per-ip`)",
                    if count == 1 { "a connection".to_owned() } else { format!("{count} connections") }
                );
            }),
            exhausted: Notice::new(INTERVAL, |error, _| {
                tracing::error!("cannot accept connections until some are closed: {error}");
            }),
            left: Notify::new(),
        }
    }

    /// Waits until a connection has ended.
    pub(crate) fn left(&self) -> Notified<'_> {
        self.left.notified()
    }

    /// Counts a connection from `address` (`None`: over a unix socket). `None` when there are too many from there.
    pub(crate) fn admit(self: &Arc<Self>, crew: &'static Crew, address: Option<IpAddr>) -> Option<Admitted> {
        let crowd = match (self.limit, address) {
            (Some(limit), Some(address)) if !self.proxies.is_proxy(address) => {
                Some(self.enter(crew, address, limit)?)
            }
            _ => None,
        };
        crew.slot().connections.increment();
        Some(Admitted { crew, crowd, admission: Arc::clone(self) })
    }

    /// Counts first and looks then, for several workers may accept at the same time.
    fn enter(&self, crew: &Crew, address: IpAddr, limit: usize) -> Option<Crowd> {
        let crowd = crew.scoreboard().crowd_of(address);
        crew.slot().crowds.enter(crowd);
        if crew.scoreboard().crowd_size(crowd) <= limit as u64 {
            return Some(crowd);
        }
        crew.slot().crowds.leave(crowd);
        self.dropped.add((address.to_canonical(), limit), crew.runtime.handle());
        None
    }

    /// The system has no descriptor for another connection.
    pub(crate) fn exhausted(&self, crew: &Crew, error: io::Error) {
        self.exhausted.add(error, crew.runtime.handle());
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let slot = self.crew.slot();
        slot.connections.decrement();
        self.crowd.into_iter().for_each(|crowd| slot.crowds.leave(crowd));
        self.admission.left.notify_waiters();
    }
}
