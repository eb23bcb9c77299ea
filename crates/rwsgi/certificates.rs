//! The process that fetches certificates and renews them (`--acme-domain`). It writes files, which the master sees and reads
//! ([`crate::renewal`]); it speaks to the authority, and to this server only as a client does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rwsgi_acme::{Options, Store};
use rwsgi_config::Acme;
use rwsgi_os::{Ending, ExitReason, Forked, Listener, Pid, Signal};

use crate::error::Error;
use crate::{Host, ui};

/// Whether there is such a process, and who it is.
pub(crate) enum Kept {
    /// None is wanted.
    Not,
    /// In the process that has started it.
    By(Pid),
    /// This process is to be it: it has nothing to do but to [`Keeper::run`], and should hold nothing of the master's.
    Here(Box<Keeper>),
}

/// The process that keeps the certificate.
pub(crate) struct Keeper {
    options: Options,
    store: Store,
    master: Pid,
}

/// Starts it if it is wanted.
///
/// # Errors
/// The system has no process left, or nobody could reach the server to see the proof.
pub(crate) fn start(
    (acme, store): (&Acme, Option<&Store>),
    listeners: &[Listener],
    host: Host,
) -> Result<Kept, Error> {
    let Some(store) = store else { return Ok(Kept::Not) };
    let options = Options {
        directory: acme.server.clone(),
        root: acme.root.clone(),
        domains: acme.domains.clone(),
        email: acme.email.clone(),
        address: listeners.iter().find_map(address).ok_or(Error::NoAcmeAddress)?,
    };
    let (master, hooks) = (Pid::this(), host.fork_hooks());
    match host.without_python(|| rwsgi_os::fork(&*hooks))? {
        Forked::Parent(pid) => Ok(Kept::By(pid)),
        Forked::Child => Ok(Kept::Here(Box::new(Keeper { options, store: store.clone(), master }))),
    }
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
    /// Keeps the certificate until the master is gone, or until that is not possible any more.
    pub(crate) fn run(self) -> ExitReason {
        if !rwsgi_os::die_with_parent(self.master, Signal::SIGTERM) {
            return ExitReason::MasterGone;
        }
        let Err(error) = rwsgi_acme::keep(&self.options, &self.store);
        ui::complain(&error, None);
        ExitReason::Ok
    }
}

/// Says that it has ended.
pub(crate) fn ended(pid: Pid, ending: Ending) {
    let end = match ending {
        Ending::Code(code) => format!("exited with code {code}"),
        Ending::Signal { number, .. } => format!("was sent {}", rwsgi_os::signal_name(number)),
    };
    tracing::error!(
        "The keeper of the certificate (pid:{pid}) {end}: it is not renewed any more until the server is started again"
    );
}
