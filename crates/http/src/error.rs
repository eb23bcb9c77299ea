//! What can be wrong with what a person wrote.

/// An access-log format that cannot be compiled (Gunicorn setting `access_log_format`).
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// `%(` without `)s`.
    #[error("`{0}` does not end with `)s`")]
    Unfinished(String),
    /// An atom that does not exist.
    #[error("there is no atom `{0}`")]
    Unknown(String),
    /// An atom that needs the WSGI environ.
    #[error("the atom `{0}` reads the WSGI environ, which is not supported yet")]
    Environ(String),
}
