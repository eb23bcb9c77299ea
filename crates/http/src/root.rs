//! A directory out of which files are sent, and nothing outside of it.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// Opening waits for nobody: neither for the other end of a pipe nor for a terminal.
const OPEN: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

const BENEATH: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_MAGICLINKS);

/// How often a path is looked up again while somebody renames directories.
const ATTEMPTS: usize = 5;

/// A directory, opened once: what takes its place later has no say.
#[derive(Debug)]
pub(crate) struct Root {
    path: PathBuf,
    folder: OwnedFd,
}

pub(crate) fn refusal(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, reason)
}

impl Root {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let folder =
            rustix::fs::open(&path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { path, folder })
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

    /// Whether the system knows, without looking at a disk, that nothing lies there.
    pub(crate) fn surely_lacks(&self, path: &Path) -> bool {
        let resolve = BENEATH.union(ResolveFlags::CACHED);
        let found =
            rustix::fs::openat2(&self.folder, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve);
        matches!(found, Err(Errno::NOENT))
    }

    /// Neither `..` nor a symbolic link leads out of the directory.
    fn open_beneath(&self, path: &Path) -> io::Result<OwnedFd> {
        for _ in 0..ATTEMPTS {
            match rustix::fs::openat2(&self.folder, path, OPEN, Mode::empty(), BENEATH) {
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
        let cached =
            rustix::fs::openat2(&root.folder, ".", OFlags::PATH, Mode::empty(), ResolveFlags::CACHED);
        cached.is_ok() && rustix::fs::fstatfs(&root.folder).is_ok_and(|found| found.f_type == EXT4)
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
}
