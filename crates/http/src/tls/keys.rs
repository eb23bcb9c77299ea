//! Private keys as PEM: PKCS#8, PKCS#1 and SEC1, and PKCS#8 encrypted with a password.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pkcs8::EncryptedPrivateKeyInfoRef;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::flaw::Flaw;

const ENCRYPTED: (&str, &str) =
    ("-----BEGIN ENCRYPTED PRIVATE KEY-----", "-----END ENCRYPTED PRIVATE KEY-----");
/// How OpenSSL marks what it has encrypted in its own way (RFC 1421).
const OLD_ENCRYPTION: &str = "Proc-Type: 4,ENCRYPTED";

/// The first private key of a text.
pub(super) fn read(text: &[u8], password: Option<&[u8]>) -> Result<PrivateKeyDer<'static>, Flaw> {
    let lossy = String::from_utf8_lossy(text);
    if lossy.contains(OLD_ENCRYPTION) {
        return Err(Flaw::OldEncryption);
    }
    if let Some((_, after)) = lossy.split_once(ENCRYPTED.0) {
        let (content, _) = after.split_once(ENCRYPTED.1).ok_or(Flaw::NoKey)?;
        return decrypt(content, password.ok_or(Flaw::NoPassword)?);
    }
    PrivateKeyDer::from_pem_slice(text).map_err(|error| match error {
        pem::Error::NoItemsFound => Flaw::NoKey,
        error => Flaw::Key(error.to_string()),
    })
}

fn decrypt(content: &str, password: &[u8]) -> Result<PrivateKeyDer<'static>, Flaw> {
    let unreadable = |error: &dyn std::fmt::Display| Flaw::Key(error.to_string());
    let content: String = content.split_ascii_whitespace().collect();
    let der = STANDARD.decode(content).map_err(|error| unreadable(&error))?;
    let encrypted =
        EncryptedPrivateKeyInfoRef::try_from(der.as_slice()).map_err(|error| unreadable(&error))?;
    let key = encrypted.decrypt(password).map_err(|_| Flaw::WrongPassword)?;
    Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
}
