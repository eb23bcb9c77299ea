//! From the settings of TLS to what secures connections: the files, and the memory by which the workers get what is in them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use rwsgi_acme::Store;
use rwsgi_config::{CertReqs, Config, HttpVersion, TlsVersion};
use rwsgi_http::tls::{
    ClientCertificates, Context, Credentials, Custody, Options, PairSource, Part, SECRET, Sources, Version,
    draw_secret,
};
use rwsgi_os::Vault;

use crate::error::Error;
use crate::renewal::Stamps;

/// What the settings say of TLS.
#[derive(Debug)]
pub(crate) struct Tls {
    pairs: Vec<Pair>,
    password: Option<PathBuf>,
    authorities: Option<PathBuf>,
    acme: Option<Fetched>,
    options: Options,
}

/// A certificate that another process fetches.
#[derive(Debug)]
struct Fetched {
    folder: PathBuf,
    domains: Vec<String>,
}

/// The files of a certificate and of its key, which may be the same.
#[derive(Debug)]
struct Pair {
    certificate: PathBuf,
    /// Which setting names that file.
    setting: &'static str,
    key: PathBuf,
}

/// What was read from the files.
pub(crate) struct Opened {
    credentials: Credentials,
    /// How the files were before that.
    pub(crate) stamps: Stamps,
    /// What should be known of them although they can be used.
    pub(crate) warnings: Vec<String>,
}

impl Tls {
    /// `None` where connections are in the clear. Relative paths count from `base`.
    pub(crate) fn new(config: &Config, base: &Path) -> Option<Self> {
        if !config.is_secure() {
            return None;
        }
        let (certificates, keys) = (&config.certfile, &config.keyfile);
        let longest = certificates.len().max(keys.len());
        let pair = |number| {
            let (certificate, key) = (certificates.get(number), keys.get(number));
            Some(Pair {
                certificate: base.join(certificate.or(key)?),
                setting: if certificate.is_some() { "certfile" } else { "keyfile" },
                key: base.join(key.or(certificate)?),
            })
        };
        let folder = config.acme.folder.as_ref().filter(|_| !config.acme.domains.is_empty());
        Some(Self {
            pairs: (0..longest).filter_map(pair).collect(),
            acme: folder
                .map(|folder| Fetched { folder: base.join(folder), domains: config.acme.domains.clone() }),
            password: config.key_password_file.as_ref().map(|path| base.join(path)),
            authorities: config.ca_certs.as_ref().map(|path| base.join(path)),
            options: options(config),
        })
    }

    /// All files, in the order in which they are read.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        let pairs = self.pairs.iter().flat_map(|pair| [&pair.certificate, &pair.key]);
        pairs.chain(&self.password).chain(&self.authorities).map(PathBuf::as_path)
    }

    /// Where the certificate is kept that is fetched, if one is. Made if it is not there, with something that stands for the certificate
    /// until there is one.
    pub(crate) fn store(&self) -> Result<Option<Store>, Error> {
        let Some(Fetched { folder, domains }) = &self.acme else { return Ok(None) };
        let store = Store::open(folder)?;
        store.prepare(domains)?;
        Ok(Some(store))
    }

    /// Reads and checks the files.
    pub(crate) fn open(&self) -> Result<Opened, Error> {
        let store = self.store()?;
        let fetched = store.as_ref().map(|store| [store.certificate(), store.challenges()]);
        let stamps = Stamps::of(self.files().chain(fetched.iter().flatten().map(PathBuf::as_path)));
        let mut pairs = Vec::new();
        for Pair { certificate, setting, key } in &self.pairs {
            let key = (key != certificate).then(|| read("keyfile", key)).transpose()?;
            pairs.push(PairSource { certificate: read(setting, certificate)?, key });
        }
        let mut challenges = Vec::new();
        if let Some(store) = &store {
            pairs.push(PairSource { certificate: read("acme_dir", &store.certificate())?, key: None });
            challenges.extend(proofs(&store.challenges()));
        }
        let password = self.password.as_deref().map(|path| read("key_password_file", path)).transpose()?;
        let password = password.map(|text| first_line(&text).to_vec());
        let authorities = self.authorities.as_deref().map(|path| read("ca_certs", path)).transpose()?;
        let read = Credentials::read(&Sources { pairs, password, authorities, challenges });
        let credentials = read.map_err(|rejected| {
            let (setting, path) = self.file_of(rejected.part, store.as_ref());
            Error::Credentials { setting, path, source: rejected.flaw }
        })?;
        let warnings = self.warnings(&credentials, store.as_ref());
        Ok(Opened { credentials, stamps, warnings })
    }

    /// The file that is wrong, and the setting that names it. The pair that is fetched comes behind the others.
    fn file_of(&self, part: Part, store: Option<&Store>) -> (&'static str, PathBuf) {
        let fetched = || ("acme_dir", store.map(Store::certificate).unwrap_or_default());
        match part {
            Part::Certificate(number) => {
                self.pairs.get(number).map_or_else(fetched, |pair| (pair.setting, pair.certificate.clone()))
            }
            Part::Key(number) => {
                self.pairs.get(number).map_or_else(fetched, |pair| ("keyfile", pair.key.clone()))
            }
            Part::Authorities => ("ca_certs", self.authorities.clone().unwrap_or_default()),
        }
    }

    fn warnings(&self, credentials: &Credentials, store: Option<&Store>) -> Vec<String> {
        let now = SystemTime::now();
        let files =
            self.pairs.iter().map(|pair| pair.certificate.clone()).chain(store.map(Store::certificate));
        let ends = files.zip(credentials.ends()).filter(|(_, end)| *end < now);
        ends.map(|(file, end)| {
            let end = DateTime::<Utc>::from(end).format("%Y-%m-%d %H:%M:%S UTC");
            format!("the certificate `{}` has expired on {end}", file.display())
        })
        .collect()
    }

    /// What secures the connections of this process, a worker.
    pub(crate) fn context(&self, vault: &Arc<Vault>) -> Result<Arc<Context>, Error> {
        let custody = Box::new(Shared(Arc::clone(vault)));
        Context::new(self.options.clone(), custody).map(Arc::new).map_err(Error::Tls)
    }
}

