//! The program: from a command line to a running server.
//!
//! What this room does: reads the settings, makes of them what each room needs, opens logs, pid file and listeners,
//! starts the master, and turns a forked process into a worker.
//! What it must not know: how requests are served or workers supervised.
//! Who calls it: the two hosts, `main.rs` (native) and `py` (the wheel).
//!
//! Read in this order: this file, `launch` (who started us, with which sockets), `plan`, `sockets` and `traffic` (settings to
//! options), `privileges`, `host` (what the two hosts do differently), `home` (which Python environment the native host runs
//! for), `logging`, `ui`.

#![forbid(unsafe_code)]

mod error;
mod home;
mod host;
mod launch;
mod logging;
mod plan;
mod privileges;
mod proxies;
mod sockets;
mod traffic;
mod ui;

use std::ffi::OsString;

use rwsgi_config::{Config, Program, Request};
use rwsgi_master::{Inheritance, Role};
use rwsgi_os::{ExitReason, Identity, PidFile};

use crate::error::Error;
pub use crate::host::Host;
use crate::launch::Launch;
use crate::plan::Plan;

/// The version of this package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs the server; returns in the master when the server has ended, and in each worker when that has ended.
#[must_use]
pub fn run(arguments: Vec<OsString>, host: Host) -> ExitReason {
    let program = Program { name: "rwsgi", version: VERSION };
    match rwsgi_config::read(arguments, &|name| std::env::var_os(name), program) {
        Ok(Request::Print(text)) => ui::print(&text),
        Ok(Request::Run(config)) => {
            let logs_elsewhere = logging::is_elsewhere(&config);
            start(*config, host).unwrap_or_else(|error| ui::fail(&error, logs_elsewhere))
        }
        Err(error) => {
            ui::explain(&error, error.hint().as_deref());
            ExitReason::Usage
        }
    }
}

/// Goes into the background if it is to, and serves there.
fn start(config: Config, host: Host) -> Result<ExitReason, Error> {
    let mut launch = Launch::take()?;
    if let Some(reason) = launch.detach(&config, host)? {
        return Ok(reason);
    }
    let logs_elsewhere = logging::is_elsewhere(&config);
    let reason = serve(config, host, &mut launch).unwrap_or_else(|error| ui::fail(&error, logs_elsewhere));
    launch.ended(reason);
    Ok(reason)
}

fn serve(config: Config, host: Host, launch: &mut Launch) -> Result<ExitReason, Error> {
    if let Some(directory) = &config.chdir {
        std::env::set_current_dir(directory)
            .map_err(|source| Error::Chdir { directory: directory.clone(), source })?;
    }
    let identity = privileges::identity(&config)?;
    logging::start(&config, privileges::owner(identity.as_ref()))?;
    let plan = Plan::new(config, host, identity)?;
    tracing::info!("Starting rwsgi {VERSION}");
    allow_descriptors(&plan);
    launch.explain_sockets(&plan.config);
    let pid_file = plan.pid_file.as_deref().map(PidFile::write).transpose()?;
    let listeners = sockets::open(&launch.sockets(plan.sockets.clone()), launch)?;
    launch.started(&plan.config)?;
    let hooks = host.fork_hooks();
    let role = host.without_python(|| rwsgi_master::run(plan.master(&*hooks), listeners));
    match role? {
        Role::Master(reason) => Ok(reason),
        Role::Worker(inheritance) => {
            // A copy of the master's; nothing is removed, since it is not this process that wrote it.
            drop(pid_file);
            Ok(work(*inheritance, plan, host))
        }
    }
}

/// So that many connections do not fail for the sake of a limit that was meant for other programs.
fn allow_descriptors(plan: &Plan) {
    match rwsgi_os::allow_descriptors(plan.descriptors()) {
        Ok((before, now)) => tracing::debug!("open files: at most {now} for each process, {before} before"),
        Err(error) => tracing::debug!("{}", ui::chain(&error)),
    }
}

fn work(inheritance: Inheritance, plan: Plan, host: Host) -> ExitReason {
    // First of all: nothing of Python or the application may run as root.
    if let Some(Err(error)) = plan.identity.as_ref().map(Identity::assume) {
        return failed(&Error::Identity(error));
    }
    if let Err(error) = host.start_python(plan.python.as_ref()) {
        return failed(&error.into());
    }
    if let Err(error) = host.forget_variables() {
        return failed(&error.into());
    }
    let ended = plan.worker(inheritance).and_then(|(place, options)| Ok(rwsgi_worker::run(place, options)?));
    let reason = ended.unwrap_or_else(|error| failed(&error));
    tracing::info!("Worker exiting (pid: {})", std::process::id());
    host.end_python();
    reason
}

/// Says in the log why a worker cannot serve.
fn failed(error: &Error) -> ExitReason {
    tracing::error!("Exception in worker process\n{}", ui::chain(error));
    ExitReason::BootFailed
}
