use rwsgi_os::Signal;

/// What a signal asks the master for (Gunicorn's table of signals).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// End when the workers have answered what they have.
    Stop,
    /// End soon, whatever runs.
    StopNow,
    /// Read the settings and load the application anew.
    Reload,
    /// One worker more.
    MoreWorkers,
    /// One worker fewer, but never less than one.
    FewerWorkers,
    /// Open the log files again.
    ReopenLogs,
    /// Start the program anew from its file, with the same sockets.
    Upgrade,
    /// Stop the workers; the master stays. Only without a controlling terminal.
    StopWorkers,
    /// The terminal has another size, which asks for nothing.
    WindowChanged,
}

/// Every signal that the master takes. `CHLD` only wakes it.
pub(crate) const TAKEN: [Signal; 10] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGHUP,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGTTIN,
    Signal::SIGTTOU,
    Signal::SIGWINCH,
    Signal::SIGCHLD,
];

impl Intent {
    /// What `signal` asks for, if anything.
    pub(crate) fn of(signal: Signal) -> Option<Self> {
        match signal {
            Signal::SIGTERM => Some(Self::Stop),
            Signal::SIGINT | Signal::SIGQUIT => Some(Self::StopNow),
            Signal::SIGHUP => Some(Self::Reload),
            Signal::SIGTTIN => Some(Self::MoreWorkers),
            Signal::SIGTTOU => Some(Self::FewerWorkers),
            Signal::SIGUSR1 => Some(Self::ReopenLogs),
            Signal::SIGUSR2 => Some(Self::Upgrade),
            Signal::SIGWINCH => Some(Self::StopWorkers),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_ask_for_what_gunicorns_users_expect() {
        let asked = [
            (Signal::SIGTERM, Intent::Stop),
            (Signal::SIGINT, Intent::StopNow),
            (Signal::SIGQUIT, Intent::StopNow),
            (Signal::SIGHUP, Intent::Reload),
            (Signal::SIGTTIN, Intent::MoreWorkers),
            (Signal::SIGTTOU, Intent::FewerWorkers),
            (Signal::SIGUSR1, Intent::ReopenLogs),
            (Signal::SIGUSR2, Intent::Upgrade),
            (Signal::SIGWINCH, Intent::StopWorkers),
        ];
        for (signal, intent) in asked {
            assert_eq!(Intent::of(signal), Some(intent));
        }
        assert_eq!(Intent::of(Signal::SIGCHLD), None);
        assert!(TAKEN.iter().all(|&taken| taken == Signal::SIGCHLD || Intent::of(taken).is_some()));
    }
}
