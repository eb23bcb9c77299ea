//! The program as its master sees it: settings read anew, log files opened anew, the pid file.

use std::collections::BTreeMap;
use std::env;
use std::path::Path;

use rwsgi_config::{Config, Draft};
use rwsgi_master::{Prepared, Program};
use rwsgi_os::{Ending, Pid, PidFile};

use crate::error::Error;
use crate::launch::Launch;
use crate::plan::Plan;
use crate::{Host, logging, privileges, reloader, ui};

/// What a running server remembers of its start, and the plans of the generations of which workers may be forked.
pub(crate) struct Site<'a> {
    pub(crate) draft: Draft,
    pub(crate) host: Host,
    pub(crate) launch: &'a Launch,
    pub(crate) plans: BTreeMap<u32, Plan>,
    pub(crate) pid_file: Option<PidFile>,
    /// The process that watches for `--reload`, as long as it does.
    pub(crate) watcher: Option<Pid>,
}

impl Site<'_> {
    /// In a worker or mold of this generation: its plan. The pid file is the master's; nothing is removed, since it is not this
    /// process that wrote it.
    pub(crate) fn into_plan(mut self, generation: u32) -> Plan {
        self.plans.remove(&generation).expect("a generation of which processes are forked is remembered")
    }

    /// Settles the same command line and environment again.
    fn read(&self) -> Result<Plan, Error> {
        let config = self.draft.finish(None)?.config;
        enter(&config, self.launch)?;
        let identity = privileges::identity(&config)?;
        Plan::new(config, self.host, identity)
    }

    /// Back to the directory of the newest plan that is left.
    fn step_back(&self) {
        let newest = self.plans.last_key_value().map(|(_, plan)| plan.directory.as_path());
        // Workers enter the directory of their own plan, and tell when they cannot.
        let _ = newest.map(env::set_current_dir);
    }
}

impl Program for Site<'_> {
    fn prepare(&mut self, generation: u32) -> Option<Prepared> {
        match self.read() {
            Ok(plan) => {
                // Before a worker of it is forked.
                log_as_in(&plan);
                let sockets = self.launch.sockets(plan.sockets.clone());
                let prepared = Prepared { policy: plan.policy(), sockets };
                self.plans.insert(generation, plan);
                Some(prepared)
            }
            Err(error) => {
                ui::complain(&error, error.hint().as_deref());
                self.step_back();
                None
            }
        }
    }

    fn adopt(&mut self, generation: u32) {
        self.plans = self.plans.split_off(&generation);
        if let Some(Err(error)) = self.pid_file.as_mut().map(PidFile::restore) {
            ui::complain(&error, error.hint().as_deref());
        }
    }

    fn give_up(&mut self, generation: u32) {
        self.plans.remove(&generation);
        self.plans.last_key_value().into_iter().for_each(|(_, plan)| log_as_in(plan));
        self.step_back();
    }

    fn reopen_logs(&mut self) {
        logging::reopen();
        // Workers that are not root may not create files in its directory.
        let created = self.plans.values().map(Plan::create_access_log).find_map(Result::err);
        created.iter().for_each(|error| ui::complain(error, error.hint().as_deref()));
    }

    fn child_ended(&mut self, pid: Pid, ending: Ending) {
        if self.watcher.take_if(|watcher| *watcher == pid).is_some() {
            reloader::ended(pid, ending);
        }
    }

    fn promote(&mut self) {
        let path = self.plans.last_key_value().and_then(|(_, plan)| plan.config.pid.clone());
        let renamed = match (&mut self.pid_file, path) {
            (Some(file), Some(path)) => file.rename(&path),
            _ => Ok(()),
        };
        if let Err(error) = renamed {
            ui::complain(&error, error.hint().as_deref());
        }
    }
}

/// Opens the logs anew, where these settings say; a log that cannot be opened there goes on where it is.
fn log_as_in(plan: &Plan) {
    if let Err(error) = logging::start(&plan.config, privileges::owner(plan.identity.as_ref())) {
        ui::complain(&error, error.hint().as_deref());
    }
}

/// Changes to the directory in which the application is to run. Again at each reload: where releases are directories that a link
/// names in turn, it may be another one by then.
pub(crate) fn enter(config: &Config, launch: &Launch) -> Result<(), Error> {
    let start = launch.invocation().directory().unwrap_or(Path::new("."));
    let directory = config.chdir.as_ref().map_or_else(|| start.to_owned(), |chdir| start.join(chdir));
    env::set_current_dir(&directory).map_err(|source| Error::Chdir { directory, source })
}

/// Writes the pid file of the settings, if they name one: beside that of the predecessor as long as there is one (Gunicorn's `.2`).
pub(crate) fn write_pid_file(plan: &Plan, launch: &Launch) -> Result<Option<PidFile>, Error> {
    let Some(path) = &plan.config.pid else { return Ok(None) };
    let mut name = path.as_os_str().to_owned();
    if launch.predecessor().is_some() {
        name.push(".2");
    }
    Ok(Some(PidFile::write(Path::new(&name))?))
}
