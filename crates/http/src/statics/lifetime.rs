//! How long a client may use what it has without asking.

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;

use super::options::Contents;
use crate::descriptors::Identity;
use crate::root::Root;

/// For a file that never changes: another content has another name (RFC 8246).
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Where Django's `ManifestStaticFilesStorage` lists the names that it has made.
const MANIFEST: &str = "staticfiles.json";

/// A larger one is none.
const LARGEST: u64 = 64 * 1024 * 1024;

/// How many letters a hash in a name has at least.
const SHORTEST: usize = 8;

/// The lifetimes of the files of a directory.
#[derive(Debug)]
pub(super) struct Lifetimes {
    usual: HeaderValue,
    contents: Contents,
    listed: Mutex<Listed>,
}

/// What the manifest says, and which one it was.
#[derive(Debug, Default)]
struct Listed {
    identity: Option<Identity>,
    names: Option<HashSet<Vec<u8>>>,
}

impl Lifetimes {
    pub(super) fn new(max_age: Option<Duration>, contents: Contents) -> Self {
        let seconds = max_age.map(|age| age.as_secs());
        let text = match (seconds, contents) {
            (None | Some(0), _) => "no-cache".to_owned(),
            (Some(seconds), Contents::Assets) => format!("public, max-age={seconds}"),
            (Some(seconds), _) => format!("max-age={seconds}"),
        };
        let usual = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("no-cache"));
        Self { usual, contents, listed: Mutex::default() }
    }

    /// The value of `Cache-Control` for a file. Looks whether the manifest is still the same, so it may wait for the disk.
    pub(super) fn of(&self, root: &Root, path: &[u8]) -> HeaderValue {
        if self.contents == Contents::Assets && self.is_constant(root, path) {
            return HeaderValue::from_static(FOR_EVER);
        }
        self.usual.clone()
    }

    fn is_constant(&self, root: &Root, path: &[u8]) -> bool {
        // What is in it is replaced as a whole.
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        listed.read_again(root);
        listed.names.as_ref().map_or_else(|| has_hash(path), |names| names.contains(path))
    }
}

impl Listed {
    fn read_again(&mut self, root: &Root) {
        let Ok((mut file, metadata)) = root.open_file(Path::new(MANIFEST)) else {
            *self = Self::default();
            return;
        };
        let identity = Identity::of(&metadata);
        if self.identity == Some(identity) {
            return;
        }
        let mut text = Vec::new();
        let read = file.by_ref().take(LARGEST).read_to_end(&mut text);
        // One that is being written, or is another program's, lists nothing.
        *self = Self { identity: Some(identity), names: read.ok().and_then(|_| names(&text)) };
    }
}

/// The values of `paths`: `{"paths": {"app.css": "app.3f2a9c1b7d0e.css"}, "version": "1.1"}`.
fn names(text: &[u8]) -> Option<HashSet<Vec<u8>>> {
    let manifest: serde_json::Value = serde_json::from_slice(text).ok()?;
    let paths = manifest.get("paths")?.as_object()?;
    // What was given no other name stays the same name when it changes.
    let renamed = paths.iter().filter_map(|(name, made)| made.as_str().filter(|made| made != name));
    Some(renamed.map(|made| made.as_bytes().to_vec()).collect())
}

/// Whether a name has a hash before its ending: `app.3f2a9c1b7d0e.css`. Digits alone may as well be a date.
fn has_hash(path: &[u8]) -> bool {
    let mut parts = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default().rsplit(|byte| *byte == b'.');
    let (_ending, hash, stem) = (parts.next(), parts.next().unwrap_or_default(), parts.next());
    let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    hash.len() >= SHORTEST
        && stem.is_some()
        && hash.iter().all(is_hex)
        && hash.iter().any(u8::is_ascii_digit)
        && hash.iter().any(u8::is_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_hash_in_a_name_is_told_from_other_numbers() {
        for path in ["app.3f2a9c1b7d0e.css", "a/b.min.0a1b2c3d.js"] {
            assert!(has_hash(path.as_bytes()), "{path}");
        }
        for path in [
            "app.css",
            "app.3f2a9c1.css",
            "report.20240131.csv",
            "3f2a9c1b7d0e.css",
            "app.facadeddeed.css",
            "app.3F2A9C1B.css",
            "3f2a9c1b.d/app.css",
            "app.3f2a9c1b",
            "",
        ] {
            assert!(!has_hash(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn a_manifest_counts_from_when_it_is_there_until_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        let manifest = folder.path().join(MANIFEST);
        let lifetimes = Lifetimes::new(Some(Duration::from_secs(60)), Contents::Assets);
        let is_constant = |name: &str| lifetimes.of(&root, name.as_bytes()) == FOR_EVER;
        assert!(is_constant("a.0123456789ab.css"));
        assert_eq!(lifetimes.of(&root, b"a.css"), "public, max-age=60");
        fs::write(&manifest, r#"{"paths": {"a.css": "a.1111.css", "b.css": "b.css"}, "version": "1.1"}"#)
            .unwrap();
        assert!(is_constant("a.1111.css"));
        assert!(!is_constant("b.css") && !is_constant("a.0123456789ab.css"));
        fs::write(&manifest, r#"{"paths": {"a.css": "a.22222.css"}}"#).unwrap();
        assert!(is_constant("a.22222.css") && !is_constant("a.1111.css"));
        fs::write(&manifest, "[]").unwrap();
        assert!(!is_constant("a.22222.css") && is_constant("a.0123456789ab.css"));
        fs::remove_file(&manifest).unwrap();
        assert!(is_constant("a.0123456789ab.css"));
    }

    #[test]
    fn uploads_are_never_taken_for_constant() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        for (max_age, contents, expected) in [
            (Some(60), Contents::Uploads, "max-age=60"),
            (Some(60), Contents::InlineUploads, "max-age=60"),
            (None, Contents::Uploads, "no-cache"),
            (None, Contents::Assets, FOR_EVER),
        ] {
            let lifetimes = Lifetimes::new(max_age.map(Duration::from_secs), contents);
            assert_eq!(lifetimes.of(&root, b"a.0123456789ab.css"), expected);
        }
    }
}
