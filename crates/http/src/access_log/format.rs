//! Gunicorn's access-log format (setting `access_log_format`), compiled once.

use http::HeaderName;
use http::header::{REFERER, USER_AGENT};

use crate::FormatError;

/// A compiled format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    pub(super) pieces: Vec<Piece>,
    /// Request headers that atoms show, captured when the request begins.
    pub(super) request_headers: Vec<HeaderName>,
    /// Response headers that atoms show, captured when it is answered.
    pub(super) response_headers: Vec<HeaderName>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Atom(Atom),
}

/// What a piece of a line shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Atom {
    RemoteAddress,
    Dash,
    User,
    Time,
    RequestLine,
    Method,
    Path,
    Query,
    Protocol,
    Status,
    Bytes,
    Seconds,
    Milliseconds,
    Microseconds,
    DecimalSeconds,
    Process,
    /// The header at this place of `request_headers`.
    RequestHeader(usize),
    /// The header at this place of `response_headers`.
    ResponseHeader(usize),
}

impl Format {
    /// Compiles a format such as `%(h)s "%(r)s" %(s)s`; `%%` is a percent sign.
    ///
    /// # Errors
    /// An atom that does not exist or does not end.
    pub fn compile(text: &str) -> Result<Self, FormatError> {
        let mut format =
            Self { pieces: Vec::new(), request_headers: Vec::new(), response_headers: Vec::new() };
        let mut rest = text;
        while let Some(percent) = rest.find('%') {
            format.text(&rest[..percent]);
            rest = &rest[percent..];
            if let Some(after) = rest.strip_prefix("%%") {
                format.text("%");
                rest = after;
                continue;
            }
            let unfinished = || FormatError::Unfinished(rest.chars().take(20).collect());
            let inside = rest.strip_prefix("%(").ok_or_else(unfinished)?;
            let (name, after) = inside.split_once(")s").ok_or_else(unfinished)?;
            let atom = format.atom(name)?;
            format.pieces.push(Piece::Atom(atom));
            rest = after;
        }
        format.text(rest);
        Ok(format)
    }

    fn text(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ if text.is_empty() => {}
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    fn atom(&mut self, name: &str) -> Result<Atom, FormatError> {
        let unknown = || FormatError::Unknown(name.to_owned());
        if let Some((header, kind)) = name.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            let header = || HeaderName::from_bytes(header.as_bytes()).map_err(|_| unknown());
            return match kind {
                "i" => Ok(Atom::RequestHeader(place(&mut self.request_headers, header()?))),
                "o" => Ok(Atom::ResponseHeader(place(&mut self.response_headers, header()?))),
                "e" => Err(FormatError::Environ(name.to_owned())),
                _ => Err(unknown()),
            };
        }
        Ok(match name {
            "h" => Atom::RemoteAddress,
            "l" => Atom::Dash,
            "u" => {
                place(&mut self.request_headers, http::header::AUTHORIZATION);
                Atom::User
            }
            "t" => Atom::Time,
            "r" => Atom::RequestLine,
            "m" => Atom::Method,
            "U" => Atom::Path,
            "q" => Atom::Query,
            "H" => Atom::Protocol,
            "s" => Atom::Status,
            "b" | "B" => Atom::Bytes,
            "f" => Atom::RequestHeader(place(&mut self.request_headers, REFERER)),
            "a" => Atom::RequestHeader(place(&mut self.request_headers, USER_AGENT)),
            "T" => Atom::Seconds,
            "M" => Atom::Milliseconds,
            "D" => Atom::Microseconds,
            "L" => Atom::DecimalSeconds,
            "p" => Atom::Process,
            _ => return Err(unknown()),
        })
    }
}

/// The place of `header` in the list, where it is put if it is not there.
fn place(headers: &mut Vec<HeaderName>, header: HeaderName) -> usize {
    headers.iter().position(|known| *known == header).unwrap_or_else(|| {
        headers.push(header);
        headers.len() - 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_atoms_alternate() {
        let format = Format::compile("%(h)s 100%% \"%(r)s\" %({X-Id}i)s%({x-id}i)s").unwrap();
        assert_eq!(
            format.pieces,
            [
                Piece::Atom(Atom::RemoteAddress),
                Piece::Text(" 100% \"".to_owned()),
                Piece::Atom(Atom::RequestLine),
                Piece::Text("\" ".to_owned()),
                Piece::Atom(Atom::RequestHeader(0)),
                Piece::Atom(Atom::RequestHeader(0)),
            ]
        );
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text| Format::compile(text).unwrap_err().to_string();
        assert_eq!(error("%(h)s %(z)s"), "there is no atom `z`");
        assert_eq!(error("%(h"), "`%(h` does not end with `)s`");
        assert_eq!(error("50%"), "`%` does not end with `)s`");
        assert_eq!(
            error("%({wsgi.x}e)s"),
            "the atom `{wsgi.x}e` reads the WSGI environ, which is not supported yet"
        );
    }
}
