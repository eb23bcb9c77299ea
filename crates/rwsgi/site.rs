//! The program as its master sees it: settings read anew, log files opened anew, the pid file.

use std::collections::BTreeMap;
use std::env;
use std::path::Path;
use std::time::Instant;

use rwsgi_config::{Config, Draft, File, Settled};
use rwsgi_master::{Numbers, Preparation, Prepared, Program, Role};
use rwsgi_os::{Ending, ExitReason, Pid, PidFile};
use rwsgi_wsgi::SettingsSource;

use crate::certificates::Keeper;
use crate::error::Error;
use crate::launch::Launch;
use crate::molding::{self, Molding};
use crate::plan::Plan;
use crate::renewal::Renewal;
use crate::script::Script;
use crate::settings::{self, Found};
use crate::titles::Part;
use crate::{Host, logging, privileges, reloader, roles, ui};

/// What a running server remembers of its start, and of the generations of which workers may be forked.
pub(crate) struct Site<'a> {
    pub(crate) draft: &'a Draft,
    pub(crate) host: Host,
    pub(crate) launch: &'a Launch,
    pub(crate) plans: BTreeMap<u32, Plan>,
    /// Those whose settings are in Python; one whose file is being executed has no plan yet.
    pub(crate) scripts: BTreeMap<u32, Scripted>,
    pub(crate) pid_file: Option<PidFile>,
    /// The process that watches for `--reload`, as long as it does.
    pub(crate) watcher: Option<Pid>,
    /// The process that fetches certificates, if any are to be fetched.
    pub(crate) keeper: Option<Keeper>,
    /// Looks after the files of TLS by the newest plan, if it has any.
    pub(crate) renewal: Option<Renewal>,
}

/// A settings file in Python.
pub(crate) struct Scripted {
    pub(crate) source: SettingsSource,
    /// All settings with it, for its hooks: [`rwsgi_config::Settled::typed`].
    pub(crate) typed: String,
}

impl Site<'_> {
    /// In a forked process: what it goes on as. The pid file is the master's; nothing is removed, since it is not this process that
    /// wrote it.
    pub(crate) fn go_on(mut self, role: Role) -> ExitReason {
        let host = self.host;
        match role {
            Role::Master(reason) => reason,
            Role::Helper => self.keep(),
            Role::Worker(inheritance) => {
                let plan = self.take_plan(inheritance.generation);
                plan.titles.show(Part::Worker);
                let scripted = self.scripts.get(&inheritance.generation);
                let script = scripted.map(|it| (self.script(&it.source), it.typed.as_str()));
                roles::work(*inheritance, &plan, script, host)
            }
            Role::Mold(mold) => match self.scripts.get(&mold.generation()) {
                Some(Scripted { source, .. }) => {
                    let script = self.script(source);
                    molding::cast(
                        *mold,
                        Molding { draft: self.draft, script, reports: None, in_background: false },
                    )
                }
                None => {
                    let plan = self.take_plan(mold.generation());
                    roles::cast(*mold, &plan, host)
                }
            },
        }
    }

    /// In the process that fetches certificates.
    fn keep(mut self) -> ExitReason {
        let keeper = self.keeper.take().expect("the master forks a helper only when it is asked for");
        if let Some((_, plan)) = self.plans.last_key_value() {
            plan.titles.show(Part::Keeper);
        }
        // The master's, and in its way.
        drop(self);
        keeper.run()
    }

    fn script<'s>(&'s self, source: &'s SettingsSource) -> Script<'s> {
        Script { source, launch: self.launch, early: self.draft.early(), host: self.host }
    }

    fn take_plan(&mut self, generation: u32) -> Plan {
        self.plans.remove(&generation).expect("a generation of which processes are forked is remembered")
    }

    /// Settles the same command line and environment with what the file says now.
    fn settle(&mut self, file: Option<&File>) -> Result<(Plan, String), Error> {
        let settled = self.draft.finish(file)?;
        settled.notes.iter().for_each(ui::remark);
        let typed = settled.typed();
        let before = self.renewal.as_ref().map(Renewal::current);
        let plan = self.plan(&settled, &typed).inspect_err(|error| {
            if let (Some(renewal), Some(file), Some(stamps)) =
                (&mut self.renewal, error.credentials(), before)
            {
                renewal.was_told(file, stamps);
            }
        });
        Ok((plan.map_err(|error| error.about(&settled))?, typed))
    }

    fn plan(&self, settled: &Settled, typed: &str) -> Result<Plan, Error> {
        enter(&settled.config, self.launch.directory())?;
        let identity = privileges::identity(&settled.config)?;
        let plan = Plan::new(settled, identity, self.host, self.launch)?.with_settings(typed);
        plan.check()?;
        plan.secured()
    }

    /// Looks after the files of the newest plan from now on.
    pub(crate) fn await_renewal(&mut self) {
        let stamps = self.plans.last_key_value().and_then(|(_, plan)| plan.stamps.clone());
        self.renewal = stamps.map(|stamps| Renewal::new(stamps, Instant::now()));
    }

    /// Reads the files of TLS again by the newest plan. What cannot be used is told, and what was read before stays.
    fn renew(&self) {
        let Some(tls) = self.plans.last_key_value().and_then(|(_, plan)| plan.tls.as_ref()) else { return };
        let renewed =
            tls.open().and_then(|opened| Ok((opened.publish(self.launch.vault())?, opened.warnings)));
        match renewed {
            Ok((false, _)) => {}
            Ok((true, warnings)) => {
                tracing::info!("The certificates have changed and are used from the next connection on");
                warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
            }
            Err(error) => {
                ui::complain(&error, error.hint().as_deref());
                tracing::warn!("The certificates that were read before stay in use");
            }
        }
    }

    fn take_over(&mut self, generation: u32, plan: Plan) -> Prepared {
        // Before a worker of it is forked.
        log_as_in(&plan);
        let sockets = self.launch.sockets(plan.sockets.clone());
        let prepared = Prepared { policy: plan.policy(), sockets };
        self.plans.insert(generation, plan);
        self.await_renewal();
        prepared
    }

    /// The master's, by the newest settings.
    fn show_title(&self) {
        if let Some((_, plan)) = self.plans.last_key_value() {
            plan.titles.show(Part::Master);
        }
    }

    fn refuse(&mut self, generation: u32, error: &Error) {
        ui::tell(error);
        self.scripts.remove(&generation);
        self.step_back();
    }

    /// Back to the directory of the newest plan that is left.
    fn step_back(&self) {
        let newest = self.plans.last_key_value().map(|(_, plan)| plan.directory.as_path());
        // Workers enter the directory of their own plan, and tell when they cannot.
        let _ = newest.map(env::set_current_dir);
    }
}

