//! The configuration by which connections are secured, made anew when there are other credentials.

use std::sync::{Arc, Mutex, PoisonError};

use ring::digest;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::NoServerSessionStorage;
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};

use super::certificate;
use super::clients::Clients;
use super::credentials::{Credentials, Pair};
use super::flaw::Flaw;
use super::names::{ACME, Names};
use super::options::{ClientCertificates, Options, Version};
use super::suites::chosen;
use super::tickets::{SECRET, Tickets};

/// Where the credentials are, and the secret of the tickets before them.
pub trait Custody: Send + Sync + std::fmt::Debug + 'static {
    /// Which ones are there: the number changes with them. Asked at every handshake.
    fn version(&self) -> u64;

    /// [`SECRET`] bytes and those of [`Credentials::to_bytes`], with their number.
    fn read(&self) -> (u64, Vec<u8>);
}

/// Credentials with which no connection can be secured.
#[derive(Debug, thiserror::Error)]
#[error("cannot secure connections with these certificates: {0}")]
pub struct Unusable(String);

impl Unusable {
    fn because(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// What secures the connections of a worker.
#[derive(Debug)]
pub struct Context {
    options: Options,
    custody: Box<dyn Custody>,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    version: u64,
    config: Arc<ServerConfig>,
}

impl Context {
    /// With the credentials that are in this custody, now and later.
    ///
    /// # Errors
    /// They cannot be used.
    pub fn new(options: Options, custody: Box<dyn Custody>) -> Result<Self, Unusable> {
        let (version, bytes) = custody.read();
        let config = config(&options, &bytes)?;
        Ok(Self { options, custody, current: Mutex::new(Current { version, config }) })
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    /// By the newest credentials that can be used.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        // Whatever panicked has not left half a value here.
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.version != self.custody.version() {
            let (version, bytes) = self.custody.read();
            current.version = version;
            match config(&self.options, &bytes) {
                Ok(config) => current.config = config,
                Err(error) => tracing::error!("{error}; the certificates before them stay in use"),
            }
        }
        Arc::clone(&current.config)
    }
}

fn config(options: &Options, bytes: &[u8]) -> Result<Arc<ServerConfig>, Unusable> {
    let (secret, credentials) = bytes.split_at_checked(SECRET).unwrap_or_default();
    let credentials =
        Credentials::from_bytes(credentials).ok_or_else(|| Unusable::because("there are none"))?;
    let cipher_suites = chosen(&options.ciphers);
    let provider = Arc::new(CryptoProvider { cipher_suites, ..rustls::crypto::ring::default_provider() });
    let versions = match options.oldest {
        Version::Tls12 => &[&TLS13, &TLS12][..],
        Version::Tls13 => &[&TLS13],
    };
    let names = names(&credentials, &provider)?;
    let proves = !credentials.challenges.is_empty();
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_protocol_versions(versions).map_err(Unusable::because)?;
    let terms = terms(options.clients, &credentials);
    let builder = match options.clients {
        ClientCertificates::None => builder.with_no_client_auth(),
        clients => {
            let is_required = clients == ClientCertificates::Required;
            let verifier = Clients::new(credentials.authorities, is_required, provider);
            builder.with_client_cert_verifier(Arc::new(verifier.map_err(Unusable::because)?))
        }
    };
    let mut config = builder.with_cert_resolver(Arc::new(names));
    config.alpn_protocols = options.protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    if proves {
        config.alpn_protocols.push(ACME.to_vec());
    }
    config.ticketer = Arc::new(Tickets::new(secret, terms));
    // Another worker could not find there what this one has put in.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(config))
}

fn names(credentials: &Credentials, provider: &CryptoProvider) -> Result<Names, Unusable> {
    let pairs = named(&credentials.pairs, provider)?;
    if pairs.is_empty() {
        return Err(Unusable::because("there are none"));
    }
    Ok(Names::new(pairs).proving(named(&credentials.challenges, provider)?))
}

type Named = (Arc<CertifiedKey>, Vec<String>);

fn named(pairs: &[Pair], provider: &CryptoProvider) -> Result<Vec<Named>, Unusable> {
    let named = |pair: &Pair| Ok((pair.certify(provider)?, certificate::names(pair.own())));
    pairs.iter().map(named).collect::<Result<_, Flaw>>().map_err(Unusable::because)
}

/// What decides who may come back without showing a certificate again.
fn terms(clients: ClientCertificates, credentials: &Credentials) -> Vec<u8> {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(&[clients as u8]);
    if clients != ClientCertificates::None {
        for authority in &credentials.authorities {
            hash.update(&(authority.len() as u64).to_be_bytes());
            hash.update(authority);
        }
    }
    hash.finish().as_ref().to_vec()
}
