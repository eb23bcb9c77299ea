//! From settings to what each room needs. Nothing behind this file knows of settings.

use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rwsgi_config::{Config, Settled, Workers};
use rwsgi_http::Http2;
use rwsgi_master::{Inheritance, Numbers, Policy};
use rwsgi_os::{Identity, SocketPlan, Statsd, Vault};
use rwsgi_worker::PreloadOptions;
use rwsgi_wsgi::{Embedding, Hook};

use crate::error::Error;
use crate::http2::http2;
use crate::launch::Launch;
use crate::logging::Access;
use crate::proxies::{header_rules, proxies};
use crate::renewal::Stamps;
use crate::settings::Found;
use crate::titles::Titles;
use crate::tls::Tls;
use crate::{Host, VERSION, files, home, logging, privileges, reloader, sockets, statsd, traffic};

/// How long the loop of a worker may stand still: as long as a request may run, within these bounds. It turns even while Python
/// does not, so nothing of the application takes that long, but a machine that is short of memory may. With `--timeout 0`
/// nobody looks, as under Gunicorn: a debugger may stop a worker.
const SILENCE: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(30);

/// How long an aborted worker has to write its stacks, and the kernel its core.
const KILL_AFTER: Duration = Duration::from_secs(10);

/// What is to be done, checked as far as it can be before anything is started.
pub(crate) struct Plan {
    pub(crate) sockets: Vec<SocketPlan>,
    /// Whom the workers run as, if not as the master.
    pub(crate) identity: Option<Identity>,
    /// The environment of the native host's Python.
    pub(crate) python: Option<Embedding>,
    /// The current directory of the application at its start.
    pub(crate) directory: PathBuf,
    pub(crate) workers: usize,
    pub(crate) titles: Titles,
    access_log: Option<Access>,
    paths: Vec<PathBuf>,
    /// The directory in which the program was started.
    start: PathBuf,
    statsd: Option<Arc<Statsd>>,
    /// How connections are secured, if they are.
    pub(crate) tls: Option<Tls>,
    /// How the files of that were when they were read.
    pub(crate) stamps: Option<Stamps>,
    vault: Arc<Vault>,
    /// Settings are in a file in Python, which a mold executes.
    is_scripted: bool,
    pub(crate) config: Config,
    /// All settings as a JSON object, for Python.
    pub(crate) settings: String,
}

impl Plan {
    /// What is to be done where the directory of the application is the current one.
    pub(crate) fn new(
        settled: &Settled,
        identity: Option<Identity>,
        host: Host,
        launch: &Launch,
    ) -> Result<Self, Error> {
        let access_log = Access::new(settled)?;
        let mut config = settled.config.clone();
        let directory = std::env::current_dir().map_err(Error::CurrentDirectory)?;
        // As in Gunicorn, which puts each of them in front of the one before.
        let paths = config.pythonpath.iter().rev().map(|path| directory.join(path));
        let paths = paths.chain([directory.clone()]).collect();
        find_directories(&mut config, &directory)?;
        let python = match host {
            Host::Native => {
                Some(Embedding { executable: home::find(config.python.as_deref())?, argv: launch.argv() })
            }
            Host::Extension => None,
        };
        Ok(Self {
            sockets: sockets::plans(&config, privileges::owner(identity.as_ref())),
            titles: Titles::new(&config, launch),
            workers: match config.workers {
                Workers::Auto => rwsgi_os::available_cpus(),
                Workers::Count(count) => count,
            },
            identity,
            start: launch.directory().to_owned(),
            python,
            access_log,
            paths,
            statsd: statsd::open(&config),
            tls: Tls::new(&config, &directory),
            stamps: None,
            directory,
            vault: Arc::clone(launch.vault()),
            is_scripted: false,
            config,
            settings: String::new(),
        })
    }

    /// The same where a file in Python had a part in it.
    pub(crate) fn scripted(self) -> Self {
        Self { is_scripted: true, ..self }
    }

