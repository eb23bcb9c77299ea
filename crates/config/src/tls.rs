//! What the settings of TLS accept.

use std::{ffi::OsString, path::PathBuf};

use crate::kind::{Refusal, Rejected, one_of};

/// The cipher suites that there are, by OpenSSL's names.
pub const CIPHERS: [&str; 9] = [
    "TLS_AES_256_GCM_SHA384",
    "TLS_AES_128_GCM_SHA256",
    "TLS_CHACHA20_POLY1305_SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-CHACHA20-POLY1305",
];

/// The oldest version of TLS that is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    #[default]
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl TlsVersion {
    /// Every version, in the order of [`TlsVersion::WORDS`].
    pub(crate) const ALL: [Self; 2] = [Self::Tls12, Self::Tls13];

    /// The versions as the command line writes them.
    pub(crate) const WORDS: &'static [&'static str] = &["1.2", "1.3"];
}

/// Whether clients show certificates, by the numbers of Python's `ssl` module.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CertReqs {
    /// They are not asked (0).
    #[default]
    None,
    /// They may (1).
    Optional,
    /// They have to (2).
    Required,
}

impl CertReqs {
    /// By their numbers.
    pub(crate) const ALL: [Self; 3] = [Self::None, Self::Optional, Self::Required];
}

/// The names of cipher suites, with what OpenSSL takes between them. Its keywords, such as `HIGH`, are not read: what they stand for
/// changes, and all suites that there are would be in the highest class.
pub(crate) fn ciphers(text: &str) -> Result<Vec<String>, Refusal> {
    let names = text.split([':', ',', ' ']).map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| {
            let known = CIPHERS.iter().find(|known| known.eq_ignore_ascii_case(name));
            known.map(|known| (*known).to_owned()).ok_or_else(|| {
                Refusal::new(format!("there is no `{name}`, expected {}", one_of(&CIPHERS)))
                    .hint("leave it out: all of these are taken for strong")
            })
        })
        .collect()
}

pub(crate) const EXPECTS_CIPHERS: &str = "names of cipher suites with colons between them";

/// The value of `Strict-Transport-Security` (RFC 6797 section 6.1): a number of seconds alone, or with directives behind it.
pub(crate) fn hsts(text: &str) -> Result<String, Refusal> {
    let refusal = || Refusal::new(format!("expected {EXPECTS_HSTS}"));
    let mut parts = text.split(';').map(str::trim);
    let seconds = parts.next().unwrap_or_default();
    let seconds = seconds.strip_prefix("max-age=").unwrap_or(seconds);
    if seconds.is_empty() || seconds.len() > 10 || !seconds.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refusal());
    }
    let mut value = format!("max-age={seconds}");
    for part in parts {
        let known =
            ["includeSubDomains", "preload"].into_iter().find(|known| known.eq_ignore_ascii_case(part));
        value = format!("{value}; {}", known.ok_or_else(refusal)?);
    }
    Ok(value)
}

pub(crate) const EXPECTS_HSTS: &str =
    "a number of seconds, such as `31536000` or `31536000; includeSubDomains`";

/// Paths of files, one for each value.
pub(crate) fn files(values: &[OsString]) -> Result<Vec<PathBuf>, Rejected<'_>> {
    let path = |value: &OsString| PathBuf::from(value);
    match values.iter().find(|value| value.is_empty()) {
        // As in Gunicorn: nothing written is nothing meant.
        Some(_) if values.len() == 1 => Ok(Vec::new()),
        Some(value) => Err((value, Refusal::new(format!("expected {EXPECTS_FILES}")))),
        None => Ok(values.iter().map(path).collect()),
    }
}

pub(crate) const EXPECTS_FILES: &str = "the path of a file";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ciphers_are_named_one_by_one() {
        let (one, other) = (CIPHERS[7], CIPHERS[0]);
        assert_eq!(ciphers(&format!("{one}:{}", other.to_lowercase())).unwrap(), [one, other]);
        assert_eq!(ciphers("").unwrap(), [""; 0]);
        let refusal = ciphers("HIGH:!aNULL").unwrap_err();
        assert!(refusal.reason.contains("no `HIGH`") && refusal.reason.contains(one), "{refusal:?}");
    }

    #[test]
    fn the_value_of_hsts_is_written_out() {
        assert_eq!(hsts("60").unwrap(), "max-age=60");
        assert_eq!(
            hsts("max-age=60;includesubdomains ; preload").unwrap(),
            "max-age=60; includeSubDomains; preload"
        );
        for bad in ["", "x", "-1", "60;", "60; other", "60\r\nX: y", "12345678901"] {
            assert!(hsts(bad).is_err(), "{bad}");
        }
    }
}
