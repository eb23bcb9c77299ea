//! A directory out of which files are sent, and nothing outside of it.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use tokio::time::Instant;

use crate::descriptors::Shared;

/// Opening waits for nobody: neither for the other end of a pipe nor for a terminal.
const OPEN: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

const BENEATH: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_MAGICLINKS);

/// How often a path is looked up again while somebody renames directories.
const ATTEMPTS: usize = 5;

/// How long the directory at a path is taken for the same one.
const INTERVAL: Duration = Duration::from_millis(500);

/// A directory that is found again when another one has taken its place, or when it comes to be.
#[derive(Debug)]
pub(crate) struct Root {
    path: PathBuf,
    /// What was there last.
    folder: Mutex<Option<Arc<Folder>>>,
    /// When somebody looked, who holds it meanwhile.
    looked: Mutex<Instant>,
    shared: Shared,
}

#[derive(Debug)]
struct Folder {
    descriptor: OwnedFd,
    /// Device and inode.
    identity: (u64, u64),
}

pub(crate) fn refusal(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, reason)
}

impl Folder {
    fn open(path: &Path) -> io::Result<Self> {
        let descriptor =
            rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let found = rustix::fs::fstat(&descriptor)?;
        Ok(Self { descriptor, identity: (found.st_dev, found.st_ino) })
    }
}

