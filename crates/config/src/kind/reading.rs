//! Reading values: the grammars that are small enough to stand together.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::PathBuf,
    time::Duration,
};

use super::{Kind, Refusal, Rejected};
use crate::{
    bind::Address,
    choices::{LogTarget, Workers},
    near::{begun, nearest},
};

/// More is a slip of the keyboard, and would take the machine with it.
pub(crate) const MOST_WORKERS: u32 = 4096;

/// 136 years: long enough for "never", and every clock can still add it to now.
const MOST_SECONDS: f64 = u32::MAX as f64;

impl Kind {
    pub(super) fn unexpected(self) -> Refusal {
        Refusal::new(format!("expected {}", self.expects()))
    }

    pub(super) fn path(self, raw: &OsStr) -> Result<PathBuf, Refusal> {
        if raw.is_empty() { Err(self.unexpected()) } else { Ok(raw.into()) }
    }

    pub(super) fn log(self, raw: &OsStr) -> Result<LogTarget, Refusal> {
        if raw == "-" { Ok(LogTarget::Std) } else { self.path(raw).map(LogTarget::File) }
    }

    pub(super) fn number(self, text: &str, range: std::ops::RangeInclusive<u32>) -> Result<u32, Refusal> {
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

    pub(super) fn limited(self, text: &str) -> Result<Option<usize>, Refusal> {
        let number = self.number(text, 0..=u32::MAX)?;
        Ok((number > 0).then_some(number as usize))
    }

    pub(super) fn workers(self, text: &str) -> Result<Workers, Refusal> {
        if text.trim().eq_ignore_ascii_case("auto") {
            return Ok(Workers::Auto);
        }
        self.number(text, 1..=MOST_WORKERS).map(|number| Workers::Count(number as usize))
    }

    pub(super) fn seconds(self, text: &str) -> Result<Option<Duration>, Refusal> {
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

    pub(super) fn choice(self, text: &str, words: &[&str]) -> Result<usize, Refusal> {
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

    pub(super) fn addresses(self, values: &[OsString]) -> Result<Vec<Address>, Rejected<'_>> {
        if values.is_empty() {
            return Err((
                OsStr::new(""),
                Refusal::new(format!("expected at least one of {}", self.expects())),
            ));
        }
        each(values, Address::parse)
    }

    pub(super) fn dictionary(self, text: &str) -> Result<String, Refusal> {
        match serde_json::from_str(text) {
            Ok(serde_json::Value::Object(_)) => Ok(text.to_owned()),
            _ => Err(self.unexpected()),
        }
    }

    pub(super) fn pattern(self, text: &str) -> Result<String, Refusal> {
        if text.is_empty() { Err(self.unexpected()) } else { Ok(text.to_owned()) }
    }

    pub(super) fn variable(self, text: &str) -> Result<(String, String), Refusal> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
            _ => Err(self.unexpected()),
        }
    }
}

pub(super) fn paths(raw: &OsStr) -> Vec<PathBuf> {
    raw.as_bytes()
        .split(|byte| *byte == b',')
        .filter(|path| !path.is_empty())
        .map(|path| OsStr::from_bytes(path).into())
        .collect()
}

pub(super) fn last<T>(
    values: &[OsString],
    mut parse: impl FnMut(&str) -> Result<T, Refusal>,
) -> Result<T, Rejected<'_>> {
    last_raw(values, |raw| parse(text(raw)?))
}

pub(super) fn last_raw<T>(
    values: &[OsString],
    mut parse: impl FnMut(&OsStr) -> Result<T, Refusal>,
) -> Result<T, Rejected<'_>> {
    let raw = values.last().expect("every entry of a layer has at least one value");
    parse(raw).map_err(|refusal| (raw.as_os_str(), refusal))
}

pub(super) fn each<T>(
    values: &[OsString],
    parse: impl Fn(&str) -> Result<T, Refusal>,
) -> Result<Vec<T>, Rejected<'_>> {
    values
        .iter()
        .map(|raw| text(raw).and_then(&parse).map_err(|refusal| (raw.as_os_str(), refusal)))
        .collect()
}

pub(super) fn in_turn(
    values: &[OsString],
    mut parse: impl FnMut(&str) -> Result<(), Refusal>,
) -> Result<(), Rejected<'_>> {
    values
        .iter()
        .try_for_each(|raw| text(raw).and_then(&mut parse).map_err(|refusal| (raw.as_os_str(), refusal)))
}

pub(super) fn text(raw: &OsStr) -> Result<&str, Refusal> {
    raw.to_str().ok_or_else(|| Refusal::new("expected text in UTF-8"))
}
