//! What can be wrong with what the user wrote.

use std::ffi::OsStr;

use crate::layer::{Place, Source};

/// A wrong use of the settings; its `Display` is one line without a full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The command line cannot be taken apart: an unknown option, a value too many or too few.
    #[error("{}{message}", within(*variable))]
    CommandLine {
        /// The environment variable whose text it is; `None` for the command line itself.
        variable: Option<&'static str>,
        /// What is wrong.
        message: String,
        /// What was probably meant.
        hint: Option<String>,
    },
    /// A value is not one that its setting takes.
    #[error("{}", invalid(setting, value.as_deref(), origin, reason))]
    Value {
        /// The setting's name, as in a settings file.
        setting: &'static str,
        /// The value as it was written, with control characters escaped; `None` if it is no text.
        value: Option<String>,
        /// Where it was written.
        origin: Box<Source>,
        /// What was expected.
        reason: String,
        /// What to write instead.
        hint: Option<String>,
    },
    /// A setting of Gunicorn that is not offered.
    #[error("{}", refused(setting, origin, reason))]
    Refused {
        /// The setting's name, as in a settings file.
        setting: &'static str,
        /// Where it was written.
        origin: Box<Source>,
        /// Why it is refused.
        reason: &'static str,
        /// What to do in its place.
        instead: &'static str,
    },
    /// A settings file cannot be understood.
    #[error("{place}: {message}")]
    File {
        /// Where in it.
        place: Place,
        /// What is wrong.
        message: String,
        /// What was probably meant.
        hint: Option<String>,
    },
    /// Two settings, each of them a value that it takes, that cannot be together.
    #[error("the settings `{}` and `{}` contradict each other: {reason}", settings[0], settings[1])]
    Contradiction {
        /// Their names, as in a settings file.
        settings: [&'static str; 2],
        /// Whether the command line gives one of them.
        typed: bool,
        /// What is wrong and what was expected.
        reason: &'static str,
        /// Why, or what to write instead.
        hint: &'static str,
    },
    /// No source names the application.
    #[error("no application given")]
    NoApplication {
        /// The program's name, for the example in the hint.
        program: String,
    },
}

impl Error {
    /// What to do about it, to be printed after `hint: `.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::CommandLine { hint, .. } | Self::Value { hint, .. } | Self::File { hint, .. } => {
                hint.clone()
            }
            Self::Refused { instead: hint, .. } | Self::Contradiction { hint, .. } => {
                Some((*hint).to_owned())
            }
            Self::NoApplication { program } => Some(format!(
                "name the module and the callable, such as `{program} mysite.wsgi:application --bind 0.0.0.0:8000`"
            )),
        }
    }

    /// Whether the command line itself is wrong, for which programs exit with 2, as Gunicorn does; a mistake in a file or
    /// in an environment variable is one of the configuration (1).
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::CommandLine { variable, .. } => variable.is_none(),
            Self::Value { origin, .. } | Self::Refused { origin, .. } => {
                matches!(**origin, Source::CommandLine(_))
            }
            Self::Contradiction { typed, .. } => *typed,
            Self::File { .. } => false,
            Self::NoApplication { .. } => true,
        }
    }
}

fn within(variable: Option<&str>) -> String {
    variable.map(|name| format!("the environment variable `{name}`: ")).unwrap_or_default()
}

/// A place in a file comes first, where editors and people look for it.
fn invalid(setting: &str, value: Option<&str>, origin: &Source, reason: &str) -> String {
    let value = value.map(|value| format!("`{value}` ")).unwrap_or_default();
    match origin {
        Source::File(place) => format!("{place}: invalid value {value}for `{setting}`: {reason}"),
        _ => format!("invalid value {value}for `{setting}` from {origin}: {reason}"),
    }
}

fn refused(setting: &str, origin: &Source, reason: &str) -> String {
    match origin {
        Source::File(place) => format!("{place}: the setting `{setting}` is not supported: {reason}"),
        _ => format!("the setting `{setting}` from {origin} is not supported: {reason}"),
    }
}

/// The text as one line: a line break or a terminal's escape code in a value must not act in a log.
pub(crate) fn printable(text: &OsStr) -> String {
    let mut line = String::new();
    for character in text.to_string_lossy().chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(printable(OsStr::new("a\nb\u{1b}[31mé\"")), r#"a\nb\u{1b}[31mé""#);
    }
}
