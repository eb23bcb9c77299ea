//! Certificates of our own making, what can be wrong with them, and real clients of rustls over in-memory pipes.

mod clients;
mod credentials;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;
use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls::client::Resumption;
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rwsgi_message::Fields;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::tests::client::{Site, options};
use crate::{Answer, Options as Http, Peer, Scheme};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    P256,
    Ed25519,
}

/// A key, and a certificate of itself for these names.
pub(crate) fn pair(names: &[&str], kind: Kind) -> PairSource {
    let algorithm = match kind {
        Kind::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
        Kind::Ed25519 => &rcgen::PKCS_ED25519,
    };
    let key = KeyPair::generate_for(algorithm).unwrap();
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    PairSource { certificate: certificate.pem().into(), key: Some(key.serialize_pem().into()) }
}

/// An authority, and the certificate of a client that it vouches for.
fn client_of_authority() -> (Vec<u8>, PairSource) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "authority");
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, "carla");
    params.serial_number = Some(rcgen::SerialNumber::from(vec![0x0a, 0xff]));
    params.not_before = rcgen::date_time_ymd(2020, 1, 2);
    params.not_after = rcgen::date_time_ymd(4000, 12, 31);
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let pair = PairSource { certificate: certificate.pem().into(), key: Some(key.serialize_pem().into()) };
    (authority.pem().into(), pair)
}

/// Credentials that a test changes.
#[derive(Clone, Debug)]
struct Shelf(Arc<(AtomicU64, std::sync::Mutex<Vec<u8>>)>);

impl Shelf {
    fn with(bytes: Vec<u8>) -> Self {
        Self(Arc::new((AtomicU64::new(1), bytes.into())))
    }

