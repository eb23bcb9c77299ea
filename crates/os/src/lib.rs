//! The room of system calls: processes, signals, sockets, shared memory and clocks as safe types, for Linux.
//!
//! **Must not know** tokio, Python or any policy: how long to wait, when to restart and what to log is
//! decided by the callers.
//! **Called by** the master (supervision), the worker (life signs, clocks, signals) and the program (pid
//! file, CPU count).
//!
//! Read `exit` (how a process ends), `fork`, `signal`, `child`, `lifeline` (what a parent and its child tell
//! each other), then `socket` (with `bind` and `inherited`), `invocation` and `handover` (the next server), `identity`,
//! `scoreboard`, `crowd` and `rates`; the rest stands alone.
//!
//! Unsafe calls and what guards each: `fork` (one thread, checked), `sigaction` (handlers that only write a
//! byte, leave or do nothing), `waitpid`, `prctl`, `tgkill`, `accept4`, `clock_gettime`, `pwritev2`, `malloc_trim`, `mallopt`, `ioctl`,
//! `getsockopt`, `setsockopt` (plain values and live buffers), `dup3`, `fcntl` and the descriptors that a parent left open (owned once: `inherited`),
//! `remove_var` (one thread, checked), what runs between fork and exec (`invocation`), the bytes where the arguments are (`title`: where the kernel says), the mappings of the scoreboard and the vault (owned, atomics only).

#[expect(unsafe_code)]
mod accept;
mod address;
#[expect(unsafe_code)]
mod backlog;
mod bind;
mod cgroup;
#[expect(unsafe_code)]
mod channel;
#[expect(unsafe_code)]
mod child;
#[expect(unsafe_code)]
mod clock;
mod cpu;
mod crowd;
mod defer;
#[expect(unsafe_code)]
mod descendant;
#[expect(unsafe_code)]
mod detach;
#[expect(unsafe_code)]
mod environment;
mod error;
#[expect(unsafe_code)]
mod exit;
#[expect(unsafe_code)]
mod fork;
mod handover;
mod handshake;
#[cfg_attr(target_env = "gnu", expect(unsafe_code))]
mod heap;
#[expect(unsafe_code)]
mod identity;
#[expect(unsafe_code)]
mod inherited;
#[expect(unsafe_code)]
mod invocation;
mod lifeline;
mod limits;
mod log_socket;
mod memory;
mod message;
mod metrics;
#[expect(unsafe_code)]
mod option;
mod ownership;
mod pidfile;
mod rates;
#[expect(unsafe_code)]
mod reopen;
mod request_line;
#[expect(unsafe_code)]
mod scoreboard;
#[expect(unsafe_code)]
mod signal;
mod socket;
mod socket_file;
mod stage;
mod stat;
mod statsd;
mod terminal;
#[expect(unsafe_code)]
mod thread;
#[expect(unsafe_code)]
mod title;
mod turn_away;
#[expect(unsafe_code)]
mod unsent;
#[expect(unsafe_code)]
mod vault;
mod wait;
#[expect(unsafe_code)]
mod write;

pub use self::{
    accept::Connection,
    address::BindAddress,
    backlog::waiting_connections,
    channel::{Channel, Received},
    child::{Ending, Exited, Pid, die_with_parent, kill, reap, signal_name},
    clock::{ThreadClock, monotonic_micros, monotonic_millis},
    cpu::{available as available_cpus, used as used_cpu},
    crowd::{Crowd, CrowdCounts},
    descendant::{ClosedInChildren, guard_descendants, is_descendant},
    detach::{Background, Detached, Streams, capture, detach, discard, occupy_streams, redirect},
    environment::private_variables,
    error::Error,
    exit::{ExitReason, exit_now},
    fork::{ForkHooks, Forked, NoHooks, adopt_orphans, assert_single_threaded, fork, fork_for},
    handover::Handover,
    handshake::has_handshakes,
    heap::{keep_memory, release_memory},
    identity::Identity,
    inherited::take_activated,
    invocation::Invocation,
    lifeline::{Lifeline, LifelineEnd, Report, Status, StatusReader, status_pipe},
    limits::allow_descriptors,
    log_socket::{LogPeer, LogSocket},
    memory::{MemoryKills, proportional_memory, resident_memory},
    message::{read_sealed, seal_text},
    metrics::{
        BOUNDS, CLASSES, Counter, Counters, Histogram, METHODS, REFUSALS, RESTARTS, RestartReason,
        ServerCounters,
    },
    ownership::{Owner, give_log},
    pidfile::PidFile,
    rates::{Actor, Pace},
    reopen::reopen,
    request_line::RunningRequest,
    scoreboard::{Gauge, Scoreboard, Slot},
    signal::{Signal, Signals, boot_handlers, hear_of_children, replaced_handlers},
    socket::{Listener, Purpose, Socket, SocketPlan},
    socket_file::SocketFile,
    stage::Stage,
    stat::parent_of,
    statsd::{Statsd, StatsdTarget},
    terminal::has_terminal,
    thread::ThreadId,
    title::{set_title, without_title},
    unsent::unsent_bytes,
    vault::Vault,
    wait::readable_within,
    write::write_if_ready,
};
