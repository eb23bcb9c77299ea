//! Certificates and keys, from the text of files, and on their way to the workers.

use std::sync::Arc;
use std::time::SystemTime;

use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer,
};

use super::flaw::{Flaw, Part, Rejected};
use super::{certificate, keys};

/// What stands in the files.
#[derive(Default)]
pub struct Sources {
    /// The pairs; the first one is for clients that ask for no name, or for one that no certificate has.
    pub pairs: Vec<PairSource>,
    /// The password of all keys that are encrypted.
    pub password: Option<Vec<u8>>,
    /// The authorities that certificates of clients have to come from, and such certificates themselves.
    pub authorities: Option<Vec<u8>>,
    /// Proofs that a domain leads here (RFC 8737), each a certificate and its key. What is none is left out.
    pub challenges: Vec<PairSource>,
}

/// A certificate and its key, as PEM.
#[derive(Default)]
pub struct PairSource {
    /// The server's certificate and those of the authorities between it and one that clients know.
    pub certificate: Vec<u8>,
    /// The private key; `None`: it stands with the certificate.
    pub key: Option<Vec<u8>>,
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources").field("pairs", &self.pairs.len()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for PairSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PairSource").finish_non_exhaustive()
    }
}

/// Certificates with keys that fit them, decrypted.
#[derive(Debug)]
pub struct Credentials {
    pub(super) pairs: Vec<Pair>,
    pub(super) authorities: Vec<CertificateDer<'static>>,
    pub(super) challenges: Vec<Pair>,
}

#[derive(Debug)]
pub(super) struct Pair {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Credentials {
    /// Reads and checks them.
    ///
    /// # Errors
    /// The first that cannot be used.
    pub fn read(sources: &Sources) -> Result<Self, Rejected> {
        let provider = rustls::crypto::ring::default_provider();
        let mut pairs = Vec::new();
        for (number, source) in sources.pairs.iter().enumerate() {
            pairs.push(Pair::read((number, source), sources.password.as_deref(), &provider)?);
        }
        let challenge = |source| Pair::read((0, source), None, &provider).ok();
        let challenges = sources.challenges.iter().filter_map(challenge).collect();
        let of_authorities = |flaw| Rejected { part: Part::Authorities, flaw };
        let authorities = sources.authorities.as_deref().map_or(Ok(Vec::new()), certificates);
        let authorities = authorities.map_err(of_authorities)?;
        authorities.iter().try_for_each(certificate::check).map_err(of_authorities)?;
        Ok(Self { pairs, authorities, challenges })
    }

    /// Until when the server's certificate of each pair is valid.
    #[must_use]
    pub fn ends(&self) -> Vec<SystemTime> {
        self.pairs.iter().map(|pair| certificate::end(&pair.chain[0])).collect()
    }

    /// Whether connections are secured by the same, whatever proofs there are.
    #[must_use]
    pub fn secure_alike(&self, other: &Self) -> bool {
        let secrets = |pair: &Pair| pair.key.secret_der().to_vec();
        let alike = |(one, other): (&Pair, &Pair)| one.chain == other.chain && secrets(one) == secrets(other);
        self.authorities == other.authorities
            && self.pairs.len() == other.pairs.len()
            && self.pairs.iter().zip(&other.pairs).all(alike)
    }

    /// All of it as bytes, for [`Self::from_bytes`] in another process.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_pairs(&mut bytes, &self.pairs);
        put_all(&mut bytes, &self.authorities);
        put_pairs(&mut bytes, &self.challenges);
        bytes
    }

    /// `None` where these are other bytes.
    #[must_use]
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let bytes = &mut bytes;
        let pairs = take_pairs(bytes)?;
        let authorities = take_all(bytes)?;
        let challenges = take_pairs(bytes)?;
        bytes.is_empty().then_some(Self { pairs, authorities, challenges })
    }
}

impl Pair {
    /// Reads and checks the pair of this number.
    fn read(
        (number, source): (usize, &PairSource),
        password: Option<&[u8]>,
        provider: &CryptoProvider,
    ) -> Result<Self, Rejected> {
        let of_certificate = |flaw| Rejected { part: Part::Certificate(number), flaw };
        let of_key = |flaw| Rejected { part: Part::Key(number), flaw };
        let chain = certificates(&source.certificate).map_err(of_certificate)?;
        chain.iter().try_for_each(certificate::check).map_err(of_certificate)?;
        let text = source.key.as_ref().unwrap_or(&source.certificate);
        let pair = Self { chain, key: keys::read(text, password).map_err(of_key)? };
        pair.certify(provider).map_err(of_key)?;
        Ok(pair)
    }

    /// The same as rustls uses it. That would look itself whether the two fit, but reads no certificates without extensions (X.509
    /// version 1), which many have made for themselves.
    pub(super) fn certify(&self, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, Flaw> {
        let key = provider.key_provider.load_private_key(self.key.clone_key());
        let key = key.map_err(|error| Flaw::Key(error.to_string()))?;
        if key.public_key().is_some_and(|public| certificate::public_key(self.own()) != Some(public.to_vec()))
        {
            return Err(Flaw::Mismatch);
        }
        Ok(Arc::new(CertifiedKey::new(self.chain.clone(), key)))
    }

    /// The server's own certificate.
    pub(super) fn own(&self) -> &CertificateDer<'static> {
        &self.chain[0]
    }
}

/// All certificates of a text, at least one.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Flaw> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(Flaw::NoCertificate),
        Ok(found) => Ok(found),
        Err(error) => Err(Flaw::Certificate(error.to_string())),
    }
}

fn put_pairs(bytes: &mut Vec<u8>, pairs: &[Pair]) {
    put_number(bytes, pairs.len());
    for Pair { chain, key } in pairs {
        put_all(bytes, chain);
        bytes.push(match key {
            PrivateKeyDer::Pkcs1(_) => 1,
            PrivateKeyDer::Sec1(_) => 2,
            _ => 8,
        });
        put(bytes, key.secret_der());
    }
}

fn take_pairs(bytes: &mut &[u8]) -> Option<Vec<Pair>> {
    let count = take_number(bytes)?;
    let mut pairs = Vec::new();
    for _ in 0..count {
        let chain = take_all(bytes)?;
        let (kind, rest) = bytes.split_first()?;
        *bytes = rest;
        let der = take(bytes)?;
        let key = match kind {
            1 => PrivatePkcs1KeyDer::from(der).into(),
            2 => PrivateSec1KeyDer::from(der).into(),
            8 => PrivatePkcs8KeyDer::from(der).into(),
            _ => return None,
        };
        pairs.push(Pair { chain, key });
    }
    Some(pairs)
}

fn put_number(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend_from_slice(&(number as u64).to_le_bytes());
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    put_number(bytes, part.len());
    bytes.extend_from_slice(part);
}

fn put_all(bytes: &mut Vec<u8>, parts: &[CertificateDer<'_>]) {
    put_number(bytes, parts.len());
    parts.iter().for_each(|part| put(bytes, part));
}

fn take_number(bytes: &mut &[u8]) -> Option<usize> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    usize::try_from(u64::from_le_bytes(*number)).ok()
}

fn take(bytes: &mut &[u8]) -> Option<Vec<u8>> {
    let length = take_number(bytes)?;
    let (part, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(part.to_vec())
}

fn take_all(bytes: &mut &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let count = take_number(bytes)?;
    (0..count).map(|_| take(bytes).map(CertificateDer::from)).collect()
}
