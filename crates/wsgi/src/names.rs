//! Request header names as environ keys, and the `str` objects that repeat from request to request.

use std::sync::Arc;

use http::HeaderName;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use pyo3::types::PyString;
use pyo3::{Bound, Py, PyResult, Python};
use rustc_hash::FxHashMap;

use crate::ffi::text::latin1;
use crate::header_rules::{HeaderRules, Rule, Sender};

/// How many names are remembered: a client that makes up names must not fill the memory.
const NAMES: usize = 256;
/// Longer values are not remembered: comparing them costs more than making them anew is worth.
const VALUE: usize = 1024;

/// The last text under a key: clients repeat Host, User-Agent, Accept and their address on every request.
#[derive(Default)]
pub(crate) struct Last {
    bytes: Vec<u8>,
    text: Option<Py<PyString>>,
}

impl Last {
    /// The bytes as a `str`, the same object again when they are those of the last call.
    pub(crate) fn text<'py>(&mut self, py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyString>> {
        if let Some(text) = self.text.as_ref().filter(|_| self.bytes == bytes) {
            return Ok(text.bind(py).clone());
        }
        let text = latin1(py, bytes)?;
        if bytes.len() <= VALUE {
            self.bytes.clear();
            self.bytes.extend_from_slice(bytes);
            self.text = Some(text.clone().unbind());
        }
        Ok(text)
    }
}

/// A name's key in environ, with the last value under it.
pub(crate) struct Entry {
    pub(crate) key: Py<PyString>,
    pub(crate) last: Last,
}

/// A name that requests have brought.
struct Known {
    entry: Option<Entry>,
    rule: Rule,
    is_told: bool,
}

/// The map from header names to keys.
pub(crate) struct Names {
    rules: Arc<HeaderRules>,
    known: FxHashMap<HeaderName, Known>,
    /// Holds a name that did not fit.
    overflow: Option<Known>,
}

impl Names {
    pub(crate) fn new(rules: Arc<HeaderRules>) -> Self {
        Self { rules, known: FxHashMap::default(), overflow: None }
    }

    /// The entry for `name`; `None` for a name that does not reach the application this way.
    pub(crate) fn entry(
        &mut self,
        py: Python<'_>,
        name: &HeaderName,
        sender: Sender<'_>,
    ) -> Option<&mut Entry> {
        let is_known = self.known.contains_key(name);
        let is_kept = is_known || self.known.len() < NAMES;
        if !is_known {
            // Only names that are kept are interned: CPython 3.12 never frees an interned string.
            let text = |key: &str| if is_kept { PyString::intern(py, key) } else { PyString::new(py, key) };
            let entry = key_of(name).map(|key| Entry { key: text(&key).unbind(), last: Last::default() });
            let known = Known { entry, rule: self.rules.rule(name), is_told: false };
            if is_kept {
                self.known.insert(name.clone(), known);
            } else {
                self.overflow = Some(known);
            }
        }
        let known = if is_kept { self.known.get_mut(name) } else { self.overflow.as_mut() }?;
        if !known.rule.passes_always() && !known.rule.passes(sender) {
            // A client that makes up names must not fill the log either.
            if is_kept && !std::mem::replace(&mut known.is_told, true) {
                self.rules.tell(name, &known.rule, sender);
            }
            return None;
        }
        known.entry.as_mut()
    }
}

/// `HTTP_` and the name in upper case with `_` for `-` (PEP 3333, "environ Variables").
///
/// Not passed on: Content-Length, which is set from the body that arrived; Transfer-Encoding, which is undone by then
/// (RFC 9112 section 6.1).
fn key_of(name: &HeaderName) -> Option<String> {
    if name == CONTENT_TYPE {
        return Some("CONTENT_TYPE".to_owned());
    }
    if name == CONTENT_LENGTH || name == TRANSFER_ENCODING {
        return None;
    }
    let upper =
        name.as_str().bytes().map(|byte| if byte == b'-' { '_' } else { byte.to_ascii_uppercase().into() });
    Some("HTTP_".chars().chain(upper).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_pep_3333() {
        let key = |name: &'static str| key_of(&HeaderName::from_static(name));
        assert_eq!(key("x-forwarded-for").as_deref(), Some("HTTP_X_FORWARDED_FOR"));
        assert_eq!(key("content-type").as_deref(), Some("CONTENT_TYPE"));
        assert_eq!(key("content-length"), None);
    }

    #[test]
    fn a_flood_of_names_is_not_remembered() {
        Python::initialize();
        Python::attach(|py| {
            let mut names = Names::new(Arc::default());
            let headers = http::HeaderMap::new();
            let sender = Sender { is_trusted: false, headers: &headers };
            for number in 0..2 * NAMES {
                let name = HeaderName::from_bytes(format!("x-{number}").as_bytes()).unwrap();
                let entry = names.entry(py, &name, sender).unwrap();
                let key = format!("HTTP_X_{number}");
                assert_eq!(entry.key.to_string(), key);
                let is_interned = entry.key.is(PyString::intern(py, &key));
                assert_eq!(is_interned, number < NAMES, "CPython 3.12 never frees an interned string");
            }
            assert_eq!(names.known.len(), NAMES);
        });
    }
}
