//! Files that the application names and the server sends: `X-Accel-Redirect` (nginx) and `X-Sendfile` (Apache), opt-in.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::{HeaderName, StatusCode};
use percent_encoding::percent_decode;
use tokio::task::spawn_blocking;

use crate::Answer;
use crate::conditions::Conditions;
use crate::descriptors::are_lacking;
use crate::root::{Root, refusal};

const X_ACCEL_REDIRECT: HeaderName = HeaderName::from_static("x-accel-redirect");
const X_SENDFILE: HeaderName = HeaderName::from_static("x-sendfile");

/// The directories out of which the application may have files sent.
#[derive(Debug)]
pub(crate) struct Roots(Arc<[Mapped]>);

#[derive(Debug)]
struct Mapped {
    /// What stands for the directory in a URL, without the slash at its end.
    prefix: String,
    root: Root,
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
        let roots = mapped.iter().filter_map(|(prefix, path)| match Root::open(path) {
            Ok(root) => Some(Mapped { prefix: prefix.trim_end_matches('/').to_owned(), root }),
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
            Err(error) if are_lacking(&error) => Answer::unavailable(),
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
        let below = |(number, mapped): (usize, &Mapped)| {
            let rest = decoded.strip_prefix(mapped.prefix.as_bytes())?.strip_prefix(b"/")?;
            Some((mapped.prefix.len(), Named { root: number, path: relative(rest) }))
        };
        self.0.iter().enumerate().filter_map(below).max_by_key(|(length, _)| *length).map(|(_, named)| named)
    }

    /// An absolute path below one of the directories; the deepest counts.
    fn by_path(&self, path: &[u8]) -> Option<Named> {
        let path = Path::new(OsStr::from_bytes(path));
        let below = |(number, mapped): (usize, &Mapped)| {
            let rest = path.strip_prefix(mapped.root.path()).ok()?;
            Some((mapped.root.path().as_os_str().len(), Named { root: number, path: rest.to_owned() }))
        };
        self.0.iter().enumerate().filter_map(below).max_by_key(|(length, _)| *length).map(|(_, named)| named)
    }

    /// Opens a file away from the loop, which must not wait for a disk.
    async fn look_up(&self, named: Option<Named>) -> io::Result<(Arc<File>, Metadata)> {
        let Some(Named { root, path }) = named else {
            return Err(refusal("it is in none of the directories that are mapped"));
        };
        let roots = Arc::clone(&self.0);
        let open = move || {
            let root = &roots[root].root;
            let (file, metadata) = root.open_file(&path)?;
            Ok((root.share(file, &metadata), metadata))
        };
        spawn_blocking(open).await.map_err(io::Error::other)?
    }
}

fn relative(path: &[u8]) -> PathBuf {
    let start = path.iter().position(|byte| *byte != b'/').unwrap_or(path.len());
    PathBuf::from(OsStr::from_bytes(&path[start..]))
}
