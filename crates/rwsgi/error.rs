//! What can keep the server from starting, by the action that failed.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rwsgi_config::{Migration, Settled, Source};
use rwsgi_http::tls::Flaw;

/// An action of the program that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Setting(Misfit),
    #[error(transparent)]
    Settings(#[from] rwsgi_config::Error),
    #[error("cannot read the settings file `{}`", path.display())]
    ReadSettings { path: PathBuf, source: io::Error },
    #[error(transparent)]
    SettingsFile(#[from] rwsgi_wsgi::FileError),
    #[error("the settings file `{}` has not been executed in {} s, the time of `boot_timeout`", path.display(), limit.as_secs_f64())]
    SettingsTime { path: PathBuf, limit: Duration },
    #[error("the values of the settings file `{}` are too long: {size} bytes as JSON, expected at most {}", path.display(), rwsgi_master::SETTINGS_LIMIT)]
    SettingsSize { path: PathBuf, size: usize },
    #[error("the process that executed the settings file `{}` {ending}", path.display())]
    SettingsEnd { path: PathBuf, ending: String },
    #[error("cannot change to the directory `{}`", directory.display())]
    Chdir { directory: PathBuf, source: io::Error },
    #[error("cannot use the directory `{}`", path.display())]
    Directory { setting: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot read `{}`", path.display())]
    ReadCredentials { setting: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot use `{}`", path.display())]
    Credentials { setting: &'static str, path: PathBuf, source: Flaw },
    #[error(transparent)]
    Tls(rwsgi_http::tls::Unusable),
    #[error("cannot make a secret for TLS")]
    Secret(#[source] io::Error),
    #[error("cannot change the user and group of the workers")]
    Identity(#[source] rwsgi_os::Error),
    #[error("the user and group of the workers cannot write to `{}`, where large bodies wait", path.display())]
    Bodies { path: PathBuf },
    #[error("cannot give the {what} `{}` to the user and group of the workers", path.display())]
    GiveLog { what: &'static str, path: PathBuf, source: io::Error },
    #[error("the process in the background is gone, and has not said why")]
    Background,
    #[error("cannot read the unit file `{}`", path.display())]
    ReadUnit { path: PathBuf, source: io::Error },
    #[error("there is no start of Gunicorn in {}", place(.0))]
    NoGunicorn(Migration),
    #[error("cannot find the current directory")]
    CurrentDirectory(#[source] io::Error),
    #[error("cannot open the {what} `{}`", path.display())]
    OpenLog { what: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot start the access log")]
    AccessLog(#[source] io::Error),
    #[error("cannot find the address `{address}` of syslog")]
    Syslog { address: String, source: io::Error },
    #[error("cannot watch the file `{}`", path.display())]
    ExtraFile { path: PathBuf, source: io::Error },
    #[error("invalid value `{pattern}`")]
    ExtraPattern { pattern: String, source: glob::PatternError },
    #[error("`acme_domain` needs an address for HTTPS over TCP, where the authority can see the proof")]
    NoAcmeAddress,
    #[error(transparent)]
    Acme(#[from] rwsgi_acme::Error),
    #[error("cannot open the pipe to the reloader")]
    Watcher(#[source] io::Error),
    #[error("there is no Python at `{}`, which {origin} names", path.display())]
    NoPython { path: PathBuf, origin: &'static str },
    #[error(
        "this rwsgi embeds Python {linked}, but `{}`, which {origin} names, is Python {found}", path.display()
    )]
    PythonVersion { path: PathBuf, origin: &'static str, linked: String, found: String },
    #[error("cannot tell the Python version of `{}`, which {origin} names: {reason}", path.display())]
    UnknownPython { path: PathBuf, origin: &'static str, reason: String },
    #[error(transparent)]
    System(#[from] rwsgi_os::Error),
    #[error(transparent)]
    Master(#[from] rwsgi_master::Error),
    #[error(transparent)]
    Python(#[from] rwsgi_wsgi::Error),
    #[error("cannot use the hooks of the settings file: {0}")]
    Hooks(rwsgi_wsgi::HookError),
    #[error(transparent)]
    Worker(#[from] rwsgi_worker::Error),
}

impl Error {
    /// The same with the place of the value that it is about, if somebody has given that.
    pub(crate) fn about(self, settled: &Settled) -> Self {
        let mut settings = self.settings().iter().map(|name| (*name, settled.source(name)));
        match settings.find(|(_, origin)| **origin != Source::Default) {
            Some((setting, origin)) => {
                Self::Setting(Misfit { error: Box::new(self), setting, origin: origin.clone() })
            }
            None => self,
        }
    }

    /// The settings whose values can be judged by that failure only, the first that is given.
    fn settings(&self) -> &[&'static str] {
        match self {
            Self::Chdir { .. } => &["chdir"],
            Self::Directory { setting, .. }
            | Self::ReadCredentials { setting, .. }
            | Self::Credentials { setting, .. } => std::slice::from_ref(setting),
            Self::Identity(rwsgi_os::Error::UnknownGroup { .. }) => &["group"],
            Self::Identity(_) => &["user", "group"],
            Self::Bodies { .. } => &["body_temp_dir"],
            Self::GiveLog { what, .. } | Self::OpenLog { what, .. } if *what == "error log" => &["errorlog"],
            Self::GiveLog { .. } | Self::OpenLog { .. } => &["accesslog"],
            Self::Syslog { .. } => &["syslog_addr"],
            Self::ExtraFile { .. } | Self::ExtraPattern { .. } => &["reload_extra_files"],
            _ => &[],
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Setting(misfit) => misfit.error.hint(),
            Self::Settings(error) => error.hint(),
            Self::System(error) | Self::Identity(error) => error.hint(),
            Self::Bodies { .. } => {
                Some("give that directory to them, or name another one with `--body-temp-dir`".to_owned())
            }
            Self::Credentials { setting: "acme_dir", .. } => {
                Some("remove it: another certificate is ordered then".to_owned())
            }
            Self::Credentials { setting: "keyfile", source: Flaw::NoCertificate, .. } => Some(
                "`--certfile` is missing: name the file of the certificate that the key belongs to"
                    .to_owned(),
            ),
            Self::Credentials { source, .. } => source.hint().map(str::to_owned),
            Self::ReadCredentials { source, .. } if source.kind() == io::ErrorKind::NotFound => Some(
                "a relative path counts from the current directory, or from that of `--chdir`".to_owned(),
            ),
            Self::ReadCredentials { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("let the user who starts the server read it; the workers need not".to_owned())
            }
            Self::NoGunicorn(Migration::Command(_)) => Some(
                "write the whole command line as one word, such as `--from-gunicorn 'gunicorn -w 3 mysite.wsgi'`".to_owned(),
            ),
            Self::NoGunicorn(Migration::Unit(_)) => Some(
                "if it starts a script, look at the command line in that with `--from-gunicorn`".to_owned(),
            ),
            Self::Master(error) => error.hint(),
            Self::Worker(rwsgi_worker::Error::Load(error)) => error.hint.clone(),
            Self::NoPython { .. } | Self::UnknownPython { .. } => {
                Some("name a virtual environment or its `bin/python` with `--python`".to_owned())
            }
            Self::PythonVersion { found, .. } => Some(format!(
                "install the wheel into that environment (`pip install rwsgi`), or build rwsgi for Python {found}: \
                 `PYO3_PYTHON=python{found} cargo build --release`"
            )),
            Self::Directory { source, .. } if source.kind() == io::ErrorKind::NotFound => Some(
                "create it; a relative path counts from the current directory, or from that of `--chdir`"
                    .to_owned(),
            ),
            Self::Directory { .. } => Some("name a directory that this user may enter".to_owned()),
            Self::ReadSettings { source, .. } if source.kind() == io::ErrorKind::NotFound => Some(
                "a relative path of `--config` counts from the directory where the server is started"
                    .to_owned(),
            ),
            // Also what is below it: `gunicorn.glogging`.
            Self::SettingsFile(error) if error.message.contains("No module named 'gunicorn") => Some(
                "install Gunicorn beside rwsgi, or leave the import out: for `gunicorn.glogging.Logger` there is \
                 `rwsgi.glogging.Logger`"
                    .to_owned(),
            ),
            Self::SettingsTime { .. } => {
                Some("the log tells where it was; raise `--boot-timeout` if it needs more time".to_owned())
            }
            _ => None,
        }
    }

    /// The file of TLS that it is about.
    pub(crate) fn credentials(&self) -> Option<&Path> {
        match self {
            Self::Setting(misfit) => misfit.error.credentials(),
            Self::ReadCredentials { path, .. } | Self::Credentials { path, .. } => Some(path),
            _ => None,
        }
    }

    /// What Python says of it.
    pub(crate) fn traceback(&self) -> Option<&str> {
        match self {
            Self::SettingsFile(error) => error.traceback.as_deref(),
            Self::Hooks(error) => error.traceback.as_deref(),
            Self::Worker(rwsgi_worker::Error::Load(error)) => error.traceback.as_deref(),
            _ => None,
        }
    }

    /// What the process ends with: a wrong value on the command line is a matter of usage, the rest one of the configuration or the
    /// system.
    pub(crate) fn exit(&self) -> rwsgi_os::ExitReason {
        match self {
            Self::Settings(error) if error.is_usage() => rwsgi_os::ExitReason::Usage,
            Self::Setting(misfit) if misfit.is_usage() => rwsgi_os::ExitReason::Usage,
            Self::NoGunicorn(_) => rwsgi_os::ExitReason::Usage,
            _ => rwsgi_os::ExitReason::Config,
        }
    }
}

/// A value of a setting that only the program could judge, with the place where it is given.
#[derive(Debug)]
pub(crate) struct Misfit {
    error: Box<Error>,
    setting: &'static str,
    origin: Source,
}

impl Misfit {
    fn is_usage(&self) -> bool {
        let is_malformed = matches!(*self.error, Error::ExtraPattern { .. });
        is_malformed && matches!(self.origin, Source::CommandLine(_))
    }
}

impl fmt::Display for Misfit {
    /// As the settings' own errors are told: a place in a file comes first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { error, setting, origin } = self;
        match origin {
            Source::File(place) => write!(f, "{place}: {error} for `{setting}`"),
            _ => write!(f, "{error} for `{setting}` from {origin}"),
        }
    }
}

impl std::error::Error for Misfit {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

fn place(migration: &Migration) -> String {
    match migration {
        Migration::Command(text) => format!("`{}`", text.to_string_lossy().escape_debug()),
        Migration::Unit(path) => format!("`{}`", path.display()),
    }
}
