use std::{error::Error, time::Duration};

use rwsgi_os::{self as os, Ending, ExitReason, Pid, Signal};
use tracing::{debug, error, info, warn};

use crate::{
    event::{Exit, Fact, Kind},
    nursery::Lost,
};

/// Events of this target are worse than errors.
const CRITICAL: &str = "critical";

/// Where the server listens. Log scrapers key on this line and on most below: their texts are Gunicorn's.
pub(crate) fn listening<'a>(listeners: impl IntoIterator<Item = &'a os::Listener>) {
    let all: Vec<_> = listeners.into_iter().collect();
    let purposes = [
        ("Listening at", os::Purpose::Serving),
        ("Redirecting to HTTPS at", os::Purpose::Redirecting),
        ("Metrics at", os::Purpose::Metrics),
    ];
    for (what, purpose) in purposes {
        let of_it: Vec<_> = all.iter().copied().filter(|listener| listener.purpose() == purpose).collect();
        if !of_it.is_empty() {
            info!("{what}: {} ({})", urls(of_it), std::process::id());
        }
    }
}

/// Which kind of workers serves.
pub(crate) fn using(worker_class: &str) {
    info!("Using worker: {worker_class}");
}

/// A reload has brought other addresses.
pub(crate) fn no_longer_listening(listeners: &[os::Listener]) {
    info!("No longer listening at: {}", urls(listeners));
}

fn urls<'a>(listeners: impl IntoIterator<Item = &'a os::Listener>) -> String {
    listeners.into_iter().map(os::Listener::url).collect::<Vec<_>>().join(",")
}

/// A signal that asks for something has come.
pub(crate) fn handling(signal: Signal) {
    info!("Handling signal: {}", short_name(signal));
}

/// The last words of the master.
pub(crate) fn shutting_down(reason: ExitReason) {
    let why = match reason {
        ExitReason::Ok => return info!("Shutting down: Master"),
        ExitReason::BootFailed => "Worker failed to boot.",
        ExitReason::AppLoadFailed => "App failed to load.",
        other => other.meaning(),
    };
    error!("Shutting down: Master");
    error!("Reason: {why}");
}

/// The kernel refuses something.
pub(crate) fn failed(error: &os::Error) {
    match error.source() {
        Some(source) => error!("{error}: {source}"),
        None => error!("{error}"),
    }
}

/// Connections that come while the server ends may be reset. Nobody can do much about a kernel or a sandbox that wants it so.
pub(crate) fn cannot_turn_away(error: &os::Error) {
    match error.source() {
        Some(source) => info!("{error}: {source}; those that come now may be reset"),
        None => info!("{error}; those that come now may be reset"),
    }
}

/// An address of a reload cannot be bound.
pub(crate) fn cannot_listen(error: &os::Error) {
    failed(error);
    if let Some(hint) = error.hint() {
        error!("hint: {hint}");
    }
}

/// A mold does not come back from a fork.
pub(crate) fn stuck_mold(pid: Pid, limit: Duration) {
    error!("Mold (pid:{pid}) has not forked a worker in {} and is killed", span(limit));
}

/// No worker can be forked from a mold.
pub(crate) fn mold_has_threads(error: &os::Error) {
    warn!("{error}; so workers are forked by the master, and each executes the settings file for itself");
}

/// Writes what the supervisor found worth knowing to the log.
pub(crate) fn log(fact: &Fact) {
    match *fact {
        Fact::AllReady { workers } => info!("{} ready", count(workers)),
        Fact::Retiring(pid) => info!("Worker (pid:{pid}) is retiring, starting another"),
        Fact::Exited { exit, killed, was_ready, age } => {
            exited(&Gone { name: name(Kind::Worker), exit, killed, was_ready, age: Some(age) });
        }
        Fact::Replacing { pid, delay, failures: 0 } => {
            info!("Starting a worker in place of (pid:{pid}) {}", from_now(delay));
        }
        Fact::Replacing { pid, delay, failures } => {
            let times = if failures == 1 { "once".to_owned() } else { format!("{failures} times in a row") };
            warn!("Starting a worker in place of (pid:{pid}) {}: it failed {times}", from_now(delay));
        }
        Fact::ForkFailed { delay } => error!("Starting a worker {}", from_now(delay)),
        Fact::Killing { workers } => warn!("Killing {} that did not leave in time", count(workers)),
        Fact::Unkillable { workers } => error!("Leaving {} that cannot be killed", count(workers)),
        Fact::BootTimeout { kind, pid, limit } => {
            error!(
                "{} (pid:{pid}) has not loaded the application in {} and is aborted",
                name(kind),
                span(limit)
            );
        }
        Fact::SettingsTimeout { pid, limit } => {
            error!("Mold (pid:{pid}) has not executed the settings file in {} and is aborted", span(limit));
        }
        Fact::Silent { pid, silence } => error!(
            target: CRITICAL,
            "WORKER TIMEOUT (pid:{pid}): its loop has not turned for {}, it is aborted",
            span(silence)
        ),
        Fact::Overdue { kind, pid } => warn!("{} (pid:{pid}) did not end in time and is killed", name(kind)),
        Fact::TooOld { pid, age } => {
            info!("Worker (pid:{pid}) has lived for {}, starting another in its place", span(age));
        }
        Fact::TooBig { pid, memory } => {
            let mebibytes = memory >> 20;
            info!("Worker (pid:{pid}) holds {mebibytes} MiB of memory, starting another in its place");
        }
        Fact::WorkersWanted { workers } => info!("Workers wanted: {workers}"),
        Fact::TooManyWorkers { most } => warn!("there is room for {} at most", count(most)),
        Fact::WinchIgnored => debug!("there are no workers to stop"),
        Fact::WorkersStopped => info!("graceful stop of workers"),
        ref other => log_change(other),
    }
}

