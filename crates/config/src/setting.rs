//! What a row of the settings table is.

use std::fmt;

use crate::{config::Config, kind::Kind};

/// One setting: how it is spelled in each source, what it accepts, and what its users are told.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The name in a configuration file, which is Gunicorn's name for it, for example `keepalive`.
    pub name: &'static str,
    /// How the command line spells it.
    pub flag: Flag,
    /// The one-letter option, as in Gunicorn.
    pub short: Option<char>,
    /// A second long option with the same meaning, without the dashes.
    pub alias: Option<&'static str>,
    /// The environment variable that gives a value below the command line.
    pub env: Option<Variable>,
    /// The value when no source gives one, written as a user would; `None` leaves the field empty.
    pub default: Option<&'static str>,
    /// The heading it stands under in the help.
    pub section: Section,
    /// What stands for the value in the help, without the angle brackets.
    pub metavar: &'static str,
    /// One line that says what it does, with the unit.
    pub help: &'static str,
    /// What the manual says beyond `help`: whole sentences, or nothing.
    pub more: &'static str,
    /// How it relates to the Gunicorn setting of the same name.
    pub gunicorn: Gunicorn,
    /// The grammar of the value and the field that takes it.
    pub(crate) kind: Kind,
    /// Takes down that a source other than the defaults gave the value, where that makes a difference.
    pub(crate) given: fn(&mut Config),
}

impl Setting {
    /// Whether every occurrence adds a value; otherwise the last occurrence wins.
    #[must_use]
    pub fn repeatable(&self) -> bool {
        matches!(
            self.kind,
            Kind::Addresses(_)
                | Kind::Variables(_)
                | Kind::Mapping(_)
                | Kind::Patterns(_)
                | Kind::Each { .. }
                | Kind::Files(_)
        )
    }

    /// Whether the option stands without a value.
    #[must_use]
    pub fn switch(&self) -> bool {
        matches!(self.kind, Kind::Switch { .. } | Kind::Action(_))
    }

    /// Whether the option takes a value or none, as one likes.
    #[must_use]
    pub const fn optional(&self) -> bool {
        matches!(self.kind, Kind::OptionalChoice { .. })
    }

    /// Whether the option says no, such as `--no-sendfile`.
    #[must_use]
    pub const fn negative(&self) -> bool {
        matches!(self.kind, Kind::Switch { flag: false, .. })
    }

    /// Whether a file can give it; the other options print something and end.
    #[must_use]
    pub const fn storable(&self) -> bool {
        !self.kind.prints()
    }

    /// Whether the help shows it; the manual shows all.
    #[must_use]
    pub const fn in_help(&self) -> bool {
        !matches!(self.section, Section::WithoutEffect | Section::Refused)
    }

    /// The options on the command line, the first one first, without the dashes.
    pub fn long_options(&self) -> impl Iterator<Item = &'static str> + use<> {
        let flag = match self.flag {
            Flag::Long(flag) => Some(flag),
            Flag::Positional | Flag::None => None,
        };
        flag.into_iter().chain(self.alias)
    }

    /// The environment variable of its own that every setting has, above the one that `env` names; `None` for what only a
    /// Python file can give, and for options that print something.
    #[must_use]
    pub fn variable(&self) -> Option<String> {
        let is_textual = !matches!(self.kind, Kind::Hook { .. } | Kind::Dictionary(_));
        (is_textual && self.storable()).then(|| format!("{OWN_VARIABLES}{}", self.name.to_ascii_uppercase()))
    }

    /// What stands between several values in an environment variable, for a setting that takes several: a comma between
    /// addresses, and a line break where a value may have a comma.
    #[must_use]
    pub fn separator(&self) -> Option<char> {
        match self.kind {
            Kind::Addresses(_) => Some(','),
            _ => self.repeatable().then_some('\n'),
        }
    }

    /// What a value must be, as the end of a sentence that begins with "expected".
    #[must_use]
    pub fn expects(&self) -> String {
        self.kind.expects()
    }
}

/// What the environment variables begin with that are named after settings.
pub(crate) const OWN_VARIABLES: &str = "RWSGI_";

/// How the command line spells a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// By its place: the one argument that is not an option.
    Positional,
    /// By a long option, here without the dashes.
    Long(&'static str),
    /// Not at all: files and the environment give it.
    None,
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Positional | Self::None => f.write_str("the command line"),
            Self::Long(flag) => write!(f, "`--{flag}`"),
        }
    }
}

/// An environment variable that gives a setting's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// The variable's name.
    pub name: &'static str,
    /// What is put before the variable's text to make the value: `PORT` holds only a part of `bind`.
    pub prefix: &'static str,
    /// Whether the variable counts when it is empty; otherwise it is as if it were not set.
    pub empty_counts: bool,
}

