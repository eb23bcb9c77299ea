//! When a certificate is renewed, and when a failed order is tried again.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::Error;
use crate::store::PLACEHOLDER;

/// How long after a failed order the next one begins, and at most: an authority counts failures (Let's Encrypt: five an hour).
const REFUSED: [Duration; 2] = [Duration::from_secs(15 * 60), Duration::from_secs(24 * 3600)];

/// The same where it has not been reached: a machine may be up before its network is.
const UNREACHED: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(3600)];

/// What a certificate says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    names: BTreeSet<String>,
    begins: SystemTime,
    ends: SystemTime,
    pub(crate) is_placeholder: bool,
}

impl Standing {
    /// Of the first certificate in a file.
    pub(crate) fn of(path: &Path, text: &str) -> Result<Self, Error> {
        let foreign = |reason: String| Error::Foreign { path: path.to_owned(), reason };
        let der = CertificateDer::from_pem_slice(text.as_bytes());
        let der = der.map_err(|_| foreign("it has no certificate".to_owned()))?;
        let certificate = Certificate::from_der(&der).map_err(|error| foreign(error.to_string()))?;
        let certificate = certificate.tbs_certificate();
        let validity = certificate.validity();
        let found = certificate.get_extension::<SubjectAltName>().ok().flatten();
        Ok(Self {
            names: names(found.as_ref().map(|(_, names)| names)),
            begins: UNIX_EPOCH + validity.not_before.to_unix_duration(),
            ends: UNIX_EPOCH + validity.not_after.to_unix_duration(),
            is_placeholder: certificate.subject().to_string().contains(PLACEHOLDER),
        })
    }

    /// When to renew: when two thirds of its time are over, as Let's Encrypt recommends, or at once if it is not one for
    /// these domains.
    pub(crate) fn due(&self, domains: &[String]) -> SystemTime {
        let wanted: BTreeSet<_> = domains.iter().map(|domain| domain.to_ascii_lowercase()).collect();
        if self.is_placeholder || self.names != wanted {
            return UNIX_EPOCH;
        }
        let lifetime = self.ends.duration_since(self.begins).unwrap_or_default();
        self.ends - lifetime / 3
    }
}

fn names(names: Option<&SubjectAltName>) -> BTreeSet<String> {
    let named = |name: &GeneralName| match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_ascii_lowercase()),
        _ => None,
    };
    names.into_iter().flat_map(|names| &names.0).filter_map(named).collect()
}

/// How long to wait after so many failures in a row, the last of which was this.
pub(crate) fn retry(failures: u32, error: &Error) -> Duration {
    grown(if error.is_unreached() { UNREACHED } else { REFUSED }, failures)
}

/// How long to wait before the process that keeps the certificate is started again, after it has ended so many times in a row. It
/// looks at the authority at once, and what it counted is lost.
#[must_use]
pub fn restart(endings: u32) -> Duration {
    grown(UNREACHED, endings)
}

fn grown([first, last]: [Duration; 2], failures: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
    first.saturating_mul(doubled).min(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::placeholder;

    fn time(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn standing(names: &[&str], begins: u64, ends: u64) -> Standing {
        Standing {
            names: names.iter().map(|&name| name.into()).collect(),
            begins: time(begins),
            ends: time(ends),
            is_placeholder: false,
        }
    }

    #[test]
    fn a_certificate_is_renewed_when_two_thirds_of_its_time_are_over() {
        let domains = ["a.example".to_owned(), "B.example".to_owned()];
        let good = standing(&["a.example", "b.example"], 0, 90 * 86_400);
        assert_eq!(good.due(&domains), time(60 * 86_400));
        let other = standing(&["a.example"], 0, 90 * 86_400);
        assert_eq!(other.due(&domains), UNIX_EPOCH);
    }

    #[test]
    fn what_stands_in_for_a_certificate_is_replaced_at_once() {
        let domains = ["example.org".to_owned()];
        let text = placeholder(&domains).unwrap();
        let standing = Standing::of(Path::new("p"), &text).unwrap();
        assert_eq!(standing.due(&domains), UNIX_EPOCH);
        assert!(Standing::of(Path::new("p"), "nothing").unwrap_err().to_string().contains("no certificate"));
    }

    #[test]
    fn failures_are_repeated_ever_more_seldom() {
        let refused = Error::Refused { domain: "a.example".to_owned(), reason: String::new() };
        let minutes = [1, 2, 3, 100].map(|failures| retry(failures, &refused).as_secs() / 60);
        assert_eq!(minutes, [15, 30, 60, 24 * 60]);
        let unreached =
            Error::Authority { action: "ask", source: instant_acme::Error::Str("nobody is there") };
        let seconds = [1, 2, 3, 100].map(|failures| retry(failures, &unreached).as_secs());
        assert_eq!(seconds, [5, 10, 20, 3600]);
        assert_eq!([1, 2, 100].map(|endings| restart(endings).as_secs()), [5, 10, 3600]);
    }
}
