//! What can be wrong with what a person wrote.

/// An access-log format that cannot be compiled (Gunicorn setting `access_log_format`).
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// `%` without `(name)s`.
    #[error("`{0}` does not end with `)s`")]
    Unfinished(String),
    /// An atom that does not exist.
    #[error("there is no atom `{name}`{}", meant(nearest.as_deref()))]
    Unknown {
        /// What was written.
        name: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// Python's `%` can do it, but Gunicorn's values cannot.
    #[error("`%({name}){conversion}`: expected `s`, or `d` for `T`, `M`, `D`, `B` and other numbers")]
    Conversion {
        /// The atom.
        name: String,
        /// What stands behind it.
        conversion: String,
    },
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!(", did you mean `{nearest}`")).unwrap_or_default()
}
