//! Layers to `Config`: each value is parsed once, by its row.

use std::ffi::OsStr;

use crate::{
    config::Config,
    error::{Error, printable},
    kind::{Kind, Refusal},
    layer::{Entry, Layer, Source},
    note::Note,
    setting::{Gunicorn, Setting},
};

/// Parses the combined layers. The first value that is not one of its kind ends it.
pub(crate) fn resolve<'a>(
    table: impl IntoIterator<Item = &'a Setting>,
    layer: &Layer,
) -> Result<(Config, Vec<Note>), Error> {
    let mut config = Config::default();
    let mut notes = Vec::new();
    for setting in table {
        let Some(entry) = layer.entry(setting) else { continue };
        setting
            .kind
            .store(&entry.values, &mut config)
            .map_err(|(value, refusal)| invalid(setting, value, &entry.source, refusal))?;
        if entry.source == Source::Default {
            continue;
        }
        (setting.given)(&mut config);
        match standing(setting, entry)? {
            None if matches!(setting.kind, Kind::Hook { .. }) => config.hooks.push(setting.name),
            note => notes.extend(note),
        }
    }
    Ok((config, notes))
}

fn invalid(setting: &Setting, value: &OsStr, source: &Source, refusal: Refusal) -> Error {
    Error::Value {
        setting: setting.name,
        value: Some(as_written(setting, source, printable(value))),
        origin: Box::new(source.clone()),
        reason: printable(OsStr::new(&refusal.reason)),
        hint: refusal.hint.map(|hint| printable(OsStr::new(&hint))),
    }
}

/// Without what a variable's row puts in front of its value: nobody wrote that.
fn as_written(setting: &Setting, source: &Source, value: String) -> String {
    match (source, setting.env) {
        (Source::Environment(name), Some(variable)) if name == variable.name => {
            value.strip_prefix(variable.prefix).map(str::to_owned).unwrap_or(value)
        }
        _ => value,
    }
}

/// What follows from a setting of Gunicorn that is not honoured, if it asks for anything but the default.
fn standing(setting: &Setting, entry: &Entry) -> Result<Option<Note>, Error> {
    if is_default(setting, entry) {
        return Ok(None);
    }
    let name = setting.name;
    match setting.gunicorn {
        Gunicorn::WithoutEffect(why) => {
            let text = match &entry.source {
                Source::File(place) => format!("{place}: the setting `{name}` has no effect: {why}"),
                source => format!("the setting `{name}` from {source} has no effect: {why}"),
            };
            Ok(Some(Note::warning(text, None)))
        }
        Gunicorn::Refused { why, instead } => Err(Error::Refused {
            setting: name,
            origin: Box::new(entry.source.clone()),
            reason: why,
            instead,
        }),
        Gunicorn::Same | Gunicorn::Differs(_) | Gunicorn::Own => Ok(None),
    }
}

/// Whether the values say what the row says without them. Words have no case, and nothing at all is no wish either.
fn is_default(setting: &Setting, entry: &Entry) -> bool {
    let default = setting.default.unwrap_or_default();
    match entry.values.as_slice() {
        [] => default.is_empty(),
        [value] => value.to_str().is_some_and(|text| setting.kind.is_same(text.trim(), default)),
        _ => false,
    }
}
