//! The environment as a source.

use std::ffi::OsString;

use crate::{
    layer::{Layer, Source},
    setting::Setting,
};

/// Asks for every variable that the table names. An empty variable is one that is not set: that is how
/// container files switch one off. Only where an empty value means something safer than the default does it
/// count.
pub(crate) fn read(table: &[Setting], env: &dyn Fn(&str) -> Option<OsString>) -> Layer {
    let mut layer = Layer::default();
    for setting in table {
        let Some(variable) = setting.env else { continue };
        let Some(text) = env(variable.name).filter(|text| variable.empty_counts || !text.is_empty()) else {
            continue;
        };
        let mut value = OsString::from(variable.prefix);
        value.push(text);
        layer.insert(setting, vec![value], Source::Environment(variable.name));
    }
    layer
}
