//! Header fields in the order in which they go out.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use memchr::memchr;

use crate::name::{FieldName, is_field_value, write_name};

/// Header fields, in one piece of text: `Name: value` and CR LF for each. Every name is a token and no value has a control
/// character, since nothing else can be put in; so the text can be sent as it is, and be taken apart again.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields {
    lines: Vec<u8>,
}

impl Fields {
    /// None yet, and memory for lines of so many bytes in all.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { lines: Vec::with_capacity(bytes) }
    }

    /// All of them as they go out, without the empty line that ends a head.
    #[must_use]
    pub fn lines(&self) -> &[u8] {
        &self.lines
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Adds a field behind the others; `false` when the value is none that a field can have.
    #[must_use]
    pub fn push(&mut self, name: &FieldName, value: &[u8]) -> bool {
        let is_valid = is_field_value(value);
        if is_valid {
            self.lines.reserve(name.prefix().len() + value.len() + 2);
            self.lines.extend_from_slice(name.prefix());
            self.lines.extend_from_slice(value);
            self.lines.extend_from_slice(b"\r\n");
        }
        is_valid
    }

    /// Adds a field behind the others.
    #[expect(clippy::needless_pass_by_value, reason = "names and values are constants, or made for this")]
    pub fn append(&mut self, name: HeaderName, value: HeaderValue) {
        self.lines.reserve(name.as_str().len() + value.len() + 4);
        write_name(&name, &mut self.lines);
        self.lines.extend_from_slice(b": ");
        self.lines.extend_from_slice(value.as_bytes());
        self.lines.extend_from_slice(b"\r\n");
    }

    /// Adds a field in the place of all others of its name.
    pub fn insert(&mut self, name: HeaderName, value: HeaderValue) {
        self.remove(&name);
        self.append(name, value);
    }

    /// Adds a field, unless there is one of its name.
    pub fn or_insert(&mut self, name: HeaderName, value: HeaderValue) {
        if !self.contains(&name) {
            self.append(name, value);
        }
    }

    /// Adds those of `others` behind the others whose names are not among these.
    pub fn add_missing(&mut self, others: &Self) {
        let own = self.lines.len();
        self.lines.reserve(others.lines.len());
        for line in others.raw() {
            let (name, _) = line.parts();
            // Names are tokens, which are text.
            let name = str::from_utf8(name).unwrap_or_default();
            if !raw(&self.lines[..own]).any(|line| line.value_of(name).is_some()) {
                self.lines.extend_from_slice(line.0);
            }
        }
    }

    /// Takes out all fields of this name; gives the first value.
    pub fn remove(&mut self, name: impl AsRef<str>) -> Option<Vec<u8>> {
        let name = name.as_ref();
        let first = self.get(name)?.to_vec();
        let mut kept = Vec::with_capacity(self.lines.len());
        for line in self.raw().filter(|line| line.value_of(name).is_none()) {
            kept.extend_from_slice(line.0);
        }
        self.lines = kept;
        Some(first)
    }

    /// The first value of this name; case does not matter.
    #[must_use]
    pub fn get(&self, name: impl AsRef<str>) -> Option<&[u8]> {
        self.raw().find_map(|line| line.value_of(name.as_ref()))
    }

    /// The values of this name in their order; case does not matter.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.raw().filter_map(move |line| line.value_of(name))
    }

    /// Whether there is a field of this name; case does not matter.
    #[must_use]
    pub fn contains(&self, name: impl AsRef<str>) -> bool {
        self.get(name).is_some()
    }

    /// Names, as they go out, and values.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.raw().map(|line| line.parts())
    }

    fn raw(&self) -> impl Iterator<Item = Line<'_>> {
        raw(&self.lines)
    }
}

fn raw(lines: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let mut rest = lines;
    std::iter::from_fn(move || {
        let (line, behind) = rest.split_at(memchr(b'\n', rest)? + 1);
        rest = behind;
        Some(Line(line))
    })
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        f.debug_map().entries(self.iter().map(|(name, value)| (text(name), text(value)))).finish()
    }
}

impl FromIterator<(HeaderName, HeaderValue)> for Fields {
    fn from_iter<T: IntoIterator<Item = (HeaderName, HeaderValue)>>(fields: T) -> Self {
        let mut all = Self::default();
        fields.into_iter().for_each(|(name, value)| all.append(name, value));
        all
    }
}

impl From<&Fields> for HeaderMap {
    fn from(fields: &Fields) -> Self {
        let mut map = Self::new();
        for (name, value) in fields.iter() {
            let field = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value));
            if let (Ok(name), Ok(value)) = field {
                // More than a map can hold are more than a client reads.
                let _ = map.try_append(name, value);
            }
        }
        map
    }
}

