use rwsgi_os::Signal;

/// What a signal asks the master for (Gunicorn's table of signals).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// End when the workers have answered what they have.
    Stop,
    /// End soon, whatever runs.
    StopNow,
    /// Known to Gunicorn's users, and without effect here; the default action would end the server.
    Unsupported(Signal),
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
            Signal::SIGCHLD => None,
            Signal::SIGTERM => Some(Self::Stop),
            Signal::SIGINT | Signal::SIGQUIT => Some(Self::StopNow),
            other => Some(Self::Unsupported(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_ask_for_what_gunicorns_users_expect() {
        assert_eq!(Intent::of(Signal::SIGTERM), Some(Intent::Stop));
        assert_eq!(Intent::of(Signal::SIGINT), Some(Intent::StopNow));
        assert_eq!(Intent::of(Signal::SIGQUIT), Some(Intent::StopNow));
        assert_eq!(Intent::of(Signal::SIGCHLD), None);
        assert_eq!(Intent::of(Signal::SIGHUP), Some(Intent::Unsupported(Signal::SIGHUP)));
    }
}
