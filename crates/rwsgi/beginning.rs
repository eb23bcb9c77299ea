//! The settings at the start, before there is a master: those in Python are executed in the first mold.

use std::time::Duration;

use rwsgi_config::{Draft, File, Settled};
use rwsgi_master::{Beginning, FirstMold, Occasion, Reply};
use rwsgi_os::{Ending, ExitReason};
use rwsgi_wsgi::SettingsSource;

use crate::Host;
use crate::error::Error;
use crate::launch::Launch;
use crate::molding::{self, Molding};
use crate::plan::Plan;
use crate::reloader::Reports;
use crate::script::Script;
use crate::settings::{self, Found};

/// With what a server starts.
pub(crate) struct Start {
    pub(crate) found: Found,
    pub(crate) settled: Settled,
    /// Where the settings are in Python.
    pub(crate) first: Option<First>,
}

/// The first mold, and what it shares with the master.
pub(crate) struct First {
    pub(crate) mold: FirstMold,
    pub(crate) reports: Reports,
}

/// As what the caller goes on.
pub(crate) enum Begun {
    /// A server may start.
    Here(Box<Start>),
    /// The process is to end: it was a mold or one of its workers, or a signal came.
    Over(ExitReason),
}

/// Reads the settings, and forks the first mold for it if it takes Python.
pub(crate) fn begin(draft: &Draft, host: Host, launch: &mut Launch) -> Result<Begun, Error> {
    let found = settings::find(draft, launch.directory())?;
    let Found::Python(source) = &found else {
        let settled = draft.finish(found.file())?;
        return Ok(Begun::Here(Box::new(Start { found, settled, first: None })));
    };
    let reports = Reports::open()?;
    let hooks = host.fork_hooks();
    let mold = match host.without_python(|| FirstMold::fork(&*hooks))? {
        Beginning::Master(mold) => mold,
        Beginning::Mold(mold) => {
            let in_background = launch.is_in_background();
            launch.release();
            let script = Script { source, launch, early: draft.early(), host };
            let molding = Molding { draft, script, reports: Some(reports.into_writer()), in_background };
            return Ok(Begun::Over(molding::cast(mold, molding)));
        }
    };
    let limit = draft.early().boot_timeout;
    let json = match mold.settings(limit) {
        Reply::Told(json) => json,
        other => return unanswered(&other, source, limit).map(Begun::Over),
    };
    let settled = draft.finish(Some(&File::Python { json }))?;
    Ok(Begun::Here(Box::new(Start { found, settled, first: Some(First { mold, reports }) })))
}

impl First {
    /// Tells the mold that the server starts (`on_starting`), if the settings file has something to do then. When that goes wrong, or
    /// does not end: as what the process ends.
    pub(crate) fn announce(&self, plan: &Plan, found: &Found) -> Result<Option<ExitReason>, Error> {
        let (true, Found::Python(source)) = (plan.policy().attended, found) else { return Ok(None) };
        let limit = plan.config.boot_timeout;
        // In Gunicorn's order.
        let count = Occasion::WorkersChanged { new: plan.workers, old: None };
        for (occasion, is_condition) in [(count, false), (Occasion::Starting, true)] {
            match self.mold.attend(occasion, limit) {
                Reply::Told(content) if content || !is_condition => {}
                Reply::Told(_) => return Ok(Some(ExitReason::Config)),
                other => return unanswered(&other, source, limit).map(Some),
            }
        }
        Ok(None)
    }
}

fn unanswered<T>(
    reply: &Reply<T>,
    source: &SettingsSource,
    limit: Option<Duration>,
) -> Result<ExitReason, Error> {
    match reply {
        Reply::Late => {
            Err(Error::SettingsTime { path: settings::name(source), limit: limit.unwrap_or_default() })
        }
        Reply::Stopped => Ok(ExitReason::Ok),
        // It has said why.
        Reply::Ended(Some(Ending::Code(1))) | Reply::Told(_) => Ok(ExitReason::Config),
        Reply::Ended(ending) => {
            Err(Error::SettingsEnd { path: settings::name(source), ending: end_of(*ending) })
        }
    }
}

fn end_of(ending: Option<Ending>) -> String {
    match ending {
        Some(Ending::Code(code)) => format!("exited with code {code}"),
        Some(Ending::Signal { number, .. }) => format!("was sent {}", rwsgi_os::signal_name(number)),
        None => "ended".to_owned(),
    }
}
