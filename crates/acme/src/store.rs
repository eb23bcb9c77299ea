//! The files: the account, the certificate and who gave it, proofs. Each is replaced as a whole, and readable by its owner alone.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use tempfile::NamedTempFile;

use crate::Error;

/// Where the proofs lie, one for each domain.
const CHALLENGES: &str = "challenges";

/// The URL of the authority that the certificate is from.
const AUTHORITY: &str = "authority";

/// The directory of `--acme-dir`.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// Makes the directory if it is not there, for its owner alone: it holds keys.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let challenges = folder.join(CHALLENGES);
        let failed = |source| Error::File { action: "make the directory", path: challenges.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(&challenges).map_err(failed)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The key and the certificate with its chain, in this order; what the server reads.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("certificate.pem")
    }

    /// The proofs that are wanted now: for each domain a key and a certificate.
    #[must_use]
    pub fn challenges(&self) -> PathBuf {
        self.folder.join(CHALLENGES)
    }

    pub(crate) fn account(&self) -> PathBuf {
        self.folder.join("account.json")
    }

    /// Who gave the certificate, by the URL of its directory; `None` if that cannot be told.
    ///
    /// Not always where the account is: that is opened before the first certificate is there.
    pub(crate) fn authority(&self) -> Result<Option<String>, Error> {
        match self.read(&self.folder.join(AUTHORITY))? {
            Some(url) => Ok(Some(url.trim().to_owned())),
            None => Ok(self.read(&self.account())?.as_deref().and_then(directory)),
        }
    }

    /// Takes down who gave the certificate.
    pub(crate) fn set_authority(&self, url: &str) -> Result<(), Error> {
        self.write(&self.folder.join(AUTHORITY), url)
    }

    /// What a file holds; `None` if there is none.
    pub(crate) fn read(&self, path: &Path) -> Result<Option<String>, Error> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::File { action: "read", path: path.to_owned(), source }),
        }
    }

    /// Replaces a file: whoever reads it meanwhile gets all of the old or all of the new one.
    pub(crate) fn write(&self, path: &Path, text: &str) -> Result<(), Error> {
        let write = || {
            // Made with mode 0600, in the same directory so that it can be renamed.
            let mut file = NamedTempFile::new_in(path.parent().unwrap_or(&self.folder))?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|source| Error::File { action: "write", path: path.to_owned(), source })
    }

    /// Puts the proof for a domain where the server finds it.
    pub(crate) fn show(&self, domain: &str, pem: &str) -> Result<Shown, Error> {
        let path = self.challenges().join(format!("{domain}.pem"));
        self.write(&path, pem)?;
        Ok(Shown(path))
    }

    /// Writes a certificate that nobody believes, unless there is one: TLS can begin before the first order is complete.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn prepare(&self, domains: &[String]) -> Result<(), Error> {
        let path = self.certificate();
        if self.read(&path)?.is_some() {
            return Ok(());
        }
        self.write(&path, &placeholder(domains)?)
    }
}

/// A proof that is shown as long as this is there.
#[derive(Debug)]
pub(crate) struct Shown(PathBuf);

impl Drop for Shown {
    fn drop(&mut self) {
        // One that stays proves nothing any more.
        let _ = fs::remove_file(&self.0);
    }
}

/// The URL of the authority's directory in the text of an account, if it is there.
pub(crate) fn directory(account: &str) -> Option<String> {
    let account: serde_json::Value = serde_json::from_str(account).ok()?;
    account.get("directory")?.as_str().map(str::to_owned)
}

/// A key and a certificate for these domains that is signed by itself.
pub(crate) fn placeholder(domains: &[String]) -> Result<String, Error> {
    let mut params = CertificateParams::new(domains).map_err(Error::Certificate)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, PLACEHOLDER);
    let key = KeyPair::generate().map_err(Error::Certificate)?;
    let certificate = params.self_signed(&key).map_err(Error::Certificate)?;
    Ok(key.serialize_pem() + &certificate.pem())
}

/// By this name a certificate is known as one that is only there until there is another.
pub(crate) const PLACEHOLDER: &str = "rwsgi: no certificate yet";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_holds_keys_is_for_its_owner_alone() {
        let here = tempfile::tempdir().unwrap();
        let store = Store::open(&here.path().join("acme")).unwrap();
        store.prepare(&["example.org".to_owned()]).unwrap();
        let first = fs::read(store.certificate()).unwrap();
        store.prepare(&["example.org".to_owned()]).unwrap();
        assert!(fs::read(store.certificate()).unwrap() == first, "what is there stays");
        let shown = store.show("example.org", "proof").unwrap();
        let proof = store.challenges().join("example.org.pem");
        let modes = [store.challenges(), store.certificate(), proof.clone()].map(|path| mode(&path));
        assert_eq!(modes, [0o700, 0o600, 0o600]);
        drop(shown);
        assert!(!proof.exists());
    }

    #[test]
    fn the_certificate_is_from_where_the_account_is_unless_it_is_said() {
        let here = tempfile::tempdir().unwrap();
        let store = Store::open(here.path()).unwrap();
        let authority = || store.authority().unwrap();
        assert_eq!(authority(), None);
        for (account, known) in [
            (r#"{"id": "a", "directory": "https://a.example/dir"}"#, Some("https://a.example/dir")),
            (r#"{"id": "a", "directory": null}"#, None),
            ("", None),
        ] {
            store.write(&store.account(), account).unwrap();
            assert_eq!(authority().as_deref(), known, "{account}");
        }
        store.set_authority("https://b.example/dir").unwrap();
        assert_eq!(authority().as_deref(), Some("https://b.example/dir"));
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let error = Store::open(Path::new("/dev/null/acme")).unwrap_err();
        assert!(error.to_string().contains("/dev/null/acme"), "{error}");
    }
}
