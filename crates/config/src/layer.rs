//! Raw values with their sources, and the one law by which sources are combined.

use std::{collections::BTreeMap, ffi::OsString, fmt};

use crate::setting::{Flag, Setting};

/// What one source says: for some of the settings, texts that nothing has parsed yet.
///
/// The law: in `a.over(b)` a setting that `a` has is `a`'s, whole, and any other is `b`'s. So lists are
/// replaced and never merged, `over` is associative, and the empty layer changes nothing on either side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Layer {
    entries: BTreeMap<&'static str, Entry>,
}

/// The values of one setting, in the order they were given. None at all is an empty list; a setting that takes one value has
/// at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) values: Vec<OsString>,
    pub(crate) source: Source,
}

/// Where a value comes from. `Display` is the end of a sentence: "from …".
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The table of settings.
    Default,
    /// The environment variable of this name.
    Environment(String),
    /// A settings file.
    File(Place),
    /// An environment variable that holds options, and the option in it.
    Arguments(&'static str, Flag),
    /// The command line, spelled like this.
    CommandLine(Flag),
}

/// A place in a settings file. `Display` is `FILE:LINE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as it is named to people.
    pub path: String,
    /// The line, counted from 1, where it can be told.
    pub line: Option<u32>,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the defaults"),
            Self::Environment(name) => write!(f, "the environment variable `{name}`"),
            Self::File(place) => write!(f, "`{place}`"),
            Self::Arguments(name, Flag::Positional) => write!(f, "the environment variable `{name}`"),
            Self::Arguments(name, flag) => write!(f, "{flag} in the environment variable `{name}`"),
            Self::CommandLine(flag) => write!(f, "{flag}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.path),
            None => f.write_str(&self.path),
        }
    }
}

impl Layer {
    /// The lowest layer: what the table says for itself.
    pub(crate) fn defaults(table: &[Setting]) -> Self {
        let mut layer = Self::default();
        for setting in table {
            if let Some(text) = setting.default {
                layer.insert(setting, vec![text.into()], Source::Default);
            }
        }
        layer
    }

    /// Takes down what this source says for one setting.
    pub(crate) fn insert(&mut self, setting: &Setting, values: Vec<OsString>, source: Source) {
        self.entries.insert(setting.name, Entry { values, source });
    }

    /// Takes back what was said for one setting.
    pub(crate) fn remove(&mut self, setting: &Setting) -> Option<Entry> {
        self.entries.remove(setting.name)
    }

    pub(crate) fn entry(&self, setting: &Setting) -> Option<&Entry> {
        self.entries.get(setting.name)
    }

    /// Where the setting of this name has its value from.
    pub(crate) fn source(&self, name: &str) -> &Source {
        self.entries.get(name).map_or(&Source::Default, |entry| &entry.source)
    }

    /// Lays this layer over a lower one.
    pub(crate) fn over(self, mut lower: Self) -> Self {
        lower.entries.extend(self.entries);
        lower
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::SETTINGS;

    /// Every layer over two settings, each of them absent, or an empty list, or with one of two values.
    fn small_layers(source: &Source) -> Vec<Layer> {
        let choices = [None, Some(vec![]), Some(vec!["a".into()]), Some(vec!["b".into(), "c".into()])];
        let mut layers = Vec::new();
        for first in &choices {
            for second in &choices {
                let mut layer = Layer::default();
                for (setting, values) in SETTINGS.iter().zip([first, second]) {
                    if let Some(values) = values {
                        layer.insert(setting, values.clone(), source.clone());
                    }
                }
                layers.push(layer);
            }
        }
        layers
    }

    #[test]
    fn over_is_associative() {
        for a in small_layers(&Source::CommandLine(Flag::Positional)) {
            for b in small_layers(&Source::Environment("B".into())) {
                for c in small_layers(&Source::Default) {
                    let left = a.clone().over(b.clone()).over(c.clone());
                    let right = a.clone().over(b.clone().over(c.clone()));
                    assert_eq!(left, right);
                }
            }
        }
    }

    #[test]
    fn the_empty_layer_is_the_identity() {
        for layer in small_layers(&Source::Default) {
            assert_eq!(layer.clone().over(Layer::default()), layer);
            assert_eq!(Layer::default().over(layer.clone()), layer);
        }
    }

    #[test]
    fn the_higher_layer_wins_whole() {
        for a in small_layers(&Source::CommandLine(Flag::Positional)) {
            for b in small_layers(&Source::Default) {
                let both = a.clone().over(b.clone());
                for setting in &SETTINGS[..2] {
                    let expected = a.entry(setting).or(b.entry(setting));
                    assert_eq!(both.entry(setting), expected);
                }
            }
        }
    }
}
