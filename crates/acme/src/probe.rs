//! Looks from outside whether the server shows a proof: the authority looks once, and counts failures.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use crate::Error;
use crate::challenge::PROTOCOL;

/// Several workers have to learn of it, and any of them may be asked: so often in a row it has to be seen.
const TIMES: usize = 5;

/// How often is looked, how long a look may take, and after how many of them is given up.
const PAUSE: Duration = Duration::from_millis(250);
const LOOK: Duration = Duration::from_secs(5);
const LOOKS: usize = 240;

/// Waits until whoever asks at `address` for `domain` is shown this proof.
pub(crate) async fn wait(address: SocketAddr, domain: &str, proof: &str) -> Result<(), Error> {
    let unseen = || Error::Unseen(domain.to_owned());
    let proof = CertificateDer::from_pem_slice(proof.as_bytes()).map_err(|_| unseen())?;
    let name = ServerName::try_from(domain.to_owned()).map_err(|_| unseen())?;
    let connector = TlsConnector::from(Arc::new(config(proof)));
    let mut seen = 0;
    for _ in 0..LOOKS {
        let look = async {
            let stream = TcpStream::connect(address).await?;
            connector.connect(name.clone(), stream).await
        };
        let is_seen = matches!(timeout(LOOK, look).await, Ok(Ok(_)));
        seen = if is_seen { seen + 1 } else { 0 };
        if seen == TIMES {
            return Ok(());
        }
        if !is_seen {
            sleep(PAUSE).await;
        }
    }
    Err(unseen())
}

fn config(proof: CertificateDer<'static>) -> ClientConfig {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Exactly { proof, provider: Arc::clone(&provider) });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has both versions")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    config
}

/// Believes this one certificate and no other: it is our own, and signed by nobody.
#[derive(Debug)]
struct Exactly {
    proof: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Exactly {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *shown == self.proof {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::General("another certificate".to_owned()))
        }
    }

    /// Whether the server has the key is for the authority to see. What checks signatures here reads no certificate with an extension that
    /// it does not know, and the proof is one.
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
