//! Looks at directories again and again, where the kernel does not tell of changes: network file systems, folders that a virtual machine shares.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::Message;
use super::engine::Cause;

/// How often.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// A thread that looks until this is dropped.
///
/// The one of the crate `notify` compares whole seconds, and so misses what is saved twice in one, or reads every
/// file every time, databases too.
pub(super) struct Looker {
    directories: Arc<Mutex<BTreeMap<PathBuf, Content>>>,
    _stop: Sender<()>,
}

/// What is in a directory.
type Content = BTreeMap<OsString, Stamp>;

/// Changes whenever a file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    seconds: i64,
    nanoseconds: i64,
    length: u64,
    number: u64,
}

impl Looker {
    pub(super) fn start(sender: Sender<Message>) -> Result<Self, Cause> {
        let directories = Arc::new(Mutex::new(BTreeMap::<PathBuf, Content>::new()));
        let (stop, stopped) = channel();
        let seen = Arc::clone(&directories);
        let look = move || {
            while stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                let mut directories = seen.lock().unwrap_or_else(PoisonError::into_inner);
                for (directory, before) in &mut *directories {
                    let now = content(directory);
                    for (path, is_new) in differences(directory, before, &now) {
                        // Nobody listens any more at the end.
                        let _ = sender.send(Message::Seen { path, is_new });
                    }
                    *before = now;
                }
            }
        };
        thread::Builder::new().name("looker".to_owned()).spawn(look).map_err(Cause::Thread)?;
        Ok(Self { directories, _stop: stop })
    }

    /// Looks at this directory too.
    pub(super) fn watch(&self, directory: &Path) {
        let now = content(directory);
        self.directories.lock().unwrap_or_else(PoisonError::into_inner).insert(directory.to_owned(), now);
    }
}

/// Nothing, for one that is gone.
fn content(directory: &Path) -> Content {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let stamped = entries.filter_map(|entry| {
        // Of what a link points to, for that is what Python loads.
        let found = fs::metadata(entry.path()).or_else(|_| entry.metadata()).ok()?;
        let (seconds, nanoseconds) = (found.mtime(), found.mtime_nsec());
        Some((entry.file_name(), Stamp { seconds, nanoseconds, length: found.len(), number: found.ino() }))
    });
    stamped.collect()
}

/// What changed, came or went, each with whether it was not there before.
fn differences(directory: &Path, before: &Content, now: &Content) -> Vec<(PathBuf, bool)> {
    let changed = now.iter().filter(|(name, stamp)| before.get(*name) != Some(*stamp));
    let gone =
        before.keys().filter(|name| !now.contains_key(*name)).map(|name| (directory.join(name), false));
    changed.map(|(name, _)| (directory.join(name), !before.contains_key(name))).chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_came_and_went_is_seen_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["kept", "changed", "replaced", "removed"] {
            fs::write(path(name), "1").unwrap();
        }
        let before = content(folder.path());
        fs::write(path("changed"), "2").unwrap();
        fs::write(path("added"), "1").unwrap();
        fs::rename(path("added"), path("replaced")).unwrap();
        fs::remove_file(path("removed")).unwrap();
        fs::create_dir(path("new")).unwrap();
        let found = differences(folder.path(), &before, &content(folder.path()));
        let expected = [("changed", false), ("new", true), ("replaced", false), ("removed", false)];
        assert_eq!(found, expected.map(|(name, is_new)| (path(name), is_new)));
        let gone = folder.path().to_owned();
        drop(folder);
        assert_eq!(content(&gone), Content::new());
    }
}
