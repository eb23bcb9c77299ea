//! The kinds of values: what text each accepts, and where the value goes.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
    time::Duration,
};

use crate::{
    account, application,
    bind::{self, Address},
    choices::{LogTarget, Workers},
    config::Config,
    header, manual,
    migration::Migration,
    mode,
    network::{self, Networks},
    prefix, size, tls,
};

mod reading;

pub(crate) use reading::MOST_WORKERS;
use reading::{each, in_turn, last, last_raw, paths};

/// The grammar of a setting's value, with the function that puts the value into its field.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// The application to serve.
    Application(fn(&mut Config, String)),
    /// Any text, taken as it is.
    Text(fn(&mut Config, String)),
    /// One path; it need not exist.
    Path(fn(&mut Config, PathBuf)),
    /// Several paths with commas between them; empty ones are left out.
    Paths(fn(&mut Config, Vec<PathBuf>)),
    /// A whole number from `least` to `most`.
    Number { least: u32, most: u32, store: fn(&mut Config, u32) },
    /// A whole number; 0 is stored as `None`.
    LimitedNumber(fn(&mut Config, Option<usize>)),
    /// Bytes, with a suffix for powers of 1024 if need be; 0 is stored as `None`.
    Size(fn(&mut Config, Option<u64>)),
    /// A whole number of at least 1, or `auto`.
    Workers(fn(&mut Config, Workers)),
    /// Seconds, with decimals if need be; 0 is stored as `None`.
    Seconds(fn(&mut Config, Option<Duration>)),
    /// One of these words, in any case, stored by its place in the list.
    Choice { words: &'static [&'static str], store: fn(&mut Config, usize) },
    /// One of these words likewise, where the option alone means `alone`. On the command line the value follows a `=`, or is the next word if that
    /// is one of these: no other word is taken for the value, so that the application can stand there.
    OptionalChoice { choice: Words, alone: &'static str, store: fn(&mut Config, usize) },
    /// `true` or `false`, or one of the other words for these. On the command line an option without a value,
    /// which means `flag`.
    Switch { flag: bool, store: fn(&mut Config, bool) },
    /// A file, or `-`.
    Log(fn(&mut Config, LogTarget)),
    /// Addresses to listen on, one for each occurrence.
    Addresses(fn(&mut Config, Vec<Address>)),
    /// `NAME=VALUE`, one for each occurrence.
    Variables(fn(&mut Config, Vec<(String, String)>)),
    /// `/PREFIX=DIR`, one for each occurrence, with each prefix once.
    Mapping(fn(&mut Config, Vec<(String, PathBuf)>)),
    /// Addresses and networks with commas between them, `unix` and `*`.
    Networks(fn(&mut Config, Networks)),
    /// Names of headers with commas between them, stored in upper case.
    NameList(fn(&mut Config, Vec<String>)),
    /// `NAME=VALUE` of headers with commas between them, the names stored in upper case.
    SchemeHeaders(fn(&mut Config, Vec<(String, String)>)),
    /// The text of a header; `off` is stored as `None`.
    HeaderText(fn(&mut Config, Option<String>)),
    /// The name or the number of a user or a group.
    Account(fn(&mut Config, String)),
    /// Permission bits, in octal with a leading 0.
    Mode(fn(&mut Config, u32)),
    /// Paths of files, or patterns for them, one for each occurrence.
    Patterns(fn(&mut Config, Vec<String>)),
    /// Paths of files, one for each occurrence; Gunicorn takes one.
    Files(fn(&mut Config, Vec<PathBuf>)),
    /// Paths of URLs with commas between them.
    UrlPaths(fn(&mut Config, Vec<String>)),
    /// A path of a URL, stored without a slash at its end.
    RootPath(fn(&mut Config, String)),
    /// Text with a grammar of its own.
    Parsed { parse: fn(&mut Config, &str) -> Result<(), Refusal>, expects: &'static str },
    /// The same, one for each occurrence; `parse` adds to those before.
    Each { parse: fn(&mut Config, &str) -> Result<(), Refusal>, expects: &'static str },
    /// Parts with commas between them, each with a grammar of its own.
    Listed { parse: fn(&mut Config, &str) -> Result<(), Refusal>, expects: &'static str },
    /// A class, by its dotted name or by one that stands for it.
    Class { check: fn(&str) -> Result<(), Refusal>, expects: &'static str, store: fn(&mut Config, String) },
    /// A dictionary, stored as JSON. Only a file gives it.
    Dictionary(fn(&mut Config, String)),
    /// A function of a Python file that takes these parameters; those with a `=` may be left out from behind. Only its name is kept.
    Hook { parameters: &'static [&'static str] },
    /// Whatever Gunicorn takes for it. Nothing reads it.
    Unread,
    /// A form of the manual, on the command line only: print it and end.
    Manual,
    /// How Gunicorn is started, on the command line only: look at it and end.
    Migration(fn(OsString) -> Migration),
    /// No value: print something and end.
    Action(Action),
}

/// The words of a choice that has several words for the same thing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    /// The words that users are told of.
    pub(crate) words: &'static [&'static str],
    /// Further words, each with the one that it stands for.
    pub(crate) synonyms: &'static [(&'static str, &'static str)],
}

/// What an option without a value does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Help,
    Version,
}

