//! Which certificates of clients are believed.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};

use super::certificate;

/// Believes who shows one of the listed certificates itself, and leaves all others to webpki, which never takes an authority for the
/// end of a chain: a client with a certificate of its own making, listed by its own, would be refused.
#[derive(Debug)]
pub(super) struct Clients {
    listed: Vec<CertificateDer<'static>>,
    webpki: Arc<dyn ClientCertVerifier>,
}

impl Clients {
    pub(super) fn new(
        listed: Vec<CertificateDer<'static>>,
        is_required: bool,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, VerifierBuilderError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(listed.iter().cloned());
        let webpki = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let webpki = if is_required { webpki } else { webpki.allow_unauthenticated() };
        Ok(Self { listed, webpki: webpki.build()? })
    }
}

impl ClientCertVerifier for Clients {
    fn client_auth_mandatory(&self) -> bool {
        self.webpki.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.webpki.root_hint_subjects()
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
        self.webpki.verify_client_cert(end, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}
