use std::time::Duration;

use rwsgi_os::{self as os, Ending, ExitReason, Signal};
use tracing::{error, info, warn};

use crate::nursery::Lost;
use crate::supervisor::{Exit, Fact};

/// Where the server listens. Log scrapers key on this line and on most below: their texts are Gunicorn's.
pub(crate) fn listening(listeners: &[os::Listener]) {
    let urls: Vec<String> = listeners.iter().map(os::Listener::url).collect();
    info!("Listening at: {} ({})", urls.join(","), std::process::id());
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

/// The kernel refuses a process.
pub(crate) fn fork_failed(cause: &os::Error) {
    match std::error::Error::source(cause) {
        Some(source) => error!("{cause}: {source}"),
        None => error!("{cause}"),
    }
}

/// Connections that come while the server ends may be reset.
pub(crate) fn cannot_turn_away(cause: &os::Error) {
    match std::error::Error::source(cause) {
        Some(source) => warn!("{cause}: {source}"),
        None => warn!("{cause}"),
    }
}

/// Writes what the supervisor found worth knowing to the log.
pub(crate) fn log(fact: &Fact) {
    match *fact {
        Fact::AllReady { workers } => info!("{workers} {} ready", plural(workers)),
        Fact::Retiring(pid) => info!("Worker (pid:{pid}) is retiring, starting another"),
        Fact::Exited { exit, killed, was_ready } => exited(&exit, killed, was_ready),
        Fact::Replacing { pid, delay, failures: 0 } => {
            info!("Starting a worker in place of (pid:{pid}) {}", from_now(delay));
        }
        Fact::Replacing { pid, delay, failures } => {
            let count = if failures == 1 { "once".to_owned() } else { format!("{failures} times in a row") };
            warn!(
                "Starting a worker in place of (pid:{pid}) {}: failed {count} before it was ready",
                from_now(delay)
            );
        }
        Fact::ForkFailed { delay } => error!("Starting a worker {}", from_now(delay)),
        Fact::Killing { workers } => {
            warn!("Killing {workers} {} that did not leave in time", plural(workers))
        }
        Fact::Unkillable { workers } => error!("Leaving {workers} {} that cannot be killed", plural(workers)),
        Fact::Unsupported(signal) => {
            warn!("Signal {} is not supported and has no effect", short_name(signal))
        }
    }
}

fn exited(exit: &Exit, killed: bool, was_ready: bool) {
    let pid = exit.pid;
    match exit.ending {
        Ending::Code(0) => info!("Worker (pid:{pid}) exited with code 0"),
        Ending::Code(code) => match meaning(code, was_ready) {
            Some(meaning) => error!("Worker (pid:{pid}) exited with code {code}: {meaning}"),
            None => error!("Worker (pid:{pid}) exited with code {code}"),
        },
        Ending::Signal { number, core_dumped } => {
            let sent = format!("Worker (pid:{pid}) was sent {}!", os::signal_name(number));
            let core = if core_dumped { " A core file was written" } else { "" };
            match Signal::try_from(number) {
                Ok(Signal::SIGKILL) if killed => warn!("{sent}"),
                Ok(Signal::SIGKILL) if exit.out_of_memory => {
                    error!("{sent} It was killed by the kernel for memory")
                }
                Ok(Signal::SIGKILL) => error!("{sent} Perhaps out of memory?"),
                Ok(Signal::SIGTERM) => info!("{sent}"),
                _ => warn!("{sent}{core}"),
            }
        }
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

fn plural(workers: usize) -> &'static str {
    if workers == 1 { "worker" } else { "workers" }
}

/// `term` for `SIGTERM`, as Gunicorn writes it.
fn short_name(signal: Signal) -> String {
    signal.as_str().trim_start_matches("SIG").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

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
