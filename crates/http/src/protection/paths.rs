//! The paths that rules look at, and the patterns of those that are denied.

use std::sync::Arc;

use memchr::memmem::{self, Finder};
use percent_encoding::percent_decode_str;

/// A path as rules look at it, decoded and with one `/` at its end: as the application sees it, and, where that is another one, as it is when `.` and
/// `..` have been followed and double slashes made one. A rule that would only look at one of them could be passed by with the other.
#[derive(Debug)]
pub(crate) struct Place {
    seen: Vec<u8>,
    plain: Option<Vec<u8>>,
}

impl Place {
    pub(crate) fn of(path: &str) -> Self {
        let mut seen = Vec::with_capacity(path.len() + 1);
        seen.extend(percent_decode_str(path));
        while seen.ends_with(b"/") {
            seen.pop();
        }
        seen.push(b'/');
        let plain = has_turns(&seen).then(|| without_turns(&seen));
        Self { seen, plain }
    }

    /// Whether it is so for one of its forms.
    pub(crate) fn is(&self, so: impl Fn(&[u8]) -> bool) -> bool {
        so(&self.seen) || self.plain.as_deref().is_some_and(so)
    }
}

fn has_turns(path: &[u8]) -> bool {
    path.windows(2).any(|pair| matches!(pair, b"//" | b"/."))
}

/// RFC 3986 section 5.2.4, with double slashes as one.
fn without_turns(path: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    let mut plain = vec![b'/'];
    for part in parts {
        plain.extend_from_slice(part);
        plain.push(b'/');
    }
    plain
}

/// Patterns of paths. Cloning it gives another handle to the same ones.
#[derive(Clone, Debug, Default)]
pub struct DeniedPaths(Arc<[Pattern]>);

/// The pieces between the stars. Each is looked for once, the leftmost place is the best one, so the time is that of reading the path.
#[derive(Debug)]
struct Pattern {
    start: Vec<u8>,
    pieces: Vec<Finder<'static>>,
}

impl DeniedPaths {
    /// In a pattern `*` stands for any letters, also none and `/`. One that begins with `/` is for paths from their beginning on, any other for each
    /// part that begins behind a `/`. What lies below a path that is denied is denied too.
    #[must_use]
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        Self(patterns.into_iter().map(Pattern::new).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contain(&self, place: &Place) -> bool {
        self.0.iter().any(|pattern| place.is(|path| pattern.is(path)))
    }
}

impl Pattern {
    fn new(text: &str) -> Self {
        let text = text.trim_end_matches('/');
        // The slash behind it, which every path has, ends the part that it is about; what follows does not matter.
        let whole = if text.starts_with('/') { format!("{text}/") } else { format!("*/{text}/") };
        let mut pieces = whole.split('*').map(|piece| percent_decode_str(piece).collect::<Vec<u8>>());
        let start = pieces.next().unwrap_or_default();
        let pieces = pieces.filter(|piece| !piece.is_empty());
        Self { start, pieces: pieces.map(|piece| Finder::new(&piece).into_owned()).collect() }
    }

