//! The grammars that are about paths of URLs: `--root-path`, `/PREFIX=DIR`, and lists of paths.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::PathBuf,
};

use crate::{
    header::items,
    kind::{Refusal, Rejected},
};

/// Reads the path that an application is mounted at. The slash at its end is cut: with it the paths
/// below would begin without theirs (PEP 3333, `PATH_INFO`).
pub(crate) fn root(text: &str) -> Result<String, Refusal> {
    let path = text.trim();
    if path.is_empty() {
        return Ok(String::new());
    }
    if !is_path(path) {
        return Err(Refusal::new(format!("expected {EXPECTS_ROOT}")));
    }
    Ok(path.trim_end_matches('/').to_owned())
}

/// What [`root`] reads, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS_ROOT: &str = "a path of a URL that begins with `/`, such as `/shop`";

/// Reads `/PREFIX=DIR` from each value, every prefix once, both parts stored as they are.
pub(crate) fn directories(values: &[OsString]) -> Result<Vec<(String, PathBuf)>, Rejected<'_>> {
    let mut directories: Vec<(String, PathBuf)> = Vec::new();
    for raw in values {
        let (prefix, directory) = directory(raw).map_err(|refusal| (raw.as_os_str(), refusal))?;
        if directories.iter().any(|(known, _)| *known == prefix) {
            return Err((raw, Refusal::new(format!("`{prefix}` has a directory already"))));
        }
        directories.push((prefix, directory));
    }
    Ok(directories)
}

/// What [`directories`] reads, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS_DIRECTORY: &str =
    "`/PREFIX=DIR` with a prefix of URL paths, such as `/private=/srv/private`";

/// Reads paths with commas between them; empty ones are left out.
pub(crate) fn paths(text: &str) -> Result<Vec<String>, Refusal> {
    items(text).map(path).collect()
}

/// What [`paths`] reads, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS_PATHS: &str =
    "paths of URLs that begin with `/`, such as `/,/health/`, with commas between them";

/// Reads the name of a file that stands for its directory; none where the text is empty.
pub(crate) fn index(text: &str) -> Result<Option<String>, Refusal> {
    let name = text.trim();
    if name.starts_with('.') || name.contains(['/', '\\', '\0']) {
        return Err(Refusal::new(format!("expected {EXPECTS_INDEX}")));
    }
    Ok(Some(name.to_owned()).filter(|name| !name.is_empty()))
}

/// What [`index`] reads, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS_INDEX: &str = "the name of a file, such as `index.html`";

fn path(text: &str) -> Result<String, Refusal> {
    if is_path(text) {
        Ok(text.to_owned())
    } else {
        Err(Refusal::new(format!("`{text}` is not one: expected {EXPECTS_PATHS}")))
    }
}

fn directory(raw: &OsStr) -> Result<(String, PathBuf), Refusal> {
    let bytes = raw.as_bytes();
    let unexpected = || Refusal::new(format!("expected {EXPECTS_DIRECTORY}"));
    let equals = bytes.iter().position(|byte| *byte == b'=').ok_or_else(unexpected)?;
    let (prefix, directory) = (&bytes[..equals], &bytes[equals + 1..]);
    match std::str::from_utf8(prefix) {
        Ok(prefix) if is_path(prefix) && !directory.is_empty() => {
            Ok((prefix.to_owned(), OsStr::from_bytes(directory).into()))
        }
        _ => Err(unexpected()),
    }
}

/// What can stand at the beginning of a request's path. A query or a control character never does.
fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.chars().any(|letter| letter.is_control() || "?# ".contains(letter))
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn the_root_ends_without_a_slash() {
        for (text, path) in [
            ("", ""),
            ("/", ""),
            ("//", ""),
            ("/shop", "/shop"),
            ("/shop/", "/shop"),
            (" /a/b// ", "/a/b"),
            ("/a=b%20c", "/a=b%20c"),
        ] {
            assert_eq!(root(text).as_deref(), Ok(path), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_path_of_a_url_is_no_root() {
        for text in ["shop", "http://a/b", "./a", "/a?b", "/a#b", "/a b", "/a\nb", "?"] {
            assert_eq!(root(text), Err(Refusal::new(format!("expected {EXPECTS_ROOT}"))), "{text:?}");
        }
    }

    #[test]
    fn paths_stand_between_commas() {
        assert_eq!(paths("/, /health/,,/a%20b").unwrap(), ["/", "/health/", "/a%20b"]);
        assert_eq!(paths(" ,"), Ok(vec![]));
    }

    #[test]
    fn what_is_no_path_of_a_url_is_named() {
        for bad in ["health/", "http://a/", "/a?b", "/a#b", "/a b", "/a\nb", "."] {
            let expected = Refusal::new(format!("`{bad}` is not one: expected {EXPECTS_PATHS}"));
            assert_eq!(paths(&format!("/,{bad},/b")), Err(expected), "{bad:?}");
        }
    }

    #[test]
    fn an_index_is_a_name_and_no_path() {
        assert_eq!(index(" index.html "), Ok(Some("index.html".into())));
        assert_eq!(index(""), Ok(None));
        for bad in ["a/index.html", "/", "..", ".hidden", "a\\b"] {
            assert_eq!(index(bad), Err(Refusal::new(format!("expected {EXPECTS_INDEX}"))), "{bad}");
        }
    }

    #[test]
    fn a_directory_may_be_any_bytes_and_hold_an_equals_sign() {
        let raw = [OsString::from_vec(b"/files/=/srv/a=\xff".to_vec()), "/=rel".into()];
        let any = OsString::from_vec(b"/srv/a=\xff".to_vec());
        let expected = [("/files/".to_owned(), any.into()), ("/".to_owned(), "rel".into())];
        assert_eq!(directories(&raw).unwrap(), expected);
    }

    #[test]
    fn a_prefix_begins_with_a_slash_and_has_one_directory() {
        let unexpected = Refusal::new(format!("expected {EXPECTS_DIRECTORY}"));
        for bad in ["", "=", "/a", "/a=", "a=/b", "=/b", "/a?=b", "/a b=c"] {
            let raw = ["/good=/b".into(), bad.into()];
            assert_eq!(directories(&raw), Err((OsStr::new(bad), unexpected.clone())), "{bad}");
        }
        let raw = [OsString::from_vec(b"/\xff=/b".to_vec())];
        assert_eq!(directories(&raw), Err((raw[0].as_os_str(), unexpected)));
        let raw = ["/a=/b".into(), "/a=/c".into()];
        let (value, refusal) = directories(&raw).unwrap_err();
        assert_eq!((value, refusal.reason.as_str()), (OsStr::new("/a=/c"), "`/a` has a directory already"));
    }
}
