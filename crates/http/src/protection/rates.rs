//! How often a client may ask, for which requests.

use std::cmp::Reverse;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use percent_encoding::percent_decode_str;

use super::paths::Place;

/// How often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pace {
    /// Between two in the long run.
    pub interval: Duration,
    /// So many at once after a time of rest, at least 1.
    pub burst: u32,
}

/// How often a client may ask for some requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Only with this method; `None`: with any.
    pub method: Option<Method>,
    /// Only for this path and what lies below, however it is encoded. Empty: for every path.
    pub path: String,
    /// How often.
    pub pace: Pace,
    /// What it is called in the log.
    pub name: String,
}

/// Limits, of which the one for the longest path counts, and there the one for the method. Cloning it gives another handle to the same ones.
#[derive(Clone, Debug, Default)]
pub struct RateLimits(Arc<[Rule]>);

/// A limit, prepared.
#[derive(Debug)]
pub(super) struct Rule {
    method: Option<Method>,
    /// Ends with `/`; empty for every path.
    prefix: Vec<u8>,
    pub(super) pace: Pace,
    /// The same for the same limit, in all workers and over reloads. A limit that has been changed begins anew.
    pub(super) number: u64,
    name: String,
}

impl RateLimits {
    /// Of several for the same requests the first one counts.
    #[must_use]
    pub fn new(limits: impl IntoIterator<Item = RateLimit>) -> Self {
        let mut rules: Vec<Rule> = limits.into_iter().map(Rule::from).collect();
        rules.sort_by_key(|rule| (Reverse(rule.prefix.len()), rule.method.is_none()));
        Self(rules.into())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one that counts for a request.
    pub(super) fn rule(&self, method: &Method, place: &Place) -> Option<&Rule> {
        self.0.iter().find(|rule| {
            rule.method.as_ref().is_none_or(|only| only == method)
                && (rule.prefix.is_empty() || place.is(|path| path.starts_with(&rule.prefix)))
        })
    }
}

impl From<RateLimit> for Rule {
    fn from(RateLimit { method, path, pace, name }: RateLimit) -> Self {
        let mut prefix: Vec<u8> = percent_decode_str(path.trim_end_matches('/')).collect();
        if !path.is_empty() {
            prefix.push(b'/');
        }
        // Without a key of its own: all processes are the same program, and who could guess the number has nothing from it.
        let mut hasher = DefaultHasher::new();
        (method.as_ref().map(Method::as_str), &prefix, pace).hash(&mut hasher);
        Self { method, prefix, pace, number: hasher.finish(), name }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(method: Option<Method>, path: &str) -> RateLimit {
        let name = format!("{} {path}", method.as_ref().map_or("*", Method::as_str));
        let pace = Pace { interval: Duration::from_secs(1), burst: 3 };
        RateLimit { method, path: path.to_owned(), pace, name }
    }

    fn named(limits: &RateLimits, method: &Method, path: &str) -> String {
        limits.rule(method, &Place::of(path)).map_or_else(String::new, ToString::to_string)
    }

    #[test]
    fn the_longest_path_counts_and_then_the_method() {
        let limits = RateLimits::new([
            limit(None, ""),
            limit(None, "/admin"),
            limit(Some(Method::POST), "/admin/login/"),
            limit(Some(Method::POST), "/admin"),
        ]);
        for (method, path, expected) in [
            (Method::GET, "/", "* "),
            (Method::GET, "*", "* "),
            (Method::GET, "/administer", "* "),
            (Method::GET, "/admin", "* /admin"),
            (Method::POST, "/admin/x", "POST /admin"),
            (Method::GET, "/admin/login/", "* /admin"),
            (Method::POST, "/admin/login/", "POST /admin/login/"),
            (Method::POST, "/admin/login", "POST /admin/login/"),
            (Method::POST, "/admin/login/x", "POST /admin/login/"),
            (Method::POST, "/admin/%6Cogin/", "POST /admin/login/"),
            (Method::POST, "//admin/./login", "POST /admin/login/"),
            (Method::POST, "/admin/logins", "POST /admin"),
        ] {
            assert_eq!(named(&limits, &method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn what_no_limit_is_for_is_not_limited() {
        let limits = RateLimits::new([limit(Some(Method::POST), "/login")]);
        assert_eq!(named(&limits, &Method::GET, "/login"), "");
        assert_eq!(named(&limits, &Method::POST, "/"), "");
        assert!(!limits.is_empty() && RateLimits::default().is_empty());
        assert_eq!(named(&RateLimits::new([limit(None, "/")]), &Method::GET, "/x"), "* /");
    }

    #[test]
    fn the_same_limit_has_the_same_number_and_another_one_another() {
        let number = |limit: RateLimit| Rule::from(limit).number;
        let first = number(limit(None, "/a"));
        assert_eq!(first, number(limit(None, "/a/")));
        assert_eq!(first, number(RateLimit { name: String::new(), ..limit(None, "/a") }));
        let slower = Pace { interval: Duration::from_secs(2), burst: 3 };
        for other in [
            limit(None, "/b"),
            limit(Some(Method::GET), "/a"),
            RateLimit { pace: slower, ..limit(None, "/a") },
        ] {
            assert_ne!(first, number(other.clone()), "{other:?}");
        }
    }
}
