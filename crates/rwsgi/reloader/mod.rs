//! `--reload`, for development: a process beside the master that watches the application's sources, and sends the master
//! `HUP` when they have changed.
//!
//! A process, because watching takes threads and the master may have none: it forks. The watcher knows of the directories in the settings from
//! the start, and from each worker of those that the application was loaded from. It ends with the master; the master
//! goes on when it ends before, and says so.

mod engine;
mod looker;
mod sources;
mod told;

use std::ffi::OsString;
use std::io::{BufRead, BufReader, PipeReader, PipeWriter};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rwsgi_config::ReloadEngine;
use rwsgi_os::{Ending, ExitReason, Forked, Pid, Signal};

use crate::Host;
use crate::error::Error;
use engine::Engine;
pub(crate) use sources::Sources;
pub(crate) use told::{report_through, tell_sources};

/// Editors and version control write in bursts: a change counts when nothing followed it for so long,
const SILENCE: Duration = Duration::from_millis(200);

/// but something that changes all the time does not put the reload off for ever.
const PATIENCE: Duration = Duration::from_secs(2);

/// What to watch, and how.
#[derive(Debug)]
pub(crate) struct Options {
    /// The directories of the settings.
    pub(crate) directories: Vec<PathBuf>,
    /// Which files count.
    pub(crate) sources: Sources,
    pub(crate) engine: ReloadEngine,
}

/// What has happened.
enum Message {
    /// Something was written, came or went.
    Seen { path: PathBuf, is_new: bool },
    /// More than the kernel had room to tell.
    Missed,
    /// The kernel tells no more.
    Failed(notify::Error),
    /// A worker has loaded modules from this directory.
    Loaded(PathBuf),
    /// No process of the server is left.
    Abandoned,
}

/// Whether there is a watcher, and who it is.
pub(crate) enum Watched {
    /// None is wanted.
    Not,
    /// In the process that has started it.
    By(Pid),
    /// This process is to be it: it has nothing to do but to [`Watcher::run`], and should hold nothing of the master's.
    Here(Box<Watcher>),
}

/// The pipe by which processes tell the watcher what they have loaded. The first mold has it before anybody knows whether it is wanted.
pub(crate) struct Reports {
    reader: PipeReader,
    writer: PipeWriter,
}

impl Reports {
    pub(crate) fn open() -> Result<Self, Error> {
        let (reader, writer) = std::io::pipe().map_err(Error::Watcher)?;
        Ok(Self { reader, writer })
    }

    /// In a process that tells.
    pub(crate) fn into_writer(self) -> PipeWriter {
        self.writer
    }
}

/// Starts the watcher if one is wanted.
///
/// # Errors
/// The system has no process or descriptor left.
pub(crate) fn start(
    options: Option<Options>,
    reports: Option<Reports>,
    host: Host,
) -> Result<Watched, Error> {
    let Some(options) = options else { return Ok(Watched::Not) };
    let Reports { reader: reports, writer } = reports.map_or_else(Reports::open, Ok)?;
    let (master, hooks) = (Pid::this(), host.fork_hooks());
    match host.without_python(|| rwsgi_os::fork(&*hooks))? {
        Forked::Parent(pid) => {
            tracing::warn!("Reloader is on. Use in development only!");
            report_through(writer);
            Ok(Watched::By(pid))
        }
        // The end to write to is closed here: the last of the others to close it is the end of the server.
        Forked::Child => Ok(Watched::Here(Box::new(Watcher { options, reports, master }))),
    }
}

/// Says that the watcher has ended, unless it has said so itself.
pub(crate) fn ended(pid: Pid, ending: Ending) {
    let end = match ending {
        Ending::Code(0) => return,
        Ending::Code(code) => format!("exited with code {code}"),
        Ending::Signal { number, .. } => format!("was sent {}", rwsgi_os::signal_name(number)),
    };
    tracing::warn!("Reloader (pid:{pid}) {end}, changes are not seen any more");
}

/// The process that watches.
pub(crate) struct Watcher {
    options: Options,
    reports: PipeReader,
    master: Pid,
}

