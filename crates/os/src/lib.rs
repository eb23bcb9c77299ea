//! The room of system calls: processes, signals, sockets, shared memory and clocks as safe types, for Linux.
//!
//! **Must not know** tokio, Python or any policy: how long to wait, when to restart and what to log is
//! decided by the callers.
//! **Called by** the master (supervision), the worker (life signs, clocks, signals) and the program (pid
//! file, CPU count).
//!
//! Read `exit` (how a process ends), `fork`, `signal`, `child`, `lifeline` (what a parent and its child tell
//! each other), then `socket`, `scoreboard` and `crowd`; the rest stands alone.
//!
//! Unsafe calls and what guards each: `fork` (one thread, checked), `sigaction` (handlers that only write a
//! byte, leave or do nothing), `waitpid`, `prctl`, `tgkill`, `clock_gettime`, `pwritev2`, `malloc_trim`, `ioctl`
//! (plain values and live buffers), the scoreboard's mapping (owned, atomics only).

mod cgroup;
#[expect(unsafe_code)]
mod child;
#[expect(unsafe_code)]
mod clock;
mod cpu;
mod crowd;
#[expect(unsafe_code)]
mod descendant;
mod error;
#[expect(unsafe_code)]
mod exit;
#[expect(unsafe_code)]
mod fork;
#[cfg_attr(target_env = "gnu", expect(unsafe_code))]
mod heap;
mod lifeline;
mod memory;
mod pidfile;
mod request_line;
#[expect(unsafe_code)]
mod scoreboard;
#[expect(unsafe_code)]
mod signal;
mod socket;
#[expect(unsafe_code)]
mod thread;
mod turn_away;
#[expect(unsafe_code)]
mod unsent;
mod wait;
#[expect(unsafe_code)]
mod write;

pub use self::{
    child::{Ending, Exited, Pid, die_with_parent, kill, reap, signal_name},
    clock::{ThreadClock, monotonic_micros, monotonic_millis},
    cpu::available as available_cpus,
    crowd::{Crowd, CrowdCounts},
    descendant::{ClosedInChildren, guard_descendants, is_descendant},
    error::Error,
    exit::{ExitReason, exit_now},
    fork::{ForkHooks, Forked, NoHooks, assert_single_threaded, fork},
    heap::release_memory,
    lifeline::{Lifeline, LifelineEnd, Report, Status, StatusReader, status_pipe},
    memory::MemoryKills,
    pidfile::PidFile,
    request_line::RunningRequest,
    scoreboard::{Gauge, Scoreboard, Slot, Stage},
    signal::{Signal, Signals, boot_handlers, install_interrupter, replaced_handlers},
    socket::{BindAddress, Listener, Socket, SocketFile},
    thread::ThreadId,
    unsent::unsent_bytes,
    wait::readable_within,
    write::write_if_ready,
};
