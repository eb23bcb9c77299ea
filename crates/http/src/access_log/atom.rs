//! The atoms of a line: what each shows of a request.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Version;
use http::header::AUTHORIZATION;
use percent_encoding::percent_decode_str;

use super::clock;
use super::format::Captures;
use crate::journal::Finished;
use crate::record::Shown;

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
    Referer,
    UserAgent,
    Seconds,
    Milliseconds,
    Microseconds,
    DecimalSeconds,
    Process,
    QueueMilliseconds,
    FirstByteMilliseconds,
    BytesIn,
    RequestId,
    End,
    /// The header at this place of `request_headers`.
    RequestHeader(usize),
    /// The header at this place of `response_headers`.
    ResponseHeader(usize),
    /// The variable at this place of `environ`.
    Environ(usize),
}

/// Their names: Gunicorn's, and in the last line our own.
pub(super) const NAMES: &[(&str, Atom)] = &[
    ("h", Atom::RemoteAddress),
    ("l", Atom::Dash),
    ("u", Atom::User),
    ("t", Atom::Time),
    ("r", Atom::RequestLine),
    ("m", Atom::Method),
    ("U", Atom::Path),
    ("q", Atom::Query),
    ("H", Atom::Protocol),
    ("s", Atom::Status),
    ("B", Atom::Bytes),
    ("b", Atom::Bytes),
    ("f", Atom::Referer),
    ("a", Atom::UserAgent),
    ("T", Atom::Seconds),
    ("M", Atom::Milliseconds),
    ("D", Atom::Microseconds),
    ("L", Atom::DecimalSeconds),
    ("p", Atom::Process),
    ("q_ms", Atom::QueueMilliseconds),
    ("fb_ms", Atom::FirstByteMilliseconds),
    ("bytes_in", Atom::BytesIn),
    ("id", Atom::RequestId),
    ("end", Atom::End),
];

impl Atom {
    /// Whether it can be shown by `d`.
    pub(super) fn is_number(self) -> bool {
        matches!(
            self,
            Self::Status
                | Self::Bytes
                | Self::BytesIn
                | Self::Seconds
                | Self::Milliseconds
                | Self::Microseconds
                | Self::QueueMilliseconds
                | Self::FirstByteMilliseconds
        )
    }
}

/// A request that is over, and what is to be shown of it.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) finished: &'a Finished<'a>,
    pub(super) shown: &'a Shown,
    pub(super) captures: &'a Captures,
}

