//! What can keep the server from starting, by the action that failed.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use rwsgi_config::Migration;

/// An action of the program that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
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
    #[error("cannot change to the directory `{}` of `--chdir`", directory.display())]
    Chdir { directory: PathBuf, source: io::Error },
    #[error("cannot use the directory `{}` for `{setting}` from `{flag}`", path.display())]
    Directory { setting: &'static str, flag: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot run the workers as `--user` and `--group` say")]
    Identity(#[source] rwsgi_os::Error),
    #[error("the workers, as `--user` and `--group` say, cannot write to `{}`, where large bodies wait", path.display())]
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
    #[error("cannot find the address of syslog, `{address}` of `--log-syslog-to`")]
    Syslog { address: String, source: io::Error },
    #[error("cannot watch the file `{}` for `reload_extra_files` from `--reload-extra-file`", path.display())]
    ExtraFile { path: PathBuf, source: io::Error },
    #[error("invalid value `{pattern}` for `reload_extra_files` from `--reload-extra-file`")]
    ExtraPattern { pattern: String, source: glob::PatternError },
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
    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Settings(error) => error.hint(),
            Self::System(error) | Self::Identity(error) => error.hint(),
            Self::Bodies { .. } => {
                Some("give that directory to them, or name another one with `--body-temp-dir`".to_owned())
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

    /// What Python says of it.
    pub(crate) fn traceback(&self) -> Option<&str> {
        match self {
            Self::SettingsFile(error) => error.traceback.as_deref(),
            Self::Hooks(error) => error.traceback.as_deref(),
            Self::Worker(rwsgi_worker::Error::Load(error)) => error.traceback.as_deref(),
            _ => None,
        }
    }

    /// What the process ends with: a value that cannot be used is a matter of usage, the rest one of the system.
    pub(crate) fn exit(&self) -> rwsgi_os::ExitReason {
        match self {
            Self::Settings(error) if error.is_usage() => rwsgi_os::ExitReason::Usage,
            Self::ExtraPattern { .. } | Self::NoGunicorn(_) => rwsgi_os::ExitReason::Usage,
            _ => rwsgi_os::ExitReason::Config,
        }
    }
}

fn place(migration: &Migration) -> String {
    match migration {
        Migration::Command(text) => format!("`{}`", text.to_string_lossy().escape_debug()),
        Migration::Unit(path) => format!("`{}`", path.display()),
    }
}
