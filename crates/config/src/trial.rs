//! One value tried on its setting alone, for those who look at the settings of another server.

use std::ffi::OsString;

use crate::{config::Config, setting::Setting};

/// Why a setting does not take a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// What is wrong with it, or what was expected.
    pub reason: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Setting {
    /// Tries a value, as an option would give it; nothing is read but the text.
    ///
    /// # Errors
    ///
    /// What a start with this value would complain of.
    pub fn try_value(&self, value: &str) -> Result<(), Objection> {
        let values = [OsString::from(value)];
        self.kind
            .store(&values, &mut Config::default())
            .map_err(|(_, refusal)| Objection { reason: refusal.reason, hint: refusal.hint })
    }

    /// Whether this text says what holds without it.
    #[must_use]
    pub fn is_default(&self, value: &str) -> bool {
        let default = self.default.unwrap_or(if self.switch() { "false" } else { "" });
        self.kind.is_same(value.trim(), default) || (self.default.is_none() && value == "None")
    }
}

#[cfg(test)]
mod tests {
    use crate::table::SETTINGS;

    #[test]
    fn a_value_is_tried_without_the_others() {
        let row = |name: &str| SETTINGS.iter().find(|setting| setting.name == name).expect(name);
        assert_eq!(row("workers").try_value("3"), Ok(()));
        let objection = row("workers").try_value("many").unwrap_err();
        assert!(objection.reason.contains("number"), "{objection:?}");
        assert!(row("wsgi_app").try_value("site/wsgi.py").unwrap_err().hint.is_some());
    }

    #[test]
    fn every_default_is_its_default() {
        for setting in SETTINGS {
            let Some(default) = setting.default else { continue };
            assert!(setting.is_default(default), "{}", setting.name);
            assert!(!setting.is_default("something else"), "{}", setting.name);
        }
    }
}
