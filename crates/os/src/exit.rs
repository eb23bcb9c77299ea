use std::process::ExitCode;

/// How the master or a worker ended. A worker's code is its last message to the master; the codes up to 4 are
/// Gunicorn's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitReason {
    /// 0: it was asked to leave, and left.
    Ok,
    /// 1: the configuration cannot be used, or an address cannot be bound.
    Config,
    /// 2: the command line cannot be understood.
    Usage,
    /// 3: the worker failed before it was ready, for another reason than the application's code.
    BootFailed,
    /// 4: the application could not be imported, has no such attribute or is not callable.
    AppLoadFailed,
    /// 70 (`EX_SOFTWARE`): a defect of the server itself.
    Internal,
    /// 71, worker only: a request went over its time and could not be ended otherwise.
    Timeout,
    /// 72, worker only: the master is gone.
    MasterGone,
}

const ALL: [ExitReason; 8] = [
    ExitReason::Ok,
    ExitReason::Config,
    ExitReason::Usage,
    ExitReason::BootFailed,
    ExitReason::AppLoadFailed,
    ExitReason::Internal,
    ExitReason::Timeout,
    ExitReason::MasterGone,
];

impl ExitReason {
    /// The exit code of the process.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Config => 1,
            Self::Usage => 2,
            Self::BootFailed => 3,
            Self::AppLoadFailed => 4,
            Self::Internal => 70,
            Self::Timeout => 71,
            Self::MasterGone => 72,
        }
    }

    /// The reason that an exit code stands for; none for a code of somebody else, such as an application's
    /// `os._exit(9)`.
    #[must_use]
    pub fn from_code(code: i32) -> Option<Self> {
        ALL.into_iter().find(|reason| i32::from(reason.code()) == code)
    }

    /// What the code means, for a log line.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "it was asked to leave",
            Self::Config => "the configuration cannot be used",
            Self::Usage => "the command line cannot be understood",
            Self::BootFailed => "the worker failed to boot",
            Self::AppLoadFailed => "the application could not be loaded",
            Self::Internal => "an internal error",
            Self::Timeout => "a request went over its time",
            Self::MasterGone => "the master is gone",
        }
    }
}

impl From<ExitReason> for ExitCode {
    fn from(reason: ExitReason) -> Self {
        Self::from(reason.code())
    }
}

/// Ends the process here: no destructors, no `atexit`, no Python finalisation (`_exit(2)`).
pub fn exit_now(reason: ExitReason) -> ! {
    // SAFETY: `_exit` has no preconditions; the kernel releases what the process holds.
    unsafe { libc::_exit(i32::from(reason.code())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_gunicorns_and_come_back() {
        let codes: Vec<u8> = ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 70, 71, 72]);
        for reason in ALL {
            assert_eq!(ExitReason::from_code(i32::from(reason.code())), Some(reason));
        }
        assert_eq!(ExitReason::from_code(9), None);
        assert_eq!(ExitReason::from_code(256), None);
    }
}
