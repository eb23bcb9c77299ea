//! What a line of the access log looks like, compiled once.

use http::HeaderName;
use http::header::{AUTHORIZATION, REFERER, USER_AGENT};

use super::atom::{Atom, NAMES};
use super::padding::Padding;
use crate::FormatError;
use crate::forwarded::X_FORWARDED_FOR;

/// A compiled format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    pub(super) layout: Layout,
    pub(crate) captures: Captures,
}

/// The shape of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Gunicorn's format (setting `access_log_format`).
    Pieces(Vec<Piece>),
    /// A JSON object with fixed members.
    Json,
    /// A JSON object of all that Python's loggers get.
    Python,
}

/// What has to be kept of a request and its answer for the line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Captures {
    pub(crate) request_headers: Vec<HeaderName>,
    pub(crate) response_headers: Vec<HeaderName>,
    pub(crate) environ: Vec<String>,
    pub(crate) request_id: Option<usize>,
    /// All headers, too.
    pub(crate) all_headers: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Atom(Atom),
    Padded(Atom, Padding),
}

/// What JSON shows of the request's headers, at these places of what is captured.
pub(super) const JSON_REFERER: usize = 0;
pub(super) const JSON_USER_AGENT: usize = 1;
pub(super) const JSON_FORWARDED_FOR: usize = 2;

impl Format {
    /// Compiles Gunicorn's format, such as `%(h)s "%(r)s" %(s)s`; `%%` is a percent sign. Flags, width and precision are
    /// those of Python's `%`. `request_id` is the header that the atom `id` shows.
    ///
    /// # Errors
    /// An atom that does not exist or does not end, or a conversion that it does not have.
    pub fn compile(text: &str, request_id: Option<&HeaderName>) -> Result<Self, FormatError> {
        let mut captures = Captures::new(request_id);
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(percent) = rest.find('%') {
            add_text(&mut pieces, &rest[..percent]);
            rest = &rest[percent..];
            if let Some(after) = rest.strip_prefix("%%") {
                add_text(&mut pieces, "%");
                rest = after;
                continue;
            }
            let unfinished = || FormatError::Unfinished(rest.chars().take(20).collect());
            let inside = rest.strip_prefix("%(").ok_or_else(unfinished)?;
            let (name, after) = inside.split_once(')').ok_or_else(unfinished)?;
            let (padding, conversion, after) = Padding::parse(after).ok_or_else(unfinished)?;
            let atom = captures.atom(name)?;
            if !(conversion == 's' || atom.is_number() && matches!(conversion, 'd' | 'i' | 'u')) {
                let conversion = conversion.to_string();
                return Err(FormatError::Conversion { name: name.to_owned(), conversion });
            }
            pieces.push(match padding.of_conversion(conversion) {
                Some(padding) => Piece::Padded(atom, padding),
                None => Piece::Atom(atom),
            });
            rest = after;
        }
        add_text(&mut pieces, rest);
        Ok(Self { layout: Layout::Pieces(pieces), captures })
    }

    /// An object of JSON for each line, with typed members.
    #[must_use]
    pub fn json(request_id: Option<&HeaderName>) -> Self {
        let mut captures = Captures::new(request_id);
        captures.request_headers.splice(0..0, [REFERER, USER_AGENT, X_FORWARDED_FOR]);
        captures.request_id = captures.request_id.map(|place| place + JSON_FORWARDED_FOR + 1);
        Self { layout: Layout::Json, captures }
    }

    /// An object of JSON for each line, of which Python can make all that a logger of Gunicorn's gets: the atoms by their
    /// names, `target`, `request_headers` and `response_headers` as pairs, and in `environ` the variables that the text shows. What
    /// else stands in it is Python's business, whose loggers may have atoms of their own.
    #[must_use]
    pub fn for_python(text: &str, request_id: Option<&HeaderName>) -> Self {
        let mut captures = Captures { all_headers: true, ..Captures::new(request_id) };
        place(&mut captures.request_headers, AUTHORIZATION);
        for inside in text.split("%({").skip(1) {
            if let Some((name, kind)) = inside.split_once('}')
                && kind.starts_with(['e', 'E'])
            {
                place(&mut captures.environ, name.to_ascii_lowercase());
            }
        }
        Self { layout: Layout::Python, captures }
    }

    /// The same requests for Python: what is written is what [`for_python`](Self::for_python) describes, with the variables of this format.
    #[must_use]
    pub fn as_python(&self) -> Self {
        let mut captures = Captures { all_headers: true, ..self.captures.clone() };
        place(&mut captures.request_headers, AUTHORIZATION);
        Self { layout: Layout::Python, captures }
    }

