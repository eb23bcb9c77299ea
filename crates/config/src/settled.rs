//! The settings when all sources have been heard.

use std::ffi::OsString;
use std::path::Path;

use crate::{
    config::Config,
    error::{Error, printable},
    layer::{Layer, Source},
    note::Note,
    setting::{Flag, Setting},
    table::SETTINGS,
};

/// The settings, what they are for, and what is to be said of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Every setting.
    pub config: Config,
    /// What the program is to do with them.
    pub purpose: Purpose,
    /// Remarks, to be logged once at the start.
    pub notes: Vec<Note>,
    layer: Layer,
}

/// What the settings are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To serve.
    Serve,
    /// To be checked, together with the application (`--check-config`).
    CheckConfig,
    /// To be printed, and then checked (`--print-config`).
    PrintConfig,
}

impl Purpose {
    pub(crate) fn of(config: &Config) -> Self {
        match (config.print_config, config.check_config) {
            (true, _) => Self::PrintConfig,
            (_, true) => Self::CheckConfig,
            _ => Self::Serve,
        }
    }
}

impl Settled {
    pub(crate) fn new(config: Config, layer: Layer, notes: Vec<Note>) -> Self {
        Self { purpose: Purpose::of(&config), config, notes, layer }
    }

    /// Where the value of the setting of this name comes from, for messages about values that can be judged only later.
    #[must_use]
    pub fn source(&self, name: &str) -> &Source {
        self.layer.source(name)
    }

    /// The error for a value that can be judged only later, and is not one that its setting takes.
    #[must_use]
    pub fn invalid(&self, setting: &'static str, reason: String, hint: &str) -> Error {
        let row = SETTINGS.iter().find(|row| row.name == setting);
        Error::Value {
            setting,
            value: row.map(|row| self.value(row)),
            origin: Box::new(self.source(setting).clone()),
            reason,
            hint: Some(hint.to_owned()),
        }
    }

    /// Every setting by its name, with its value and where that comes from, a line for each.
    #[must_use]
    pub fn listing(&self) -> String {
        let mut rows: Vec<_> = SETTINGS
            .iter()
            .filter(|setting| setting.storable())
            .map(|setting| (setting.name, self.value(setting), origin(self.source(setting.name))))
            .collect();
        rows.sort_unstable();
        let width = |texts: &mut dyn Iterator<Item = &str>| texts.map(|text| text.chars().count()).max();
        let names = width(&mut rows.iter().map(|(name, ..)| *name)).unwrap_or_default();
        // One long value does not push the sources of all others out of sight.
        let short =
            &mut rows.iter().map(|(_, value, _)| value.as_str()).filter(|value| value.len() <= WIDEST);
        let values = width(short).unwrap_or_default();
        rows.iter()
            .map(|(name, value, origin)| format!("{name:names$} = {value:values$}  {origin}\n"))
            .collect()
    }

    /// The value as it was written, in one line; nothing where there is none.
    fn value(&self, setting: &Setting) -> String {
        self.shown(setting).iter().map(|value| printable(value)).collect::<Vec<_>>().join(", ")
    }

    /// The values as they were written.
    pub(crate) fn texts(&self, setting: &Setting) -> Vec<String> {
        self.shown(setting).iter().map(|value| value.to_string_lossy().into_owned()).collect()
    }

    fn shown(&self, setting: &Setting) -> &[OsString] {
        let values = self.layer.entry(setting).map(|entry| entry.values.as_slice()).unwrap_or_default();
        if setting.repeatable() { values } else { &values[values.len().saturating_sub(1)..] }
    }
}

/// Beyond this many letters a value stands in the way of its column.
const WIDEST: usize = 40;

/// A source as briefly as it can be found again.
fn origin(source: &Source) -> String {
    match source {
        Source::Default => "default".into(),
        Source::Environment(name) => name.clone(),
        Source::Arguments(name, _) => (*name).into(),
        Source::CommandLine(Flag::Long(flag)) => format!("--{flag}"),
        Source::CommandLine(_) => "command line".into(),
        Source::File(place) => {
            let name = Path::new(&place.path).file_name().map(|name| name.to_string_lossy());
            let name = name.as_deref().unwrap_or(&place.path);
            place.line.map_or_else(|| name.to_owned(), |line| format!("{name}:{line}"))
        }
    }
}