    /// Looks whether the workers will be able to do what they have to. It takes a fork, so it is the master's.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.identity.as_ref().map_or(Ok(()), |identity| privileges::check_bodies(&self.config, identity))
    }

    /// Reads the files of TLS and hands what is in them to the workers. The last step of a plan: those of the one before have that
    /// too then.
    pub(crate) fn secured(mut self) -> Result<Self, Error> {
        if let Some(tls) = &self.tls {
            let opened = tls.open()?;
            opened.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
            opened.publish(&self.vault)?;
            self.stamps = Some(opened.stamps);
        }
        Ok(self)
    }

    /// The same, with what Python may want to know of the settings: [`rwsgi_config::Settled::typed`].
    pub(crate) fn with_settings(self, settings: &str) -> Self {
        Self { settings: settings.to_owned(), ..self }
    }

    /// How the master supervises the workers.
    pub(crate) fn policy(&self) -> Policy {
        let config = &self.config;
        Policy {
            workers: self.workers,
            graceful_timeout: config.graceful_timeout,
            silence: config.timeout.map(|timeout| timeout.clamp(*SILENCE.start(), *SILENCE.end())),
            kill_after: KILL_AFTER,
            boot_timeout: config.boot_timeout,
            surge: config.reload_surge,
            max_unavailable: config.reload_max_unavailable,
            lifetime: config.max_worker_lifetime.map(|age| (age, config.max_worker_lifetime_jitter)),
            memory: config.max_worker_memory,
            mold: config.preload_app || self.is_scripted,
            attended: self.is_scripted && has_server_hook(config),
            patient: config.reload,
        }
    }

    /// What is put in front of `sys.path`.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        // That of the start stays behind the directory to change to, as in Gunicorn.
        let start = (self.start != self.directory).then(|| self.start.clone());
        self.paths.iter().cloned().chain(start).collect()
    }

    /// What Gunicorn calls such workers.
    pub(crate) fn worker_class(&self) -> &'static str {
        if self.config.threads > 1 { "gthread" } else { "sync" }
    }

    /// Makes the file of the access log, where the workers may not.
    pub(crate) fn create_access_log(&self) -> Result<(), Error> {
        self.access_log.as_ref().map_or(Ok(()), Access::create)
    }

    /// How many descriptors a worker may need: what the application has by default anyway, and for each connection its
    /// socket and the temporary files that its bodies may wait in; in HTTP/2 a file for each request at a time.
    pub(crate) fn descriptors(&self) -> u64 {
        let is_spoken = |http2: &Http2| http2.prior_knowledge || self.tls.is_some();
        let http2 = http2(&self.config).filter(is_spoken);
        let streams = http2.map_or(0, |http2| u64::from(http2.concurrent_streams));
        (self.config.worker_connections as u64).saturating_mul(4 + streams).saturating_add(1024)
    }

    /// What is loaded, in each worker or once for all of them.
    pub(crate) fn preload(&self) -> PreloadOptions {
        PreloadOptions {
            application: self.config.app.clone(),
            paths: self.paths(),
            environment: self.config.env.clone(),
            crash_log: logging::file(),
        }
    }

    /// Whom the master tells how the server is.
    pub(crate) fn numbers(&self) -> Option<Numbers> {
        let backlogs = self.config.enable_backlog_metric;
        self.statsd.clone().map(|statsd| Numbers { statsd, backlogs })
    }

    /// What the application is told of this server, one of so many workers.
    pub(crate) fn wsgi(&self, workers: usize) -> rwsgi_wsgi::Options {
        rwsgi_wsgi::Options {
            server_software: format!("rwsgi/{VERSION}"),
            multithread: self.config.threads > 1,
            multiprocess: workers > 1,
            headers: Arc::new(header_rules(&proxies(&self.config))),
            watched: self.access_log.iter().flat_map(Access::environ).cloned().collect(),
            errors: logging::write_errors,
            is_descendant: rwsgi_os::is_descendant,
        }
    }

    /// What the reloader watches, if it is wanted.
    pub(crate) fn reloader(&self, found: &Found) -> Result<Option<reloader::Options>, Error> {
        if !self.config.reload {
            return Ok(None);
        }
        let sources = reloader::Sources::new(&self.config.reload_extra_files)?.with_settings(found.path());
        let engine = self.config.reload_engine;
        Ok(Some(reloader::Options { directories: self.paths.clone(), sources, engine }))
    }

    /// What a worker needs, with its access log started.
    pub(crate) fn worker(
        &self,
        inheritance: Inheritance,
    ) -> Result<(rwsgi_worker::Place, rwsgi_worker::Options), Error> {
        let mut listeners = inheritance.listeners;
        let mut last = |count: usize| listeners.split_off(listeners.len().saturating_sub(count));
        let metrics = last(self.config.metrics_bind.len());
        let redirecting = last(self.config.https_redirect.len());
        let is_secure = self.tls.is_some();
        let listeners = listeners.into_iter().map(|listener| listener.over_tls(is_secure)).collect();
        let tls = self.tls.as_ref().map(|tls| tls.context(&self.vault)).transpose()?;
        let start = |access: &Access| access.start(&self.config, &self.settings);
        let access_log = self.access_log.as_ref().map(start).transpose()?;
        let place = rwsgi_worker::Place {
            listeners,
            redirecting,
            metrics,
            scoreboard: inheritance.scoreboard,
            slot: inheritance.slot,
            status: inheritance.status,
            lifeline: inheritance.lifeline,
        };
        let options = rwsgi_worker::Options {
            http: rwsgi_http::Options { tls, ..traffic::options(&self.config) },
            django: rwsgi_worker::DjangoWishes {
                files: files::django(&self.config),
                hosts: self.config.django_hosts,
            },
            wsgi: self.wsgi(inheritance.workers),
            threads: self.config.threads,
            connections: self.config.worker_connections,
            connections_per_address: self.config.limit_connections_per_ip,
            timeout: self.config.timeout,
            timeout_kill: self.config.timeout_kill,
            slow_log: self.config.slow_log,
            max_requests: self.config.max_requests,
            max_requests_jitter: self.config.max_requests_jitter,
            queue_timeout: self.config.queue_timeout,
            queue_size: self.config.queue_size,
            reopen_logs: logging::reopen,
            graceful_timeout: self.config.graceful_timeout,
            loaded: reloader::tell_sources,
            numbers: rwsgi_worker::Numbers {
                statsd: self.statsd.clone(),
                health_path: self.config.health_path.clone(),
            },
            hooks: None,
            access_log,
        };
        Ok((place, options))
    }
}

