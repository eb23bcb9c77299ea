//! Certificates that change while the server runs: the master looks at their files now and then.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often the files are looked at, and how soon again after a change: a pair is changed one file after the other.
const LOOK: Duration = Duration::from_secs(5);
const SETTLE: Duration = Duration::from_secs(1);

/// How some files are: what changes when another one takes the place of one, or its content changes. Where a path is a link, it is
/// the file behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamps(Vec<(PathBuf, Option<Stamp>)>);

/// Device, inode, length, and the times of the last changes of the content and of all else, in seconds and nanoseconds.
type Stamp = [i128; 7];

impl Stamps {
    pub(crate) fn of<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        Self(paths.into_iter().map(|path| (path.to_owned(), stamp(path))).collect())
    }

    fn again(&self) -> Self {
        Self::of(self.0.iter().map(|(path, _)| path.as_path()))
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let found = fs::metadata(path).ok()?;
    let times = [found.mtime(), found.mtime_nsec(), found.ctime(), found.ctime_nsec()].map(i128::from);
    let [seconds, nanos, changed, changed_nanos] = times;
    Some([
        found.dev().into(),
        found.ino().into(),
        found.size().into(),
        seconds,
        nanos,
        changed,
        changed_nanos,
    ])
}

/// Decides when to read the files again.
#[derive(Debug)]
pub(crate) struct Renewal {
    /// As they were when they were read last, whatever came of it.
    read: Stamps,
    /// As they were at the last look.
    seen: Stamps,
    due: Instant,
}

impl Renewal {
    /// Of files that were so when they were read.
    pub(crate) fn new(read: Stamps, now: Instant) -> Self {
        Self { seen: read.clone(), read, due: now + LOOK }
    }

    /// How they are now.
    pub(crate) fn current(&self) -> Stamps {
        self.read.again()
    }

    /// Somebody else has read one of them, when they were so, and told what is wrong with it: that need not be told again.
    pub(crate) fn was_told(&mut self, file: &Path, stamps: Stamps) {
        if stamps.0.iter().any(|(path, _)| path == file) {
            (self.seen, self.read) = (stamps.clone(), stamps);
        }
    }

    /// When to look next.
    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    /// Looks at the files if it is time; whether they are to be read again now.
    pub(crate) fn look(&mut self, now: Instant) -> bool {
        now >= self.due && self.judge(self.read.again(), now)
    }

    fn judge(&mut self, found: Stamps, now: Instant) -> bool {
        let (has_settled, is_other) = (found == self.seen, found != self.read);
        self.due = now + if is_other && !has_settled { SETTLE } else { LOOK };
        self.seen = found;
        let is_to_be_read = is_other && has_settled;
        if is_to_be_read {
            self.read = self.seen.clone();
        }
        is_to_be_read
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn stamps(number: i128) -> Stamps {
        Stamps(vec![("a".into(), Some([number; 7]))])
    }

    #[test]
    fn files_are_read_once_when_they_have_settled() {
        let now = Instant::now();
        let mut renewal = Renewal::new(stamps(0), now);
        assert!(!renewal.look(now), "not yet");
        for (number, is_to_be_read, next) in [
            (0, false, LOOK),
            (1, false, SETTLE),
            (2, false, SETTLE),
            (2, true, LOOK),
            (2, false, LOOK),
            (3, false, SETTLE),
            (2, false, LOOK),
            (2, false, LOOK),
        ] {
            assert_eq!(renewal.judge(stamps(number), now), is_to_be_read, "{number}");
            assert_eq!(renewal.due(), now + next, "{number}");
        }
    }

    #[test]
    fn what_a_reload_has_told_is_not_told_again() {
        let now = Instant::now();
        let mut renewal = Renewal::new(stamps(0), now);
        renewal.was_told(Path::new("b"), stamps(1));
        assert_eq!([1, 1].map(|number| renewal.judge(stamps(number), now)), [false, true], "another file");
        renewal.was_told(Path::new("a"), stamps(2));
        assert_eq!([2, 2].map(|number| renewal.judge(stamps(number), now)), [false, false]);
        assert_eq!([3, 3].map(|number| renewal.judge(stamps(number), now)), [false, true]);
    }

    #[test]
    fn another_file_behind_a_link_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("one"), "same").unwrap();
        fs::write(path("two"), "same").unwrap();
        symlink("one", path("link")).unwrap();
        let link = path("link");
        let before = Stamps::of([link.as_path()]);
        assert_eq!(before.again(), before);
        symlink("two", path("other")).unwrap();
        fs::rename(path("other"), &link).unwrap();
        assert_ne!(before.again(), before);
        fs::remove_file(&link).unwrap();
        assert_eq!(before.again(), Stamps(vec![(link, None)]));
    }
}