    fn put(&self, bytes: Vec<u8>) {
        *self.0.1.lock().unwrap() = bytes;
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Custody for Shelf {
    fn version(&self) -> u64 {
        self.0.0.load(Ordering::Relaxed)
    }

    fn read(&self) -> (u64, Vec<u8>) {
        (self.version(), self.0.1.lock().unwrap().clone())
    }
}

fn content(sources: &Sources) -> Vec<u8> {
    [vec![7; SECRET], Credentials::read(sources).unwrap().to_bytes()].concat()
}

fn secured() -> Options {
    Options {
        oldest: Version::Tls12,
        ciphers: Vec::new(),
        clients: ClientCertificates::None,
        ragged_ends: true,
        protocols: vec!["http/1.1"],
    }
}

fn site(options: Options, shelf: &Shelf) -> Site {
    let context = Context::new(options, Box::new(shelf.clone())).unwrap();
    let hsts = Some(http::HeaderValue::from_static("max-age=60"));
    Site::new(Http { tls: Some(Arc::new(context)), hsts, ..crate::tests::client::options() })
}

/// A client that believes this certificate, and shows one of its own if it has one.
fn client(server: &PairSource, own: Option<&PairSource>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&server.certificate).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_protocol_versions(rustls::ALL_VERSIONS).unwrap().with_root_certificates(roots);
    match own {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let chain = vec![CertificateDer::from_pem_slice(&own.certificate).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(own.key.as_ref().unwrap()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    }
}

fn connect_plainly(site: &Site) -> DuplexStream {
    begin(site, 64 * 1024).0
}

/// A connection that holds so many bytes in each direction, and what serves it.
fn begin(site: &Site, room: usize) -> (DuplexStream, JoinHandle<()>) {
    let (ours, theirs) = duplex(room);
    let peer = Peer::tcp("192.0.2.7:50000".parse().unwrap(), "127.0.0.1:443".parse().unwrap());
    (ours, tokio::spawn(Arc::clone(&site.server).serve(theirs, peer)))
}

async fn connect(site: &Site, config: &Arc<ClientConfig>) -> std::io::Result<TlsStream<DuplexStream>> {
    let name = ServerName::try_from("site.test").unwrap();
    TlsConnector::from(Arc::clone(config)).connect(name, connect_plainly(site)).await
}

/// Asks once, and gives the variables of the request and the answer.
async fn ask(site: &mut Site, stream: &mut TlsStream<DuplexStream>) -> (Facts, String) {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: site.test\r\n\r\n").await.unwrap();
    let exchange = site.request().await;
    assert_eq!(exchange.origin.scheme, Some(Scheme::Https));
    let facts = exchange.peer.tls().unwrap().clone();
    let answer = Answer { content: crate::Content::Full("hello".into()), ..Answer::default() };
    exchange.ticket.answer(answer).into_iter().for_each(std::task::Waker::wake);
    let mut text = String::new();
    while !text.ends_with("hello") {
        let mut bytes = [0; 1024];
        let count = stream.read(&mut bytes).await.unwrap();
        assert!(count > 0, "{text}");
        text.push_str(str::from_utf8(&bytes[..count]).unwrap());
    }
    (facts, text)
}

#[tokio::test]
async fn a_secured_request_is_known_as_one() {
    let server = pair(&["site.test"], Kind::P256);
    let config = Arc::new(client(&server, None));
    let shelf = Shelf::with(content(&Sources { pairs: vec![server], ..Sources::default() }));
    let mut site = site(secured(), &shelf);
    let mut stream = connect(&site, &config).await.unwrap();
    for _ in 0..2 {
        let (facts, text) = ask(&mut site, &mut stream).await;
        assert!(text.contains("\r\nStrict-Transport-Security: max-age=60\r\n"), "{text}");
        for (name, value) in [
            ("HTTPS", Some("on")),
            ("SSL_PROTOCOL", Some("TLSv1.3")),
            ("SSL_CIPHER", Some("TLS_AES_256_GCM_SHA384")),
            ("SSL_TLS_SNI", Some("site.test")),
            ("SSL_SESSION_RESUMED", Some("Initial")),
            ("SSL_CLIENT_VERIFY", Some("NONE")),
            ("SSL_CLIENT_S_DN", None),
        ] {
            assert_eq!(facts.variable(name), value, "{name}");
        }
    }
}

#[tokio::test]
async fn a_client_certificate_is_described_as_mod_ssl_does() {
    let (authority, own) = client_of_authority();
    let server = pair(&["site.test"], Kind::P256);
    let (anonymous, known) = (client(&server, None), client(&server, Some(&own)));
    let stranger = client(&server, Some(&pair(&["stranger"], Kind::P256)));
    let sources = Sources { pairs: vec![server], authorities: Some(authority), ..Sources::default() };
    let shelf = Shelf::with(content(&sources));
    let mut required = site(Options { clients: ClientCertificates::Required, ..secured() }, &shelf);
    let mut optional = site(Options { clients: ClientCertificates::Optional, ..secured() }, &shelf);
    for site in [&mut required, &mut optional] {
        let mut stream = connect(site, &Arc::new(known.clone())).await.unwrap();
        let (facts, _) = ask(site, &mut stream).await;
        for (name, value) in [
            ("SSL_CLIENT_VERIFY", "SUCCESS"),
            ("SSL_CLIENT_S_DN", "CN=carla"),
            ("SSL_CLIENT_I_DN", "CN=authority"),
            ("SSL_CLIENT_M_SERIAL", "0AFF"),
            ("SSL_CLIENT_V_START", "Jan  2 00:00:00 2020 GMT"),
            ("SSL_CLIENT_V_END", "Dec 31 00:00:00 4000 GMT"),
        ] {
            assert_eq!(facts.variable(name), Some(value), "{name}");
        }
        let pem = facts.variable("SSL_CLIENT_CERT").unwrap().as_bytes();
        let shown = CertificateDer::from_pem_slice(pem).unwrap();
        assert_eq!(shown, CertificateDer::from_pem_slice(&own.certificate).unwrap());
    }
    let mut stream = connect(&optional, &Arc::new(anonymous.clone())).await.unwrap();
    assert_eq!(ask(&mut optional, &mut stream).await.0.variable("SSL_CLIENT_VERIFY"), Some("NONE"));
    for (site, refused) in [(&required, anonymous), (&required, stranger.clone()), (&optional, stranger)] {
        // Under TLS 1.3 a client learns of it when it reads.
        let ended = match connect(site, &Arc::new(refused)).await {
            Ok(mut stream) => stream.read(&mut [0]).await.map(drop),
            Err(error) => Err(error),
        };
        assert!(ended.unwrap_err().to_string().contains("alert"));
    }
}

#[tokio::test]
async fn sessions_are_resumed_by_whoever_has_the_secret_under_the_same_terms() {
    let (authority, own) = client_of_authority();
    let server = pair(&["site.test"], Kind::P256);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut config = client(&server, Some(&own));
        config.resumption = Resumption::in_memory_sessions(8);
        let only = ClientConfig::builder_with_provider(Arc::clone(config.crypto_provider()));
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&server.certificate).unwrap()).unwrap();
        let chain = vec![CertificateDer::from_pem_slice(&own.certificate).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(own.key.as_ref().unwrap()).unwrap();
        let only = only.with_protocol_versions(&[version]).unwrap().with_root_certificates(roots);
        let config = Arc::new(only.with_client_auth_cert(chain, key).unwrap());
        let (certificate, key) = (server.certificate.clone(), server.key.clone());
        let pairs = vec![PairSource { certificate, key }];
        let sources = Sources { pairs, authorities: Some(authority.clone()), ..Sources::default() };
        let shelf = Shelf::with(content(&sources));
        for (clients, resumed) in [
            (ClientCertificates::None, "Initial"),
            (ClientCertificates::None, "Resumed"),
            (ClientCertificates::Required, "Initial"),
            (ClientCertificates::Required, "Resumed"),
        ] {
            // Another worker each time.
            let mut site = site(Options { clients, ..secured() }, &shelf);
            let mut stream = connect(&site, &config).await.unwrap();
            let (facts, _) = ask(&mut site, &mut stream).await;
            assert_eq!(facts.variable("SSL_SESSION_RESUMED"), Some(resumed), "{version:?}");
            let is_resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
            assert_eq!(is_resumed, resumed == "Resumed");
        }
    }
}

#[tokio::test]
async fn other_credentials_are_used_from_the_next_handshake_on_and_bad_ones_never() {
    let (first, second) = (pair(&["site.test"], Kind::P256), pair(&["site.test"], Kind::Ed25519));
    let [for_first, for_second] = [&first, &second].map(|server| {
        let mut config = client(server, None);
        config.resumption = Resumption::disabled();
        Arc::new(config)
    });
    let pairs = |pair| Sources { pairs: vec![pair], ..Sources::default() };
    let shelf = Shelf::with(content(&pairs(first)));
    let mut site = site(secured(), &shelf);
    let mut kept = connect(&site, &for_first).await.unwrap();
    ask(&mut site, &mut kept).await;
    shelf.put(content(&pairs(second)));
    for _ in 0..2 {
        assert!(connect(&site, &for_first).await.is_err());
        let mut stream = connect(&site, &for_second).await.unwrap();
        ask(&mut site, &mut stream).await;
        ask(&mut site, &mut kept).await;
        shelf.put(vec![0; 100]);
    }
}

#[tokio::test]
async fn plain_http_is_told_so_and_garbage_gets_an_alert() {
    let shelf = Shelf::with(content(&Sources {
        pairs: vec![pair(&["site.test"], Kind::P256)],
        ..Sources::default()
    }));
    let site = site(secured(), &shelf);
    let mut answer = Vec::new();
    let mut client = connect_plainly(&site);
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    client.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert!(answer.contains("plain HTTP request was sent to HTTPS port"), "{answer}");
    for garbage in [&b"\x16\x03\x01\x00\x05hello"[..], b"\x00", b"\x80\x2e\x01\x00\x02", &[0xff; 5000]] {
        let mut client = connect_plainly(&site);
        client.write_all(garbage).await.unwrap();
        client.shutdown().await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert!(answer.is_empty() || answer[0] == 21, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_gets_all_and_the_end_of_tls_behind_it() {
    let server = pair(&["site.test"], Kind::P256);
    let config = Arc::new(client(&server, None));
    let shelf = Shelf::with(content(&Sources { pairs: vec![server], ..Sources::default() }));
    let mut site = site(secured(), &shelf);
    let large: Vec<u8> = (0..3_000_000_u32).map(|index| (index % 251) as u8).collect();
    // Less than a record, so that nothing is ever taken at once.
    let (socket, serving) = begin(&site, 1_000);
    let name = ServerName::try_from("site.test").unwrap();
    let mut stream = TlsConnector::from(config).connect(name, socket).await.unwrap();
    for is_last in [false, true] {
        let close = if is_last { "Connection: close\r\n" } else { "" };
        let request = format!("GET / HTTP/1.1\r\nHost: site.test\r\n{close}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let exchange = site.request().await;
        let answer = Answer { content: crate::Content::Full(large.clone().into()), ..Answer::default() };
        exchange.ticket.answer(answer).into_iter().for_each(std::task::Waker::wake);
        let mut received = Vec::new();
        while !received.ends_with(&large) {
            let read = timeout(Duration::from_secs(60), stream.read_buf(&mut received));
            assert!(read.await.expect("the rest does not come").unwrap() > 0);
        }
    }
    // An end without that of TLS would be an error.
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    drop(stream);
    serving.await.unwrap();
}

#[tokio::test]
async fn a_handshake_may_break_off_or_go_wrong_at_every_byte() {
    let server = pair(&["site.test"], Kind::P256);
    let name = ServerName::try_from("site.test").unwrap();
    let mut client = rustls::ClientConnection::new(Arc::new(client(&server, None)), name).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    let shelf = Shelf::with(content(&Sources { pairs: vec![server], ..Sources::default() }));
    let site = site(secured(), &shelf);
    for place in 0..hello.len() {
        let (mut client, serving) = begin(&site, 64 * 1024);
        client.write_all(&hello[..place]).await.unwrap();
        drop(client);
        serving.await.unwrap();
        let (mut client, serving) = begin(&site, 64 * 1024);
        let mut other = hello.clone();
        other[place] ^= 0x41;
        client.write_all(&other).await.unwrap();
        client.shutdown().await.unwrap();
        client.read_to_end(&mut Vec::new()).await.unwrap();
        drop(client);
        serving.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_end_is_cut_off() {
    let shelf = Shelf::with(content(&Sources {
        pairs: vec![pair(&["site.test"], Kind::P256)],
        ..Sources::default()
    }));
    let context = Arc::new(Context::new(secured(), Box::new(shelf)).unwrap());
    let timeouts = crate::Timeouts::default();
    let site = Site::new(Http { tls: Some(context), timeouts, ..options() });
    for sent in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00"] {
        let mut client = connect_plainly(&site);
        client.write_all(sent).await.unwrap();
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0, "{sent:?}");
    }
}

#[test]
fn a_status_has_its_own_words() {
    let page = Answer::worded(StatusCode::BAD_REQUEST, "other words").into_bytes(None, &Fields::default());
    assert!(str::from_utf8(&page).unwrap().contains("400 other words"));
}
