//! What counts as a source of the application, and where sources are looked for.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use crate::error::Error;

/// Directories at most below one: somebody who starts a server in `/` does not mean all of it.
const DIRECTORIES: usize = 4096;

/// A `*` stands for a part of a name, `**` for directories.
const STRICT: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// Which files are sources.
#[derive(Debug)]
pub(crate) struct Sources {
    extra_files: Vec<PathBuf>,
    extra_patterns: Vec<ExtraPattern>,
}

/// Files that need not be there yet.
#[derive(Debug)]
struct ExtraPattern {
    pattern: Pattern,
    /// Where all that match it lie.
    directory: PathBuf,
}

impl Sources {
    /// Python's modules, and these files: paths, which must exist, or patterns.
    pub(crate) fn new(extra: &[String]) -> Result<Self, Error> {
        let (mut extra_files, mut extra_patterns) = (Vec::new(), Vec::new());
        for text in extra {
            if text.contains(['*', '?', '[']) {
                extra_patterns.push(ExtraPattern::new(text)?);
                continue;
            }
            let failed = |source| Error::ExtraFile { path: text.into(), source };
            extra_files.push(std::path::absolute(text).map_err(failed)?);
            // What a link points to may change, and the link itself.
            extra_files.push(fs::canonicalize(text).map_err(failed)?);
        }
        Ok(Self { extra_files, extra_patterns })
    }

    /// The settings file is one too.
    pub(crate) fn with_settings(mut self, file: Option<&Path>) -> Self {
        self.extra_files.extend(
            file.into_iter().flat_map(|file| [Ok(file.to_owned()), fs::canonicalize(file)]).flatten(),
        );
        self
    }

    /// The directories of the extra files, each with whether those below count too.
    pub(crate) fn extra_directories(&self) -> Vec<(PathBuf, bool)> {
        let files = self.extra_files.iter().filter_map(|file| Some((file.parent()?.to_owned(), false)));
        files.chain(self.extra_patterns.iter().map(|extra| (extra.directory.clone(), true))).collect()
    }

    /// Whether a change of this file is one of the application. By its name only: it may be gone.
    pub(crate) fn contains(&self, path: &Path) -> bool {
        is_module(path)
            || self.extra_files.iter().any(|file| file == path)
            || self.extra_patterns.iter().any(|extra| extra.pattern.matches_path_with(path, STRICT))
    }

    /// A source in this very directory.
    pub(crate) fn first_in(&self, directory: &Path) -> Option<PathBuf> {
        let entries = fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path());
        entries.filter(|path| path.is_file()).find(|path| self.contains(path))
    }
}

impl ExtraPattern {
    fn new(text: &str) -> Result<Self, Error> {
        let failed = |source| Error::ExtraPattern { pattern: text.to_owned(), source };
        Pattern::new(text).map_err(failed)?;
        let is_literal = |part: &&OsStr| !part.to_string_lossy().contains(['*', '?', '[']);
        let path = Path::new(text);
        let literal: PathBuf = path.iter().take_while(is_literal).collect();
        let failed_path = |source| Error::ExtraFile { path: path.to_owned(), source };
        // An empty path is the current directory.
        let directory = std::path::absolute(Path::new(".").join(&literal)).map_err(failed_path)?;
        let rest: PathBuf = path.iter().skip_while(is_literal).collect();
        let pattern = Path::new(&Pattern::escape(&directory.to_string_lossy())).join(rest);
        Ok(Self { pattern: Pattern::new(&pattern.to_string_lossy()).map_err(failed)?, directory })
    }
}

/// Hidden ones are locks and copies of editors.
fn is_module(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name.ends_with(b".py") && !name.starts_with(b".")
}

/// A directory and those below it, the nearest first.
pub(crate) fn tree(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut waiting) = (Vec::new(), VecDeque::from([root.to_owned()]));
    while let Some(directory) = waiting.pop_front() {
        if found.len() == DIRECTORIES {
            tracing::warn!("Reloader watches {DIRECTORIES} directories below `{}`, no more", root.display());
            break;
        }
        let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
        // The type of a link is a link: none is followed, for it may lead round.
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let mut below: Vec<PathBuf> =
            folders.map(|entry| entry.path()).filter(|path| is_descended_into(path)).collect();
        below.sort();
        waiting.extend(below);
        found.push(directory);
    }
    found
}