impl Watcher {
    /// Watches until the master is gone, or until that is not possible any more.
    pub(crate) fn run(self) -> ExitReason {
        let master = self.master;
        if !rwsgi_os::die_with_parent(master, Signal::SIGTERM) {
            return ExitReason::MasterGone;
        }
        let (sender, messages) = channel();
        let watched = hear(self.reports, sender.clone())
            .and_then(|()| Watch::begin(self.options, sender))
            .and_then(|watch| watch.last(&messages, master));
        match watched {
            Ok(()) => ExitReason::MasterGone,
            Err(cause) => {
                tracing::error!("Reloader has given up, changes are not seen any more: {cause}");
                ExitReason::Ok
            }
        }
    }
}

/// Passes on which directories the workers name.
fn hear(reports: PipeReader, sender: Sender<Message>) -> Result<(), engine::Cause> {
    let listen = move || {
        for line in BufReader::new(reports).split(b'\n').map_while(Result::ok) {
            let _ = sender.send(Message::Loaded(OsString::from_vec(line).into()));
        }
        let _ = sender.send(Message::Abandoned);
    };
    thread::Builder::new().name("reports".to_owned()).spawn(listen).map(drop).map_err(engine::Cause::Thread)
}

/// What is watched, and what has changed.
struct Watch {
    sources: Sources,
    engine: Engine,
    change: Option<Change>,
}

/// A change that may be the first of several.
struct Change {
    /// What changed first.
    path: PathBuf,
    since: Instant,
    latest: Instant,
}

impl Change {
    /// When it is taken for complete.
    fn due(&self) -> Instant {
        (self.latest + SILENCE).min(self.since + PATIENCE)
    }
}

impl Watch {
    fn begin(options: Options, sender: Sender<Message>) -> Result<Self, engine::Cause> {
        let engine = Engine::open(options.engine, sender)?;
        let mut watch = Self { sources: options.sources, engine, change: None };
        for directory in options.directories {
            watch.add_tree(&directory)?;
        }
        for (directory, is_tree) in watch.sources.extra_directories() {
            if is_tree {
                watch.add_tree(&directory).map(drop)?
            } else {
                watch.engine.watch(&directory).map(drop)?
            }
        }
        tracing::debug!("Reloader is ready, {} directories are watched", watch.engine.count());
        Ok(watch)
    }

    /// Tells the master of changes until it is gone.
    fn last(mut self, messages: &Receiver<Message>, master: Pid) -> Result<(), engine::Cause> {
        loop {
            let message = match &self.change {
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(change) => messages.recv_timeout(change.due().saturating_duration_since(Instant::now())),
            };
            match message {
                Ok(Message::Seen { path, is_new }) => self.notice(&path, is_new)?,
                Ok(Message::Missed) => self.changed(Path::new("many files")),
                Ok(Message::Failed(error)) => self.engine.survive(error)?,
                Ok(Message::Loaded(directory)) => {
                    self.add_tree(&directory)?;
                    tracing::debug!("Reloader watches `{}`", directory.display());
                }
                Ok(Message::Abandoned) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(change) = self.change.take_if(|change| change.due() <= Instant::now()) {
                tracing::info!("Worker reloading: {} modified", change.path.display());
                // A master that is gone ends this process too.
                let _ = rwsgi_os::kill(master, Signal::SIGHUP);
            }
        }
    }

    fn notice(&mut self, path: &Path, is_new: bool) -> Result<(), engine::Cause> {
        if !path.is_dir() {
            if self.sources.contains(path) {
                self.changed(path);
            }
        } else if is_new && sources::is_descended_into(path) {
            // It brings what is in it. What was in one that has vanished told of that itself.
            self.engine.forget(path);
            for directory in self.add_tree(path)? {
                if let Some(file) = self.sources.first_in(&directory) {
                    self.changed(&file);
                }
            }
        }
        Ok(())
    }

    /// Watches a directory and those below it; gives those that were not watched before.
    fn add_tree(&mut self, root: &Path) -> Result<Vec<PathBuf>, engine::Cause> {
        let mut added = Vec::new();
        for directory in sources::tree(root) {
            if self.engine.watch(&directory)? {
                added.push(directory);
            }
        }
        Ok(added)
    }

    fn changed(&mut self, path: &Path) {
        let now = Instant::now();
        let change =
            self.change.get_or_insert_with(|| Change { path: path.to_owned(), since: now, latest: now });
        change.latest = now;
    }
}
