//! The hosts that are served, as Django's `ALLOWED_HOSTS` names them.

use std::borrow::Cow;
use std::sync::Arc;

/// Hosts whose requests are answered. Cloning it gives another handle to the same ones.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    /// `None`: every host.
    names: Option<Arc<[Name]>>,
    /// Where they are named, for the log.
    source: Cow<'static, str>,
}

#[derive(Clone, Debug)]
enum Name {
    /// Only this one.
    Exact(Box<[u8]>),
    /// What ends so, which begins with a dot; and what stands behind that dot, if it is to.
    Below { domain: Box<[u8]>, with_itself: bool },
}

impl Hosts {
    /// `NAME` is one host; `.NAME` that one and all below it, as in Django; `*.NAME` all below it; `*` every one. IPv6 addresses stand in brackets.
    /// Case does not matter. Without any name no host is refused. `source` is where whoever is refused can be allowed.
    #[must_use]
    pub fn new<'a>(source: &'static str, names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = names.into_iter().collect();
        if names.is_empty() || names.contains(&"*") {
            return Self::default();
        }
        Self { names: Some(names.into_iter().map(Name::from).collect()), source: source.into() }
    }

    /// The same and the others; where every host was served, the others alone.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        match (&self.names, &others.names) {
            (Some(ours), Some(theirs)) => Self {
                names: Some(ours.iter().chain(theirs.iter()).cloned().collect()),
                source: format!("{} or {}", self.source, others.source).into(),
            },
            (Some(_), None) => self,
            (None, _) => others,
        }
    }

    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    pub(crate) fn are_all(&self) -> bool {
        self.names.is_none()
    }

    /// Whether the host of this field or authority (`uri-host [ ":" port ]`) is among them.
    pub(crate) fn contain(&self, authority: &[u8]) -> bool {
        let host = without_port(authority);
        self.names.as_ref().is_none_or(|names| !host.is_empty() && names.iter().any(|name| name.is(host)))
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        let text = text.strip_suffix('.').unwrap_or(text);
        match (text.strip_prefix('*'), text.starts_with('.')) {
            (Some(domain), _) => Self::Below { domain: domain.as_bytes().into(), with_itself: false },
            (None, true) => Self::Below { domain: text.as_bytes().into(), with_itself: true },
            (None, false) => Self::Exact(text.as_bytes().into()),
        }
    }
}

impl Name {
    fn is(&self, host: &[u8]) -> bool {
        match self {
            Self::Exact(name) => name.eq_ignore_ascii_case(host),
            Self::Below { domain, with_itself } => {
                let itself = *with_itself && domain[1..].eq_ignore_ascii_case(host);
                let start = host.len().checked_sub(domain.len()).filter(|start| *start > 0);
                itself || start.is_some_and(|start| host[start..].eq_ignore_ascii_case(domain))
            }
        }
    }
}

/// The host alone, also without the dot that may stand at the end of a full name.
fn without_port(authority: &[u8]) -> &[u8] {
    let colon = authority.iter().rposition(|byte| *byte == b':');
    let is_port = |colon: &usize| authority[*colon + 1..].iter().all(u8::is_ascii_digit);
    let host = colon.filter(is_port).map_or(authority, |colon| &authority[..colon]);
    host.strip_suffix(b".").unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], inside: &[&str], outside: &[&str]) {
        let hosts = Hosts::new("a test", names.iter().copied());
        for host in inside {
            assert!(hosts.contain(host.as_bytes()), "{host} is in {names:?}");
        }
        for host in outside {
            assert!(!hosts.contain(host.as_bytes()), "{host} is not in {names:?}");
        }
    }

    #[test]
    fn a_name_is_one_host_whatever_its_port_case_or_last_dot() {
        let inside = ["example.com", "EXAMPLE.com:80", "example.com.", "example.com.:8443", "example.com:"];
        let outside = [
            "www.example.com",
            "example.com.evil.org",
            "example.comm",
            "evil-example.com",
            "xample.com",
            "",
            ":80",
            ".example.com",
            "example.com..",
            "example.com:80:80x",
        ];
        check(&["example.com"], &inside, &outside);
        check(&["Example.Com."], &inside, &outside);
    }

    #[test]
    fn a_dot_stands_for_the_host_and_all_below_and_a_star_for_all_below() {
        let below = ["www.example.com", "a.b.example.com:80", "WWW.EXAMPLE.COM."];
        let outside = ["evilexample.com", "example.com.evil.org", ".com", "com", ".example.com", ""];
        check(&[".example.com"], &[&["example.com", "example.com:80"][..], &below].concat(), &outside);
        check(&["*.example.com"], &below, &[&["example.com"][..], &outside].concat());
    }

    #[test]
    fn addresses_are_hosts() {
        check(&["192.0.2.1"], &["192.0.2.1", "192.0.2.1:80"], &["192.0.2.10", "192.0.2", "1"]);
        check(&["[::1]"], &["[::1]", "[::1]:80"], &["::1", "[::2]", "[::1", "[::1]:80.evil", "::1]"]);
    }

    #[test]
    fn one_of_several_is_enough_and_none_or_a_star_is_everyone() {
        check(&["a.de", ".b.de"], &["a.de", "x.b.de"], &["c.de", "x.a.de"]);
        check(&[], &["a", ""], &[]);
        check(&["a.de", "*"], &["a", ""], &[]);
        let are_all = |names: &[&str]| Hosts::new("a test", names.iter().copied()).are_all();
        assert!(are_all(&[]) && are_all(&["*"]) && !are_all(&["a"]));
    }

    #[test]
    fn two_lists_are_one_that_names_both() {
        let (ours, theirs) = (Hosts::new("`ours`", ["a.de"]), Hosts::new("`theirs`", ["b.de"]));
        let both = ours.clone().and(theirs.clone());
        assert!(both.contain(b"a.de") && both.contain(b"b.de") && !both.contain(b"c.de"));
        assert_eq!(both.source(), "`ours` or `theirs`");
        assert_eq!(Hosts::default().and(theirs).source(), "`theirs`");
        assert_eq!(ours.and(Hosts::new("`theirs`", ["*"])).source(), "`ours`");
    }
}