/// The headings of the help, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// What is served, and the Python world it is loaded in.
    Application,
    /// Where connections come in.
    Socket,
    /// Connections secured by this server.
    Tls,
    /// Certificates that this server fetches by itself.
    Acme,
    /// Many requests at a time in one connection.
    Http2,
    /// How many processes and threads there are, and how long they may take.
    Workers,
    /// When workers are replaced, and how.
    Replacement,
    /// The application in memory before the workers are forked.
    Preload,
    /// How much a client may send.
    Limits,
    /// How long a client may take.
    SlowClients,
    /// Where bodies wait, and files that go out as they are.
    Bodies,
    /// Files that are sent without the application.
    StaticFiles,
    /// Compression of responses.
    Compression,
    /// What other servers in front may say of a request.
    Proxies,
    /// What is refused before the application is asked, and headers for every answer.
    Protection,
    /// The server process itself.
    Mechanics,
    /// The two logs.
    Logging,
    /// The logs in syslog.
    Syslog,
    /// The loggers of Python's standard library.
    PythonLoggers,
    /// What the server tells of itself in numbers.
    Metrics,
    /// For those who write the application.
    Development,
    /// Functions of a Python file that are called when something happens.
    Hooks,
    /// Options that print something and end.
    Information,
    /// What Gunicorn does with it has no counterpart, and nothing breaks without it.
    WithoutEffect,
    /// What Gunicorn does with it is not offered, and the server would not be what was asked for.
    Refused,
}

impl Section {
    /// The heading as it is printed.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Application => "Application",
            Self::Socket => "Server socket",
            Self::Tls => "TLS",
            Self::Acme => "Certificates by ACME",
            Self::Http2 => "HTTP/2",
            Self::Workers => "Worker processes",
            Self::Replacement => "Replacing workers",
            Self::Preload => "Preloading",
            Self::Limits => "Limits",
            Self::SlowClients => "Slow clients",
            Self::Bodies => "Bodies and files",
            Self::StaticFiles => "Static files",
            Self::Compression => "Compression",
            Self::Proxies => "Proxies",
            Self::Protection => "Protection",
            Self::Mechanics => "Server mechanics",
            Self::Logging => "Logging",
            Self::Syslog => "Syslog",
            Self::PythonLoggers => "Python's loggers",
            Self::Metrics => "Metrics",
            Self::Development => "Development",
            Self::Hooks => "Server hooks",
            Self::Information => "Information",
            Self::WithoutEffect => "Accepted and without effect",
            Self::Refused => "Refused",
        }
    }
}

/// How a setting relates to Gunicorn's setting of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gunicorn {
    /// Same spelling, same default, same meaning.
    Same,
    /// Same spelling; the text says what is different and why.
    Differs(&'static str),
    /// Accepted, and nothing follows from it but one warning, with this reason, when a source gives it
    /// another value than the default.
    WithoutEffect(&'static str),
    /// An error when a source gives it another value than the default.
    Refused {
        /// The reason, the part of the message behind the colon.
        why: &'static str,
        /// What to do in its place, as the hint of the message.
        instead: &'static str,
    },
    /// Gunicorn has no such setting.
    Own,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::table::SETTINGS;

    #[test]
    fn names_and_spellings_are_unique() {
        let mut seen = BTreeSet::new();
        for setting in SETTINGS {
            let options = setting.long_options().map(|flag| format!("--{flag}"));
            let short = setting.short.map(|short| format!("-{short}"));
            for spelling in options.chain(short).chain([setting.name.to_owned()]) {
                assert!(seen.insert(spelling.clone()), "{spelling} twice");
            }
        }
    }

    #[test]
    fn every_column_that_users_read_is_filled() {
        for setting in SETTINGS {
            let Setting { name, help, metavar, .. } = *setting;
            assert!(!help.is_empty() && !help.ends_with('.'), "{name}: {help}");
            assert_eq!(metavar.is_empty(), setting.switch(), "{name}");
            assert!(!setting.expects().is_empty(), "{name}");
        }
    }

    #[test]
    fn reasons_are_given_and_are_parts_of_sentences() {
        for setting in SETTINGS {
            let reasons = match setting.gunicorn {
                Gunicorn::Differs(why) | Gunicorn::WithoutEffect(why) => [why, "-"],
                Gunicorn::Refused { why, instead } => [why, instead],
                Gunicorn::Same | Gunicorn::Own => ["-", "-"],
            };
            for reason in reasons {
                assert!(!reason.is_empty() && !reason.ends_with('.'), "{}: {reason}", setting.name);
            }
            assert!(setting.more.is_empty() || setting.more.ends_with('.'), "{}", setting.name);
        }
    }

    #[test]
    fn what_is_not_honoured_stands_under_a_heading_of_its_own() {
        for setting in SETTINGS {
            let heading = match setting.gunicorn {
                Gunicorn::WithoutEffect(_) => Some(Section::WithoutEffect),
                Gunicorn::Refused { .. } => Some(Section::Refused),
                Gunicorn::Same | Gunicorn::Differs(_) | Gunicorn::Own => None,
            };
            let found = (!setting.in_help()).then_some(setting.section);
            assert_eq!(found, heading, "{}", setting.name);
        }
    }

    #[test]
    fn the_variable_of_a_switch_is_shown_with_a_word_that_its_errors_name() {
        for setting in SETTINGS.iter().filter(|setting| setting.switch()) {
            let Some(variable) = setting.env else { continue };
            let (_, word) = setting.help.split_once(&format!("{}=", variable.name)).expect(setting.name);
            assert!(setting.expects().contains(&format!("`{word}`")), "{}: {word}", setting.name);
        }
    }

    #[test]
    fn every_default_is_a_value_of_its_kind() {
        for setting in SETTINGS {
            let Some(default) = setting.default else { continue };
            let mut config = Config::default();
            let stored = setting.kind.store(&[default.into()], &mut config).is_ok();
            assert!(stored, "{}", setting.name);
        }
    }
}