/// One field with its CR LF.
#[derive(Clone, Copy)]
struct Line<'a>(&'a [u8]);

impl<'a> Line<'a> {
    fn value_of(self, name: &str) -> Option<&'a [u8]> {
        let (found, rest) = self.0.split_at_checked(name.len())?;
        let value = rest.strip_prefix(b": ")?;
        found.eq_ignore_ascii_case(name.as_bytes()).then(|| &value[..value.len() - 2])
    }

    fn parts(self) -> (&'a [u8], &'a [u8]) {
        // No token holds a colon.
        let colon = memchr(b':', self.0).unwrap_or_default();
        (&self.0[..colon], &self.0[colon + 2..self.0.len() - 2])
    }
}

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_TYPE, ETAG, SET_COOKIE};

    use super::*;

    fn value(text: &'static str) -> HeaderValue {
        HeaderValue::from_static(text)
    }

    fn sample() -> Fields {
        [
            (SET_COOKIE, value("a=1")),
            (CONTENT_TYPE, value("text/html; a: b")),
            (SET_COOKIE, value("b=2")),
            (ETAG, value("")),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn they_are_as_they_go_out() {
        let expected = "Set-Cookie: a=1\r\nContent-Type: text/html; a: b\r\nSet-Cookie: b=2\r\nEtag: \r\n";
        assert_eq!(sample().lines(), expected.as_bytes());
        assert_eq!(sample().len(), 4);
        let pairs: Vec<(&[u8], &[u8])> =
            vec![(b"Set-Cookie", b"a=1"), (b"Content-Type", b"text/html; a: b"), (b"Set-Cookie", b"b=2")];
        assert_eq!(sample().iter().take(3).collect::<Vec<_>>(), pairs);
    }

    #[test]
    fn they_are_found_whatever_the_case() {
        let fields = sample();
        assert_eq!(fields.get("content-TYPE"), Some(&b"text/html; a: b"[..]));
        assert_eq!(fields.get(ETAG), Some(&b""[..]));
        assert_eq!(fields.get_all("set-cookie").collect::<Vec<_>>(), [b"a=1", b"b=2"]);
        for other in
            ["content-typ", "content-type2", "etag: ", "a", "", "etag-and-much-that-is-longer-than-it"]
        {
            assert!(!fields.contains(other), "{other}");
        }
    }

    #[test]
    fn one_takes_the_place_of_all_others_of_its_name() {
        let mut fields = sample();
        fields.insert(SET_COOKIE, value("c=3"));
        fields.or_insert(CONTENT_TYPE, value("x"));
        let expected = "Content-Type: text/html; a: b\r\nEtag: \r\nSet-Cookie: c=3\r\n";
        assert_eq!(fields.lines(), expected.as_bytes());
        assert_eq!(fields.remove("SET-COOKIE").as_deref(), Some(&b"c=3"[..]));
        assert_eq!(fields.remove(SET_COOKIE), None);
        fields.or_insert(SET_COOKIE, value("d"));
        assert_eq!(fields.get(SET_COOKIE), Some(&b"d"[..]));
    }

    #[test]
    fn what_is_missing_is_added_and_nothing_else() {
        let mut fields = sample();
        let before = fields.lines().to_vec();
        fields.add_missing(&Fields::default());
        assert_eq!(fields.lines(), before);
        let name = |text| HeaderName::from_static(text);
        let others = [
            (CONTENT_TYPE, value("x")),
            (name("x-a"), value("1")),
            (name("x-a"), value("2")),
            (name("set-cookie2"), value("c")),
        ];
        fields.add_missing(&others.into_iter().collect());
        let added = b"X-A: 1\r\nX-A: 2\r\nSet-Cookie2: c\r\n";
        assert_eq!(fields.lines(), [&before[..], added].concat());
        let mut none = Fields::default();
        none.add_missing(&sample());
        assert_eq!(none, sample());
    }

    #[test]
    fn what_would_begin_another_line_is_refused() {
        let name = FieldName::from(&ETAG);
        let mut fields = Fields::default();
        assert!(!fields.push(&name, b"a\r\nEvil: 1"));
        assert!(fields.is_empty());
        assert!(fields.push(&name, b"\xe9\ta"));
        assert_eq!(fields.lines(), b"Etag: \xe9\ta\r\n");
    }

    #[test]
    fn a_map_has_them_all() {
        let map = HeaderMap::from(&sample());
        assert_eq!(map.get_all(SET_COOKIE).iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
        assert_eq!((map.len(), &map[ETAG]), (4, &value("")));
    }
}
