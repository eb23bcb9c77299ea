//! A mold whose settings are in Python: it executes the file, and the file's objects live in it.

use std::io::PipeWriter;

use rwsgi_config::{Draft, File, Settled};
use rwsgi_master::{Cast, Mold};
use rwsgi_os::{ExitReason, Pid, assert_single_threaded};
use rwsgi_worker::Source;
use rwsgi_wsgi::{Hooks, LoggerSettings};

use crate::error::Error;
use crate::hooks::{self, Steward};
use crate::plan::Plan;
use crate::roles::{self, Loaded, Stage};
use crate::script::Script;
use crate::titles::{self, Part};
use crate::{Host, allow_descriptors, launch, logging, privileges, reloader, site, ui};

/// What a mold begins with.
pub(crate) struct Molding<'a> {
    pub(crate) draft: &'a Draft,
    pub(crate) script: Script<'a>,
    /// How the reloader is told of modules, if this process does not know that from the master.
    pub(crate) reports: Option<PipeWriter>,
    /// Whether the standard streams are to be given up when the server has started, as the master does.
    pub(crate) in_background: bool,
}

/// What a mold has when its file is executed.
struct Cabin {
    /// A failure is the master's to tell: it has the same settings, and fails alike.
    plan: Result<Plan, Error>,
    hooks: Option<Hooks>,
}

/// Executes the file, gets ready when the master says so, and forks workers until the mold is not needed any more. Returns in each
/// of the workers too, when that has ended.
pub(crate) fn cast(mut mold: Mold, molding: Molding<'_>) -> ExitReason {
    titles::show_nameless(Part::Mold);
    let (host, in_background) = (molding.script.host, molding.in_background);
    let cabin = match furnish(&mold, molding) {
        Ok(cabin) => cabin,
        Err(error) => return ui::tell(&error),
    };
    let mut steward = Steward { hooks: cabin.hooks.as_ref() };
    if !Host::parked(|| mold.await_load(&mut steward)) {
        host.end_python();
        return ExitReason::Ok;
    }
    match cabin.plan {
        Ok(plan) => {
            if let Some(Err(error)) = in_background.then(|| launch::discard_streams(&plan.config)) {
                return roles::failed(&error);
            }
            serve(mold, &plan, cabin.hooks.as_ref(), host)
        }
        Err(error) => roles::failed(&error),
    }
}

/// Executes the file and tells the master what it says.
fn furnish(mold: &Mold, molding: Molding<'_>) -> Result<Cabin, Error> {
    let file = molding.script.execute()?;
    let json = molding.script.values(&file)?;
    let settled = molding.draft.finish(Some(&File::Python { json: json.clone() }));
    let plan = settled.map_err(Error::from).and_then(|settled| {
        let settings = settled.typed();
        let planned = plan(&settled, molding.script);
        Ok(planned.map_err(|error| error.about(&settled))?.with_settings(&settings))
    });
    let mut found = None;
    if let Ok(plan) = &plan {
        // The limit of the process that has forked this one may not have been raised yet.
        allow_descriptors(plan);
        // Where a hook hangs is told in the log.
        logging::file().map_or(Ok(()), rwsgi_wsgi::dump_crashes)?;
        if let Some(reports) = molding.reports.filter(|_| plan.config.reload) {
            reloader::report_through(reports);
        }
        let settings = plan.settings.as_str();
        if plan.config.hooks.is_empty() {
            hooks::publish_loggers(plan, LoggerSettings { settings, file: Some(&file) })?;
        } else {
            found = Some(hooks::find(&file, (plan, settings), Pid::parent())?);
        }
    }
    mold.settings(&json)?;
    Ok(Cabin { plan, hooks: found })
}

/// The log is open then.
fn plan(settled: &Settled, script: Script<'_>) -> Result<Plan, Error> {
    site::enter(&settled.config, script.launch.directory())?;
    let identity = privileges::identity(&settled.config)?;
    logging::start(&settled.config, privileges::owner(identity.as_ref()))?;
    Plan::new(settled, identity, script.host, script.launch)
}

/// The settings are accepted.
fn serve(mut mold: Mold, plan: &Plan, hooks: Option<&Hooks>, host: Host) -> ExitReason {
    plan.titles.show(Part::Mold);
    tracing::info!("Booting mold with pid: {}", std::process::id());
    if let Err(error) = assert_single_threaded() {
        // Of a hook, or of the file itself.
        tracing::warn!(
            "{error}; so workers are forked by the master, and each executes the settings file for itself"
        );
        mold.threads();
    }
    let mut preloaded = None;
    if plan.config.preload_app {
        let loaded = roles::assume(plan).and_then(|()| rwsgi_wsgi::run_python(|| roles::load(plan)));
        match loaded {
            Ok(Loaded::Fit(application)) => preloaded = Some(application),
            Ok(Loaded::Unfit) => mold.threads(),
            Ok(Loaded::Refused) => rwsgi_os::exit_now(ExitReason::AppLoadFailed),
            Err(Error::Worker(rwsgi_worker::Error::Load(error))) => return rwsgi_worker::explain(&error),
            Err(error) => return roles::failed(&error),
        }
    }
    tracing::info!("Mold ready (pid: {})", std::process::id());
    let cast = Host::parked(|| mold.serve(Host::python_hooks(), &mut Steward { hooks }));
    match cast {
        Cast::Worker(inheritance) => {
            plan.titles.show(Part::Worker);
            let source = preloaded.map_or_else(|| Source::Load(plan.preload()), Source::Preloaded);
            roles::serve_as(*inheritance, source, Stage { plan, hooks, host })
        }
        Cast::Over(reason) => {
            drop(preloaded);
            tracing::info!("Mold exiting (pid: {})", std::process::id());
            host.end_python();
            reason
        }
    }
}