impl Opened {
    /// Hands it to all workers, those that are there and those to come; whether other certificates are used from now on. The secret of
    /// their session tickets stays the same.
    pub(crate) fn publish(&self, vault: &Vault) -> Result<bool, Error> {
        let (_, before) = vault.take();
        let used = before.get(SECRET..).and_then(Credentials::from_bytes);
        let is_other = used.is_none_or(|used| !used.secure_alike(&self.credentials));
        let secret = match before.first_chunk::<SECRET>() {
            Some(secret) => *secret,
            None => draw_secret().map_err(Error::Secret)?,
        };
        vault.put(&[&secret[..], &self.credentials.to_bytes()].concat())?;
        Ok(is_other)
    }
}

/// As the workers see it.
#[derive(Debug)]
struct Shared(Arc<Vault>);

impl Custody for Shared {
    fn version(&self) -> u64 {
        self.0.version()
    }

    fn read(&self) -> (u64, Vec<u8>) {
        self.0.take()
    }
}

/// The proofs that are wanted now. One that cannot be read has just been taken away.
fn proofs(folder: &Path) -> impl Iterator<Item = PairSource> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files =
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|it| it == "pem"));
    files.filter_map(|path| Some(PairSource { certificate: fs::read(path).ok()?, key: None }))
}

fn options(config: &Config) -> Options {
    Options {
        oldest: match config.tls_min {
            TlsVersion::Tls12 => Version::Tls12,
            TlsVersion::Tls13 => Version::Tls13,
        },
        ciphers: config.ciphers.clone(),
        clients: match config.cert_reqs {
            CertReqs::None => ClientCertificates::None,
            CertReqs::Optional => ClientCertificates::Optional,
            CertReqs::Required => ClientCertificates::Required,
        },
        ragged_ends: config.suppress_ragged_eofs,
        protocols: config.http_protocols.iter().map(protocol).collect(),
    }
}

fn protocol(version: &HttpVersion) -> &'static str {
    match version {
        HttpVersion::Http1 => "http/1.1",
        HttpVersion::Http2 => "h2",
    }
}

fn read(setting: &'static str, path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::ReadCredentials { setting, path: path.to_owned(), source };
    // A pipe would be waited for, and a device never ends.
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(failed(io::ErrorKind::IsADirectory.into())),
        Ok(found) if !found.is_file() => Err(failed(io::Error::other("it is no regular file"))),
        Ok(_) => fs::read(path).map_err(failed),
        Err(error) => Err(failed(error)),
    }
}

fn first_line(text: &[u8]) -> &[u8] {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ciphers_of_the_setting_are_those_that_there_are() {
        assert_eq!(rwsgi_config::CIPHERS, rwsgi_http::tls::CIPHERS);
    }

    #[test]
    fn files_go_together_by_their_places() {
        let tls = |certificates: &[&str], keys: &[&str]| {
            let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect();
            let config = Config { certfile: paths(certificates), keyfile: paths(keys), ..Config::default() };
            let tls = Tls::new(&config, Path::new("/base"))?;
            Some(tls.files().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(tls(&[], &[]), None);
        assert_eq!(tls(&["a", "/b"], &["c", "d"]).unwrap(), "/base/a /base/c /b /base/d");
        assert_eq!(tls(&["a"], &[]).unwrap(), "/base/a /base/a");
        assert_eq!(tls(&[], &["a"]).unwrap(), "/base/a /base/a");
    }

    #[test]
    fn a_password_is_the_first_line() {
        for text in ["secret", "secret\n", "secret\r\nrest", "secret\n\n"] {
            assert_eq!(first_line(text.as_bytes()), b"secret", "{text:?}");
        }
        assert_eq!(first_line(b""), b"");
    }
}