/// The value of an atom.
pub(super) enum Value<'a> {
    /// There is none.
    Missing,
    /// Digits, and letters that need no escape.
    Number(u64),
    Plain(std::fmt::Arguments<'a>),
    /// The same, known beforehand.
    Fixed(&'a str),
    /// Anything that a client or the application may have sent.
    Foreign(Cow<'a, [u8]>),
}

impl Request<'_> {
    /// Hands the value of `atom` to `show`.
    pub(super) fn value(self, atom: Atom, show: &mut dyn FnMut(Value<'_>)) {
        let finished = self.finished;
        let millis = |time: Option<Duration>| time.map_or(Value::Missing, |time| number(time.as_millis()));
        show(match atom {
            Atom::RemoteAddress => foreign(self.shown.peer.remote_addr().as_bytes()),
            Atom::Dash => Value::Missing,
            Atom::User => self.user(),
            Atom::Time => return clock::with_common(|time| show(Value::Fixed(time))),
            Atom::RequestLine => return self.line(show),
            Atom::Method => foreign(finished.method.as_str().as_bytes()),
            Atom::Path => Value::Foreign(self.path()),
            Atom::Query => foreign(self.shown.uri.query().unwrap_or_default().as_bytes()),
            Atom::Protocol => Value::Fixed(self.protocol()),
            Atom::Status => Value::Number(finished.status.into()),
            Atom::Bytes => Value::Number(finished.bytes_out),
            Atom::Referer | Atom::UserAgent => Value::Missing,
            Atom::Seconds => Value::Number(finished.duration.as_secs()),
            Atom::Milliseconds => number(finished.duration.as_millis()),
            Atom::Microseconds => number(finished.duration.as_micros()),
            Atom::DecimalSeconds => {
                return show(Value::Plain(format_args!("{:.6}", finished.duration.as_secs_f64())));
            }
            Atom::Process => return show(Value::Plain(format_args!("<{}>", std::process::id()))),
            Atom::QueueMilliseconds => millis(finished.queued),
            Atom::FirstByteMilliseconds => millis(finished.first_byte),
            Atom::BytesIn => Value::Number(finished.bytes_in),
            Atom::RequestId => {
                self.captures.request_id.map_or(Value::Missing, |place| self.request_header(place))
            }
            Atom::End => foreign(finished.end.as_str().as_bytes()),
            Atom::RequestHeader(place) => self.request_header(place),
            Atom::ResponseHeader(place) => match self.shown.response_headers.get(place) {
                Some(Some(value)) => foreign(value.as_bytes()),
                _ => Value::Missing,
            },
            Atom::Environ(place) => match self.shown.environ.get(place) {
                Some(Some(value)) => foreign(value),
                _ => Value::Missing,
            },
        });
    }

    pub(super) fn request_header(&self, place: usize) -> Value<'_> {
        match self.shown.request_headers.get(place) {
            Some(Some(value)) => foreign(value.as_bytes()),
            _ => Value::Missing,
        }
    }

    /// `RAW_URI`, in two parts of which the first is all but for targets that name a host.
    pub(super) fn target(&self) -> Cow<'_, str> {
        let uri = &self.shown.uri;
        match uri.path_and_query() {
            Some(path) if uri.scheme().is_none() => Cow::Borrowed(path.as_str()),
            _ => Cow::Owned(uri.to_string()),
        }
    }

    /// In parts, which nobody has to put together first.
    fn line(&self, show: &mut dyn FnMut(Value<'_>)) {
        show(foreign(self.finished.method.as_str().as_bytes()));
        show(Value::Fixed(" "));
        show(foreign(self.target().as_bytes()));
        show(Value::Fixed(" "));
        show(Value::Fixed(self.protocol()));
    }

    pub(super) fn protocol(&self) -> &'static str {
        match self.shown.version {
            Version::HTTP_10 => "HTTP/1.0",
            Version::HTTP_2 => "HTTP/2.0",
            _ => "HTTP/1.1",
        }
    }

    /// `PATH_INFO`: decoded, without the mount point.
    fn path(&self) -> Cow<'_, [u8]> {
        let path = self.shown.uri.path();
        let decoded: Cow<'_, [u8]> =
            if path == "*" { Cow::Borrowed(b"") } else { percent_decode_str(path).into() };
        let mount: &[u8] = &self.shown.script_name;
        let is_under = |rest: &[u8]| rest.is_empty() || rest.starts_with(b"/");
        if !mount.is_empty() && decoded.strip_prefix(mount).is_some_and(is_under) {
            return decoded[mount.len()..].to_vec().into();
        }
        decoded
    }

    /// The user name of Basic authentication (RFC 7617).
    fn user(&self) -> Value<'_> {
        let place = self.captures.request_headers.iter().position(|name| *name == AUTHORIZATION);
        let value = place.and_then(|place| self.shown.request_headers.get(place)?.as_ref());
        match value.and_then(|value| user_of(value.as_bytes())).filter(|user| !user.is_empty()) {
            Some(user) => Value::Foreign(user.into()),
            None => Value::Missing,
        }
    }
}

fn foreign(bytes: &[u8]) -> Value<'_> {
    Value::Foreign(Cow::Borrowed(bytes))
}

fn number(number: u128) -> Value<'static> {
    Value::Number(u64::try_from(number).unwrap_or(u64::MAX))
}

fn user_of(value: &[u8]) -> Option<Vec<u8>> {
    let (scheme, encoded) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let mut credentials = BASE64_STANDARD.decode(encoded.trim_ascii()).ok()?;
    // Without a colon there is no password, and Gunicorn takes it all for the name.
    credentials.truncate(credentials.iter().position(|byte| *byte == b':').unwrap_or(credentials.len()));
    Some(credentials)
}
