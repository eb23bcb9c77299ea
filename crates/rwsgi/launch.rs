//! How this process was started: by whom, with which sockets, to go into the background or not.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use rwsgi_config::{Address, Config};
use rwsgi_os::{
    Background, BindAddress, Detached, ExitReason, Handover, Invocation, Listener, Pid, Purpose, SocketPlan,
    Streams, Vault,
};

use crate::error::Error;
use crate::{Host, logging};

/// What the process has from whoever started it.
pub(crate) struct Launch {
    invocation: Invocation,
    handover: Option<Handover>,
    predecessor: Option<Pid>,
    giver: Option<Pid>,
    /// From systemd.
    activated: Vec<Listener>,
    /// The addresses of those, which stand in for the ones of the settings.
    addresses: Vec<BindAddress>,
    /// Who waits in the foreground.
    background: Option<Background>,
    /// Certificates and keys, for all processes that come from this one.
    vault: Arc<Vault>,
}

impl Launch {
    /// Takes it all; the variables of the environment that tell of it are gone afterwards.
    pub(crate) fn take() -> Result<Self, Error> {
        let invocation = Invocation::capture();
        let mut handover = Handover::from_environment()?;
        let mut activated = rwsgi_os::take_activated()?;
        activated.extend(handover.iter_mut().flat_map(Handover::take_activated));
        Ok(Self {
            invocation,
            predecessor: handover.as_ref().and_then(Handover::predecessor),
            giver: handover.as_ref().map(Handover::giver),
            handover,
            addresses: activated.iter().map(|listener| listener.address().clone()).collect(),
            activated,
            background: None,
            vault: Arc::new(Vault::new()?),
        })
    }

    /// By what the workers get certificates and keys.
    pub(crate) fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    /// Where the program was started.
    pub(crate) fn directory(&self) -> &Path {
        self.invocation.directory().unwrap_or(Path::new("."))
    }

    /// The command line.
    pub(crate) fn arguments(&self) -> &[OsString] {
        self.invocation.arguments()
    }

    /// The command line for `sys.argv` of a Python that this program starts. That of the process is a title by then.
    pub(crate) fn argv(&self) -> Vec<String> {
        self.arguments().iter().map(|argument| argument.to_string_lossy().into_owned()).collect()
    }

    /// Whether somebody in the foreground waits for this process to have started.
    pub(crate) fn is_in_background(&self) -> bool {
        self.background.is_some()
    }

    /// In a process that serves nobody: what is the master's alone is closed.
    pub(crate) fn release(&mut self) {
        self.activated.clear();
        self.handover = None;
        self.background = None;
    }

    /// How to start the program again.
    pub(crate) fn invocation(&self) -> &Invocation {
        &self.invocation
    }

    /// The server that this one is to take the place of.
    pub(crate) fn predecessor(&self) -> Option<Pid> {
        self.predecessor
    }

    /// The server that has started this one, even if it has ended already.
    pub(crate) fn giver(&self) -> Option<Pid> {
        self.giver
    }

    /// What is listened on with these settings: the sockets of systemd, if there are any, instead of all
    /// addresses of the application.
    pub(crate) fn sockets(&self, plans: Vec<SocketPlan>) -> Vec<SocketPlan> {
        if self.addresses.is_empty() {
            return plans;
        }
        let is_secure = plans.iter().any(|plan| plan.is_secure);
        let others = plans.into_iter().filter(|plan| plan.purpose != Purpose::Serving);
        let serving = self.addresses.iter().cloned().map(SocketPlan::new);
        serving.map(|plan| SocketPlan { is_secure, ..plan }).chain(others).collect()
    }

    /// Says in the log that addresses are ignored, if somebody has named any.
    pub(crate) fn explain_sockets(&self, config: &Config) {
        let is_default = |address: &Address| address.to_string() == "127.0.0.1:8000";
        let is_silent = self.addresses.is_empty() || config.bind.iter().all(is_default);
        if !is_silent {
            let addresses = config.bind.iter().map(Address::to_string).collect::<Vec<_>>().join(",");
            tracing::info!("Listening on the sockets that systemd passed; ignored: {addresses}");
        }
    }

    /// A socket that is open already.
    pub(crate) fn inherited(&mut self, address: &BindAddress) -> Option<Listener> {
        if let Some(place) = self.activated.iter().position(|listener| listener.address() == address) {
            return Some(self.activated.remove(place));
        }
        self.handover.as_mut()?.take(address)
    }

    /// All that is wanted was taken.
    pub(crate) fn close_rest(&mut self) {
        self.handover = None;
    }

    /// Whether the server is to go into the background (`--daemon`).
    ///
    /// A successor stays where it is: its predecessor is, or was, in the background, and has to be its parent.
    pub(crate) fn is_to_detach(&self, config: &Config) -> bool {
        config.daemon && self.handover.is_none()
    }

    /// Goes into the background. In the process that is left in the foreground: how the start went.
    pub(crate) fn detach(&mut self, host: Host) -> Result<Option<ExitReason>, Error> {
        let hooks = host.fork_hooks();
        match host.without_python(|| rwsgi_os::detach(&*hooks))? {
            Detached::Foreground(Some(reason)) => Ok(Some(reason)),
            Detached::Foreground(None) => Err(Error::Background),
            Detached::Background(background) => {
                self.background = Some(background);
                Ok(None)
            }
        }
    }

    /// In the background: the server is bound, so the foreground is done, and the standard streams are given up.
    pub(crate) fn started(&mut self, config: &Config) -> Result<(), Error> {
        let Some(background) = self.background.take() else { return Ok(()) };
        if std::env::var_os("NOTIFY_SOCKET").is_some() {
            tracing::warn!("`--daemon` is not for services that systemd starts: leave it out there");
        }
        if !config.enable_stdio_inheritance && !logging::is_elsewhere() {
            tracing::warn!("the error log goes nowhere from here on: name a file with `--error-logfile`");
        }
        let discarded = discard_streams(config);
        match discarded {
            Ok(()) => background.tell(ExitReason::Ok),
            Err(_) => self.background = Some(background),
        }
        discarded
    }

    /// The server has ended, or could not start: so does the process in the foreground if it still waits.
    pub(crate) fn ended(&mut self, reason: ExitReason) {
        if let Some(background) = self.background.take() {
            background.tell(reason);
        }
    }
}

/// In the background: the standard streams belong to whoever is in the foreground.
pub(crate) fn discard_streams(config: &Config) -> Result<(), Error> {
    if config.enable_stdio_inheritance {
        rwsgi_os::discard(Streams::Input, None)?;
    } else {
        rwsgi_os::discard(Streams::All, logging::file().filter(|_| !logging::is_elsewhere()))?;
    }
    logging::capture()
}
