//! Which certificates of clients are believed.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, UnixTime};

use super::certificate;

/// Believes who shows one of the listed certificates itself, and leaves all others to webpki, which never takes an authority for the
/// end of a chain: a client with a certificate of its own making, listed by its own, would be refused.
#[derive(Debug)]
pub(super) struct Clients {
    listed: Vec<CertificateDer<'static>>,
    /// What clients are told to look for among the certificates that they have.
    subjects: Vec<DistinguishedName>,
    /// Knows the authorities among them; `None`: there is none.
    webpki: Option<Arc<dyn ClientCertVerifier>>,
    is_required: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Clients {
    pub(super) fn new(
        listed: Vec<CertificateDer<'static>>,
        is_required: bool,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, VerifierBuilderError> {
        let algorithms = provider.signature_verification_algorithms;
        let subjects = roots(listed.iter()).subjects();
        // webpki takes every root for an authority, so that a client could vouch for others by the key of its own certificate.
        let roots = roots(listed.iter().filter(|der| certificate::is_authority(der)));
        let webpki = if roots.is_empty() {
            None
        } else {
            Some(WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?)
        };
        Ok(Self { listed, subjects, webpki, is_required, algorithms })
    }
}

fn roots<'a>(certificates: impl Iterator<Item = &'a CertificateDer<'static>>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates.cloned());
    roots
}

impl ClientCertVerifier for Clients {
    fn client_auth_mandatory(&self) -> bool {
        self.is_required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.subjects
    }

    fn verify_client_cert(
        &self,
        end: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if self.listed.contains(end) {
            certificate::serves_client(end, now)?;
            return Ok(ClientCertVerified::assertion());
        }
        let webpki = self.webpki.as_ref().ok_or(CertificateError::UnknownIssuer)?;
        webpki.verify_client_cert(end, intermediates, now).map_err(|error| match error {
            // Who shows what they have signed themselves, as an authority does, is no less unknown than others.
            Error::InvalidCertificate(CertificateError::Other(_)) if certificate::is_authority(end) => {
                CertificateError::UnknownIssuer.into()
            }
            error => error,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Why the certificate that a client has shown is not believed; `None`: a handshake has failed for something else.
pub(super) fn refusal(error: &std::io::Error) -> Option<String> {
    let Error::InvalidCertificate(error) = error.get_ref()?.downcast_ref()? else { return None };
    Some(match error {
        CertificateError::UnknownIssuer => {
            "it is neither in `--ca-certs` nor vouched for by an authority there".to_owned()
        }
        CertificateError::InvalidPurpose => "its key is not for clients".to_owned(),
        CertificateError::Other(error) => error.to_string(),
        error => error.to_string(),
    })
}