/// Whether the settings file has a function for something that happens in the server, not in a worker.
fn has_server_hook(config: &Config) -> bool {
    let is_of_server = |name: &&str| Hook::ALL.iter().any(|hook| hook.is_of_server() && hook.name() == *name);
    config.hooks.iter().any(is_of_server)
}

/// Makes the directories of the settings absolute, for the application may change to another one, and looks whether they
/// are there.
fn find_directories(config: &mut Config, base: &Path) -> Result<(), Error> {
    if let Some(path) = &mut config.body_temp_dir {
        *path = find_directory(&base.join(&*path), "body_temp_dir")?;
    }
    for (_, path) in &mut config.sendfile_roots {
        *path = find_directory(&base.join(&*path), "sendfile_roots")?;
    }
    for (_, path) in &mut config.files.folders {
        *path = find_directory(&base.join(&*path), "static")?;
    }
    for (_, path) in &mut config.files.uploads {
        *path = find_directory(&base.join(&*path), "media")?;
    }
    Ok(())
}

fn find_directory(path: &Path, setting: &'static str) -> Result<PathBuf, Error> {
    let failed = |source| Error::Directory { setting, path: path.to_owned(), source };
    match path.metadata() {
        Ok(found) if found.is_dir() => Ok(path.to_owned()),
        Ok(_) => Err(failed(io::ErrorKind::NotADirectory.into())),
        Err(error) => Err(failed(error)),
    }
}
