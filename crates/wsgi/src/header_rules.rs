//! Which request headers reach the application, and from whom.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use http::{HeaderMap, HeaderName};

/// What the settings say of request headers. One for all Python threads of a worker.
#[derive(Debug, Default)]
pub struct HeaderRules {
    /// Believed from trusted peers only, beside `Forwarded`, `X-Forwarded-*` and `X-Real-IP`: the names of Gunicorn's
    /// settings `secure_scheme_headers` and `forwarder_headers`.
    pub forwarding: Vec<HeaderName>,
    /// Names with `_` that trusted peers may send (Gunicorn setting `forwarder_headers`).
    pub allowed: Vec<HeaderName>,
    /// Trusted peers may send every name with `_`.
    pub allows_all: bool,
    /// Everybody may send names with `_` (Gunicorn setting `header_map = dangerous`).
    pub is_dangerous: bool,
    /// What the log has been told.
    pub told: Told,
}

/// Header names that the log has been told about: each once, whichever thread sees it first.
#[derive(Debug, Default)]
pub struct Told(Mutex<HashSet<HeaderName>>);

/// Who sends a request, as far as header names are concerned.
#[derive(Clone, Copy)]
pub(crate) struct Sender<'a> {
    pub(crate) is_trusted: bool,
    /// On a unix socket, and no PROXY header gives it an address.
    pub(crate) is_unix: bool,
    pub(crate) headers: &'a HeaderMap,
}

/// What becomes of one name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    from: From,
    /// The name that wins when both are there: they have the same environ key.
    loses_to: Option<HeaderName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Everybody,
    Trusted,
    Nobody,
}

impl Rule {
    /// Whether nothing has to be asked.
    pub(crate) fn passes_always(&self) -> bool {
        self.from == From::Everybody && self.loses_to.is_none()
    }

    pub(crate) fn passes(&self, sender: Sender<'_>) -> bool {
        let is_believed = match self.from {
            From::Everybody => true,
            From::Trusted => sender.is_trusted,
            From::Nobody => false,
        };
        is_believed && !self.loses_to.as_ref().is_some_and(|other| sender.headers.contains_key(other))
    }
}

impl HeaderRules {
    /// The rule for a name.
    ///
    /// What the application sees is the environ key, where `-` and `_` are the same. So a name with `_` never stands for a
    /// forwarding header that the proxy writes with `-`, and `Remote-User` of a client not for the `REMOTE_USER` that the
    /// setting allows the proxy to send.
    pub(crate) fn rule(&self, name: &HeaderName) -> Rule {
        let from = if self.is_forwarding(name) { From::Trusted } else { From::Everybody };
        if !name.as_str().contains('_') {
            let allowed = self.allowed.iter().find(|allowed| *allowed != name && is_same_key(allowed, name));
            return Rule { from, loses_to: allowed.cloned() };
        }
        if self.allowed.contains(name) {
            return Rule { from: From::Trusted, loses_to: None };
        }
        let from = match (self.is_dangerous, self.allows_all) {
            (true, _) => from,
            (false, true) => From::Trusted,
            (false, false) => return Rule { from: From::Nobody, loses_to: None },
        };
        let dashed = HeaderName::from_bytes(name.as_str().replace('_', "-").as_bytes());
        Rule { from, loses_to: dashed.ok() }
    }

    fn is_forwarding(&self, name: &HeaderName) -> bool {
        let dashed = name.as_str().replace('_', "-");
        dashed.starts_with("x-forwarded-")
            || matches!(dashed.as_str(), "forwarded" | "x-real-ip")
            || self.forwarding.iter().chain(&self.allowed).any(|forwarding| is_same_key(forwarding, name))
    }

