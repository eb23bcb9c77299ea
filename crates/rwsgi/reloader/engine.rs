//! How changes are seen: the kernel tells (inotify), or somebody looks again and again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::{fmt, io};

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{Config, ErrorKind, Event, RecommendedWatcher, RecursiveMode, Watcher};
use rwsgi_config::ReloadEngine;

use super::Message;
use super::looker::{LOOK, Looker};

/// "Too many open files", by which the kernel also says that a user has no inotify instance left.
const EMFILE: i32 = 24;

/// Sees changes in directories, without those below them.
pub(super) struct Engine {
    means: Means,
    /// Whom somebody who looks would tell, should inotify fail.
    fallback: Option<Sender<Message>>,
    directories: BTreeSet<PathBuf>,
}

enum Means {
    Kernel(RecommendedWatcher),
    Looker(Looker),
}

/// Why nothing can be watched.
#[derive(Debug)]
pub(super) enum Cause {
    Inotify(notify::Error),
    Thread(io::Error),
}

impl Engine {
    pub(super) fn open(engine: ReloadEngine, sender: Sender<Message>) -> Result<Self, Cause> {
        let directories = BTreeSet::new();
        if engine == ReloadEngine::Poll {
            return Ok(Self { means: Means::Looker(Looker::start(sender)?), fallback: None, directories });
        }
        let fallback = (engine == ReloadEngine::Auto).then(|| sender.clone());
        match RecommendedWatcher::new(move |event| pass(event, &sender), Config::default()) {
            Ok(watcher) => Ok(Self { means: Means::Kernel(watcher), fallback, directories }),
            Err(error) => {
                let Some(sender) = fallback else { return Err(Cause::Inotify(error)) };
                tell_fallback(error);
                Ok(Self { means: Means::Looker(Looker::start(sender)?), fallback: None, directories })
            }
        }
    }

    /// Sees changes in this directory from now on; whether it did not before. One that cannot be seen is no directory of
    /// the application.
    pub(super) fn watch(&mut self, directory: &Path) -> Result<bool, Cause> {
        if !self.directories.insert(directory.to_owned()) {
            return Ok(false);
        }
        match &mut self.means {
            Means::Looker(looker) => looker.watch(directory),
            Means::Kernel(watcher) => match watcher.watch(directory, RecursiveMode::NonRecursive) {
                Ok(()) => {}
                Err(error) if is_out_of_sight(&error) => {
                    self.directories.remove(directory);
                    return Ok(false);
                }
                Err(error) => self.fall_back(error)?,
            },
        }
        Ok(true)
    }

    /// What is at this path and below is not what was there before.
    pub(super) fn forget(&mut self, path: &Path) {
        self.directories.retain(|directory| !directory.starts_with(path));
    }

    pub(super) fn count(&self) -> usize {
        self.directories.len()
    }

    /// Goes on in spite of what the kernel said, if that is possible.
    pub(super) fn survive(&mut self, error: notify::Error) -> Result<(), Cause> {
        if is_out_of_sight(&error) { Ok(()) } else { self.fall_back(error) }
    }

    fn fall_back(&mut self, error: notify::Error) -> Result<(), Cause> {
        let Some(sender) = self.fallback.take() else { return Err(Cause::Inotify(error)) };
        tell_fallback(error);
        let looker = Looker::start(sender)?;
        self.directories.iter().for_each(|directory| looker.watch(directory));
        self.means = Means::Looker(looker);
        Ok(())
    }
}

/// Passes on what has changed; reading is no change. Nobody listens any more at the end.
fn pass(event: notify::Result<Event>, sender: &Sender<Message>) {
    let event = match event {
        Ok(event) => event,
        Err(error) => return drop(sender.send(Message::Failed(error))),
    };
    if event.need_rescan() {
        let _ = sender.send(Message::Missed);
    }
    let is_change = match event.kind {
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) => true,
        // A file that was there and was written to, if only with nothing, as `touch` does.
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        EventKind::Any | EventKind::Other => false,
    };
    let is_new = matches!(event.kind, EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(_)));
    for path in event.paths.into_iter().filter(|_| is_change) {
        let _ = sender.send(Message::Seen { path, is_new });
    }
}

fn tell_fallback(error: notify::Error) {
    let cause = Cause::Inotify(error);
    tracing::warn!("Reloader looks for changes every {} s, since inotify fails: {cause}", LOOK.as_secs());
}

fn is_out_of_sight(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound | ErrorKind::WatchNotFound => true,
        ErrorKind::Io(error) => {
            matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
        }
        _ => false,
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thread(error) => write!(f, "cannot start a thread: {error}"),
            Self::Inotify(error) => match &error.kind {
                ErrorKind::MaxFilesWatch => {
                    f.write_str("too many directories are watched (sysctl `fs.inotify.max_user_watches`)")
                }
                ErrorKind::Io(error) if error.raw_os_error() == Some(EMFILE) => {
                    f.write_str("too many programs watch (sysctl `fs.inotify.max_user_instances`)")
                }
                _ => error.fmt(f),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn the_limits_of_inotify_are_named() {
        let words = |kind| Cause::Inotify(notify::Error::new(kind)).to_string();
        assert!(words(ErrorKind::MaxFilesWatch).contains("`fs.inotify.max_user_watches`"));
        let instances = ErrorKind::Io(io::Error::from_raw_os_error(EMFILE));
        assert!(words(instances).contains("`fs.inotify.max_user_instances`"));
    }

    #[test]
    fn where_inotify_fails_somebody_looks() {
        let folder = tempfile::tempdir().unwrap();
        let (sender, messages) = channel();
        let mut engine = Engine::open(ReloadEngine::Auto, sender).unwrap();
        assert!(engine.watch(folder.path()).unwrap());
        assert!(!engine.watch(folder.path()).unwrap(), "it is watched already");
        assert!(!engine.watch(&folder.path().join("missing")).unwrap());
        engine.survive(notify::Error::new(ErrorKind::PathNotFound)).unwrap();
        assert!(matches!(engine.means, Means::Kernel(_)));
        engine.survive(notify::Error::new(ErrorKind::MaxFilesWatch)).unwrap();
        assert!(matches!(engine.means, Means::Looker(_)));
        fs::write(folder.path().join("app.py"), "").unwrap();
        let is_seen = |message| matches!(message, Message::Seen { path, .. } if path.ends_with("app.py"));
        assert!(messages.into_iter().any(is_seen));
        assert!(
            engine.survive(notify::Error::new(ErrorKind::MaxFilesWatch)).is_err(),
            "there is no third way"
        );
    }
}
