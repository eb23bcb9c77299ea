//! The program: from a command line to a running server.
//!
//! What this room does: reads the settings, makes of them what each room needs, opens logs, pid file and listeners,
//! starts the master, and turns a forked process into a worker.
//! What it must not know: how requests are served or workers supervised.
//! Who calls it: the two hosts, `main.rs` (native) and `py` (the wheel).
//!
//! Read in this order: this file, `launch` (who started us, with which sockets), `settings` (the file), `beginning` (the first mold), `check` and `migrate` (what ends without a server), `plan`, `sockets`, `traffic` and `tls` (settings to
//! options), `site` (the master's program), `renewal` (certificates that change), `roles` (its children), `script` and `molding` (those that execute a settings file), `privileges`, `host` (what the two hosts do differently),
//! `hooks` (what applications know from Gunicorn), `home` (which Python environment the native host runs for), `logging`, `statsd`, `titles`, `reloader`, `ui`.

#![forbid(unsafe_code)]

mod beginning;
mod certificates;
mod check;
mod error;
mod files;
mod home;
mod hooks;
mod host;
mod http2;
mod launch;
mod logging;
mod migrate;
mod molding;
mod plan;
mod privileges;
mod protection;
mod proxies;
mod reloader;
mod renewal;
mod roles;
mod script;
mod settings;
mod site;
mod sockets;
mod statsd;
mod titles;
mod tls;
mod traffic;
mod ui;

use std::collections::BTreeMap;
use std::ffi::OsString;

use rwsgi_config::{Draft, Opened, Program, Purpose, Settled};
use rwsgi_os::ExitReason;

use crate::beginning::{Begun, First, Start};
use crate::certificates::Keeper;
use crate::error::Error;
pub use crate::host::Host;
use crate::launch::Launch;
use crate::plan::Plan;
use crate::reloader::Watched;
use crate::settings::Found;
use crate::site::{Scripted, Site};
use crate::titles::Part;
use crate::tls::Tls;
pub use rwsgi_wsgi::RequestTimeout;

/// The version of this package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

const PROGRAM: Program = Program { name: "rwsgi", version: VERSION };

/// Runs the server; returns in the master when the server has ended, and in each process that it forks when that has ended.
#[must_use]
pub fn run(arguments: Vec<OsString>, host: Host) -> ExitReason {
    match rwsgi_config::open(arguments, std::env::vars_os(), PROGRAM) {
        Ok(Opened::Print(text)) => ui::print(&text),
        Ok(Opened::Migrate(migration)) => {
            migrate::show(&migration).unwrap_or_else(|error| ui::fail(&error, false))
        }
        Ok(Opened::Draft(draft)) if draft.purpose() != Purpose::Serve => Launch::take()
            .map_or_else(|error| ui::fail(&error, false), |launch| check::check(&draft, host, &launch)),
        Ok(Opened::Draft(draft)) => {
            start(&draft, host).unwrap_or_else(|error| ui::fail(&error, logging::is_elsewhere()))
        }
        Err(error) => ui::fail(&Error::Settings(error), false),
    }
}

/// Reads the settings, goes into the background if it is to, and serves there.
fn start(draft: &Draft, host: Host) -> Result<ExitReason, Error> {
    rwsgi_os::hear_of_children()?;
    let mut launch = Launch::take()?;
    let mut start = match beginning::begin(draft, host, &mut launch)? {
        Begun::Here(start) => *start,
        Begun::Over(reason) => return Ok(reason),
    };
    if start.settled.purpose != Purpose::Serve {
        // The file itself says so.
        start.first.take().map_or(Ok(()), |first| first.mold.end())?;
        return Ok(check::check(draft, host, &launch));
    }
    let is_to_detach = launch.is_to_detach(&start.settled.config);
    if is_to_detach {
        // It was there so that what is wrong with the settings is told in the foreground.
        start.first.take().map_or(Ok(()), |first| first.mold.end())?;
        if let Some(reason) = launch.detach(host)? {
            return Ok(reason);
        }
    }
    let begun = if is_to_detach {
        beginning::begin(draft, host, &mut launch)
    } else {
        Ok(Begun::Here(Box::new(start)))
    };
    let served = begun.and_then(|begun| match begun {
        Begun::Here(start) => serve(draft, *start, host, &mut launch),
        Begun::Over(reason) => Ok(reason),
    });
    let reason = served.unwrap_or_else(|error| ui::fail(&error, logging::is_elsewhere()));
    launch.ended(reason);
    logging::flush();
    Ok(reason)
}

