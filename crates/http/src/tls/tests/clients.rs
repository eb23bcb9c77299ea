//! Which certificates clients may show.

use rcgen::{DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose};
use rustls::SupportedProtocolVersion;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};

use super::*;

const AUTHORITY: IsCa = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);

/// What a test makes of a certificate.
type Change = fn(&mut CertificateParams);

fn params(change: Change) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    change(&mut params);
    params
}

/// A certificate that somebody has made for themselves.
fn own(change: Change) -> PairSource {
    let key = KeyPair::generate().unwrap();
    let certificate = params(change).self_signed(&key).unwrap();
    PairSource { certificate: certificate.pem().into(), key: Some(key.serialize_pem().into()) }
}

/// A client that shows this certificate and signs with this key.
fn showing(
    server: &PairSource,
    (certificate, key): (&PairSource, &PairSource),
    version: &'static SupportedProtocolVersion,
) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::from_pem_slice(key.key.as_ref().unwrap()).unwrap();
    let key = provider.key_provider.load_private_key(key).unwrap();
    let chain = CertificateDer::pem_slice_iter(&certificate.certificate).collect::<Result<_, _>>().unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&server.certificate).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_protocol_versions(&[version]).unwrap().with_root_certificates(roots);
    let shown = SingleCertAndKey::from(CertifiedKey::new(chain, key));
    Arc::new(builder.with_client_cert_resolver(Arc::new(shown)))
}

/// A site whose clients have to show one of these certificates, or one from an authority among them.
fn listing(server: &PairSource, listed: &[&PairSource]) -> Site {
    let listed: Vec<&[u8]> = listed.iter().map(|pair| pair.certificate.as_slice()).collect();
    let PairSource { certificate, key } = server;
    let server = PairSource { certificate: certificate.clone(), key: key.clone() };
    let sources = Sources { pairs: vec![server], authorities: Some(listed.concat()), ..Sources::default() };
    let clients = ClientCertificates::Required;
    site(Options { clients, ..secured() }, &Shelf::with(content(&sources)))
}

/// Whether a request of this client arrives; else it gets an alert.
async fn is_served(site: &mut Site, config: &Arc<ClientConfig>) -> bool {
    let refusal = match connect(site, config).await {
        Ok(mut stream) => {
            stream.write_all(b"GET / HTTP/1.1\r\nHost: site.test\r\n\r\n").await.unwrap();
            tokio::select! {
                exchange = site.request() => {
                    let facts = exchange.peer.tls().unwrap();
                    assert_eq!(facts.variable("SSL_CLIENT_VERIFY"), Some("SUCCESS"));
                    return true;
                }
                // Under TLS 1.3 a client learns of it when it reads.
                read = stream.read_u8() => read.unwrap_err(),
            }
        }
        Err(error) => error,
    };
    assert!(refusal.to_string().contains("alert"), "{refusal}");
    false
}

#[tokio::test]
async fn a_listed_certificate_is_believed_where_openssl_believes_it() {
    let server = pair(&["site.test"], Kind::P256);
    let cases: [(&str, Change, bool); 11] = [
        ("no extensions that limit it", |_| {}, true),
        ("an authority", |it| it.is_ca = AUTHORITY, true),
        ("no authority", |it| it.is_ca = IsCa::ExplicitNoCa, true),
        ("a signature", |it| it.key_usages = vec![KeyUsagePurpose::DigitalSignature], true),
        ("an agreement", |it| it.key_usages = vec![KeyUsagePurpose::KeyAgreement], true),
        ("only certificates", |it| it.key_usages = vec![KeyUsagePurpose::KeyCertSign], false),
        ("clients", |it| it.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth], true),
        ("servers", |it| it.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth], false),
        ("anything", |it| it.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any], false),
        ("it was", |it| it.not_after = rcgen::date_time_ymd(2020, 1, 1), false),
        ("it will be", |it| it.not_before = rcgen::date_time_ymd(4000, 1, 1), false),
    ];
    for (what, change, expected) in cases {
        let own = own(change);
        for version in [&TLS12, &TLS13] {
            let mut site = listing(&server, &[&own]);
            let client = showing(&server, (&own, &own), version);
            assert_eq!(is_served(&mut site, &client).await, expected, "{what} {version:?}");
        }
    }
}

#[tokio::test]
async fn a_certificate_like_a_listed_one_and_another_key_are_refused() {
    let server = pair(&["site.test"], Kind::P256);
    // As `openssl req -x509` makes them.
    let [listed, other] = [own(|it| it.is_ca = AUTHORITY), own(|it| it.is_ca = AUTHORITY)];
    for version in [&TLS12, &TLS13] {
        let mut site = listing(&server, &[&listed]);
        for shown in [(&other, &other), (&listed, &other)] {
            assert!(!is_served(&mut site, &showing(&server, shown, version)).await, "{version:?}");
        }
        assert!(is_served(&mut site, &showing(&server, (&listed, &listed), version)).await, "{version:?}");
    }
}

