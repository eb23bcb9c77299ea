//! The kinds of values: what text each accepts, and where the value goes.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::PathBuf,
    time::Duration,
};

use crate::{
    account, application,
    bind::{self, Address},
    config::{Config, LogTarget, Workers},
    header, manual,
    migration::Migration,
    mode,
    near::{begun, nearest},
    network::{self, Networks},
    prefix, size,
};

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
    /// Paths of URLs with commas between them.
    UrlPaths(fn(&mut Config, Vec<String>)),
    /// A path of a URL, stored without a slash at its end.
    RootPath(fn(&mut Config, String)),
    /// Text with a grammar of its own.
    Parsed { parse: fn(&mut Config, &str) -> Result<(), Refusal>, expects: &'static str },
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
            Self::UrlPaths(store) => store(config, last(values, prefix::paths)?),
            Self::RootPath(store) => store(config, last(values, prefix::root)?),
            Self::Parsed { parse, .. } => last(values, |text| parse(config, text))?,
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
            Self::UrlPaths(_) => prefix::EXPECTS_PATHS.into(),
            Self::RootPath(_) => prefix::EXPECTS_ROOT.into(),
            Self::Parsed { expects, .. } => expects.into(),
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

    fn unexpected(self) -> Refusal {
        Refusal::new(format!("expected {}", self.expects()))
    }

    fn path(self, raw: &OsStr) -> Result<PathBuf, Refusal> {
        if raw.is_empty() { Err(self.unexpected()) } else { Ok(raw.into()) }
    }

    fn log(self, raw: &OsStr) -> Result<LogTarget, Refusal> {
        if raw == "-" { Ok(LogTarget::Std) } else { self.path(raw).map(LogTarget::File) }
    }

    fn number(self, text: &str, range: std::ops::RangeInclusive<u32>) -> Result<u32, Refusal> {
        let text = text.trim();
        // `str::parse` takes a leading plus sign.
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(self.unexpected());
        }
        match text.parse() {
            Ok(number) if number < *range.start() => Err(self.unexpected()),
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(Refusal::new(format!("expected a number of at most {}", range.end()))),
        }
    }

    fn limited(self, text: &str) -> Result<Option<usize>, Refusal> {
        let number = self.number(text, 0..=u32::MAX)?;
        Ok((number > 0).then_some(number as usize))
    }

    fn workers(self, text: &str) -> Result<Workers, Refusal> {
        if text.trim().eq_ignore_ascii_case("auto") {
            return Ok(Workers::Auto);
        }
        self.number(text, 1..=MOST_WORKERS).map(|number| Workers::Count(number as usize))
    }

    fn seconds(self, text: &str) -> Result<Option<Duration>, Refusal> {
        let text = text.trim();
        // Not all that `f64` reads: `inf`, `nan` and `1e9` are slips, not durations.
        if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Err(self.unexpected());
        }
        match text.parse::<f64>() {
            Ok(0.0) => Ok(None),
            // Below a millisecond it would become 0, and 0 switches the limit off.
            Ok(seconds) if seconds < 0.001 => Err(Refusal::new("expected 0 or at least 0.001 seconds")),
            Ok(seconds) if seconds <= MOST_SECONDS => Ok(Some(Duration::from_secs_f64(seconds))),
            Ok(_) => Err(Refusal::new(format!("expected at most {MOST_SECONDS} seconds"))),
            Err(_) => Err(self.unexpected()),
        }
    }

    fn choice(self, text: &str, words: &[&str]) -> Result<usize, Refusal> {
        let text = text.trim();
        words.iter().position(|word| word.eq_ignore_ascii_case(text)).ok_or_else(|| {
            let meant = nearest(text, words.iter().copied()).or_else(|| begun(text, words));
            Refusal { hint: meant.map(|word| format!("did you mean `{word}`?")), ..self.unexpected() }
        })
    }

    /// The words that Gunicorn takes in `SENDFILE`, and their opposites.
    pub(crate) fn switch(self, text: &str) -> Result<bool, Refusal> {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "y" | "on" | "1" => Ok(true),
            "false" | "no" | "n" | "off" | "0" => Ok(false),
            _ => Err(self.unexpected()),
        }
    }

    fn addresses(self, values: &[OsString]) -> Result<Vec<Address>, Rejected<'_>> {
        if values.is_empty() {
            return Err((
                OsStr::new(""),
                Refusal::new(format!("expected at least one of {}", self.expects())),
            ));
        }
        each(values, Address::parse)
    }

    fn dictionary(self, text: &str) -> Result<String, Refusal> {
        match serde_json::from_str(text) {
            Ok(serde_json::Value::Object(_)) => Ok(text.to_owned()),
            _ => Err(self.unexpected()),
        }
    }

    fn pattern(self, text: &str) -> Result<String, Refusal> {
        if text.is_empty() { Err(self.unexpected()) } else { Ok(text.to_owned()) }
    }

    fn variable(self, text: &str) -> Result<(String, String), Refusal> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
            _ => Err(self.unexpected()),
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