/// Why a text is not a value of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What is wrong, or what was expected; the part of the message after the colon.
    pub(crate) reason: String,
    /// What to write instead.
    pub(crate) hint: Option<String>,
}

impl Refusal {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), hint: None }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// A refusal together with the one value, of possibly several, that it is about.
pub(crate) type Rejected<'a> = (&'a OsStr, Refusal);

impl Kind {
    /// Parses the values of a setting and stores the result; a kind that takes one value takes the last.
    pub(crate) fn store<'a>(self, values: &'a [OsString], config: &mut Config) -> Result<(), Rejected<'a>> {
        match self {
            Self::Application(store) => store(config, last(values, application::parse)?),
            Self::Text(store) => store(config, last(values, |text| Ok(text.to_owned()))?),
            Self::Path(store) => store(config, last_raw(values, |raw| self.path(raw))?),
            Self::Paths(store) => store(config, last_raw(values, |raw| Ok(paths(raw)))?),
            Self::Number { least, most, store } => {
                store(config, last(values, |text| self.number(text, least..=most))?);
            }
            Self::LimitedNumber(store) => store(config, last(values, |text| self.limited(text))?),
            Self::Size(store) => store(config, last(values, size::parse)?),
            Self::Workers(store) => store(config, last(values, |text| self.workers(text))?),
            Self::Seconds(store) => store(config, last(values, |text| self.seconds(text))?),
            Self::Choice { words, store } => {
                store(config, last(values, |text| self.choice(text, words))?);
            }
            Self::OptionalChoice { choice, store, .. } => {
                store(config, last(values, |text| self.choice(choice.proper(text), choice.words))?);
            }
            Self::Switch { store, .. } => store(config, last(values, |text| self.switch(text))?),
            Self::Log(store) => store(config, last_raw(values, |raw| self.log(raw))?),
            Self::Addresses(store) => store(config, self.addresses(values)?),
            Self::Variables(store) => store(config, each(values, |text| self.variable(text))?),
            Self::Mapping(store) => store(config, prefix::directories(values)?),
            Self::Networks(store) => store(config, last(values, Networks::parse)?),
            Self::NameList(store) => store(config, last(values, header::names)?),
            Self::SchemeHeaders(store) => store(config, last(values, header::pairs)?),
            Self::HeaderText(store) => store(config, last(values, header::value)?),
            Self::Account(store) => store(config, last(values, account::parse)?),
            Self::Mode(store) => store(config, last(values, mode::parse)?),
            Self::Patterns(store) => store(config, each(values, |text| self.pattern(text))?),
            Self::Files(store) => store(config, tls::files(values)?),
            Self::UrlPaths(store) => store(config, last(values, prefix::paths)?),
            Self::RootPath(store) => store(config, last(values, prefix::root)?),
            Self::Parsed { parse, .. } | Self::Listed { parse, .. } => {
                last(values, |text| parse(config, text))?;
            }
            Self::Each { parse, .. } => in_turn(values, |text| parse(config, text))?,
            Self::Class { check, store, .. } => {
                store(config, last(values, |text| check(text).map(|()| text.trim().to_owned()))?);
            }
            Self::Dictionary(store) => store(config, last(values, |text| self.dictionary(text))?),
            Self::Hook { .. } | Self::Unread | Self::Manual | Self::Migration(_) | Self::Action(_) => {}
        }
        Ok(())
    }

    /// What a value must be, as the end of a sentence that begins with "expected".
    pub(crate) fn expects(self) -> String {
        match self {
            Self::Application(_) => "a module and a name, such as `mysite.wsgi:application`".into(),
            Self::Text(_) => "a text".into(),
            Self::Path(_) => "a path".into(),
            Self::Paths(_) => "paths with commas between them".into(),
            Self::Number { least, .. } => format!("a number of at least {least}"),
            Self::LimitedNumber(_) => "a number, 0 for no limit".into(),
            Self::Size(_) => size::EXPECTS.into(),
            Self::Workers(_) => "a number of at least 1 or `auto`".into(),
            Self::Seconds(_) => "a number of seconds, such as `30` or `0.5`".into(),
            Self::Choice { words, .. } => one_of(words),
            Self::OptionalChoice { choice, .. } => one_of(choice.words),
            Self::Switch { .. } => "`true` or `false`".into(),
            Self::Log(_) => "the path of a file, or `-`".into(),
            Self::Addresses(_) => bind::EXPECTS.into(),
            Self::Variables(_) => "`NAME=VALUE`".into(),
            Self::Mapping(_) => prefix::EXPECTS_DIRECTORY.into(),
            Self::Networks(_) => network::EXPECTS.into(),
            Self::NameList(_) => header::EXPECTS_NAMES.into(),
            Self::SchemeHeaders(_) => header::EXPECTS_PAIRS.into(),
            Self::HeaderText(_) => header::EXPECTS_VALUE.into(),
            Self::Account(_) => account::EXPECTS.into(),
            Self::Mode(_) => mode::EXPECTS.into(),
            Self::Patterns(_) => "the path of a file, or a pattern such as `templates/*.html`".into(),
            Self::Files(_) => tls::EXPECTS_FILES.into(),
            Self::UrlPaths(_) => prefix::EXPECTS_PATHS.into(),
            Self::RootPath(_) => prefix::EXPECTS_ROOT.into(),
            Self::Parsed { expects, .. } | Self::Each { expects, .. } | Self::Listed { expects, .. } => {
                expects.into()
            }
            Self::Class { expects, .. } => expects.into(),
            Self::Dictionary(_) => "a dictionary".into(),
            Self::Hook { parameters } => {
                format!("a function of ({})", parameters.join(", ").replace('=', ""))
            }
            Self::Unread => "as in Gunicorn".into(),
            Self::Manual => one_of(manual::FORMS),
            Self::Migration(_) => "a command line, or the path of a unit file".into(),
            Self::Action(_) => "no value".into(),
        }
    }

    /// Whether the option prints something and ends, so that it is no setting of a server.
    pub(crate) const fn prints(self) -> bool {
        matches!(self, Self::Manual | Self::Migration(_) | Self::Action(_))
    }

    /// Whether two texts say the same.
    pub(crate) fn is_same(self, one: &str, other: &str) -> bool {
        match (self, self.switch(one), self.switch(other)) {
            (Self::Switch { .. } | Self::Unread, Ok(one), Ok(other)) => one == other,
            (Self::Mode(_), ..) => mode::parse(one).is_ok_and(|mode| mode::parse(other) == Ok(mode)),
            _ => one.eq_ignore_ascii_case(other),
        }
    }
}

impl Words {
    /// The word that this one stands for, which is itself if it is no synonym.
    fn proper(self, text: &str) -> &str {
        let text = text.trim();
        let synonym = self.synonyms.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        synonym.map_or(text, |(_, word)| word)
    }

    /// Whether this is one of the words, or of the further ones.
    pub(crate) fn contain(self, text: &str) -> bool {
        let text = self.proper(text);
        self.words.iter().any(|word| word.eq_ignore_ascii_case(text))
    }
}

pub(crate) fn one_of(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    format!("one of {}", words.join(", "))
}

#[cfg(test)]
mod tests;
