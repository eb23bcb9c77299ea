//! The descriptors of files that are sent: answers with the same file share one, and the log hears when there are none.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use rustix::io::Errno;

/// The log hears again that there are no descriptors when it was otherwise for so long.
const CALM: Duration = Duration::from_secs(10);

/// When there was last none.
static LACKED: Mutex<Option<Instant>> = Mutex::new(None);

/// What changes when a file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Identity {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// The files that answers are sending. None stays open for this.
#[derive(Debug, Default)]
pub(crate) struct Shared(Mutex<HashMap<Identity, Weak<File>>>);

impl Shared {
    /// The same file as an answer on its way has it, or else this one: a client may want one file in each of many streams.
    pub(crate) fn share(&self, file: File, metadata: &Metadata) -> Arc<File> {
        let identity = Identity::of(metadata);
        // Nothing panics while it holds the lock.
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = shared.get(&identity).and_then(Weak::upgrade) {
            return same;
        }
        if shared.len() == shared.capacity() {
            shared.retain(|_, file| file.strong_count() > 0);
        }
        let file = Arc::new(file);
        shared.insert(identity, Arc::downgrade(&file));
        file
    }
}

/// Whether a file could not be opened because there are too many; says so in the log, not for each of them.
pub(crate) fn are_lacking(error: &io::Error) -> bool {
    let advice = match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::MFILE) => "`LimitNOFILE=` of systemd or `ulimit -Hn` allow this process more",
        Some(Errno::NFILE) => "`sysctl fs.file-max` allows the system more",
        _ => return false,
    };
    let now = Instant::now();
    let before = LACKED.lock().unwrap_or_else(PoisonError::into_inner).replace(now);
    if before.is_none_or(|before| now.duration_since(before) >= CALM) {
        tracing::error!("cannot open files to send until others are closed, answered 503: {error}; {advice}");
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_been_closed_is_forgotten() {
        let shared = Shared::default();
        let files = || shared.0.lock().unwrap().len();
        let open = || {
            let file = tempfile::tempfile().unwrap();
            let metadata = file.metadata().unwrap();
            shared.share(file, &metadata)
        };
        let kept: Vec<_> = (0..10).map(|_| open()).collect();
        (0..1000).for_each(|_| drop(open()));
        assert!(files() < 100, "{}", files());
        let metadata = kept[0].metadata().unwrap();
        let again = shared.share(kept[0].try_clone().unwrap(), &metadata);
        assert!(Arc::ptr_eq(&again, &kept[0]));
    }
}
