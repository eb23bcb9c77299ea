//! What is served, and how.

use std::path::PathBuf;
use std::time::Duration;

/// Files that are sent without the handler.
#[derive(Clone, Debug, Default)]
pub struct StaticFiles {
    /// Where they are. Of several prefixes that a path begins with the longest counts.
    pub folders: Vec<StaticFolder>,
    /// The file that stands for its directory, `index.html` for example; `None`: no file does.
    pub index: Option<String>,
    /// How long a client may use a file without asking, unless its name changes with its content; `None`: not at all.
    pub max_age: Option<Duration>,
    /// Bytes of memory for small files that are wanted often.
    pub memory: usize,
}

/// A directory whose files are served.
#[derive(Clone, Debug)]
pub struct StaticFolder {
    /// What their paths begin with, decoded: it begins with `/`. It counts from where the application is mounted, and as a whole path
    /// too.
    pub prefix: String,
    /// The directory. Neither `..` nor a symbolic link leads out of it. It is found again when another one takes its place; what lies below
    /// the prefix is the handler's as long as there has been none.
    pub path: PathBuf,
    /// It is no mistake that the directory is not there yet.
    pub may_come: bool,
    /// What becomes of a path that names no file.
    pub misses: Misses,
    /// What is in it.
    pub contents: Contents,
}

/// What becomes of a request for a file that is not there, or one that neither GET nor HEAD is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Misses {
    /// It is answered 404 or 405.
    #[default]
    Refused,
    /// The handler gets it.
    Handed,
}

/// Who has written the files of a directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Contents {
    /// The authors of the site: siblings with a content coding stand for them, and a hash in a name says that its file never changes.
    #[default]
    Assets,
    /// Visitors: what could run as a page of this site (HTML, SVG, XML) is sent as a download.
    Uploads,
    /// Visitors who may have their pages shown.
    InlineUploads,
}
