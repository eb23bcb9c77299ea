//! What the user should know of the settings although they can be used.

use crate::choices::LogLevel;

/// A remark about the settings, to be logged once at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// How loud: a warning, or what helps only those who look for a fault.
    pub level: LogLevel,
    /// One line without a full stop.
    pub text: String,
    /// What to write instead, to be logged after `hint: `.
    pub hint: Option<String>,
}

impl Note {
    pub(crate) fn warning(text: impl Into<String>, hint: Option<String>) -> Self {
        Self { level: LogLevel::Warning, text: text.into(), hint }
    }

    pub(crate) fn debug(text: impl Into<String>) -> Self {
        Self { level: LogLevel::Debug, text: text.into(), hint: None }
    }
}
