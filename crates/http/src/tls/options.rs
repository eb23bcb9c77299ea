//! How connections are secured.

/// How connections are secured.
#[derive(Clone, Debug)]
pub struct Options {
    /// The oldest version of TLS that is spoken.
    pub oldest: Version,
    /// The suites that may be used, by the names of [`CIPHERS`](super::CIPHERS); empty: all. Others are left out.
    pub ciphers: Vec<String>,
    /// Whether clients show certificates (Gunicorn setting `cert_reqs`).
    pub clients: ClientCertificates,
    /// Whether a connection that ends without the end of TLS has ended in order (Gunicorn setting `suppress_ragged_eofs`). Where a
    /// request or its body stops short, that is seen by HTTP all the same.
    pub ragged_ends: bool,
    /// The protocols that are offered (ALPN, RFC 7301), the best first.
    pub protocols: Vec<&'static str>,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

/// Whether clients show certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificates {
    /// They are not asked.
    None,
    /// They may; one that is not believed is refused.
    Optional,
    /// They have to.
    Required,
}
