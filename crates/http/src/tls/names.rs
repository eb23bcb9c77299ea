//! Which certificate a client gets: by the name of the server that it asks for (SNI, RFC 6066 section 3).

use std::collections::HashMap;
use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// Certificates by the names in them.
#[derive(Debug)]
pub(super) struct Names {
    all: Vec<Arc<CertifiedKey>>,
    /// Which of them have this name; `*.example.com` stands here as it is.
    by_name: HashMap<String, Vec<usize>>,
    /// The proofs that are wanted now, by their domains.
    challenges: HashMap<String, Arc<CertifiedKey>>,
}

/// What an authority speaks that comes to see a proof (RFC 8737 section 6.2), and nothing beside it.
pub(super) const ACME: &[u8] = b"acme-tls/1";

impl Names {
    /// Each with the names that it is for; the first one is for all others. At least one.
    pub(super) fn new(pairs: impl IntoIterator<Item = (Arc<CertifiedKey>, Vec<String>)>) -> Self {
        let mut all = Vec::new();
        let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
        for (key, names) in pairs {
            names.into_iter().for_each(|name| by_name.entry(name).or_default().push(all.len()));
            all.push(key);
        }
        Self { all, by_name, challenges: HashMap::new() }
    }

    /// The same with proofs that domains lead here.
    pub(super) fn proving(
        self,
        challenges: impl IntoIterator<Item = (Arc<CertifiedKey>, Vec<String>)>,
    ) -> Self {
        let named = challenges.into_iter();
        let challenges =
            named.flat_map(|(key, names)| names.into_iter().map(move |name| (name, Arc::clone(&key))));
        Self { challenges: challenges.collect(), ..self }
    }

    /// A wildcard stands for exactly one label (RFC 9525 section 6.3).
    fn having(&self, name: &str) -> &[usize] {
        let name = name.to_ascii_lowercase();
        let found = self.by_name.get(&name).or_else(|| {
            let (_, parent) = name.split_once('.')?;
            self.by_name.get(&format!("*.{parent}"))
        });
        found.map_or(&[0], Vec::as_slice)
    }

    /// Of several with the name the first one that the client can check.
    fn choose(&self, name: Option<&str>, schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let places = name.map_or(&[0][..], |name| self.having(name));
        let mut found = places.iter().filter_map(|place| self.all.get(*place));
        let fits = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(schemes).is_some();
        found.clone().find(fits).or_else(|| found.next()).cloned()
    }
}

impl ResolvesServerCert for Names {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let wants_proof = |mut protocols: Box<dyn Iterator<Item = &[u8]> + '_>| {
            protocols.next() == Some(ACME) && protocols.next().is_none()
        };
        if hello.alpn().is_some_and(|protocols| wants_proof(Box::new(protocols))) {
            return self.challenges.get(&hello.server_name()?.to_ascii_lowercase()).cloned();
        }
        self.choose(hello.server_name(), hello.signature_schemes())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Kind, pair};
    use super::*;
    use crate::tls::{Credentials, Sources, certificate};

    #[test]
    fn the_name_decides_then_the_kind_of_key() {
        let named: [(&[&str], Kind); 4] = [
            (&["first.test", "www.first.test"], Kind::P256),
            (&["*.Second.test"], Kind::P256),
            (&["first.test"], Kind::Ed25519),
            (&["exact.second.test"], Kind::P256),
        ];
        let pairs = named.iter().map(|(names, kind)| pair(names, *kind)).collect();
        let read = Credentials::read(&Sources { pairs, ..Sources::default() }).unwrap();
        let provider = rustls::crypto::ring::default_provider();
        let certified: Vec<_> = read
            .pairs
            .iter()
            .map(|pair| (pair.certify(&provider).unwrap(), certificate::names(pair.own())))
            .collect();
        let keys: Vec<_> = certified.iter().map(|(key, _)| Arc::clone(key)).collect();
        let names = Names::new(certified);
        let place = |name, schemes: &[SignatureScheme]| {
            let chosen = names.choose(name, schemes).unwrap();
            keys.iter().position(|key| Arc::ptr_eq(key, &chosen)).unwrap()
        };
        let all = [SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519];
        for (name, expected) in [
            (None, 0),
            (Some("first.test"), 0),
            (Some("WWW.first.test"), 0),
            (Some("other.test"), 0),
            (Some("a.second.test"), 1),
            (Some("a.b.second.test"), 0),
            (Some("second.test"), 0),
            (Some("exact.second.test"), 3),
        ] {
            assert_eq!(place(name, &all), expected, "{name:?}");
        }
        assert_eq!(place(Some("first.test"), &all[1..]), 2);
        assert_eq!(place(Some("a.second.test"), &all[1..]), 1);
    }
}
