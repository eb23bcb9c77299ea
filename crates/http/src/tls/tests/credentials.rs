//! What can be wrong with certificates and keys, and their way to the workers.

use super::{Kind, client_of_authority, pair};
use crate::tls::{Credentials, Flaw, PairSource, Part, Sources};

#[test]
fn credentials_survive_the_way_to_the_workers_and_nothing_else_does() {
    let pairs = vec![pair(&["a.test"], Kind::P256), pair(&["b.test"], Kind::Ed25519)];
    let (authority, _) = client_of_authority();
    let sources = Sources { pairs, authorities: Some(authority), ..Sources::default() };
    let bytes = Credentials::read(&sources).unwrap().to_bytes();
    assert_eq!(Credentials::from_bytes(&bytes).unwrap().to_bytes(), bytes);
    for length in 0..bytes.len() {
        assert!(Credentials::from_bytes(&bytes[..length]).is_none(), "{length}");
    }
    assert!(Credentials::from_bytes(&[&bytes[..], b"x"].concat()).is_none());
}

#[track_caller]
fn rejected(pairs: Vec<PairSource>, part: Part, expected: impl Fn(&Flaw) -> bool) {
    let rejected = Credentials::read(&Sources { pairs, ..Sources::default() }).unwrap_err();
    assert!(rejected.part == part && expected(&rejected.flaw), "{rejected:?}");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let good = || pair(&["a.test"], Kind::P256);
    let (certificate, key) = (good().certificate, good().key);
    let empty = || PairSource { certificate: b"no PEM".to_vec(), key: None };
    rejected(vec![empty()], Part::Certificate(0), |flaw| *flaw == Flaw::NoCertificate);
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
    let pairs = vec![good(), PairSource { certificate: broken, key: key.clone() }];
    rejected(pairs, Part::Certificate(1), |flaw| matches!(flaw, Flaw::Certificate(_)));
    let keyless = PairSource { certificate: certificate.clone(), key: None };
    rejected(vec![keyless], Part::Key(0), |flaw| *flaw == Flaw::NoKey);
    let other = PairSource { certificate: certificate.clone(), key };
    rejected(vec![good(), other], Part::Key(1), |flaw| *flaw == Flaw::Mismatch);
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    let old = PairSource { certificate, key: Some(old.into()) };
    rejected(vec![old], Part::Key(0), |flaw| *flaw == Flaw::OldEncryption);
    let sources = Sources { pairs: vec![good()], authorities: Some(b"none".to_vec()), ..Sources::default() };
    assert_eq!(Credentials::read(&sources).unwrap_err().part, Part::Authorities);
}

#[test]
fn a_file_may_hold_both() {
    let PairSource { certificate, key } = pair(&["a.test"], Kind::P256);
    for parts in [[certificate.clone(), key.clone().unwrap()], [key.unwrap(), certificate]] {
        let pairs = vec![PairSource { certificate: parts.concat(), key: None }];
        assert!(Credentials::read(&Sources { pairs, ..Sources::default() }).is_ok());
    }
}
