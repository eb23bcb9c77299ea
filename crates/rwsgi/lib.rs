//! The program: from a command line to a running server.
//!
//! What this room does: reads the settings, makes of them what each room needs, opens logs, pid file and listeners,
//! starts the master, and turns a forked process into a worker.
//! What it must not know: how requests are served or workers supervised.
//! Who calls it: the two hosts, `main.rs` (native) and `py` (the wheel).
//!
//! Read in this order: this file, `launch` (who started us, with which sockets), `plan`, `sockets` and `traffic` (settings to
//! options), `site` (the master's program), `roles` (its children), `privileges`, `host` (what the two hosts do differently),
//! `hooks` (what applications know from Gunicorn), `home` (which Python environment the native host runs for), `logging`, `reloader`, `ui`.

#![forbid(unsafe_code)]

mod error;
mod home;
mod hooks;
mod host;
mod launch;
mod logging;
mod plan;
mod privileges;
mod proxies;
mod reloader;
mod roles;
mod site;
mod sockets;
mod traffic;
mod ui;

use std::collections::BTreeMap;
use std::ffi::OsString;

use rwsgi_config::{Draft, Opened, Program, Settled};
use rwsgi_master::Role;
use rwsgi_os::ExitReason;

use crate::error::Error;
pub use crate::host::Host;
use crate::launch::Launch;
use crate::plan::Plan;
use crate::reloader::Watched;
use crate::site::Site;
pub use rwsgi_wsgi::RequestTimeout;

/// The version of this package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

const PROGRAM: Program = Program { name: "rwsgi", version: VERSION };

/// Runs the server; returns in the master when the server has ended, and in each process that it forks when that has ended.
#[must_use]
pub fn run(arguments: Vec<OsString>, host: Host) -> ExitReason {
    let refused = |error: rwsgi_config::Error| ui::fail(&Error::Settings(error), false);
    match rwsgi_config::open(arguments, std::env::vars_os(), PROGRAM) {
        Ok(Opened::Print(text)) => ui::print(&text),
        Ok(Opened::Draft(draft)) => match draft.finish(None) {
            Ok(settled) => {
                let logs_elsewhere = logging::is_elsewhere(&settled.config);
                start(draft, settled, host).unwrap_or_else(|error| ui::fail(&error, logs_elsewhere))
            }
            Err(error) => refused(error),
        },
        Err(error) => refused(error),
    }
}

/// Goes into the background if it is to, and serves there.
fn start(draft: Draft, settled: Settled, host: Host) -> Result<ExitReason, Error> {
    rwsgi_os::hear_of_children()?;
    let mut launch = Launch::take()?;
    if let Some(reason) = launch.detach(&settled.config, host)? {
        return Ok(reason);
    }
    let logs_elsewhere = logging::is_elsewhere(&settled.config);
    let served = serve(draft, settled, host, &mut launch);
    let reason = served.unwrap_or_else(|error| ui::fail(&error, logs_elsewhere));
    launch.ended(reason);
    logging::flush();
    Ok(reason)
}

fn serve(draft: Draft, settled: Settled, host: Host, launch: &mut Launch) -> Result<ExitReason, Error> {
    let Settled { config, notes, .. } = settled;
    site::enter(&config, launch)?;
    let identity = privileges::identity(&config)?;
    logging::start(&config, privileges::owner(identity.as_ref()))?;
    let plan = Plan::new(config, host, identity)?;
    let reloader = plan.reloader()?;
    tracing::info!("Starting rwsgi {VERSION}");
    notes.iter().for_each(ui::remark);
    allow_descriptors(&plan);
    launch.explain_sockets(&plan.config);
    let sockets = launch.sockets(plan.sockets.clone());
    let pid_file = site::write_pid_file(&plan, launch)?;
    let listeners = sockets::open(&sockets, launch)?;
    let hooks = host.fork_hooks();
    let started = launch.started(&plan.config).and_then(|()| reloader::start(reloader, host, &*hooks));
    let watcher = match started {
        Ok(Watched::Here(watcher)) => {
            // The master's, and in its way: who holds a listener keeps the port.
            drop((listeners, pid_file, plan));
            return Ok(watcher.run());
        }
        Ok(Watched::By(pid)) => Some(pid),
        Ok(Watched::Not) => None,
        Err(error) => {
            sockets::close(listeners, launch);
            return Err(error);
        }
    };
    let policy = plan.policy();
    let mut site = Site { draft, host, launch, plans: BTreeMap::from([(1, plan)]), pid_file, watcher };
    let options = rwsgi_master::Options {
        policy,
        hooks: &*hooks,
        invocation: launch.invocation(),
        predecessor: launch.predecessor(),
        giver: launch.giver(),
    };
    match host.without_python(|| rwsgi_master::run(options, &mut site, listeners))? {
        Role::Master(reason) => Ok(reason),
        Role::Worker(inheritance) => {
            let plan = site.into_plan(inheritance.generation);
            Ok(roles::work(*inheritance, &plan, host))
        }
        Role::Mold(mold) => {
            let plan = site.into_plan(mold.generation());
            Ok(roles::cast(*mold, &plan, host))
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
