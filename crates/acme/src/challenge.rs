//! The proof that a domain leads here: a certificate that holds a digest of the authority's token (RFC 8737 section 3).

use rcgen::{CertificateParams, CustomExtension, KeyPair};

use crate::Error;

/// What is agreed on when the authority comes to see the proof (RFC 8737 section 6.2).
pub(crate) const PROTOCOL: &[u8] = b"acme-tls/1";

/// A key and the certificate, as PEM.
pub(crate) fn certificate(domain: &str, digest: &[u8]) -> Result<String, Error> {
    let mut params = CertificateParams::new([domain.to_owned()]).map_err(Error::Certificate)?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate().map_err(Error::Certificate)?;
    let certificate = params.self_signed(&key).map_err(Error::Certificate)?;
    Ok(key.serialize_pem() + &certificate.pem())
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use x509_cert::Certificate;
    use x509_cert::der::Decode;

    use super::*;

    #[test]
    fn the_certificate_holds_the_digest_in_a_critical_extension() {
        let pem = certificate("example.org", &[7; 32]).unwrap();
        assert!(PrivateKeyDer::from_pem_slice(pem.as_bytes()).is_ok());
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let certificate = Certificate::from_der(&der).unwrap();
        let mut extensions = certificate.tbs_certificate().extensions().unwrap().iter();
        let found = extensions.find(|it| it.extn_id.to_string() == "1.3.6.1.5.5.7.1.31").unwrap();
        assert!(found.critical);
        assert_eq!(found.extn_value.as_bytes(), [&[4, 32][..], &[7; 32]].concat());
    }
}