/// Whether sources of the application may lie in this directory: not in version control and caches (`.git`, `.venv`, …), in virtual
/// environments and installed packages.
pub(crate) fn is_descended_into(directory: &Path) -> bool {
    let name = directory.file_name().unwrap_or_default();
    let is_none = name.as_encoded_bytes().starts_with(b".")
        || ["__pycache__", "node_modules", "site-packages", "dist-packages"]
            .iter()
            .any(|other| name == *other);
    !is_none && !directory.join("pyvenv.cfg").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_sources_and_what_editors_leave_is_not() {
        let sources = Sources::new(&[]).unwrap();
        for name in ["app.py", "a/b/__init__.py", "spaß.py"] {
            assert!(sources.contains(&Path::new("/srv").join(name)), "{name}");
        }
        let others = [
            "app.pyc",
            "__pycache__/app.cpython-311.pyc",
            "app.py~",
            ".app.py.swp",
            ".#app.py",
            "#app.py#",
            "4913",
            "db.sqlite3",
            "db.sqlite3-journal",
            "debug.log",
            "page.html",
            ".py",
            "py",
            "app.py.1234",
        ];
        for name in others {
            assert!(!sources.contains(&Path::new("/srv").join(name)), "{name}");
        }
    }

    #[test]
    fn extra_files_count_by_path_and_by_pattern() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir(root.join("real")).unwrap();
        fs::write(root.join("real/settings.toml"), "").unwrap();
        std::os::unix::fs::symlink("real/settings.toml", root.join("link.toml")).unwrap();
        let text = |name: &str| root.join(name).to_str().unwrap().to_owned();
        let sources =
            Sources::new(&[text("link.toml"), text("pages/*/*.html"), text("all/**/*.txt")]).unwrap();
        for name in ["link.toml", "real/settings.toml", "pages/a/b.html", "all/a.txt", "all/a/b/c.txt"] {
            assert!(sources.contains(&root.join(name)), "{name}");
        }
        for name in ["settings.toml", "pages/b.html", "pages/a/b/c.html", "other/a.txt", "link.toml~"] {
            assert!(!sources.contains(&root.join(name)), "{name}");
        }
        let directories = sources.extra_directories();
        let expected = [("", false), ("real", false), ("pages", true), ("all", true)]
            .map(|(name, tree)| (root.join(name), tree));
        let expected = expected.map(|(path, tree)| (path.components().collect::<PathBuf>(), tree));
        assert_eq!(directories, expected);
        assert!(matches!(Sources::new(&[text("missing.toml")]), Err(Error::ExtraFile { .. })));
        assert!(matches!(Sources::new(&[text("[a")]), Err(Error::ExtraPattern { .. })));
    }

    #[test]
    fn relative_patterns_count_from_the_current_directory() {
        let sources = Sources::new(&["src/*.toml".to_owned()]).unwrap();
        let here = std::env::current_dir().unwrap();
        assert!(sources.contains(&here.join("src/a.toml")));
        assert!(!sources.contains(Path::new("src/a.toml")));
        assert_eq!(sources.extra_directories(), [(here.join("src"), true)]);
    }

    #[test]
    fn a_tree_has_no_caches_environments_and_packages() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "site/views",
            "site/__pycache__",
            ".git/objects",
            "node_modules/x",
            "env/lib",
            "env/lib/site-packages/django",
        ] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("env/pyvenv.cfg"), "").unwrap();
        std::os::unix::fs::symlink("..", folder.path().join("site/round")).unwrap();
        let found = tree(folder.path());
        let expected =
            ["", "site", "site/views"].map(|name| folder.path().join(name).components().collect::<PathBuf>());
        assert_eq!(found, expected);
    }
}