/// More is a slip of the keyboard, and would take the machine with it.
pub(crate) const MOST_WORKERS: u32 = 4096;

/// 136 years: long enough for "never", and every clock can still add it to now.
const MOST_SECONDS: f64 = u32::MAX as f64;

pub(crate) fn one_of(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    format!("one of {}", words.join(", "))
}

fn paths(raw: &OsStr) -> Vec<PathBuf> {
    raw.as_bytes()
        .split(|byte| *byte == b',')
        .filter(|path| !path.is_empty())
        .map(|path| OsStr::from_bytes(path).into())
        .collect()
}

fn last<T>(
    values: &[OsString],
    mut parse: impl FnMut(&str) -> Result<T, Refusal>,
) -> Result<T, Rejected<'_>> {
    last_raw(values, |raw| parse(text(raw)?))
}

fn last_raw<T>(
    values: &[OsString],
    mut parse: impl FnMut(&OsStr) -> Result<T, Refusal>,
) -> Result<T, Rejected<'_>> {
    let raw = values.last().expect("every entry of a layer has at least one value");
    parse(raw).map_err(|refusal| (raw.as_os_str(), refusal))
}

fn each<T>(values: &[OsString], parse: impl Fn(&str) -> Result<T, Refusal>) -> Result<Vec<T>, Rejected<'_>> {
    values
        .iter()
        .map(|raw| text(raw).and_then(&parse).map_err(|refusal| (raw.as_os_str(), refusal)))
        .collect()
}

