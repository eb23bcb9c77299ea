//! Versions of HTTP, and the grammars of what is said about them.

use crate::{kind::Refusal, near::nearest};

/// A version of HTTP that can be agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.1, and 1.0 for a client that speaks it.
    Http1,
    /// HTTP/2.
    Http2,
}

/// How HTTP/2 may begin without TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Cleartext {
    /// It does not.
    #[default]
    Off,
    /// A client that knows that the server speaks it begins with it (RFC 9113 section 3.3).
    PriorKnowledge,
    /// By the header `Upgrade: h2c`, which is not answered.
    Upgrade,
    /// In both ways, of which only the first one is answered.
    Both,
}

impl Cleartext {
    /// Whether a client may begin with HTTP/2.
    #[must_use]
    pub fn takes_prior_knowledge(self) -> bool {
        matches!(self, Self::PriorKnowledge | Self::Both)
    }
}

/// Versions with commas between them, each once, the one that is liked best first.
pub(crate) fn versions(text: &str) -> Result<Vec<HttpVersion>, Refusal> {
    let mut versions = Vec::new();
    for word in text.split(',').map(str::trim) {
        let version = match word.to_ascii_lowercase().as_str() {
            "h1" => HttpVersion::Http1,
            "h2" => HttpVersion::Http2,
            "h3" => return Err(Refusal::new("HTTP/3 is not spoken").hint("write `h1,h2`")),
            _ => return Err(Refusal::new(format!("expected {EXPECTS_VERSIONS}"))),
        };
        if versions.contains(&version) {
            return Err(Refusal::new(format!("`{word}` twice")));
        }
        versions.push(version);
    }
    Ok(versions)
}

pub(crate) const EXPECTS_VERSIONS: &str = "`h1`, `h2` or both with a comma between them";

/// How HTTP/2 may begin without TLS. A file may say `True`, which is Gunicorn's word for prior knowledge.
pub(crate) fn cleartext(text: &str) -> Result<Cleartext, Refusal> {
    match text.trim().to_ascii_lowercase().as_str() {
        "off" | "false" | "" => Ok(Cleartext::Off),
        "prior-knowledge" | "true" => Ok(Cleartext::PriorKnowledge),
        "upgrade" => Ok(Cleartext::Upgrade),
        "both" => Ok(Cleartext::Both),
        other => {
            let meant = nearest(other, ["off", "prior-knowledge", "upgrade", "both"]);
            let refusal = Refusal::new(format!("expected {EXPECTS_CLEARTEXT}"));
            Err(match meant {
                Some(word) => refusal.hint(format!("did you mean `{word}`?")),
                None => refusal,
            })
        }
    }
}

pub(crate) const EXPECTS_CLEARTEXT: &str = "one of `off`, `prior-knowledge`, `upgrade`, `both`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_a_list_without_repetitions() {
        use HttpVersion::{Http1, Http2};
        assert_eq!(versions("h1"), Ok(vec![Http1]));
        assert_eq!(versions(" H2 , h1 "), Ok(vec![Http2, Http1]));
        for (text, word) in [("", "expected"), ("h1,", "expected"), ("h1,h1", "twice"), ("h3", "HTTP/3")] {
            assert!(versions(text).is_err_and(|refusal| refusal.reason.contains(word)), "{text}");
        }
    }

    #[test]
    fn http_2_without_tls_has_gunicorns_words() {
        for (text, expected) in [
            ("off", Cleartext::Off),
            ("False", Cleartext::Off),
            ("True", Cleartext::PriorKnowledge),
            ("prior-knowledge", Cleartext::PriorKnowledge),
            ("upgrade", Cleartext::Upgrade),
            ("BOTH", Cleartext::Both),
        ] {
            assert_eq!(cleartext(text), Ok(expected), "{text}");
        }
        assert_eq!(
            cleartext("prior_knowledge").unwrap_err().hint.as_deref(),
            Some("did you mean `prior-knowledge`?")
        );
    }
}
