//! The process that fetches certificates and renews them (`--acme-domain`). It writes files, which the master sees and reads
//! ([`crate::renewal`]); it speaks to the authority, and to this server only as a client does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use rwsgi_acme::{Options, Store};
use rwsgi_config::Acme;
use rwsgi_os::{Ending, ExitReason, Listener, Pid, Signal};

use crate::error::Error;
use crate::ui;

/// After so long the endings before do not count any more.
const LASTED: Duration = Duration::from_secs(24 * 3600);

/// The process that keeps the certificate, as the master sees it.
pub(crate) struct Keeper {
    options: Options,
    store: Store,
    master: Pid,
    state: State,
    /// How often it has ended in a row.
    endings: u32,
}

enum State {
    /// It is to be forked then.
    Due(Instant),
    Running {
        pid: Pid,
        since: Instant,
    },
}

/// Where this machine reaches a listener for TLS.
fn address(listener: &Listener) -> Option<SocketAddr> {
    let address = listener.secured_address()?;
    let here = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    Some(SocketAddr::new(here, address.port()))
}

impl Keeper {
    /// To be forked as soon as there is a master, which this process is to be; `None` if none is wanted.
    ///
    /// # Errors
    /// Nobody could reach the server to see the proof.
    pub(crate) fn new(
        acme: &Acme,
        store: Option<Store>,
        listeners: &[Listener],
    ) -> Result<Option<Self>, Error> {
        let Some(store) = store else { return Ok(None) };
        let options = Options {
            directory: acme.server.clone(),
            root: acme.root.clone(),
            domains: acme.domains.clone(),
            email: acme.email.clone(),
            address: listeners.iter().find_map(address).ok_or(Error::NoAcmeAddress)?,
        };
        let state = State::Due(Instant::now());
        Ok(Some(Self { options, store, master: Pid::this(), state, endings: 0 }))
    }

    /// When to fork it; `None`: it is there.
    pub(crate) fn due(&self) -> Option<Instant> {
        match self.state {
            State::Due(due) => Some(due),
            State::Running { .. } => None,
        }
    }

    /// It was forked, or could not be.
    pub(crate) fn forked(&mut self, pid: Option<Pid>) {
        let Some(pid) = pid else { return self.put_off("could not be started") };
        if self.endings > 0 {
            tracing::info!("The keeper of the certificate was started again (pid:{pid})");
        }
        self.state = State::Running { pid, since: Instant::now() };
    }

    /// A child has ended: it, or another one.
    pub(crate) fn child_ended(&mut self, ended: Pid, ending: Ending) {
        let State::Running { pid, since } = self.state else { return };
        if pid != ended {
            return;
        }
        if since.elapsed() >= LASTED {
            self.endings = 0;
        }
        self.put_off(&match ending {
            Ending::Code(code) => format!("(pid:{pid}) exited with code {code}"),
            Ending::Signal { number, .. } => {
                format!("(pid:{pid}) was sent {}", rwsgi_os::signal_name(number))
            }
        });
    }

    fn put_off(&mut self, event: &str) {
        self.endings = self.endings.saturating_add(1);
        let pause = rwsgi_acme::restart(self.endings);
        self.state = State::Due(Instant::now() + pause);
        tracing::error!(
            "The keeper of the certificate {event}: another one is started in {} s",
            pause.as_secs()
        );
    }

    /// In its process: keeps the certificate until the master is gone, or until that is not possible any more.
    pub(crate) fn run(self) -> ExitReason {
        if !rwsgi_os::die_with_parent(self.master, Signal::SIGTERM) {
            return ExitReason::MasterGone;
        }
        let Err(error) = rwsgi_acme::keep(&self.options, &self.store);
        ui::complain(&error, None);
        ExitReason::Ok
    }
}
