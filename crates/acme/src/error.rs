//! What can keep a certificate from being there.

use std::io;
use std::path::PathBuf;

/// Why there is no new certificate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The files of the directory.
    #[error("cannot {action} `{}`", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// What is in a file was not written by this server.
    #[error("`{}` is not what this server writes: {reason}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The authority did not do what it was asked for, or could not be reached.
    #[error("cannot {action}")]
    Authority {
        /// What was asked for.
        action: &'static str,
        /// Why it failed.
        #[source]
        source: instant_acme::Error,
    },
    /// The authority refused the proof.
    #[error("the authority does not believe that `{domain}` leads here: {reason}")]
    Refused {
        /// The domain, or several.
        domain: String,
        /// In its words.
        reason: String,
    },
    /// The authority offers no way to prove it that this server knows.
    #[error("the authority does not offer TLS-ALPN-01 for `{0}`")]
    NoChallenge(String),
    /// A certificate that would have to be renewed at once, and so again and again.
    #[error(
        "the certificate that the authority gave is not for these domains, or has ended (is the clock right?)"
    )]
    Useless,
    /// A key or a certificate could not be made.
    #[error("cannot make a certificate")]
    Certificate(#[source] rcgen::Error),
    /// The workers do not show the proof.
    #[error("the server does not show the proof for `{0}`")]
    Unseen(String),
    /// The system has no descriptors left for the loop.
    #[error("cannot start the event loop")]
    Runtime(#[source] io::Error),
}

impl Error {
    /// Whether the authority has not said anything, so that it has counted nothing either.
    pub(crate) fn is_unreached(&self) -> bool {
        matches!(self, Self::Authority { source, .. } if !matches!(source, instant_acme::Error::Api(_)))
    }
}
