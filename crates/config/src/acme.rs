//! Certificates that the server fetches by itself, and the grammar of the domains that they are for.

use std::path::PathBuf;

use crate::kind::Refusal;

/// What is said of certificates that an authority gives by itself (ACME, RFC 8555).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acme {
    /// The domains of the certificate, in lower case, each once; none: no certificate is fetched.
    pub domains: Vec<String>,
    /// Where the authority writes to.
    pub email: Option<String>,
    /// Where account and certificate are kept.
    pub folder: Option<PathBuf>,
    /// The URL of the authority's directory.
    pub server: String,
    /// By which certificates the authority is known, if not by those of the system.
    pub root: Option<PathBuf>,
}

impl Acme {
    /// Takes down further domains.
    pub(crate) fn add(&mut self, text: &str) -> Result<(), Refusal> {
        for domain in text.split(',').map(str::trim) {
            let domain = domain.trim_end_matches('.').to_ascii_lowercase();
            if domain.starts_with("*.") {
                let reason =
                    "a certificate for all names below a domain cannot be proved by a connection to one";
                return Err(Refusal::new(reason).hint("name each of them"));
            }
            if !is_domain(&domain) {
                return Err(Refusal::new(format!("expected {EXPECTS_DOMAINS}")));
            }
            if !self.domains.contains(&domain) {
                self.domains.push(domain);
            }
        }
        Ok(())
    }
}

pub(crate) const EXPECTS_DOMAINS: &str = "names such as `example.com`, with commas between them";

/// Whether it is a name of several labels (RFC 1035 section 2.3.1, with digits where RFC 1123 allows them), and no address.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len())
            && label.bytes().all(is_letter)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_named =
        text.rsplit('.').next().is_some_and(|last| last.bytes().any(|byte| byte.is_ascii_alphabetic()));
    text.len() <= 253 && text.contains('.') && is_named && text.split('.').all(is_label)
}

/// A URL that begins with `https://`: everything else would send the account's key, or what it signs, in the clear.
pub(crate) fn server(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text
        .strip_prefix("https://")
        .is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
    {
        return Ok(text.to_owned());
    }
    Err(Refusal::new(format!("expected {EXPECTS_SERVER}")))
}

pub(crate) const EXPECTS_SERVER: &str = "a URL that begins with `https://`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_names_each_once() {
        let mut acme = Acme::default();
        assert_eq!(acme.add("Example.com, www.example.com."), Ok(()));
        assert_eq!(acme.add("example.com"), Ok(()));
        assert_eq!(acme.domains, ["example.com", "www.example.com"]);
        for text in
            ["", "localhost", "192.0.2.1", "a..b", "-a.b", "a b.c", "a.example:443", "ä.example", "a.b,"]
        {
            assert!(Acme::default().add(text).is_err(), "{text}");
        }
        assert!(Acme::default().add("*.example.com").unwrap_err().hint.is_some());
    }

    #[test]
    fn authorities_are_asked_over_tls() {
        assert_eq!(server(" https://a/dir ").as_deref(), Ok("https://a/dir"));
        for text in ["", "http://a/dir", "https://", "acme.example", "https://a b"] {
            assert!(server(text).is_err(), "{text}");
        }
    }
}