impl Program for Site<'_> {
    fn prepare(&mut self, generation: u32) -> Preparation {
        let found = settings::find(self.draft, self.launch.directory()).inspect(Found::explain);
        let settled = match found {
            Ok(Found::Python(source)) => {
                self.scripts.insert(generation, Scripted { source, typed: String::new() });
                return Preparation::NeedsMold;
            }
            Ok(found) => self.settle(found.file()),
            Err(error) => Err(error),
        };
        match settled {
            Ok((plan, _)) => Preparation::Ready(self.take_over(generation, plan)),
            Err(error) => {
                self.refuse(generation, &error);
                Preparation::Failed
            }
        }
    }

    fn settings(&mut self, generation: u32, json: String) -> Option<Prepared> {
        match self.settle(Some(&File::Python { json })) {
            Ok((plan, typed)) => {
                if let Some(scripted) = self.scripts.get_mut(&generation) {
                    scripted.typed = typed;
                }
                Some(self.take_over(generation, plan.scripted()))
            }
            Err(error) => {
                self.refuse(generation, &error);
                None
            }
        }
    }

    fn adopt(&mut self, generation: u32) {
        self.plans = self.plans.split_off(&generation);
        self.scripts = self.scripts.split_off(&generation);
        self.show_title();
        if let Some(Err(error)) = self.pid_file.as_mut().map(PidFile::restore) {
            ui::complain(&error, error.hint().as_deref());
        }
    }

    fn give_up(&mut self, generation: u32) {
        self.plans.remove(&generation);
        self.scripts.remove(&generation);
        self.plans.last_key_value().into_iter().for_each(|(_, plan)| log_as_in(plan));
        self.step_back();
        // The workers have those of the generation that is given up.
        self.renew();
        self.await_renewal();
    }

    fn numbers(&self) -> Option<Numbers> {
        self.plans.first_key_value()?.1.numbers()
    }

    fn next_look(&self) -> Option<Instant> {
        self.renewal.as_ref().map(Renewal::due)
    }

    fn look(&mut self, now: Instant) {
        if self.renewal.as_mut().is_some_and(|renewal| renewal.look(now)) {
            self.renew();
        }
    }

    fn helper_due(&self) -> Option<Instant> {
        self.keeper.as_ref().and_then(Keeper::due)
    }

    fn helper_forked(&mut self, pid: Option<Pid>) {
        if let Some(keeper) = &mut self.keeper {
            keeper.forked(pid);
        }
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
        if let Some(keeper) = &mut self.keeper {
            keeper.child_ended(pid, ending);
        }
    }

    fn promote(&mut self) {
        self.show_title();
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
pub(crate) fn enter(config: &Config, start: &Path) -> Result<(), Error> {
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
