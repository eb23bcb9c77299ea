//! From settings to what each room needs. Nothing behind this file knows of settings.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rwsgi_config::{Address, Config, LogTarget, Workers};
use rwsgi_http::{AccessLog, Format};
use rwsgi_master::Inheritance;
use rwsgi_os::{BindAddress, ForkHooks};
use rwsgi_wsgi::Embedding;

use crate::error::Error;
use crate::proxies::header_rules;
use crate::{Host, VERSION, home, logging, reloader, traffic};

/// What is to be done, checked as far as it can be before anything is started.
pub(crate) struct Plan {
    pub(crate) addresses: Vec<BindAddress>,
    pub(crate) backlog: u32,
    pub(crate) pid_file: Option<PathBuf>,
    /// The environment of the native host's Python.
    pub(crate) python: Option<Embedding>,
    workers: usize,
    access_log: Option<Access>,
    paths: Vec<PathBuf>,
    config: Config,
}

/// Where and how requests are logged.
struct Access {
    target: LogTarget,
    format: Format,
}

impl Plan {
    pub(crate) fn new(mut config: Config, host: Host) -> Result<Self, Error> {
        let format = Format::compile(&config.access_log_format).map_err(Error::AccessLogFormat)?;
        let access_log = match config.access_log.clone() {
            Some(target) => {
                // Opened again by each worker; here so that a mistake is told at once.
                logging::open(&target, "access log", std::io::stdout())?;
                Some(Access { target, format })
            }
            None => None,
        };
        let directory = std::env::current_dir().map_err(Error::CurrentDirectory)?;
        let paths = std::iter::once(directory.clone())
            .chain(config.pythonpath.iter().map(|path| directory.join(path)))
            .collect();
        find_directories(&mut config, &directory)?;
        let python = match host {
            Host::Native => Some(Embedding {
                executable: home::find(config.python.as_deref())?,
                argv: std::env::args().collect(),
            }),
            Host::Extension => None,
        };
        Ok(Self {
            addresses: config.bind.iter().map(address).collect::<Result<_, _>>()?,
            backlog: config.backlog,
            pid_file: config.pid.clone(),
            workers: match config.workers {
                Workers::Auto => rwsgi_os::available_cpus(),
                Workers::Count(count) => count,
            },
            python,
            access_log,
            paths,
            config,
        })
    }

    /// What the reloader watches, if it is wanted.
    pub(crate) fn reloader(&self) -> Result<Option<reloader::Options>, Error> {
        if !self.config.reload {
            return Ok(None);
        }
        let sources = reloader::Sources::new(&self.config.reload_extra_files)?;
        let engine = self.config.reload_engine;
        Ok(Some(reloader::Options { directories: self.paths.clone(), sources, engine }))
    }

    pub(crate) fn master<'a>(&self, hooks: &'a dyn ForkHooks) -> rwsgi_master::Options<'a> {
        rwsgi_master::Options { workers: self.workers, graceful_timeout: self.config.graceful_timeout, hooks }
    }

    /// What a worker needs, with its access log started.
    pub(crate) fn worker(
        self,
        inheritance: Inheritance,
    ) -> Result<(rwsgi_worker::Place, rwsgi_worker::Options), Error> {
        let access_log = match &self.access_log {
            Some(access) => {
                let file = logging::open(&access.target, "access log", std::io::stdout())?;
                Some(AccessLog::start(access.format.clone(), file).map_err(Error::AccessLog)?)
            }
            None => None,
        };
        let http = traffic::options(&self.config, access_log);
        let headers = Arc::new(header_rules(&http.proxies));
        let place = rwsgi_worker::Place {
            listeners: inheritance.listeners,
            scoreboard: inheritance.scoreboard,
            slot: inheritance.slot,
            status: inheritance.status,
            lifeline: inheritance.lifeline,
        };
        let options = rwsgi_worker::Options {
            http,
            wsgi: rwsgi_wsgi::Options {
                server_software: format!("rwsgi/{VERSION}"),
                multithread: self.config.threads > 1,
                multiprocess: inheritance.workers > 1,
                headers,
                errors: logging::write_raw,
                is_descendant: rwsgi_os::is_descendant,
            },
            application: self.config.app,
            paths: self.paths,
            environment: self.config.env,
            threads: self.config.threads,
            connections: self.config.worker_connections,
            connections_per_address: self.config.limit_connections_per_ip,
            timeout: self.config.timeout,
            queue_timeout: self.config.queue_timeout,
            queue_size: self.config.queue_size,
            crash_log: logging::file(),
            graceful_timeout: self.config.graceful_timeout,
            loaded: reloader::tell_sources,
        };
        Ok((place, options))
    }
}

/// Makes the directories of the settings absolute, for the application may change to another one, and looks whether they
/// are there.
fn find_directories(config: &mut Config, base: &Path) -> Result<(), Error> {
    if let Some(path) = &mut config.body_temp_dir {
        *path = find_directory(&base.join(&*path), "body_temp_dir", "--body-temp-dir")?;
    }
    for (_, path) in &mut config.sendfile_roots {
        *path = find_directory(&base.join(&*path), "sendfile_roots", "--sendfile-root")?;
    }
    Ok(())
}

fn find_directory(path: &Path, setting: &'static str, flag: &'static str) -> Result<PathBuf, Error> {
    let failed = |source| Error::Directory { setting, flag, path: path.to_owned(), source };
    match path.metadata() {
        Ok(found) if found.is_dir() => Ok(path.to_owned()),
        Ok(_) => Err(failed(io::ErrorKind::NotADirectory.into())),
        Err(error) => Err(failed(error)),
    }
}

fn address(address: &Address) -> Result<BindAddress, Error> {
    match address {
        Address::Tcp { host, port } => Ok(BindAddress::Tcp { host: host.clone(), port: *port }),
        Address::Unix(path) => Ok(BindAddress::Unix(path.clone())),
        Address::Abstract(_) | Address::Fd(_) => Err(Error::UnsupportedAddress(address.clone())),
    }
}
