//! What certificates say (RFC 5280).

use std::time::{Duration, SystemTime};

use chrono::DateTime;
use rustls::CertificateError;
use rustls_pki_types::UnixTime;
use x509_cert::Certificate;
use x509_cert::certificate::Version;
use x509_cert::der::oid::db::rfc5280::ID_KP_CLIENT_AUTH;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName};
use x509_cert::time::Time;

use super::flaw::Flaw;
use super::subject;

/// Whether it can be read.
pub(super) fn check(der: &rustls_pki_types::CertificateDer<'_>) -> Result<(), Flaw> {
    Certificate::from_der(der).map(drop).map_err(|error| Flaw::Certificate(error.to_string()))
}

/// The key that it certifies (`SubjectPublicKeyInfo`).
pub(super) fn public_key(der: &[u8]) -> Option<Vec<u8>> {
    let certificate = Certificate::from_der(der).ok()?;
    certificate.tbs_certificate().subject_public_key_info().to_der().ok()
}

/// The last moment at which it is valid.
pub(super) fn end(der: &[u8]) -> SystemTime {
    let end = Certificate::from_der(der).ok();
    let end = end.map_or(Duration::ZERO, |it| it.tbs_certificate().validity().not_after.to_unix_duration());
    SystemTime::UNIX_EPOCH + end
}

/// The names of servers that it is for, in lower case; `*.` at the beginning stands for one label.
pub(super) fn names(der: &[u8]) -> Vec<String> {
    let Ok(certificate) = Certificate::from_der(der) else { return Vec::new() };
    let Ok(Some((_, names))) = certificate.tbs_certificate().get_extension::<SubjectAltName>() else {
        return Vec::new();
    };
    let dns = |name: &GeneralName| match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_ascii_lowercase()),
        _ => None,
    };
    names.0.iter().filter_map(dns).collect()
}

/// Whether it is one of a client at this moment: valid, and for a key that may be used so, as OpenSSL judges it (purpose `sslclient`).
pub(super) fn serves_client(der: &[u8], now: UnixTime) -> Result<(), CertificateError> {
    let certificate = Certificate::from_der(der).map_err(|_| CertificateError::BadEncoding)?;
    let certificate = certificate.tbs_certificate();
    let validity = certificate.validity();
    let at = |time: Time| UnixTime::since_unix_epoch(time.to_unix_duration());
    let (not_before, not_after) = (at(validity.not_before), at(validity.not_after));
    if now < not_before {
        return Err(CertificateError::NotValidYetContext { time: now, not_before });
    }
    if now > not_after {
        return Err(CertificateError::ExpiredContext { time: now, not_after });
    }
    let usage = certificate.get_extension::<KeyUsage>().map_err(|_| CertificateError::BadEncoding)?;
    let purposes =
        certificate.get_extension::<ExtendedKeyUsage>().map_err(|_| CertificateError::BadEncoding)?;
    let may_sign = usage.is_none_or(|(_, usage)| usage.digital_signature() || usage.key_agreement());
    let is_for_clients = purposes.is_none_or(|(_, purposes)| purposes.0.contains(&ID_KP_CLIENT_AUTH));
    if may_sign && is_for_clients { Ok(()) } else { Err(CertificateError::InvalidPurpose) }
}

/// Whether it may vouch for others, as OpenSSL judges it.
pub(super) fn is_authority(der: &[u8]) -> bool {
    let Ok(certificate) = Certificate::from_der(der) else { return false };
    let certificate = certificate.tbs_certificate();
    let Ok(usage) = certificate.get_extension::<KeyUsage>() else { return false };
    let Ok(constraints) = certificate.get_extension::<BasicConstraints>() else { return false };
    let is_said = match (&usage, constraints) {
        (_, Some((_, constraints))) => constraints.ca,
        // Version 1 has no extensions to say it by.
        (usage, None) => usage.is_some() || certificate.version() == Version::V1,
    };
    is_said && usage.is_none_or(|(_, usage)| usage.key_cert_sign())
}

/// What mod_ssl says of the certificate of a client, by its names.
pub(super) fn describe(der: &[u8]) -> Option<[(&'static str, String); 5]> {
    let certificate = Certificate::from_der(der).ok()?;
    let certificate = certificate.tbs_certificate();
    // The zero before a byte whose first bit is set is there for the sign (X.690 section 8.3).
    let serial = match certificate.serial_number().as_bytes() {
        [0, serial @ ..] if !serial.is_empty() => serial,
        serial => serial,
    };
    let serial = serial.iter().map(|byte| format!("{byte:02X}")).collect();
    Some([
        ("SSL_CLIENT_S_DN", subject::text(certificate.subject())),
        ("SSL_CLIENT_I_DN", subject::text(certificate.issuer())),
        ("SSL_CLIENT_M_SERIAL", serial),
        ("SSL_CLIENT_V_START", date(certificate.validity().not_before)),
        ("SSL_CLIENT_V_END", date(certificate.validity().not_after)),
    ])
}

/// As OpenSSL writes it: `Nov 23 11:29:38 2026 GMT`.
fn date(time: Time) -> String {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or_default();
    let date = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    date.format("%b %e %H:%M:%S %Y GMT").to_string()
}