    /// The names of the variables whose values have to come with each [`Answer`](crate::Answer), in this order.
    #[must_use]
    pub fn environ(&self) -> &[String] {
        &self.captures.environ
    }
}

impl Captures {
    fn new(request_id: Option<&HeaderName>) -> Self {
        let request_headers: Vec<_> = request_id.cloned().into_iter().collect();
        Self { request_id: request_id.map(|_| 0), request_headers, ..Self::default() }
    }

    fn atom(&mut self, name: &str) -> Result<Atom, FormatError> {
        if let Some((inner, kind)) = name.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            return self.named(inner, kind).ok_or_else(|| FormatError::Unknown {
                name: name.to_owned(),
                nearest: (!"ioe".contains(&kind.to_ascii_lowercase())).then(|| format!("{{{inner}}}i")),
            });
        }
        let Some((_, atom)) = NAMES.iter().find(|(known, _)| *known == name) else {
            return Err(FormatError::Unknown { name: name.to_owned(), nearest: nearest(name) });
        };
        Ok(match atom {
            Atom::User => {
                place(&mut self.request_headers, AUTHORIZATION);
                Atom::User
            }
            Atom::Referer => Atom::RequestHeader(place(&mut self.request_headers, REFERER)),
            Atom::UserAgent => Atom::RequestHeader(place(&mut self.request_headers, USER_AGENT)),
            atom => *atom,
        })
    }

    fn named(&mut self, name: &str, kind: &str) -> Option<Atom> {
        let header = || HeaderName::from_bytes(name.as_bytes()).ok();
        Some(match kind {
            "i" | "I" => Atom::RequestHeader(place(&mut self.request_headers, header()?)),
            "o" | "O" => Atom::ResponseHeader(place(&mut self.response_headers, header()?)),
            "e" | "E" => Atom::Environ(place(&mut self.environ, name.to_ascii_lowercase())),
            _ => return None,
        })
    }
}

fn add_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        Some(Piece::Text(last)) => last.push_str(text),
        _ if text.is_empty() => {}
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

/// The place of `item` in the list, where it is put if it is not there.
fn place<T: PartialEq>(items: &mut Vec<T>, item: T) -> usize {
    items.iter().position(|known| *known == item).unwrap_or_else(|| {
        items.push(item);
        items.len() - 1
    })
}

/// The atom whose name differs in case, or in one letter of several.
fn nearest(name: &str) -> Option<String> {
    let is_near = |known: &str| {
        known.eq_ignore_ascii_case(name)
            || known.len() > 1
                && known.len() == name.len()
                && known.bytes().zip(name.bytes()).filter(|(a, b)| a != b).count() == 1
    };
    NAMES.iter().find(|(known, _)| is_near(known)).map(|(known, _)| (*known).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(text: &str) -> Result<Format, FormatError> {
        Format::compile(text, None)
    }

    #[test]
    fn text_and_atoms_alternate() {
        let format =
            compile("%(h)s 100%% \"%(r)s\" %({X-Id}i)s%({x-id}I)s%({wsgi.X}e)s%({WSGI.x}e)s").unwrap();
        let Layout::Pieces(pieces) = format.layout else { panic!("no pieces") };
        assert_eq!(
            pieces,
            [
                Piece::Atom(Atom::RemoteAddress),
                Piece::Text(" 100% \"".to_owned()),
                Piece::Atom(Atom::RequestLine),
                Piece::Text("\" ".to_owned()),
                Piece::Atom(Atom::RequestHeader(0)),
                Piece::Atom(Atom::RequestHeader(0)),
                Piece::Atom(Atom::Environ(0)),
                Piece::Atom(Atom::Environ(0)),
            ]
        );
        assert_eq!(format.captures.environ, ["wsgi.x"]);
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text| compile(text).unwrap_err().to_string();
        assert_eq!(error("%(h)s %(z)s"), "there is no atom `z`");
        assert_eq!(error("%(S)s"), "there is no atom `S`, did you mean `s`");
        assert_eq!(error("%(q-ms)s"), "there is no atom `q-ms`, did you mean `q_ms`");
        assert_eq!(error("%({x-id}q)s"), "there is no atom `{x-id}q`, did you mean `{x-id}i`");
        assert_eq!(error("%({a b}i)s"), "there is no atom `{a b}i`");
        assert_eq!(error("%(h"), "`%(h` does not end with `)s`");
        assert_eq!(error("%(h)"), "`%(h)` does not end with `)s`");
        assert_eq!(error("50%"), "`%` does not end with `)s`");
        assert_eq!(error("%(h)d"), "`%(h)d`: expected `s`, or `d` for `T`, `M`, `D`, `B` and other numbers");
        assert_eq!(error("%(D)x"), "`%(D)x`: expected `s`, or `d` for `T`, `M`, `D`, `B` and other numbers");
    }
}
