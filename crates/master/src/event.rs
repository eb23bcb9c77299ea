//! What the supervisor is told and what it orders: the whole border between decisions and deeds.

use std::time::Duration;

use rwsgi_os::{Ending, ExitReason, Pid, Report, Signal};

use crate::{Occasion, Policy, intent::Intent, worker::Birth};

pub(crate) use crate::systemd::Word;

/// What happened.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
    /// Time has passed.
    Tick,
    /// Somebody asks for something.
    Intent(Intent),
    /// A worker was forked as ordered.
    Forked(Birth, Pid),
    /// It could not be forked.
    ForkFailed(Birth),
    /// A worker said something.
    Said(Pid, Report),
    /// A child is gone: a worker, a mold, the successor, or a stranger.
    Exited(Exit),
    /// The life signs of a worker, as asked for by [`Action::Look`].
    Vitals(Pid, Vitals),
    /// The settings of this generation are in a file that its mold has to execute.
    NeedsMold(u32),
    /// That mold has done so: [`Action::Accept`].
    Evaluated(u32),
    /// The settings of this generation are read, its sockets are open.
    Prepared(u32, Policy),
    /// They are no good, or a socket could not be opened; the log says why.
    PrepareFailed(u32),
    /// The mold of this generation was forked.
    MoldForked(u32, Pid),
    /// It could not be.
    MoldForkFailed(u32),
    /// It has loaded the application and can fork workers.
    MoldReady(u32),
    /// It has loaded the application, but cannot fork workers from it (it has threads): they load it themselves.
    MoldUnfit(u32),
    /// It has threads, so no workers can be forked from it; it stays for the occasions.
    MoldThreads(u32),
    /// The mold of this generation has dealt with something, and whether all went well.
    Attended(u32, Occasion, bool),
    /// The successor was started.
    SuccessorStarted(Pid),
    /// It could not be; the log says why.
    SuccessorFailed,
    /// The master that this one was started by is gone.
    PredecessorGone,
}

/// The end of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exit {
    pub(crate) pid: Pid,
    pub(crate) ending: Ending,
    /// Whether the kernel is known to have killed it for memory.
    pub(crate) out_of_memory: bool,
}

/// Life signs of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Vitals {
    /// How often its loop has turned.
    pub(crate) turns: u64,
    /// Whether its loop sleeps and has nothing to do.
    pub(crate) asleep: bool,
    /// Its resident memory in bytes, if that was asked for and can be told.
    pub(crate) memory: Option<u64>,
}

/// What is to be done about it, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Fork a worker, from the mold of its generation if that is ready, and answer with [`Event::Forked`] or
    /// [`Event::ForkFailed`].
    Fork(Birth),
    /// Send a signal.
    Signal(Pid, Signal),
    /// Nobody uses this slot of the scoreboard any more.
    FreeSlot(usize),
    /// Answer with [`Event::Vitals`] for each worker that is ready.
    Look {
        /// Whether any may have only so much memory: that is a file to be read for each.
        with_memory: bool,
    },
    /// Read the settings for this generation and answer with [`Event::Prepared`], [`Event::PrepareFailed`] or
    /// [`Event::NeedsMold`].
    Prepare(u32),
    /// Look at the settings that the mold of this generation has told, and answer with [`Event::Prepared`] or
    /// [`Event::PrepareFailed`].
    Accept(u32),
    /// The mold of this generation, which has executed the settings file, is to get ready.
    Load(u32),
    /// Tell the mold of this generation of something, and answer with [`Event::Attended`] when it has dealt with it.
    Announce(u32, Occasion),
    /// Tell a mold to leave when it has dealt with all that it was told before.
    Release(Pid),
    /// All workers serve this generation: close the sockets that only earlier ones had, forget their settings. Those
    /// are not given up one by one.
    Adopt(u32),
    /// Forget the settings of this generation, close the sockets that only it has. Not for one that could not be
    /// prepared.
    GiveUp(u32),
    /// Fork the mold of this generation and answer with [`Event::MoldForked`] or [`Event::MoldForkFailed`].
    StartMold(u32),
    /// Open the master's own log files again.
    ReopenLogs,
    /// Start the program anew from its file with the same sockets, and answer with [`Event::SuccessorStarted`] or
    /// [`Event::SuccessorFailed`].
    StartSuccessor,
    /// There is a successor, or it has ended.
    SetSucceeded(bool),
    /// This master is the server now.
    Promote,
    /// Take no new connections in this process. Socket files are removed at the end unless a successor or
    /// predecessor still uses them.
    CloseListeners,
    /// Tell the log.
    Log(Fact),
    /// Tell systemd.
    Tell(Word),
    /// The server has ended.
    Finish(ExitReason),
}

