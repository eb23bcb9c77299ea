use rwsgi_os::Pid;

/// Something in the life of the server that its settings file may have a function for (Gunicorn's server hooks).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// The settings are read, nothing is bound yet (`on_starting`). If it goes wrong the server does not start.
    Starting,
    /// All sockets are open, no worker is forked yet (`when_ready`). If it goes wrong the server ends.
    Ready,
    /// A reload has brought these settings, no worker of them is forked yet (`on_reload`). If it goes wrong the reload is given up.
    Reloaded,
    /// How many workers are wanted (`nworkers_changed`); `old` is missing at the start.
    WorkersChanged {
        /// From now on.
        new: usize,
        /// Until now.
        old: Option<usize>,
    },
    /// A worker has ended (`child_exit`).
    ChildExited {
        /// What its pid was.
        pid: Pid,
        /// Its number (`worker.age`).
        number: u64,
    },
    /// The program is about to be executed anew (`pre_exec`).
    Executing,
    /// The server ends, all workers are gone (`on_exit`). The mold ends behind it.
    Exiting,
}

/// What the program does in a mold when the master tells it of something. Everything is called in the order in which the master
/// has told it, while the mold does nothing else; whatever goes wrong the attendant has told the log.
pub trait Attendant {
    /// The worker with this number is about to be forked (`pre_fork`). Whether it may be.
    fn before_fork(&mut self, number: u64) -> bool;

    /// It was, and has this pid. Not called in the worker.
    fn forked(&mut self, number: u64, pid: Pid);

    /// Whether all went well.
    fn attend(&mut self, occasion: Occasion) -> bool;

    /// `USR1`: opens the log files again. Workers have the descriptors that the mold has.
    fn reopen_logs(&mut self);
}