    /// Tells the log why a name does not reach the application.
    pub(crate) fn tell(&self, name: &HeaderName, rule: &Rule, sender: Sender<'_>) {
        if !self.told.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone()) {
            return;
        }
        match (rule.from, sender.is_trusted) {
            (From::Trusted, false) if sender.is_unix => tracing::warn!(
                "request header `{name}` is removed: `--forwarded-allow-ips` does not name its sender: add `unix`, whoever \
                 connects to a unix socket has no address"
            ),
            (From::Trusted, false) => tracing::warn!(
                "request header `{name}` is removed: `--forwarded-allow-ips` does not name its sender (behind a PROXY \
                 header that is the client, unless the setting is given)"
            ),
            (From::Nobody, _) => tracing::warn!(
                "request header `{name}` is dropped: a name with `_` could pass for one with `-`; \
                 `--forwarder-headers` or `--header-map` can allow it"
            ),
            _ => {
                tracing::warn!("request header `{name}` is dropped: another one has the same name in environ")
            }
        }
    }
}

fn is_same_key(one: &HeaderName, other: &HeaderName) -> bool {
    let fold = |byte: u8| if byte == b'_' { b'-' } else { byte };
    one.as_str().bytes().map(fold).eq(other.as_str().bytes().map(fold))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> HeaderRules {
        HeaderRules {
            forwarding: vec![HeaderName::from_static("x-scheme")],
            allowed: ["script_name", "remote_user"].map(HeaderName::from_static).to_vec(),
            ..HeaderRules::default()
        }
    }

    /// For a trusted and an untrusted sender whether the name reaches the application.
    fn passes(rules: &HeaderRules, name: &'static str, beside: &[&'static str]) -> (bool, bool) {
        let headers: HeaderMap = beside
            .iter()
            .map(|name| (HeaderName::from_static(name), http::HeaderValue::from_static("")))
            .collect();
        let rule = rules.rule(&HeaderName::from_static(name));
        let passes = |is_trusted| rule.passes(Sender { is_trusted, is_unix: false, headers: &headers });
        (passes(true), passes(false))
    }

    #[test]
    fn forwarding_headers_need_a_trusted_peer() {
        for name in
            ["forwarded", "x-real-ip", "x-forwarded-for", "x-forwarded-anything", "x-scheme", "script-name"]
        {
            assert_eq!(passes(&rules(), name, &[]), (true, false), "{name}");
        }
        for name in ["host", "x-forwarding", "x-real", "forwarded-for", "accept"] {
            assert_eq!(passes(&rules(), name, &[]), (true, true), "{name}");
            assert!(rules().rule(&HeaderName::from_static(name)).passes_always());
        }
    }

    #[test]
    fn names_with_underscores_are_dropped_unless_allowed() {
        assert_eq!(passes(&rules(), "x_other", &[]), (false, false));
        assert_eq!(passes(&rules(), "x_forwarded_for", &[]), (false, false));
        assert_eq!(passes(&rules(), "remote_user", &[]), (true, false));
        let all = HeaderRules { allows_all: true, ..rules() };
        assert_eq!(passes(&all, "x_other", &[]), (true, false));
        let dangerous = HeaderRules { is_dangerous: true, ..rules() };
        assert_eq!(passes(&dangerous, "x_other", &[]), (true, true));
        assert_eq!(passes(&dangerous, "remote_user", &[]), (true, false));
    }

    #[test]
    fn no_name_stands_in_for_another_one() {
        assert_eq!(passes(&rules(), "remote-user", &["remote_user"]), (false, false));
        assert_eq!(passes(&rules(), "remote_user", &["remote-user"]), (true, false));
        let all = HeaderRules { allows_all: true, ..rules() };
        assert_eq!(passes(&all, "x_forwarded_for", &["x-forwarded-for"]), (false, false));
        let dangerous = HeaderRules { is_dangerous: true, ..rules() };
        assert_eq!(passes(&dangerous, "x_forwarded-for", &[]), (true, false));
        assert_eq!(passes(&dangerous, "x_other", &["x-other"]), (false, false));
    }
}
