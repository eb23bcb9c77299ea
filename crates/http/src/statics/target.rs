//! Which file a path names.

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// A path below a prefix.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    /// Which of the prefixes.
    pub(super) folder: usize,
    path: Cow<'a, [u8]>,
    start: usize,
    is_sendable: bool,
}

/// What is behind a prefix.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named<'a> {
    /// A file, if there is one, relative to the directory.
    File(&'a [u8]),
    /// A directory, with the slash at its end unless it is the root.
    Directory(&'a [u8]),
    /// The root without a slash.
    Bare,
    /// What is never sent.
    Nothing,
}

/// The only name with a dot at its beginning that is meant to be seen (RFC 8615).
const WELL_KNOWN: &[u8] = b".well-known";

/// Finds the prefix that `path` begins with, as a whole or behind `mount`. The prefixes have no slash at their end; the first one counts.
pub(super) fn find<'a>(prefixes: &[Box<[u8]>], path: &'a str, mount: &[u8]) -> Option<Target<'a>> {
    let decoded: Cow<'a, [u8]> = percent_decode(path.as_bytes()).into();
    let below = |from: usize| {
        let path = decoded.get(from..)?;
        let is_below =
            |prefix: &[u8]| path.strip_prefix(prefix).is_some_and(|rest| matches!(rest, [] | [b'/', ..]));
        let folder = prefixes.iter().position(|prefix| is_below(prefix))?;
        Some((folder, from + prefixes[folder].len()))
    };
    let mounted = || decoded.starts_with(mount).then(|| below(mount.len())).flatten();
    let (folder, start) = mounted().or_else(|| below(0).filter(|_| !mount.is_empty()))?;
    // A slash that was written as `%2F` is no end of a name to whoever wrote it, and part of none to the system.
    let is_sendable = matches!(decoded, Cow::Borrowed(_)) || !hides_a_slash(path.as_bytes());
    Some(Target { folder, path: decoded, start, is_sendable })
}

impl Target<'_> {
    /// What it names. Whoever knows the file already need not ask whether it is [`sendable`](is_sendable).
    pub(super) fn named(&self) -> Named<'_> {
        match &self.path[self.start..] {
            _ if !self.is_sendable => Named::Nothing,
            [] => Named::Bare,
            [_, directory @ ..] if matches!(directory, [] | [.., b'/']) => Named::Directory(directory),
            [_, file @ ..] => Named::File(file),
        }
    }
}

/// Whether a relative path names a file that may be sent: nothing hidden, no way up, nothing that another system takes for a separator.
pub(super) fn is_sendable(path: &[u8]) -> bool {
    let is_visible = |name: &[u8]| !matches!(name, [] | [b'.', ..]) || name == WELL_KNOWN;
    !path.iter().any(|byte| matches!(byte, 0 | b'\\')) && path.split(|byte| *byte == b'/').all(is_visible)
}

fn hides_a_slash(path: &[u8]) -> bool {
    path.windows(3).any(|three| three.eq_ignore_ascii_case(b"%2f"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(path: &str, mount: &str) -> Option<(usize, String)> {
        let prefixes = ["/static/deep", "/static", ""].map(|prefix| prefix.as_bytes().into());
        let target = find(&prefixes, path, mount.as_bytes())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some((
            target.folder,
            match target.named() {
                Named::File(path) => text(path),
                Named::Directory(path) => format!("{}<directory>", text(path)),
                Named::Bare => "<bare>".into(),
                Named::Nothing => "<nothing>".into(),
            },
        ))
    }

    #[test]
    fn a_prefix_ends_where_a_name_does() {
        for (path, folder, rest) in [
            ("/static/a.css", 1, "a.css"),
            ("/static", 1, "<bare>"),
            ("/static/", 1, "<directory>"),
            ("/static/a/", 1, "a/<directory>"),
            ("/statics/a", 2, "statics/a"),
            ("/st%61tic/a%20b", 1, "a b"),
            ("/static/deep/a", 0, "a"),
            ("/static/deeper", 1, "deeper"),
            ("/", 2, "<directory>"),
            ("//static/a", 2, "/static/a"),
            ("/static//a", 1, "/a"),
            ("/static/a%2fb", 1, "<nothing>"),
            ("/static%2Fa", 1, "<nothing>"),
            ("/static/%c3%a9%ff", 1, "\u{e9}\u{fffd}"),
            ("/static/%252f", 1, "%2f"),
        ] {
            assert_eq!(named(path, ""), Some((folder, rest.into())), "{path}");
        }
        assert_eq!(named("*", ""), None);
    }

    #[test]
    fn a_prefix_counts_from_the_mount_point_and_as_a_whole() {
        assert_eq!(named("/shop/static/a", "/shop"), Some((1, "a".into())));
        assert_eq!(named("/static/a", "/shop"), Some((1, "a".into())));
        let only = [Box::from(&b"/static"[..])];
        assert_eq!(find(&only, "/shop/a", b"/shop"), None);
        assert_eq!(find(&only, "/shop", b"/shop"), None);
        assert_eq!(find(&only, "/shop/static/a", b""), None);
    }

    #[test]
    fn only_plain_paths_can_be_sent() {
        for path in [
            "a",
            "a.b/c..d",
            ".well-known/security.txt",
            "a b",
            "\u{e9}",
            "a~",
            "...a".trim_start_matches('.'),
        ] {
            assert!(is_sendable(path.as_bytes()), "{path}");
        }
        assert!(is_sendable(b"\xff\xfe"));
        for path in [
            "",
            "/",
            "a//b",
            "/etc/passwd",
            ".",
            "..",
            "a/..",
            "../a",
            ".env",
            "a/.git/config",
            "a/./b",
            "a\\b",
            "a\0",
            "...",
            "a/",
        ] {
            assert!(!is_sendable(path.as_bytes()), "{path:?}");
        }
    }
}