/// Which kind of child it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Worker,
    Mold,
}

/// What people should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fact {
    /// All places are taken by workers that serve, for the first time.
    AllReady {
        workers: usize,
    },
    /// A worker leaves by itself and its replacement is on its way.
    Retiring(Pid),
    /// A worker is gone; `killed` by the master itself, whether it `was_ready`, and how old it became.
    Exited {
        exit: Exit,
        killed: bool,
        was_ready: bool,
        age: Duration,
    },
    /// Another will take the place of `pid` after `delay`; `failures` in a row ended too soon.
    Replacing {
        pid: Pid,
        delay: Duration,
        failures: u32,
    },
    /// No process to be had; the next try comes after `delay`.
    ForkFailed {
        delay: Duration,
    },
    /// The time to leave is over, or somebody asked twice: this many workers are killed.
    Killing {
        workers: usize,
    },
    /// This many killed workers have not disappeared.
    Unkillable {
        workers: usize,
    },
    /// A worker or mold has not loaded the application in time and is aborted.
    BootTimeout {
        kind: Kind,
        pid: Pid,
        limit: Duration,
    },
    /// A mold has not executed the settings file in time and is aborted.
    SettingsTimeout {
        pid: Pid,
        limit: Duration,
    },
    /// A worker's loop has shown no sign of life and is aborted.
    Silent {
        pid: Pid,
        silence: Duration,
    },
    /// An aborted or retired worker or mold did not end in time and is killed.
    Overdue {
        kind: Kind,
        pid: Pid,
    },
    /// A worker has reached its age, or its memory: another will take its place.
    TooOld {
        pid: Pid,
        age: Duration,
    },
    TooBig {
        pid: Pid,
        memory: u64,
    },
    /// A reload has begun (Gunicorn's `Hang up: Master`).
    ReloadBegun {
        generation: u32,
    },
    /// It is complete.
    Reloaded {
        generation: u32,
        workers: usize,
        took: Duration,
    },
    /// It was given up.
    ReloadFailed {
        failed: u32,
        serving: u32,
    },
    /// It was overtaken by a newer one.
    ReloadOvertaken {
        generation: u32,
    },
    /// The mold of this generation is gone.
    MoldExited {
        exit: Exit,
        generation: u32,
        /// By the master itself.
        killed: bool,
        was_ready: bool,
    },
    /// How many workers are wanted from now on.
    WorkersWanted {
        workers: usize,
    },
    /// More workers are asked for than the scoreboard has room for; this many are the most.
    TooManyWorkers {
        most: usize,
    },
    /// `WINCH` came from a terminal that changed its size, or there is nothing to stop.
    WinchIgnored,
    /// Workers are stopped, the master stays (Gunicorn's `graceful stop of workers`).
    WorkersStopped,
    /// `USR2` has no effect: a successor, or the predecessor, is there.
    UpgradeIgnored {
        successor: bool,
    },
    /// The successor was started.
    UpgradeBegun(Pid),
    /// The successor has ended; this master goes on.
    SuccessorExited(Exit),
    /// This master is the server now (Gunicorn's `Master has been promoted.`).
    Promoted,
    /// The application does not load; the server waits for a reload (`--reload`).
    WaitingForReload,
}