impl Root {
    /// A directory that is there.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let (root, found) = Self::awaited(path);
        found.map(|()| root)
    }

    /// A directory that may come, and why it cannot be opened yet.
    pub(crate) fn awaited(path: &Path) -> (Self, io::Result<()>) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let (folder, shared) = Default::default();
        let root = Self { path, folder, looked: Mutex::new(Instant::now()), shared };
        let found = root.look();
        (root, found)
    }

    /// Whether it has ever been there.
    pub(crate) fn is_there(&self) -> bool {
        self.folder().is_some()
    }

    /// The directory's own path, absolute.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a regular file below it.
    pub(crate) fn open_file(&self, path: &Path) -> io::Result<(File, Metadata)> {
        let (file, metadata) = self.open_any(path)?;
        if metadata.is_file() { Ok((file, metadata)) } else { Err(refusal("it is not a regular file")) }
    }

    /// Opens whatever lies there.
    pub(crate) fn open_any(&self, path: &Path) -> io::Result<(File, Metadata)> {
        let file = File::from(self.open_beneath(path)?);
        let metadata = file.metadata()?;
        Ok((file, metadata))
    }

    /// An opened file for an answer.
    pub(crate) fn share(&self, file: File, metadata: &Metadata) -> Arc<File> {
        self.shared.share(file, metadata)
    }

    /// Whether the system knows, without looking at a disk, that nothing lies there.
    pub(crate) fn surely_lacks(&self, path: &Path) -> bool {
        // Nothing is sure when it is time to look which directory it is, or while somebody does.
        if !self.looked.try_lock().is_ok_and(|looked| looked.elapsed() < INTERVAL) {
            return false;
        }
        let Some(folder) = self.folder() else { return true };
        let resolve = BENEATH.union(ResolveFlags::CACHED);
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let found = rustix::fs::openat2(&folder.descriptor, path, flags, Mode::empty(), resolve);
        matches!(found, Err(Errno::NOENT))
    }

    fn folder(&self) -> Option<Arc<Folder>> {
        self.folder.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens the directory at the path, unless it is the one that is open. While there is none, the last one stays: nobody is
    /// refused between two renames.
    fn look(&self) -> io::Result<()> {
        let found = Folder::open(&self.path)?;
        let mut folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        if folder.as_ref().is_none_or(|folder| folder.identity != found.identity) {
            *folder = Some(Arc::new(found));
        }
        Ok(())
    }

    /// The directory that is there now, or was a moment ago.
    fn current(&self) -> io::Result<Arc<Folder>> {
        // Those who come meanwhile wait, or they would miss what has come.
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.elapsed() >= INTERVAL {
            // What is wrong with it is wrong with the files below it, of which somebody is told.
            let _ = self.look();
            *looked = Instant::now();
        }
        self.folder().ok_or_else(|| Errno::NOENT.into())
    }

    /// Neither `..` nor a symbolic link leads out of the directory.
    fn open_beneath(&self, path: &Path) -> io::Result<OwnedFd> {
        let folder = self.current()?;
        for _ in 0..ATTEMPTS {
            match rustix::fs::openat2(&folder.descriptor, path, OPEN, Mode::empty(), BENEATH) {
                Err(Errno::AGAIN) => {}
                Err(Errno::XDEV) => return Err(refusal("it is outside of its directory")),
                // Linux before 5.6, or a container that does not know the call yet and forbids it.
                Err(Errno::NOSYS | Errno::PERM) => return self.open_canonical(path),
                opened => return Ok(opened?),
            }
        }
        Err(Errno::AGAIN.into())
    }

    /// The same where the kernel cannot do it: as safe as long as nobody else changes the directory at that moment.
    fn open_canonical(&self, path: &Path) -> io::Result<OwnedFd> {
        let path = fs::canonicalize(self.path.join(path))?;
        if !path.starts_with(fs::canonicalize(&self.path)?) {
            return Err(refusal("it is outside of its directory"));
        }
        Ok(rustix::fs::open(path, OPEN | OFlags::NOFOLLOW, Mode::empty())?)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn old_kernels_send_nothing_else_either() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("media")).unwrap();
        fs::write(path("media/file"), "").unwrap();
        fs::write(path("secret"), "").unwrap();
        fs::create_dir(path("media-too")).unwrap();
        fs::write(path("media-too/file"), "").unwrap();
        symlink("file", path("media/inside")).unwrap();
        symlink("../secret", path("media/outside")).unwrap();
        let root = Root::open(&path("media")).unwrap();
        for (name, is_open) in [
            ("file", true),
            ("inside", true),
            ("../media/file", true),
            ("outside", false),
            ("../secret", false),
            ("../media-too/file", false),
            ("missing", false),
        ] {
            let opened = root.open_canonical(Path::new(name));
            assert_eq!(opened.is_ok(), is_open, "{name}: {opened:?}");
        }
    }

    /// Whether this directory is on a file system that remembers what is not there, under a kernel that says so.
    fn remembers_misses(root: &Root) -> bool {
        const EXT4: i64 = 0xef53;
        let folder = &root.folder().unwrap().descriptor;
        let cached = rustix::fs::openat2(folder, ".", OFlags::PATH, Mode::empty(), ResolveFlags::CACHED);
        cached.is_ok() && rustix::fs::fstatfs(folder).is_ok_and(|found| found.f_type == EXT4)
    }

    #[test]
    fn what_is_there_is_never_taken_for_missing() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        fs::create_dir(folder.path().join("css")).unwrap();
        for name in ["file", "css/file"] {
            assert!(root.open_any(Path::new(name)).is_err());
            if remembers_misses(&root) {
                assert!(root.surely_lacks(Path::new(name)), "{name}");
            } else {
                eprintln!("NOT TESTED: this file system does not remember that `{name}` is missing");
            }
            fs::write(folder.path().join(name), "").unwrap();
            assert!(!root.surely_lacks(Path::new(name)), "{name}");
        }
        symlink("/etc/passwd", folder.path().join("outside")).unwrap();
        assert!(!root.surely_lacks(Path::new("outside")));
        assert!(!root.surely_lacks(Path::new("css")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_directory_is_found_when_it_comes_and_when_another_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let read = |root: &Root| {
            let (mut file, _) = root.open_file(Path::new("file")).ok()?;
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            Some(text)
        };
        let make = |name: &str, text: &str| {
            fs::create_dir(path(name)).unwrap();
            fs::write(path(name).join("file"), text).unwrap();
        };
        let (root, found) = Root::awaited(&path("media"));
        assert_eq!(found.unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(read(&root).is_none() && !root.is_there());
        assert!(root.surely_lacks(Path::new("file")), "somebody has just looked");
        make("media", "first");
        tokio::time::advance(INTERVAL).await;
        assert!(!root.surely_lacks(Path::new("file")), "it is time to look");
        assert_eq!(read(&root).as_deref(), Some("first"));
        assert!(root.is_there());
        fs::rename(path("media"), path("old")).unwrap();
        tokio::time::advance(INTERVAL).await;
        assert_eq!(read(&root).as_deref(), Some("first"), "nobody has taken its place");
        make("new", "second");
        fs::rename(path("new"), path("media")).unwrap();
        assert_eq!(read(&root).as_deref(), Some("first"), "it is not looked at for each file");
        tokio::time::advance(INTERVAL).await;
        assert_eq!(read(&root).as_deref(), Some("second"));
        fs::remove_dir_all(path("media")).unwrap();
        assert_eq!(read(&root), None);
        make("media", "third");
        tokio::time::advance(INTERVAL).await;
        assert_eq!(read(&root).as_deref(), Some("third"));
        fs::write(path("secret"), "").unwrap();
        assert!(root.open_file(Path::new("../secret")).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_directory_that_has_not_changed_is_not_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        let before = root.folder().unwrap();
        tokio::time::advance(INTERVAL).await;
        assert!(root.open_file(Path::new("missing")).is_err());
        assert!(Arc::ptr_eq(&before, &root.folder().unwrap()));
    }
}