/// What concerns whole generations, or whole servers.
fn log_change(fact: &Fact) {
    match *fact {
        Fact::ReloadBegun { .. } => info!("Hang up: Master"),
        Fact::Reloaded { generation, workers, took } => {
            info!("Reload complete: generation {generation}, {}, {}", count(workers), span(took));
        }
        Fact::ReloadFailed { serving, .. } => error!("reload failed, still serving generation {serving}"),
        Fact::ReloadOvertaken { generation } => {
            info!("Reload to generation {generation} is given up for a newer one");
        }
        Fact::MoldExited { exit, killed, was_ready, .. } => {
            exited(&Gone { name: name(Kind::Mold), exit, killed, was_ready, age: None });
        }
        Fact::UpgradeIgnored { successor } => {
            warn!("USR2 signal ignored. {} exists.", if successor { "Child" } else { "Parent" });
        }
        Fact::UpgradeBegun(pid) => info!("Started a new master (pid:{pid})"),
        Fact::SuccessorExited(exit) => {
            exited(&Gone { name: "New master", exit, killed: false, was_ready: true, age: None });
        }
        Fact::Promoted => info!("Master has been promoted."),
        Fact::WaitingForReload => warn!("The application does not load, waiting for a change"),
        _ => {}
    }
}

/// The end of a child.
struct Gone {
    /// What it was.
    name: &'static str,
    exit: Exit,
    /// By the master itself.
    killed: bool,
    was_ready: bool,
    age: Option<Duration>,
}

fn exited(gone: &Gone) {
    let Gone { name, exit, killed, was_ready, age } = gone;
    let pid = exit.pid;
    let age = age.map_or_else(String::new, |age| format!(" (after {})", span(age)));
    match exit.ending {
        Ending::Code(0) => {
            let early = if *was_ready { "" } else { " before it was ready" };
            info!("{name} (pid:{pid}) exited with code 0{early}{age}");
        }
        Ending::Code(code) => match meaning(code, *was_ready) {
            Some(meaning) => error!("{name} (pid:{pid}) exited with code {code}: {meaning}{age}"),
            None => error!("{name} (pid:{pid}) exited with code {code}{age}"),
        },
        Ending::Signal { number, core_dumped } => {
            let sent = format!("{name} (pid:{pid}) was sent {}!", os::signal_name(number));
            let core = if core_dumped { " A core file was written" } else { "" };
            match Signal::try_from(number) {
                Ok(Signal::SIGKILL) if *killed => warn!("{sent}{age}"),
                Ok(Signal::SIGKILL) if exit.out_of_memory => {
                    error!("{sent} It was killed by the kernel for memory{age}");
                }
                Ok(Signal::SIGKILL) => error!("{sent} Perhaps out of memory?{age}"),
                Ok(Signal::SIGTERM) => info!("{sent}{age}"),
                _ => warn!("{sent}{core}{age}"),
            }
        }
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Worker => "Worker",
        Kind::Mold => "Mold",
    }
}

/// What a worker says by its exit code; none when it is the application that has ended the process (`os._exit`).
fn meaning(code: i32, was_ready: bool) -> Option<&'static str> {
    match ExitReason::from_code(code)? {
        // Codes of masters.
        ExitReason::Ok | ExitReason::Config | ExitReason::Usage => None,
        ExitReason::BootFailed | ExitReason::AppLoadFailed if was_ready => None,
        reason => Some(reason.meaning()),
    }
}

/// What a worker that has ended was at.
pub(crate) fn lost(lost: &Lost) {
    let Lost { pid, requests, last } = lost;
    let requests = if *requests == 1 { "1 request".to_owned() } else { format!("{requests} requests") };
    warn!("Worker (pid:{pid}) was at {requests}; the last that began was `{last}`");
}

fn from_now(delay: Duration) -> String {
    if delay.is_zero() { "at once".to_owned() } else { format!("in {} s", delay.as_secs()) }
}

fn count(workers: usize) -> String {
    if workers == 1 { "1 worker".to_owned() } else { format!("{workers} workers") }
}

/// A time as people say it: `1.4 s`, `12 min`, `3 h`, `5 d`.
fn span(time: Duration) -> String {
    match time.as_secs() {
        0..=99 => format!("{:.1} s", time.as_secs_f64()),
        seconds @ 100..=5_999 => format!("{} min", seconds / 60),
        seconds @ 6_000..=172_799 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// `term` for `SIGTERM`, as Gunicorn writes it.
fn short_name(signal: Signal) -> String {
    signal.as_str().trim_start_matches("SIG").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_units_that_fit() {
        let told =
            [0.04, 1.42, 99.0, 100.0, 5_999.0, 6_000.0, 172_800.0].map(Duration::from_secs_f64).map(span);
        assert_eq!(told, ["0.0 s", "1.4 s", "99.0 s", "1 min", "99 min", "1 h", "2 d"]);
    }

    #[test]
    fn a_worker_that_was_ready_did_not_fail_to_boot() {
        for code in [3, 4] {
            assert!(meaning(code, false).is_some() && meaning(code, true).is_none(), "{code}");
        }
        for code in [70, 71, 72] {
            assert!(meaning(code, false).is_some() && meaning(code, true).is_some(), "{code}");
        }
        for code in [1, 2, 9] {
            assert!(meaning(code, false).is_none() && meaning(code, true).is_none(), "{code}");
        }
    }
}
