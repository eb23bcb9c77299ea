//! `--check-config` and `--print-config`: all that comes before a server, in this process. Nothing is bound, forked or logged.

use rwsgi_config::{Draft, File, Purpose, Settled};
use rwsgi_os::{ExitReason, Pid};
use rwsgi_wsgi::{LoggerSettings, SettingsFile};

use crate::error::Error;
use crate::launch::Launch;
use crate::plan::Plan;
use crate::script::Script;
use crate::settings::Found;
use crate::tls::Tls;
use crate::{Host, hooks, privileges, roles, settings, site, ui};

/// Checks the settings and the application, and tells the person who asked.
pub(crate) fn check(draft: &Draft, host: Host, launch: &Launch) -> ExitReason {
    let checked = rwsgi_os::hear_of_children().map_err(Error::from).and_then(|()| {
        let found = settings::find(draft, launch.directory())?;
        if let Found::Python(source) = &found {
            let script = Script { source, launch, early: draft.early(), host };
            return scripted(draft, script);
        }
        let settled = draft.finish(found.file())?;
        explain(&settled);
        let plan = plan(&settled, launch, host)?;
        finish(roles::begin(&plan, host).and_then(|()| load(&plan)), host)
    });
    checked.map_or_else(|error| ui::fail(&error, false), |()| ExitReason::Ok)
}

/// Checks settings in Python, which are executed as whoever this process is; the application is loaded as the user of the workers.
fn scripted(draft: &Draft, script: Script<'_>) -> Result<(), Error> {
    let checked = script.execute().and_then(|file| {
        let json = script.values(&file)?;
        let settled = draft.finish(Some(&File::Python { json }))?;
        explain(&settled);
        let typed = settled.typed();
        let plan = plan(&settled, script.launch, script.host)?;
        find_hooks(&file, &plan, &typed)?;
        roles::assume(&plan)?;
        load(&plan)
    });
    finish(checked, script.host)
}

/// Finds those that the file names by a text, too.
fn find_hooks(file: &SettingsFile, plan: &Plan, typed: &str) -> Result<(), Error> {
    if plan.config.hooks.is_empty() {
        let settings = LoggerSettings { settings: typed, file: Some(file) };
        return Ok(hooks::publish_loggers(plan, settings).map(drop)?);
    }
    hooks::find(file, (plan, typed), Pid::this()).map(drop)
}

/// Says what is to be known of the settings, and which they are if that is asked for.
fn explain(settled: &Settled) {
    settled.notes.iter().for_each(ui::warn);
    if settled.purpose == Purpose::PrintConfig {
        ui::print(&settled.listing());
    }
}

fn plan(settled: &Settled, launch: &Launch, host: Host) -> Result<Plan, Error> {
    let planned = site::enter(&settled.config, launch.directory()).and_then(|()| {
        let identity = privileges::identity(&settled.config)?;
        let plan = Plan::new(settled, identity, host, launch)?;
        let opened = plan.tls.as_ref().map(Tls::open).transpose()?;
        opened.into_iter().flat_map(|opened| opened.warnings).for_each(|text| ui::warn_of(&text));
        Ok(plan)
    });
    planned.map_err(|error| error.about(settled))
}

fn load(plan: &Plan) -> Result<(), Error> {
    Ok(rwsgi_wsgi::run_python(|| rwsgi_worker::preload(&plan.preload())).map(drop)?)
}

/// Ends the Python that was started for it, so that what was printed is seen, before the error is told.
fn finish(checked: Result<(), Error>, host: Host) -> Result<(), Error> {
    host.end_python();
    checked
}