/// A certificate signed by the key of another, which was made in this way.
fn issued(issuer: &PairSource, change: Change) -> PairSource {
    let key = KeyPair::from_pem(str::from_utf8(issuer.key.as_ref().unwrap()).unwrap()).unwrap();
    let issuer = Issuer::new(params(change), key);
    let key = KeyPair::generate().unwrap();
    let mut params = params(|_| {});
    params.distinguished_name.push(DnType::CommonName, "issued");
    let certificate = params.signed_by(&key, &issuer).unwrap();
    PairSource { certificate: certificate.pem().into(), key: Some(key.serialize_pem().into()) }
}

#[tokio::test]
async fn a_listed_certificate_that_is_no_authority_vouches_for_nobody() {
    let server = pair(&["site.test"], Kind::P256);
    let cases: [(&str, Change, bool); 5] = [
        ("an authority", |it| it.is_ca = AUTHORITY, true),
        ("one that says what it does", |it| it.key_usages = vec![KeyUsagePurpose::KeyCertSign], true),
        ("no authority", |it| it.is_ca = IsCa::ExplicitNoCa, false),
        ("nothing is said", |_| {}, false),
        (
            "another usage",
            |it| {
                it.is_ca = AUTHORITY;
                it.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            },
            false,
        ),
    ];
    for (what, change, expected) in cases {
        let (authority, other) = (own(change), own(|it| it.is_ca = AUTHORITY));
        let issued = issued(&authority, change);
        // With an authority beside it, and alone.
        for listed in [&[&authority, &other][..], &[&authority]] {
            let mut site = listing(&server, listed);
            let client = showing(&server, (&issued, &issued), &TLS13);
            assert_eq!(is_served(&mut site, &client).await, expected, "{what}");
        }
    }
}

fn described(change: Change, name: &str) -> String {
    let der = CertificateDer::from_pem_slice(&own(change).certificate).unwrap();
    let described = certificate::describe(&der).unwrap();
    described.into_iter().find(|(known, _)| *known == name).unwrap().1
}

#[test]
fn subjects_are_as_openssl_writes_them() {
    const EMAIL: &[u64] = &[1, 2, 840, 113_549, 1, 9, 1];
    // What `openssl x509 -subject -nameopt RFC2253,-esc_msb` writes.
    let cases: [(Change, &str); 8] = [
        (|_| {}, ""),
        (|it| it.distinguished_name.push(DnType::OrganizationName, "Łódź"), "O=Łódź"),
        (
            |it| {
                it.distinguished_name.push(DnType::CommonName, "Müller");
                it.distinguished_name.push(DnType::from_oid(EMAIL), "a@b.c");
                it.distinguished_name.push(DnType::from_oid(&[2, 5, 4, 5]), "12");
            },
            "serialNumber=12,emailAddress=a@b.c,CN=Müller",
        ),
        (
            |it| it.distinguished_name.push(DnType::CommonName, " #a,b+c\"d\\e<f>g;h=i# "),
            r#"CN=\ #a\,b\+c\"d\\e\<f\>g\;h=i#\ "#,
        ),
        (|it| it.distinguished_name.push(DnType::CommonName, "#a\0\n\x7f"), r"CN=\#a\00\0A\7F"),
        (|it| it.distinguished_name.push(DnType::CommonName, " "), r"CN=\ "),
        (
            |it| {
                let value = DnValue::BmpString("Łódź".try_into().unwrap());
                it.distinguished_name.push(DnType::CommonName, value);
            },
            "CN=Łódź",
        ),
        (|it| it.distinguished_name.push(DnType::from_oid(&[1, 2, 3]), "a"), "1.2.3=#0C0161"),
    ];
    for (change, expected) in cases {
        assert_eq!(described(change, "SSL_CLIENT_S_DN"), expected);
    }
}

#[test]
fn a_serial_number_has_no_zero_for_its_sign() {
    // What `openssl x509 -serial` writes.
    let cases: [(Change, &str); 4] = [
        (|it| it.serial_number = Some(vec![0xff, 0x01, 0xab].into()), "FF01AB"),
        (|it| it.serial_number = Some(vec![0x80].into()), "80"),
        (|it| it.serial_number = Some(vec![0x0a, 0xff].into()), "0AFF"),
        (|it| it.serial_number = Some(vec![0].into()), "00"),
    ];
    for (change, expected) in cases {
        assert_eq!(described(change, "SSL_CLIENT_M_SERIAL"), expected);
    }
}