fn text(raw: &OsStr) -> Result<&str, Refusal> {
    raw.to_str().ok_or_else(|| Refusal::new("expected text in UTF-8"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn seconds(text: &str) -> Result<Option<Duration>, String> {
        Kind::Seconds(|_, _| {}).seconds(text).map_err(|refusal| refusal.reason)
    }

    fn number(text: &str) -> Result<u32, String> {
        let kind = Kind::Number { least: 2, most: 10, store: |_, _| {} };
        kind.number(text, 2..=10).map_err(|refusal| refusal.reason)
    }

    #[test]
    fn seconds_are_decimal_and_zero_is_off() {
        for (text, millis) in [("30", 30_000), ("0.5", 500), (" 1.25 ", 1250), ("0.001", 1)] {
            assert_eq!(seconds(text), Ok(Some(Duration::from_millis(millis))), "{text}");
        }
        for text in ["0", "0.0", "00"] {
            assert_eq!(seconds(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn seconds_that_are_no_durations_are_refused() {
        for text in ["", ".", "-1", "+1", "1e3", "inf", "nan", "30s", "1.2.3", "1,5"] {
            let expected = "expected a number of seconds, such as `30` or `0.5`";
            assert_eq!(seconds(text), Err(expected.into()), "{text}");
        }
        assert_eq!(seconds("0.0001"), Err("expected 0 or at least 0.001 seconds".into()));
        assert_eq!(seconds("4294967296"), Err("expected at most 4294967295 seconds".into()));
    }

    #[test]
    fn the_longest_time_can_be_added_to_now() {
        let longest = seconds("4294967295").unwrap().unwrap();
        assert!(std::time::Instant::now().checked_add(longest).is_some());
    }

    #[test]
    fn numbers_have_two_ends() {
        assert_eq!((number("2"), number("10"), number(" 07 ")), (Ok(2), Ok(10), Ok(7)));
        for text in ["", "1", "-3", "+3", "3.0", "0x3", "three"] {
            assert_eq!(number(text), Err("expected a number of at least 2".into()), "{text}");
        }
        for text in ["11", "99999999999999999999"] {
            assert_eq!(number(text), Err("expected a number of at most 10".into()), "{text}");
        }
    }

    #[test]
    fn zero_is_no_limit() {
        let limited = |text| Kind::LimitedNumber(|_, _| {}).limited(text).map_err(|refusal| refusal.reason);
        assert_eq!((limited("0"), limited("00"), limited(" 7 ")), (Ok(None), Ok(None), Ok(Some(7))));
        assert_eq!(limited("4294967295"), Ok(Some(4_294_967_295)));
        assert_eq!(limited("4294967296"), Err("expected a number of at most 4294967295".into()));
        for text in ["", "-1", "+1", "1K", "1.0", "none"] {
            assert_eq!(limited(text), Err("expected a number, 0 for no limit".into()), "{text}");
        }
    }

    #[test]
    fn switches_have_words_for_both_sides() {
        let switch = |text| Kind::Switch { flag: true, store: |_, _| {} }.switch(text);
        for (on, off) in [("true", "false"), ("YES", "No"), ("y", "n"), ("on", "off"), ("1", "0")] {
            assert_eq!((switch(on), switch(off)), (Ok(true), Ok(false)), "{on} {off}");
        }
        for text in ["", "2", "none", "enabled"] {
            assert_eq!(switch(text), Err(Refusal::new("expected `true` or `false`")), "{text}");
        }
    }

    #[test]
    fn synonyms_stand_for_words_that_exist() {
        let choice = Words { words: &["off", "auto"], synonyms: &[("none", "off"), ("1", "auto")] };
        let place = |text: &str| {
            let kind = Kind::OptionalChoice { choice, alone: "auto", store: |_, _| {} };
            kind.choice(choice.proper(text), choice.words).map_err(|refusal| refusal.reason)
        };
        for (text, expected) in [("off", 0), (" None ", 0), ("AUTO", 1), ("1", 1)] {
            assert_eq!(place(text), Ok(expected), "{text}");
            assert!(choice.contain(text), "{text}");
        }
        for text in ["", "2", "of"] {
            assert_eq!(place(text), Err("expected one of `off`, `auto`".into()), "{text}");
            assert!(!choice.contain(text), "{text}");
        }
    }

    #[test]
    fn paths_may_be_any_bytes_and_text_may_not() {
        let raw = [OsString::from_vec(b"/srv/\xff,,b,".to_vec())];
        let mut config = Config::default();
        let pythonpath = Kind::Paths(|config, paths| config.pythonpath = paths);
        assert_eq!(pythonpath.store(&raw, &mut config), Ok(()));
        let first = PathBuf::from(OsString::from_vec(b"/srv/\xff".to_vec()));
        assert_eq!(config.pythonpath, [first, "b".into()]);

        let text = Kind::Text(|config, text| config.access_log_format = text);
        let (value, refusal) = text.store(&raw, &mut config).unwrap_err();
        assert_eq!((value, refusal.reason.as_str()), (raw[0].as_os_str(), "expected text in UTF-8"));
    }

    #[test]
    fn the_refused_one_of_several_values_is_named() {
        let raw: [OsString; 3] = ["A=1".into(), "B".into(), "C=3".into()];
        let kind = Kind::Variables(|config, variables| config.env = variables);
        let (value, _) = kind.store(&raw, &mut Config::default()).unwrap_err();
        assert_eq!(value, "B");
    }
}
