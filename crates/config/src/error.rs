//! What can be wrong with what the user wrote. Every error here ends the program with exit code 2.

use std::ffi::OsStr;

/// A wrong use of the settings; its `Display` is one line without a full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The command line cannot be taken apart: an unknown option, a value too many or too few.
    #[error("{message}")]
    CommandLine {
        /// What is wrong.
        message: String,
        /// What was probably meant.
        hint: Option<String>,
    },
    /// A value is not one that its setting takes.
    #[error("invalid value `{value}` for `{setting}` from {origin}: {reason}")]
    Value {
        /// The setting's name, as in a configuration file.
        setting: &'static str,
        /// The value as it was written, with control characters escaped.
        value: String,
        /// The source, as the end of a sentence: `` `--workers` ``.
        origin: String,
        /// What was expected.
        reason: String,
        /// What to write instead.
        hint: Option<String>,
    },
    /// Two settings, each of them a value that it takes, that cannot be together.
    #[error("the settings `{}` and `{}` contradict each other: {reason}", settings[0], settings[1])]
    Contradiction {
        /// Their names, as in a configuration file.
        settings: [&'static str; 2],
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
            Self::CommandLine { hint, .. } | Self::Value { hint, .. } => hint.clone(),
            Self::Contradiction { hint, .. } => Some((*hint).to_owned()),
            Self::NoApplication { program } => Some(format!(
                "name the module and the callable, such as `{program} mysite.wsgi:application --bind 0.0.0.0:8000`"
            )),
        }
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