fn serve(draft: &Draft, start: Start, host: Host, launch: &mut Launch) -> Result<ExitReason, Error> {
    let Start { found, settled, first } = start;
    let (plan, typed) = plan(&settled, &found, host, launch).map_err(|error| error.about(&settled))?;
    plan.titles.show(Part::Master);
    let reloader = plan.reloader(&found).map_err(|error| error.about(&settled))?;
    launch.explain_sockets(&plan.config);
    let sockets = launch.sockets(plan.sockets.clone());
    let pid_file = site::write_pid_file(&plan, launch)?;
    if let Some(reason) = first.as_ref().map_or(Ok(None), |first| first.announce(&plan, &found))? {
        return Ok(reason);
    }
    let listeners = sockets::open(&sockets, launch)?;
    let (first_mold, reports) = first.map(|First { mold, reports }| (mold, reports)).unzip();
    let started = launch.started(&plan.config).and_then(|()| reloader::start(reloader, reports, host));
    let watcher = match started {
        Ok(Watched::Here(watcher)) => {
            plan.titles.show(Part::Reloader);
            // The master's, and in its way: who holds a listener keeps the port.
            drop((listeners, pid_file, plan, first_mold));
            return Ok(watcher.run());
        }
        Ok(Watched::By(pid)) => Some(pid),
        Ok(Watched::Not) => None,
        Err(error) => {
            sockets::close(listeners, launch);
            return Err(error);
        }
    };
    let store = plan.tls.as_ref().map_or(Ok(None), Tls::store)?;
    let keeper = match Keeper::new(&plan.config.acme, store, &listeners) {
        Ok(keeper) => keeper,
        Err(error) => {
            sockets::close(listeners, launch);
            return Err(error);
        }
    };
    let hooks = host.fork_hooks();
    let options = rwsgi_master::Options {
        policy: plan.policy(),
        worker_class: plan.worker_class(),
        hooks: &*hooks,
        invocation: launch.invocation(),
        predecessor: launch.predecessor(),
        giver: launch.giver(),
        first_mold,
    };
    let scripts = found.into_source().map(|source| (1, Scripted { source, typed })).into_iter().collect();
    let plans = BTreeMap::from([(1, plan)]);
    let mut site = Site { draft, host, launch, plans, scripts, pid_file, watcher, keeper, renewal: None };
    site.await_renewal();
    let role = host.without_python(|| rwsgi_master::run(options, &mut site, listeners))?;
    Ok(site.go_on(role))
}

/// What is to be done by these settings, and the settings as hooks see them. The log is open then.
fn plan(settled: &Settled, found: &Found, host: Host, launch: &Launch) -> Result<(Plan, String), Error> {
    let typed = settled.typed();
    site::enter(&settled.config, launch.directory())?;
    let identity = privileges::identity(&settled.config)?;
    logging::start(&settled.config, privileges::owner(identity.as_ref()))?;
    let plan = Plan::new(settled, identity, host, launch)?.with_settings(&typed);
    plan.check()?;
    let plan = plan.secured()?;
    tracing::info!("Starting rwsgi {VERSION}");
    settled.notes.iter().for_each(ui::remark);
    found.explain();
    allow_descriptors(&plan);
    let plan = if matches!(found, Found::Python(_)) { plan.scripted() } else { plan };
    Ok((plan, typed))
}

/// So that many connections do not fail for the sake of a limit that was meant for other programs.
fn allow_descriptors(plan: &Plan) {
    match rwsgi_os::allow_descriptors(plan.descriptors()) {
        Ok((before, now)) => tracing::debug!("open files: at most {now} for each process, {before} before"),
        Err(error) => tracing::debug!("{}", ui::chain(&error)),
    }
}
