//! Values of a settings file to the texts that the command line would hold for them.
//!
//! So each kind of value has one grammar, and a file differs only in what types it may use: numbers for numbers, lists for
//! what an option repeats, dictionaries for pairs.

use std::ffi::OsString;

use serde_json::Value as Json;

use crate::{
    kind::{Kind, Refusal},
    value::Value,
};

/// Which types of a file stand for a kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A text.
    Word,
    /// A text or a class.
    Class,
    /// A whole number, or a text in its place; a truth value counts as 0 or 1, as in Python.
    Whole,
    /// A number, or a text in its place.
    Number,
    /// A truth value, or a text in its place.
    Truth,
    /// A text, a number or a truth value.
    Scalar,
    /// A list of texts, one text, or a dictionary for `NAME=VALUE`; each one is a value of its own.
    List,
    /// A text with commas, or a list of its parts.
    Commas,
    /// A dictionary, or a text with commas in its place.
    Pairs,
    /// A dictionary of anything.
    Dictionary,
    /// A function that takes these, or a text that names one.
    Hook(&'static [&'static str]),
}

impl Kind {
    /// The texts that stand for a value of a file; `None` if it leaves the setting as it is.
    pub(crate) fn texts(self, value: &Value) -> Result<Option<Vec<OsString>>, Refusal> {
        match (self, value) {
            // As in Gunicorn, and the careful reading of an unset variable: nobody is trusted, not whom the default trusts.
            (Self::Networks(_) | Self::NameList(_), Value::Nothing) => {
                return Ok(Some(vec![OsString::new()]));
            }
            (_, Value::Nothing) => return Ok(None),
            // Users of Gunicorn write `os.environ.get("PIDFILE", "")`.
            (Self::Path(_) | Self::Application(_) | Self::Parsed { .. }, Value::Text(text))
                if text.trim().is_empty() =>
            {
                return Ok(None);
            }
            _ => {}
        }
        let texts = match self.shape() {
            Shape::Word => text(value).map(one),
            Shape::Class => class(value).map(one),
            Shape::Whole => whole(value).map(one),
            Shape::Number => number(value).map(one),
            Shape::Truth => truth(value).map(one),
            Shape::Scalar => truth(value).or_else(|| number(value)).map(one),
            Shape::List => list(value),
            Shape::Commas => list(value).map(|parts| vec![parts.join(",")]),
            Shape::Pairs => return pairs(value).map(Some),
            Shape::Dictionary => dictionary(value).map(one),
            Shape::Hook(parameters) => return hook(value, parameters).map(|text| Some(vec![text.into()])),
        };
        match texts {
            Some(texts) => Ok(Some(texts.into_iter().map(OsString::from).collect())),
            None => Err(wrong_type(&self.expects(), value)),
        }
    }

    fn shape(self) -> Shape {
        match self {
            Self::Application(_)
            | Self::Text(_)
            | Self::Path(_)
            | Self::Choice { .. }
            | Self::Log(_)
            | Self::HeaderText(_)
            | Self::RootPath(_)
            | Self::Manual
            | Self::Parsed { .. }
            | Self::Migration(_)
            | Self::Action(_) => Shape::Word,
            Self::Number { .. }
            | Self::LimitedNumber(_)
            | Self::Size(_)
            | Self::Workers(_)
            | Self::Account(_)
            | Self::Mode(_) => Shape::Whole,
            Self::Seconds(_) => Shape::Number,
            Self::Switch { .. } | Self::OptionalChoice { .. } => Shape::Truth,
            Self::Addresses(_)
            | Self::Variables(_)
            | Self::Mapping(_)
            | Self::Patterns(_)
            | Self::Files(_)
            | Self::Each { .. } => Shape::List,
            Self::Paths(_)
            | Self::Networks(_)
            | Self::NameList(_)
            | Self::UrlPaths(_)
            | Self::Listed { .. } => Shape::Commas,
            Self::Unread => Shape::Scalar,
            Self::SchemeHeaders(_) => Shape::Pairs,
            Self::Class { .. } => Shape::Class,
            Self::Dictionary(_) => Shape::Dictionary,
            Self::Hook { parameters } => Shape::Hook(parameters),
        }
    }
}

fn wrong_type(expected: &str, value: &Value) -> Refusal {
    let refusal = Refusal::new(format!("expected {expected}, found {}", value.described()));
    match value {
        Value::Other(name) if name.ends_with("Path") => refusal.hint("write `str(…)` round the path"),
        Value::Bytes => refusal.hint("write it without the `b` before the quotes"),
        _ => refusal,
    }
}

