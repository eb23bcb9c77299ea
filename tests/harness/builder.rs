use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::geteuid;
use tempfile::TempDir;

use super::{Gate, Server};

/// What a server is to be started with. Its current directory is a folder of its own, with `app.py` in it.
#[derive(Debug)]
pub(crate) struct Builder {
    folder: TempDir,
    application: Option<String>,
    bind: Option<String>,
    workers: usize,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    wrapper: Vec<OsString>,
}

/// How a server ended that could not start.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Builder {
    /// With this source as its application.
    pub(crate) fn new(source: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("app.py"), source).unwrap();
        fs::write(folder.path().join("stage.py"), include_str!("stage.py")).unwrap();
        Self {
            folder,
            application: Some("app:application".to_owned()),
            bind: Some("127.0.0.1:0".to_owned()),
            workers: 1,
            arguments: Vec::new(),
            variables: Vec::new(),
            wrapper: Vec::new(),
        }
    }

    /// Another application argument, or none.
    pub(crate) fn application(mut self, text: Option<&str>) -> Self {
        self.application = text.map(str::to_owned);
        self
    }

    /// Another address than `127.0.0.1:0`; `None`: no `--bind` at all.
    pub(crate) fn bind(mut self, address: Option<&str>) -> Self {
        self.bind = address.map(str::to_owned);
        self
    }

    /// How many workers [`Builder::start`] waits for; given as `--workers` when more than one.
    pub(crate) fn workers(mut self, count: usize) -> Self {
        self.workers = count;
        if count > 1 { self.args(["--workers".to_owned(), count.to_string()]) } else { self }
    }

    pub(crate) fn args<T: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.into(), value.as_ref().into()));
        self
    }

    /// A command that is started instead and executes the server, whose command line follows it.
    pub(crate) fn under<const N: usize>(mut self, wrapper: [&str; N]) -> Self {
        self.wrapper = wrapper.into_iter().map(Into::into).collect();
        self
    }

    /// With the privileges of any user: root, if that is who tests, gives its capabilities away. None where it cannot.
    pub(crate) fn without_privileges(self) -> Option<Self> {
        const WEAK: [&str; 4] = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"];
        if !geteuid().is_root() {
            return Some(self);
        }
        let tried = Command::new(WEAK[0]).args(&WEAK[1..]).arg("true").status();
        if tried.is_ok_and(|end| end.success()) {
            return Some(self.under(WEAK));
        }
        eprintln!("NOT TESTED without privileges: root cannot give its capabilities away here");
        None
    }

    /// One more file in the folder.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn gate(&self, name: &str) -> Gate {
        Gate::new(self.folder(), name)
    }

    /// Starts the server and waits until all workers are ready.
    pub(crate) fn start(self) -> Server {
        let workers = self.workers;
        let server = self.launch();
        server.wait_log_times("Worker ready (pid: ", workers);
        // The master knows it too.
        server.wait_log(if workers == 1 { "] 1 worker ready" } else { "workers ready" });
        server
    }

    /// Starts the server and waits for nothing.
    pub(crate) fn launch(self) -> Server {
        let command = self.command();
        Server::spawn(command, self.folder)
    }

    /// Runs what cannot start to its end.
    pub(crate) fn fail(self) -> Failure {
        let mut server = self.launch();
        let status = server.wait_exit();
        Failure { code: status.code(), stdout: server.stdout().wait_end(), stderr: server.log().wait_end() }
    }

    fn command(&self) -> Command {
        let mut line = self.wrapper.clone();
        line.push(env!("CARGO_BIN_EXE_rwsgi").into());
        line.extend(self.application.iter().map(Into::into));
        line.extend(self.bind.iter().flat_map(|address| ["--bind".into(), address.into()]));
        line.extend(self.arguments.iter().cloned());
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).current_dir(self.folder.path()).process_group(0);
        // Nothing of the environment of the tests: not PORT, not LD_LIBRARY_PATH, which cargo sets.
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        if let Some(environment) = std::env::var_os("RWSGI_TEST_VENV") {
            command.env("VIRTUAL_ENV", environment);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}
