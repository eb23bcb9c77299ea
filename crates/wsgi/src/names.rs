//! Request header names as environ keys, and the `str` objects that repeat from request to request.

use std::sync::Arc;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName};
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
    /// Whether these are the bytes of the last call, and its text is known.
    pub(crate) fn is(&self, bytes: &[u8]) -> bool {
        self.text.is_some() && self.bytes == bytes
    }

    /// The bytes as a `str`, the same object again when they are those of the last call.
    pub(crate) fn text<'py>(&mut self, py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyString>> {
        if let Some(text) = self.text.as_ref().filter(|_| self.bytes == bytes) {
            return Ok(text.bind(py).clone());
        }
        let text = latin1(py, bytes)?;
        self.remember(bytes, &text);
        Ok(text)
    }

    /// `text` is that of the bytes.
    pub(crate) fn remember(&mut self, bytes: &[u8], text: &Bound<'_, PyString>) {
        self.text = None;
        if bytes.len() <= VALUE {
            self.bytes.clear();
            self.bytes.extend_from_slice(bytes);
            self.text = Some(text.clone().unbind());
        }
    }
}

/// A name's key in environ, with the last value under it.
pub(crate) struct Entry {
    pub(crate) key: Py<PyString>,
    pub(crate) last: Last,
}

/// A name that requests have brought.
struct Known {
    name: HeaderName,
    entry: Option<Entry>,
    /// No other name has its key.
    is_alone: bool,
    rule: Rule,
    is_told: bool,
}

/// The map from header names to keys.
pub(crate) struct Names {
    rules: Arc<HeaderRules>,
    places: FxHashMap<HeaderName, usize>,
    known: Vec<Known>,
    /// Holds a name that did not fit.
    overflow: Option<Known>,
    sequence: Sequence,
}

/// The names of the last request in their order.
#[derive(Default)]
struct Sequence {
    names: Vec<Seen>,
    /// Each name is known and the only one that sets its key.
    is_repeatable: bool,
}

/// A name of the last request.
struct Seen {
    place: usize,
    /// It reached the application.
    passed: bool,
}

impl Names {
    pub(crate) fn new(rules: Arc<HeaderRules>) -> Self {
        let sequence = Sequence::default();
        Self { rules, places: FxHashMap::default(), known: Vec::new(), overflow: None, sequence }
    }

    /// Whether a request has the same names in the same order as the last one, so that it sets the same keys if its sender is
    /// trusted as much.
    pub(crate) fn repeat(&self, headers: &HeaderMap) -> bool {
        let names = &self.sequence.names;
        self.sequence.is_repeatable
            && headers.len() == names.len()
            && headers.iter().zip(names).all(|((name, _), seen)| *name == self.known[seen.place].name)
    }

    /// Forgets the order of the last request; that of the next one is remembered, unless it `is_repeatable` for nobody.
    pub(crate) fn begin(&mut self, is_repeatable: bool) {
        self.sequence.names.clear();
        self.sequence.is_repeatable = is_repeatable;
    }

    /// The entries that values of a request that [repeats](Self::repeat) the last one belong to.
    pub(crate) fn again<'a>(
        &'a mut self,
        headers: &'a HeaderMap,
        mut set: impl FnMut(&mut Entry, &[u8]) -> PyResult<()>,
    ) -> PyResult<()> {
        for (value, seen) in headers.values().zip(&self.sequence.names) {
            if let Some(entry) = self.known[seen.place].entry.as_mut().filter(|_| seen.passed) {
                set(entry, value.as_bytes())?;
            }
        }
        Ok(())
    }

    /// The entry for `name`; `None` for a name that does not reach the application this way.
    pub(crate) fn entry(
        &mut self,
        py: Python<'_>,
        name: &HeaderName,
        sender: Sender<'_>,
    ) -> Option<&mut Entry> {
        let place = self.place(py, name);
        let known = match place {
            Some(place) => &mut self.known[place],
            None => self.overflow.as_mut()?,
        };
        let passes = known.rule.passes_always() || known.rule.passes(sender);
        self.sequence.is_repeatable &= place.is_some() && known.is_alone;
        self.sequence.names.extend(place.map(|place| Seen { place, passed: passes }));
        if !passes {
            // A client that makes up names must not fill the log either.
            if place.is_some() && !std::mem::replace(&mut known.is_told, true) {
                self.rules.tell(name, &known.rule, sender);
            }
            return None;
        }
        known.entry.as_mut()
    }

    /// Where the name is known; `None`: there is no room for it, and it is in `overflow`.
    fn place(&mut self, py: Python<'_>, name: &HeaderName) -> Option<usize> {
        if let Some(place) = self.places.get(name) {
            return Some(*place);
        }
        let is_kept = self.known.len() < NAMES;
        // Only names that are kept are interned: CPython 3.12 never frees an interned string.
        let text = |key: &str| if is_kept { PyString::intern(py, key) } else { PyString::new(py, key) };
        let entry = key_of(name).map(|key| Entry { key: text(&key).unbind(), last: Last::default() });
        // `-` and `_` are the same in a key.
        let is_alone = !name.as_str().contains('_');
        let known =
            Known { name: name.clone(), entry, is_alone, rule: self.rules.rule(name), is_told: false };
        if !is_kept {
            self.overflow = Some(known);
            return None;
        }
        self.places.insert(name.clone(), self.known.len());
        self.known.push(known);
        Some(self.known.len() - 1)
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
    use http::HeaderValue;

    use super::*;

    #[test]
    fn keys_follow_pep_3333() {
        let key = |name: &'static str| key_of(&HeaderName::from_static(name));
        assert_eq!(key("x-forwarded-for").as_deref(), Some("HTTP_X_FORWARDED_FOR"));
        assert_eq!(key("content-type").as_deref(), Some("CONTENT_TYPE"));
        assert_eq!(key("content-length"), None);
    }

    #[test]
    fn names_that_could_share_a_key_or_are_not_kept_do_not_repeat() {
        Python::initialize();
        Python::attach(|py| {
            let rules = HeaderRules { is_dangerous: true, ..HeaderRules::default() };
            let mut names = Names::new(Arc::new(rules));
            let mut repeats = |fields: &[&'static str]| {
                let field =
                    |name: &&'static str| (HeaderName::from_static(name), HeaderValue::from_static(""));
                let headers: HeaderMap = fields.iter().map(field).collect();
                names.begin(true);
                for name in headers.keys() {
                    names.entry(py, name, Sender { is_trusted: false, is_unix: false, headers: &headers });
                }
                names.repeat(&headers)
            };
            assert!(repeats(&["host", "x-a"]));
            assert!(!repeats(&["x_a-b", "x-a_b"]));
            for number in 0..NAMES {
                repeats(&[format!("y-{number}").leak()]);
            }
            assert!(!repeats(&["host", "z"]) && repeats(&["host", "x-a"]));
        });
    }

    #[test]
    fn a_flood_of_names_is_not_remembered() {
        Python::initialize();
        Python::attach(|py| {
            let mut names = Names::new(Arc::default());
            let headers = http::HeaderMap::new();
            let sender = Sender { is_trusted: false, is_unix: false, headers: &headers };
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
