//! What can be wrong with certificates and keys.

/// Of what something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The certificate of the pair with this number, from 0.
    Certificate(usize),
    /// The key of that pair.
    Key(usize),
    /// The certificates of authorities.
    Authorities,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Nothing in it is a certificate.
    #[error("there is no certificate in it, expected PEM: `-----BEGIN CERTIFICATE-----`")]
    NoCertificate,
    /// A certificate that cannot be read.
    #[error("a certificate in it cannot be read: {0}")]
    Certificate(String),
    /// Nothing in it is a private key.
    #[error("there is no private key in it, expected PEM: `-----BEGIN PRIVATE KEY-----`")]
    NoKey,
    /// A key that cannot be read, or is of a kind that is not supported.
    #[error("the private key cannot be used, expected RSA, ECDSA (P-256, P-384) or Ed25519: {0}")]
    Key(String),
    /// The key needs a password, and there is none.
    #[error("the private key is encrypted")]
    NoPassword,
    /// The password does not open the key.
    #[error("the private key cannot be decrypted with this password")]
    WrongPassword,
    /// The key is encrypted in the way of OpenSSL before version 1.0.
    #[error("the private key is encrypted in the old form `Proc-Type: 4,ENCRYPTED`, which is not read")]
    OldEncryption,
    /// The key belongs to another certificate.
    #[error("the private key does not fit the certificate")]
    Mismatch,
}

impl Flaw {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoKey => Some("most keys have a file of their own: name it by `--keyfile`"),
            Self::NoPassword => Some("name a file with its password by `--key-password-file`"),
            Self::OldEncryption => Some(
                "convert it, here with the password that it has: `openssl pkcs8 -topk8 -in OLD.pem -out NEW.pem`",
            ),
            Self::Mismatch => Some(
                "each `--certfile` goes with the `--keyfile` of the same place; the server's own certificate comes first in \
                 its file",
            ),
            _ => None,
        }
    }
}

/// What was read cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{flaw}")]
pub struct Rejected {
    /// Of what it is.
    pub part: Part,
    /// Why.
    pub flaw: Flaw,
}
