use rwsgi_os::Pid;

/// The master's view of one worker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Worker {
    /// Its process.
    pub(crate) pid: Pid,
    /// Its slot of the scoreboard.
    pub(crate) slot: usize,
    /// What it said last.
    pub(crate) stage: Stage,
    /// Whether the master itself has sent it `KILL`.
    pub(crate) killed: bool,
}

/// How far a worker has come, as far as the master was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Forked.
    Starting,
    /// It serves.
    Ready,
    /// It finishes what it has; its place belongs to another.
    Retiring,
}

/// The order to fork one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Birth {
    /// For which place.
    pub(crate) seat: usize,
    /// Which slot of the scoreboard it gets.
    pub(crate) slot: usize,
    /// Its number, never given twice.
    pub(crate) number: u64,
    /// For which generation of the configuration.
    pub(crate) generation: u32,
}
