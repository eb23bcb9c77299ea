//! What a forked process goes on as: a worker, or the mold that workers are forked from.

use std::env;

use rwsgi_master::{Cast, Inheritance, Mold};
use rwsgi_os::{ExitReason, Identity, exit_now};
use rwsgi_worker::{Preloaded, Source};
use rwsgi_wsgi::{Hooks, LoggerSettings};

use crate::error::Error;
use crate::hooks::{self, Steward};
use crate::plan::Plan;
use crate::script::Script;
use crate::titles::Part;
use crate::{Host, logging, reloader, ui};

/// Serves until the worker is to leave. Where the settings are in Python, the file is executed here too: the mold cannot fork.
pub(crate) fn work(
    inheritance: Inheritance,
    plan: &Plan,
    script: Option<(Script<'_>, &str)>,
    host: Host,
) -> ExitReason {
    let source = Source::Load(plan.preload());
    let Some((script, typed)) = script else {
        return match begin(plan, host) {
            Ok(()) => serve(inheritance, source, Stage { plan, hooks: None, host }),
            Err(error) => failed(&error),
        };
    };
    let executed = script.execute().and_then(|file| {
        enter(plan)?;
        hooks::find(&file, (plan, typed), inheritance.master)
    });
    match executed {
        Ok(hooks) => serve_as(inheritance, source, Stage { plan, hooks: Some(&hooks), host }),
        Err(error) => {
            ui::tell(&error);
            ExitReason::BootFailed
        }
    }
}

/// What a worker goes on with beside what its master gives.
#[derive(Clone, Copy)]
pub(crate) struct Stage<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) hooks: Option<&'a Hooks>,
    pub(crate) host: Host,
}

/// Serves in a process in which the settings file was executed, still as the master's user.
pub(crate) fn serve_as(inheritance: Inheritance, source: Source, stage: Stage<'_>) -> ExitReason {
    let begun = stage.hooks.map_or(Ok(()), |hooks| hooks::begin(hooks, inheritance.number));
    match begun.and_then(|()| assume(stage.plan).map_err(|error| failed(&error))) {
        Ok(()) => serve(inheritance, source, stage),
        Err(reason) => leave(reason, stage),
    }
}

/// Loads the application, and forks workers until the mold is not needed any more. Returns in each of the workers too, when that
/// has ended.
pub(crate) fn cast(mold: Mold, plan: &Plan, host: Host) -> ExitReason {
    plan.titles.show(Part::Mold);
    tracing::info!("Booting mold with pid: {}", std::process::id());
    let loaded = begin(plan, host).and_then(|()| rwsgi_wsgi::run_python(|| load(plan)));
    let preloaded = match loaded {
        Ok(Loaded::Fit(preloaded)) => preloaded,
        // Not by the end of Python, which would wait for threads that may never end.
        Ok(Loaded::Unfit) => {
            mold.unfit();
            exit_now(ExitReason::Ok)
        }
        Ok(Loaded::Refused) => exit_now(ExitReason::AppLoadFailed),
        Err(Error::Worker(rwsgi_worker::Error::Load(error))) => return rwsgi_worker::explain(&error),
        Err(error) => return failed(&error),
    };
    tracing::info!("Mold ready (pid: {})", std::process::id());
    match Host::parked(|| mold.serve(Host::python_hooks(), &mut Steward { hooks: None })) {
        Cast::Worker(inheritance) => {
            plan.titles.show(Part::Worker);
            serve(*inheritance, Source::Preloaded(preloaded), Stage { plan, hooks: None, host })
        }
        Cast::Over(reason) => {
            drop(preloaded);
            tracing::info!("Mold exiting (pid: {})", std::process::id());
            host.end_python();
            reason
        }
    }
}

/// What has become of the application in the mold.
pub(crate) enum Loaded {
    /// Workers can be forked.
    Fit(Preloaded),
    /// It has threads: each worker has to load it for itself.
    Unfit,
    /// It has threads, and that is not to be (`--preload-strict`).
    Refused,
}

pub(crate) fn load(plan: &Plan) -> Result<Loaded, Error> {
    let preloaded = rwsgi_worker::preload(&plan.preload())?;
    reloader::tell_sources();
    if let Some(judged) = judge(&preloaded, plan)? {
        return Ok(judged);
    }
    preloaded.warm(&plan.config.preload_warm, &plan.wsgi(plan.workers))?;
    preloaded.settle()?;
    // A view may start one, too.
    Ok(judge(&preloaded, plan)?.unwrap_or(Loaded::Fit(preloaded)))
}

/// What threads of the application mean for it.
fn judge(preloaded: &Preloaded, plan: &Plan) -> Result<Option<Loaded>, Error> {
    let threads = preloaded.threads()?;
    if threads.is_empty() {
        return Ok(None);
    }
    let found = format!(
        "the application starts threads while it is loaded, and workers forked from it would not have them: {}",
        threads.join(", ")
    );
    if plan.config.preload_strict {
        tracing::error!("{found}");
        return Ok(Some(Loaded::Refused));
    }
    tracing::warn!("{found}; so each worker loads it for itself, without `--preload`");
    Ok(Some(Loaded::Unfit))
}

/// What comes before the application in every process that runs it.
pub(crate) fn begin(plan: &Plan, host: Host) -> Result<(), Error> {
    enter(plan)?;
    // Nothing of Python or the application may run as root.
    assume(plan)?;
    host.start_python(plan.python.as_ref())?;
    host.forget_variables()?;
    plan.titles.share();
    hooks::publish_loggers(plan, LoggerSettings { settings: &plan.settings, file: None })?;
    Ok(())
}

/// Changes to the directory of the application. The master may be elsewhere already, for the sake of a newer generation.
fn enter(plan: &Plan) -> Result<(), Error> {
    if env::current_dir().ok().as_ref() == Some(&plan.directory) {
        return Ok(());
    }
    let directory = plan.directory.clone();
    env::set_current_dir(&directory).map_err(|source| Error::Chdir { directory, source })
}

/// Becomes whom the workers run as; again, that changes nothing.
pub(crate) fn assume(plan: &Plan) -> Result<(), Error> {
    plan.identity.as_ref().map_or(Ok(()), Identity::assume).map_err(Error::Identity)
}

fn serve(inheritance: Inheritance, source: Source, stage: Stage<'_>) -> ExitReason {
    let ended = stage.plan.worker(inheritance).and_then(|(place, options)| {
        let options = rwsgi_worker::Options { hooks: stage.hooks.cloned(), ..options };
        Ok(rwsgi_worker::run(place, source, options)?)
    });
    let reason = ended.unwrap_or_else(|error| failed(&error));
    leave(reason, stage)
}

/// What comes last in a worker, however it went.
fn leave(reason: ExitReason, stage: Stage<'_>) -> ExitReason {
    tracing::info!("Worker exiting (pid: {})", std::process::id());
    stage.hooks.map(Hooks::worker_exit);
    logging::leave_python();
    stage.host.end_python();
    reason
}

/// Says in the log why a process cannot serve.
pub(crate) fn failed(error: &Error) -> ExitReason {
    tracing::error!("Exception in worker process\n{}", ui::chain(error));
    ExitReason::BootFailed
}