fn one(text: String) -> Vec<String> {
    vec![text]
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn class(value: &Value) -> Option<String> {
    match value {
        Value::Class(name) => Some(name.clone()),
        _ => text(value),
    }
}

fn whole(value: &Value) -> Option<String> {
    match value {
        Value::Integer(number) => Some(number.to_string()),
        Value::Truth(is_true) => Some(u8::from(*is_true).to_string()),
        Value::Text(text) => Some(literal(text).map_or_else(|| text.clone(), |number| number.to_string())),
        _ => None,
    }
}

fn number(value: &Value) -> Option<String> {
    match value {
        // `Display` of a float has no exponent, which no setting takes.
        Value::Decimal(number) => Some(number.to_string()),
        _ => whole(value),
    }
}

fn truth(value: &Value) -> Option<String> {
    match value {
        Value::Truth(is_true) => Some(is_true.to_string()),
        _ => text(value),
    }
}

fn list(value: &Value) -> Option<Vec<String>> {
    match value {
        // As in Gunicorn: nothing written is nothing meant.
        Value::Text(text) if text.is_empty() => Some(Vec::new()),
        Value::List(items) => items.iter().map(text).collect(),
        Value::Map(entries) => {
            entries.iter().map(|(name, value)| Some(format!("{}={}", text(name)?, text(value)?))).collect()
        }
        _ => text(value).map(one),
    }
}

/// The text with commas for a dictionary; a comma within would make two pairs of one.
fn pairs(value: &Value) -> Result<Vec<OsString>, Refusal> {
    const EXPECTED: &str = "a dictionary of names and values that are texts without commas";
    let Value::Map(entries) = value else {
        return text(value).map(|text| vec![text.into()]).ok_or_else(|| wrong_type(EXPECTED, value));
    };
    let mut pairs = Vec::new();
    for (name, content) in entries {
        for part in [name, content] {
            if text(part).is_none_or(|text| text.contains(',')) {
                return Err(wrong_type(EXPECTED, part));
            }
        }
        pairs.extend(text(name).zip(text(content)).map(|(name, content)| format!("{name}={content}")));
    }
    Ok(vec![pairs.join(",").into()])
}

fn dictionary(value: &Value) -> Option<String> {
    match value {
        Value::Map(_) => Some(json(value).to_string()),
        _ => None,
    }
}

/// What JSON has no word for is `null`: whoever needs it has the file's own object.
fn json(value: &Value) -> Json {
    match value {
        Value::Truth(is_true) => Json::Bool(*is_true),
        Value::Integer(number) => serde_json::Number::from_i128(*number).map_or(Json::Null, Json::Number),
        Value::Decimal(number) => Json::from(*number),
        Value::Text(text) | Value::Class(text) => Json::from(text.as_str()),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => entries.iter().map(|(name, value)| (key(name), json(value))).collect(),
        Value::Nothing | Value::Function { .. } | Value::Module | Value::Bytes | Value::Other(_) => {
            Json::Null
        }
    }
}

/// The name of an entry, as Python's `json` writes names that are no texts.
fn key(name: &Value) -> String {
    match json(name) {
        Json::String(text) => text,
        other => other.to_string(),
    }
}

/// The function's name, or the dotted name of one, if it takes these parameters. Names with a `=` may be left out from behind.
fn hook(value: &Value, parameters: &[&str]) -> Result<String, Refusal> {
    let most = parameters.len();
    let least = parameters.iter().filter(|name| !name.contains('=')).count();
    let names: Vec<_> = parameters.iter().map(|name| name.split('=').next().unwrap_or(name)).collect();
    let plural = if most == 1 { "" } else { "s" };
    let count = if least == most { most.to_string() } else { format!("{least} to {most}") };
    let expected = format!("a function with {count} parameter{plural} ({})", names.join(", "));
    match value {
        Value::Function { name, parameters: None } => Ok(format!("<{name}>")),
        Value::Function { name, parameters: Some(found) } if (least..=most).contains(found) => {
            Ok(format!("<{name}>"))
        }
        Value::Function { parameters: Some(found), .. } => {
            let found = if *found == 0 { "none".to_owned() } else { found.to_string() };
            Err(Refusal::new(format!("expected {expected}, found one with {found}")))
        }
        Value::Text(text) if is_dotted(text.trim()) => Ok(text.trim().to_owned()),
        _ => Err(wrong_type(&format!("{expected}, or its dotted name"), value)),
    }
}

/// Whether it can be the name of something within a module: `package.module.name`.
fn is_dotted(text: &str) -> bool {
    let is_name = |part: &str| {
        !part.starts_with(|letter: char| letter.is_ascii_digit())
            && !part.is_empty()
            && part.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
    };
    text.contains('.') && text.split('.').all(is_name)
}

/// A whole number as Python writes one in its source: with `0x`, `0o` or `0b`, and `_` between digits.
fn literal(text: &str) -> Option<i128> {
    let text = text.trim().to_ascii_lowercase();
    let (digits, radix) = match text.get(..2) {
        Some("0x") => (&text[2..], 16),
        Some("0o") => (&text[2..], 8),
        Some("0b") => (&text[2..], 2),
        _ => (text.as_str(), 10),
    };
    // A leading zero is no decimal number, as `0022` means permission bits.
    let is_padded = radix == 10 && digits.starts_with('0') && digits.len() > 1;
    let is_bare = digits.starts_with('_') && radix == 10;
    let is_odd = digits.ends_with('_') || digits.contains("__") || digits.starts_with(['+', '-']);
    if is_padded || is_bare || is_odd {
        return None;
    }
    i128::from_str_radix(&digits.replace('_', ""), radix).ok()
}

#[cfg(test)]
mod tests;
