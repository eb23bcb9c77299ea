//! Cipher suites by the names that OpenSSL has for them.

use rustls::crypto::ring::cipher_suite as ring;
use rustls::{CipherSuite, ProtocolVersion, SupportedCipherSuite};

/// The names of all suites, those of TLS 1.3 first, in the order in which they are preferred.
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

const SUITES: [SupportedCipherSuite; 9] = [
    ring::TLS13_AES_256_GCM_SHA384,
    ring::TLS13_AES_128_GCM_SHA256,
    ring::TLS13_CHACHA20_POLY1305_SHA256,
    ring::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ring::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ring::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ring::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ring::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ring::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

/// The suites of these names in their order, all where there are none. As with OpenSSL's `ciphers`, which are about TLS 1.2, those
/// of TLS 1.3 stay unless one of them is named.
pub(super) fn chosen(names: &[String]) -> Vec<SupportedCipherSuite> {
    let found = |name: &String| CIPHERS.iter().position(|known| known == name).map(|place| SUITES[place]);
    let named: Vec<_> = names.iter().filter_map(found).collect();
    if named.is_empty() {
        return SUITES.to_vec();
    }
    let is_newest = |suite: &SupportedCipherSuite| suite.version().version == ProtocolVersion::TLSv1_3;
    if named.iter().any(is_newest) {
        return named;
    }
    SUITES.into_iter().filter(is_newest).chain(named).collect()
}

/// What OpenSSL calls it.
pub(super) fn name(suite: CipherSuite) -> &'static str {
    SUITES.iter().position(|known| known.suite() == suite).map_or("", |place| CIPHERS[place])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(wanted: &[&str]) -> Vec<&'static str> {
        let wanted: Vec<String> = wanted.iter().map(|&name| name.to_owned()).collect();
        chosen(&wanted).into_iter().map(|suite| name(suite.suite())).collect()
    }

    #[test]
    fn names_choose_and_order() {
        assert_eq!(names(&[]), CIPHERS);
        let (old, new) = (CIPHERS[7], CIPHERS[1]);
        assert_eq!(names(&[old]), [&CIPHERS[..3], &[old]].concat());
        assert_eq!(names(&[old, new]), [old, new]);
    }

    #[test]
    fn every_suite_has_the_name_of_its_place() {
        for (suite, name) in SUITES.iter().zip(CIPHERS) {
            let iana = format!("{:?}", suite.suite()).replace("TLS13_", "TLS_").replace("_WITH", "");
            let short = name.replace('-', "_").replace("AES128", "AES_128").replace("AES256", "AES_256");
            assert!(iana.contains(short.trim_start_matches("TLS_")), "{iana} {name}");
        }
    }
}
