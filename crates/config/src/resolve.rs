//! Layers to `Config`: each value is parsed once, by its row.

use std::ffi::OsStr;

use crate::{
    config::Config,
    error::{Error, printable},
    layer::{Layer, Source},
    setting::Setting,
};

/// Parses the combined layers. The first value that is not one of its kind ends it.
pub(crate) fn resolve(table: &[Setting], layer: &Layer) -> Result<Config, Error> {
    let mut config = Config::default();
    for setting in table {
        let Some(entry) = layer.entry(setting) else { continue };
        setting.kind.store(&entry.values, &mut config).map_err(|(value, refusal)| Error::Value {
            setting: setting.name,
            value: as_written(setting, entry.source, printable(value)),
            origin: entry.source.to_string(),
            reason: printable(OsStr::new(&refusal.reason)),
            hint: refusal.hint.map(|hint| printable(OsStr::new(&hint))),
        })?;
        if entry.source != Source::Default {
            (setting.given)(&mut config);
        }
    }
    Ok(config)
}

/// Without what a variable's row puts in front of its value: nobody wrote that.
fn as_written(setting: &Setting, source: Source, value: String) -> String {
    match (source, setting.env) {
        (Source::Environment(_), Some(variable)) => {
            value.strip_prefix(variable.prefix).map(str::to_owned).unwrap_or(value)
        }
        _ => value,
    }
}
