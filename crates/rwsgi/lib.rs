//! The program: from a command line to a running server.
//!
//! What this room does: reads the settings, makes of them what each room needs, opens logs, pid file and listeners,
//! starts the master, and turns a forked process into a worker.
//! What it must not know: how requests are served or workers supervised.
//! Who calls it: the two hosts, `main.rs` (native) and `py` (the wheel).
//!
//! Read in this order: this file, `plan` and `traffic` (settings to options), `host` (what the two hosts do differently), `home`
//! (which Python environment the native host runs for), `logging`, `reloader`, `ui`.

#![forbid(unsafe_code)]

mod error;
mod home;
mod host;
mod logging;
mod plan;
mod proxies;
mod reloader;
mod traffic;
mod ui;

use std::ffi::OsString;

use rwsgi_config::{Config, Program, Request};
use rwsgi_master::{Inheritance, Role};
use rwsgi_os::{ExitReason, Listener, PidFile};

use crate::error::Error;
pub use crate::host::Host;
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
            serve(*config, host).unwrap_or_else(|error| ui::fail(&error, logs_elsewhere))
        }
        Err(error) => {
            ui::explain(&error, error.hint().as_deref());
            ExitReason::Usage
        }
    }
}

fn serve(config: Config, host: Host) -> Result<ExitReason, Error> {
    if let Some(directory) = &config.chdir {
        std::env::set_current_dir(directory)
            .map_err(|source| Error::Chdir { directory: directory.clone(), source })?;
    }
    logging::start(&config)?;
    let plan = Plan::new(config, host)?;
    let reloader = plan.reloader()?;
    tracing::info!("Starting rwsgi {VERSION}");
    let pid_file = plan.pid_file.as_deref().map(PidFile::write).transpose()?;
    let listeners = bind(&plan)?;
    let hooks = host.fork_hooks();
    if let Some(watcher) = reloader::start(reloader, host, &*hooks)? {
        // The master's, and in its way: who holds a listener keeps the port.
        drop((listeners, pid_file));
        return Ok(watcher.run());
    }
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

/// Binds all addresses or none: the socket files of those before the one that fails are removed.
fn bind(plan: &Plan) -> Result<Vec<Listener>, Error> {
    let mut bound = Vec::new();
    for address in &plan.addresses {
        match Listener::bind(address, plan.backlog) {
            Ok(listener) => bound.push(listener),
            Err(error) => {
                bound.into_iter().filter_map(Listener::close).for_each(|file| {
                    file.remove_if_ours();
                });
                return Err(error.into());
            }
        }
    }
    Ok(bound)
}

fn work(inheritance: Inheritance, plan: Plan, host: Host) -> ExitReason {
    if let Err(error) = host.start_python(plan.python.as_ref()) {
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
