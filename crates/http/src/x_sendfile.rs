//! Files that the application names and the server sends: `X-Accel-Redirect` (nginx) and `X-Sendfile` (Apache), opt-in.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::{HeaderName, StatusCode};
use percent_encoding::percent_decode;
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use tokio::task::spawn_blocking;

use crate::Answer;
use crate::ranges::Conditions;

const X_ACCEL_REDIRECT: HeaderName = HeaderName::from_static("x-accel-redirect");
const X_SENDFILE: HeaderName = HeaderName::from_static("x-sendfile");

/// Opening waits for nobody: neither for the other end of a pipe nor for a terminal.
const OPEN: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// How often a path is looked up again while somebody renames directories.
const ATTEMPTS: usize = 5;

/// The directories out of which the application may have files sent.
#[derive(Debug)]
pub(crate) struct Roots(Arc<[Root]>);

#[derive(Debug)]
struct Root {
    /// What stands for the directory in a URL, without the slash at its end.
    prefix: String,
    path: PathBuf,
    /// The directory, opened once: what takes its place later has no say.
    folder: OwnedFd,
}

/// A file as the application named it.
struct Named {
    root: usize,
    path: PathBuf,
}

impl Roots {
    /// `None` when nothing is mapped. A directory that cannot be opened is reported and left out.
    pub(crate) fn open(mapped: &[(String, PathBuf)]) -> Option<Self> {
        if mapped.is_empty() {
            return None;
        }
        let roots = mapped.iter().filter_map(|(prefix, path)| match Root::open(prefix, path) {
            Ok(root) => Some(root),
            Err(error) => {
                tracing::error!("cannot open the directory `{}`: {error}", path.display());
                None
            }
        });
        Some(Self(roots.collect()))
    }

    /// Whether `answer` names a file.
    pub(crate) fn concern(&self, answer: &Answer) -> bool {
        answer.headers.contains(X_ACCEL_REDIRECT) || answer.headers.contains(X_SENDFILE)
    }

    /// Replaces the body of `answer` by the file that it names. Only a 200 is one for a file; the headers are removed from
    /// every answer, since they are no business of the client.
    pub(crate) async fn resolve(&self, mut answer: Answer, conditions: Conditions) -> Answer {
        let redirect = answer.headers.remove(X_ACCEL_REDIRECT);
        let path = answer.headers.remove(X_SENDFILE);
        if answer.status != StatusCode::OK {
            return answer;
        }
        let name = redirect.as_ref().or(path.as_ref());
        let named = match (&redirect, &path) {
            (Some(target), _) => self.by_prefix(target),
            (None, Some(path)) => self.by_path(path),
            (None, None) => return answer,
        };
        match self.look_up(named).await {
            Ok((file, metadata)) => conditions.answer(answer, file, &metadata),
            Err(error) => {
                let name = name.map(|name| String::from_utf8_lossy(name)).unwrap_or_default();
                tracing::error!("cannot send `{name}`, which the application names: {error}");
                Answer::error(StatusCode::NOT_FOUND)
            }
        }
    }

    /// The path of a URL below one of the prefixes; the longest counts.
    fn by_prefix(&self, target: &[u8]) -> Option<Named> {
        let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
        let decoded: Vec<u8> = percent_decode(path).collect();
        let below = |(number, root): (usize, &Root)| {
            let rest = decoded.strip_prefix(root.prefix.as_bytes())?.strip_prefix(b"/")?;
            Some((root.prefix.len(), Named { root: number, path: relative(rest) }))
        };
        self.0.iter().enumerate().filter_map(below).max_by_key(|(length, _)| *length).map(|(_, named)| named)
    }

    /// An absolute path below one of the directories; the deepest counts.
    fn by_path(&self, path: &[u8]) -> Option<Named> {
        let path = Path::new(OsStr::from_bytes(path));
        let below = |(number, root): (usize, &Root)| {
            let rest = path.strip_prefix(&root.path).ok()?;
            Some((root.path.as_os_str().len(), Named { root: number, path: rest.to_owned() }))
        };
        self.0.iter().enumerate().filter_map(below).max_by_key(|(length, _)| *length).map(|(_, named)| named)
    }

    /// Opens a file away from the loop, which must not wait for a disk.
    async fn look_up(&self, named: Option<Named>) -> io::Result<(File, Metadata)> {
        let Some(Named { root, path }) = named else {
            return Err(refusal("it is in none of the directories that are mapped"));
        };
        let roots = Arc::clone(&self.0);
        spawn_blocking(move || roots[root].open_file(&path)).await.map_err(io::Error::other)?
    }
}

fn relative(path: &[u8]) -> PathBuf {
    let start = path.iter().position(|byte| *byte != b'/').unwrap_or(path.len());
    PathBuf::from(OsStr::from_bytes(&path[start..]))
}

fn refusal(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, reason)
}

impl Root {
    fn open(prefix: &str, path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let folder =
            rustix::fs::open(&path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { prefix: prefix.trim_end_matches('/').to_owned(), path, folder })
    }

    fn open_file(&self, path: &Path) -> io::Result<(File, Metadata)> {
        let file = File::from(self.open_beneath(path)?);
        let metadata = file.metadata()?;
        if metadata.is_file() { Ok((file, metadata)) } else { Err(refusal("it is not a regular file")) }
    }

    /// Neither `..` nor a symbolic link leads out of the directory.
    fn open_beneath(&self, path: &Path) -> io::Result<OwnedFd> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..ATTEMPTS {
            match rustix::fs::openat2(&self.folder, path, OPEN, Mode::empty(), resolve) {
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
        let root = Root::open("/media", &path("media")).unwrap();
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
}