    fn is(&self, path: &[u8]) -> bool {
        let Some(rest) = path.strip_prefix(&self.start[..]) else { return false };
        let mut rest = Some(rest);
        for piece in &self.pieces {
            rest = rest.and_then(|rest| find(piece, rest));
        }
        rest.is_some()
    }
}

/// What stands behind the first place of a piece.
fn find<'a>(piece: &memmem::Finder<'_>, text: &'a [u8]) -> Option<&'a [u8]> {
    piece.find(text).map(|place| &text[place + piece.needle().len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(patterns: &[&str], inside: &[&str], outside: &[&str]) {
        let denied = DeniedPaths::new(patterns.iter().copied());
        for path in inside {
            assert!(denied.contain(&Place::of(path)), "{path} is denied by {patterns:?}");
        }
        for path in outside {
            assert!(!denied.contain(&Place::of(path)), "{path} is not denied by {patterns:?}");
        }
    }

    #[test]
    fn a_pattern_with_a_slash_is_for_the_beginning() {
        let inside = [
            "/.env",
            "/.env/",
            "/.env/x",
            "/%2eenv",
            "/%2E%65nv",
            "//.env",
            "/./.env",
            "/x/../.env",
            "/x/%2e%2e/.env",
        ];
        let outside = ["/.envx", "/.en", "/x/.env", "/x.env", "/", "*", "", "/%252eenv", "/x/%2e%2e%2e/.env"];
        check(&["/.env"], &inside, &outside);
        check(&["/.env/"], &inside, &["/.envx", "/x/.env"]);
        check(&["/a b"], &["/a%20b"], &["/a+b", "/a%2520b"]);
        check(&["/a%20b"], &["/a%20b"], &["/a"]);
    }

    #[test]
    fn what_the_application_sees_counts_as_well_as_where_it_leads() {
        check(
            &["/private"],
            &["/private/../public", "/public/../private", "/private%2f..%2fpublic"],
            &["/public"],
        );
        check(&["/a/b"], &["/a/b", "/a//b", "/a/./b", "/a/c/../b", "/a%2fb"], &["/a/c/b", "/a", "/b"]);
    }

    #[test]
    fn a_pattern_without_a_slash_is_for_any_part() {
        check(
            &[".git"],
            &["/.git", "/.git/config", "/x/.git/config"],
            &["/x.git", "/.gitignore", "/x/.githu"],
        );
        check(&["wp-*"], &["/wp-login", "/blog/wp-admin/x.css"], &["/awp-login", "/wp"]);
        check(&["cgi-bin/test"], &["/cgi-bin/test", "/x/cgi-bin/test/y"], &["/cgi-bin", "/cgi-bin/x/test"]);
    }

    #[test]
    fn a_star_stands_for_anything() {
        let php = ["/index.php", "/a/b.php", "/.php", "/x.php/info", "/%70.p%68p", "/a.phpx/b.php"];
        check(&["*.php"], &php, &["/index.phpx", "/php", "/index.php5", "/a.PHP", "/index,php"]);
        check(&["/wp-*"], &["/wp-", "/wp-login.php", "/wp-a/b/c"], &["/x/wp-login", "/wp"]);
        check(&["/a*b*c"], &["/abc", "/axbxc", "/a/b/c", "/abbc/d", "/acbc"], &["/acb", "/abcx", "/xabc"]);
        check(&["/a**b*"], &["/ab", "/axbx/y"], &["/a", "/b"]);
        check(&["/*/admin"], &["/x/admin", "/x/y/admin"], &["/admin", "/x/administer"]);
    }

    #[test]
    fn names_that_are_no_text_do_no_harm() {
        check(&["*.php"], &["/%ff%00.php", "/%zz.php"], &["/%ff", "/%", "/%0"]);
    }

    #[test]
    fn a_long_path_takes_no_long_time_whatever_the_pattern() {
        let pattern = "a*".repeat(2_000) + "b";
        check(&[&pattern], &[], &[&format!("/{}", "a".repeat(60_000))]);
        let same = "a".repeat(1_000);
        check(&[&same], &[], &[&format!("/{}", "a".repeat(60_000))]);
    }

    /// All texts of up to so many of these letters.
    fn texts(letters: &[u8], most: u32) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut begin = 0;
        for _ in 0..most {
            let end = all.len();
            for place in begin..end {
                let longer: Vec<_> =
                    letters.iter().map(|letter| format!("{}{}", all[place], char::from(*letter))).collect();
                all.extend(longer);
            }
            begin = end;
        }
        all
    }

    /// By the book, in a time that grows with every star.
    fn naive(pattern: &[u8], text: &[u8]) -> bool {
        match pattern {
            [] => text.is_empty(),
            [b'*', rest @ ..] => (0..=text.len()).any(|place| naive(rest, &text[place..])),
            [letter, rest @ ..] => text.first() == Some(letter) && naive(rest, &text[1..]),
        }
    }

    #[test]
    fn every_short_pattern_does_to_every_short_path_what_it_says() {
        let paths: Vec<Place> = texts(b"ab/", 4).iter().map(|path| Place::of(&format!("/{path}"))).collect();
        let mut count = 0;
        for text in texts(b"ab*/", 4).iter().filter(|text| !text.trim_end_matches('/').is_empty()) {
            let pattern = Pattern::new(text);
            let begin = if text.starts_with('/') { "" } else { "*/" };
            let whole = format!("{begin}{}/*", text.trim_end_matches('/'));
            for place in &paths {
                let expected = place.is(|path| naive(whole.as_bytes(), path));
                assert_eq!(place.is(|path| pattern.is(path)), expected, "{text} and {place:?}");
                count += usize::from(expected);
            }
        }
        assert!(count > 1_000, "{count}");
    }

    #[test]
    fn several_patterns_are_several_chances() {
        check(&["/a", "*.b"], &["/a", "/x.b"], &["/b"]);
        assert!(DeniedPaths::default().is_empty() && !DeniedPaths::new(["/a"]).is_empty());
    }
}
