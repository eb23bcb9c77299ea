//! A settings file in Python, executed in this process.

use std::env;
use std::io;
use std::os::fd::AsFd;

use rwsgi_config::Early;
use rwsgi_master::SETTINGS_LIMIT;
use rwsgi_os::{ExitReason, exit_now};
use rwsgi_wsgi::{Embedding, SettingsFile, SettingsSource};

use crate::error::Error;
use crate::launch::Launch;
use crate::{Host, home, logging, settings, titles};

/// Which file, and for what Python.
#[derive(Clone, Copy)]
pub(crate) struct Script<'a> {
    pub(crate) source: &'a SettingsSource,
    /// How the program was started: the file is executed in its start directory, whatever `chdir` says.
    pub(crate) launch: &'a Launch,
    pub(crate) early: &'a Early,
    pub(crate) host: Host,
}

impl Script<'_> {
    /// What the file says, as JSON.
    pub(crate) fn values(self, file: &SettingsFile) -> Result<String, Error> {
        let json = file.values_json()?;
        if json.len() as u64 > SETTINGS_LIMIT {
            return Err(Error::SettingsSize { path: settings::name(self.source), size: json.len() });
        }
        Ok(json)
    }

    /// Starts Python, if it is not there, and executes the file, as whoever this process is.
    pub(crate) fn execute(self) -> Result<SettingsFile, Error> {
        let Self { source, launch, early, host } = self;
        let directory = launch.directory();
        let failed = |source| Error::Chdir { directory: directory.to_owned(), source };
        env::set_current_dir(directory).map_err(failed)?;
        let embedding = match host {
            Host::Native => {
                Some(Embedding { executable: home::find(early.python.as_deref())?, argv: launch.argv() })
            }
            Host::Extension => None,
        };
        host.start_python(embedding.as_ref())?;
        host.forget_variables()?;
        titles::share(launch.arguments());
        let added = early.pythonpath.iter().map(|path| directory.join(path));
        let paths: Vec<_> = std::iter::once(directory.to_owned()).chain(added).collect();
        rwsgi_wsgi::prepend_paths(&paths)?;
        rwsgi_wsgi::publish_glogging()?;
        // A file that takes too long is asked where it is. The log may be another one when its settings are known.
        let stderr: &'static io::Stderr = Box::leak(Box::new(io::stderr()));
        let log = logging::file();
        rwsgi_wsgi::dump_crashes(log.unwrap_or_else(|| stderr.as_fd()))?;
        let executed = rwsgi_wsgi::run_python(|| SettingsFile::execute(source));
        if log.is_none() {
            rwsgi_wsgi::dump_no_crashes()?;
        }
        if rwsgi_os::is_descendant() {
            // A process that the file has forked comes back as well as the one that it was forked from, and is not to serve.
            let reason = if executed.is_ok() { ExitReason::Ok } else { ExitReason::Config };
            rwsgi_wsgi::end_descendant(reason.code().into())?;
            exit_now(reason);
        }
        // What the file has changed of these would be the workers' too, and nothing of the server counts on it.
        rwsgi_os::hear_of_children()?;
        rwsgi_os::occupy_streams()?;
        Ok(executed?)
    }
}
