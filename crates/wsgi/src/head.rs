//! What an application passes to `start_response`, checked and turned into a response head.

use bytes::Bytes;
use http::StatusCode;
use http::header::{
    CONNECTION, CONTENT_LENGTH, DATE, HeaderName, SERVER, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::types::{PyAnyMethods, PyList, PyListMethods, PyString, PyTuple, PyTupleMethods};
use pyo3::{Bound, PyAny, PyErr, PyResult};
use rustc_hash::FxHashMap;
use rwsgi_message::{FieldName, Fields, is_field_value};

use crate::exchange::Head;
use crate::ffi::text::latin1_bytes;

/// More fields than any client reads.
const FIELDS: usize = 24_000;
/// How many bytes the fields of a usual answer have, with the room for what the server adds: with more of them memory
/// grows.
const ROOM: usize = 448;

/// How many names are remembered: an application that makes up names must not fill the memory.
const NAMES: usize = 256;

/// Reads heads, and remembers what they have in common: a usual application has a few statuses and a few dozen names.
#[derive(Default)]
pub(crate) struct Heads {
    status: Option<Status>,
    names: FxHashMap<Box<[u8]>, Name>,
}

/// The last status, and the text that it was read from.
struct Status {
    text: Vec<u8>,
    code: StatusCode,
    reason: Option<Bytes>,
}

/// What is known of a name as the application writes it.
struct Name {
    name: FieldName,
    meaning: Meaning,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// It goes to the client.
    Plain,
    /// So does this, and it says how long the body is.
    ContentLength,
    /// It does not go to the client.
    Ours,
}

impl Heads {
    /// Reads status and headers as PEP 3333 wants them ("The start_response() Callable").
    pub(crate) fn read(&mut self, status: &Bound<'_, PyAny>, headers: &Bound<'_, PyAny>) -> PyResult<Head> {
        let (status, reason) = self.read_status(status)?;
        let list = headers
            .cast::<PyList>()
            .map_err(|_| PyTypeError::new_err(format!("headers must be a list, not `{}`", kind(headers))))?;
        if list.len() > FIELDS {
            return Err(PyValueError::new_err("there are too many headers"));
        }
        let mut fields = Fields::with_capacity(ROOM);
        let mut content_length = None;
        for item in list.iter() {
            self.read_header(&item, &mut fields, &mut content_length)?;
        }
        Ok(Head { status, reason, headers: fields, content_length, ..Head::default() })
    }

    fn read_status(&mut self, status: &Bound<'_, PyAny>) -> PyResult<(StatusCode, Option<Bytes>)> {
        let text = status
            .cast::<PyString>()
            .map_err(|_| PyTypeError::new_err(format!("status must be a str, not `{}`", kind(status))))?;
        let bytes = latin1_bytes(text)?.ok_or_else(invalid_status)?;
        if let Some(known) = self.status.as_ref().filter(|known| known.text == bytes) {
            return Ok((known.code, known.reason.clone()));
        }
        let (code, reason) = parse_status(bytes)?;
        self.status = Some(Status { text: bytes.to_vec(), code, reason: reason.clone() });
        Ok((code, reason))
    }

    fn read_header(
        &mut self,
        item: &Bound<'_, PyAny>,
        fields: &mut Fields,
        length: &mut Option<u64>,
    ) -> PyResult<()> {
        let pair = item.cast::<PyTuple>().map(|pair| pair.as_slice());
        let Ok([name, value]) = pair else {
            return Err(PyTypeError::new_err("each header must be a tuple of a name and a value"));
        };
        let (Ok(name), Ok(value)) = (name.cast::<PyString>(), value.cast::<PyString>()) else {
            return Err(PyTypeError::new_err(format!(
                "header name and value must be str, in `{}`",
                item.repr()?
            )));
        };
        let Name { name, meaning } = self.name(name)?;
        let content = latin1_bytes(value)?.map(trim).ok_or_else(|| invalid_value(name))?;
        match meaning {
            Meaning::Ours if is_field_value(content) => return Ok(()),
            Meaning::ContentLength if length.replace(number(content)?).is_some() => {
                return Err(PyValueError::new_err("header `content-length` was given twice"));
            }
            _ => {}
        }
        if *meaning != Meaning::Ours && fields.push(name, content) {
            Ok(())
        } else {
            Err(invalid_value(name))
        }
    }

    /// What is to be known of a name.
    fn name(&mut self, text: &Bound<'_, PyString>) -> PyResult<&Name> {
        let invalid = || match text.repr() {
            Ok(text) => PyValueError::new_err(format!("header name `{text}` is not a token")),
            Err(error) => error,
        };
        let bytes = latin1_bytes(text)?.ok_or_else(invalid)?;
        // Two look-ups for a name that is new, one for all others.
        if !self.names.contains_key(bytes) {
            let header = HeaderName::from_bytes(bytes).map_err(|_| invalid())?;
            if self.names.len() >= NAMES {
                self.names.clear();
            }
            self.names
                .insert(bytes.into(), Name { name: FieldName::from(&header), meaning: meaning(&header) });
        }
        self.names.get(bytes).ok_or_else(invalid)
    }
}

fn invalid_status() -> PyErr {
    PyValueError::new_err("status must be three digits, a space and a reason")
}

/// The code, and the reason phrase if it is not the usual one.
fn parse_status(text: &[u8]) -> PyResult<(StatusCode, Option<Bytes>)> {
    let (digits, reason) = text.split_at_checked(3).ok_or_else(invalid_status)?;
    let code = StatusCode::from_bytes(digits).map_err(|_| invalid_status())?;
    let reason = match reason.split_first() {
        None => return Ok((code, None)),
        Some((b' ', reason)) if reason.iter().all(|byte| is_text(*byte)) => reason,
        Some(_) => return Err(invalid_status()),
    };
    // A final answer is what an application gives; 1xx are interim ones (RFC 9110 section 15.2).
    if code.is_informational() {
        return Err(PyValueError::new_err("status must not be 1xx, which is no final answer"));
    }
    let usual = code.canonical_reason().is_some_and(|usual| usual.as_bytes() == reason);
    Ok((code, (!usual && !reason.is_empty()).then(|| Bytes::copy_from_slice(reason))))
}

fn invalid_value(name: &FieldName) -> PyErr {
    let name = String::from_utf8_lossy(name.as_bytes()).to_ascii_lowercase();
    PyValueError::new_err(format!("header `{name}` has a value with control characters or outside Latin-1"))
}

/// The value of a Content-Length.
fn number(value: &[u8]) -> PyResult<u64> {
    let digits = str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| PyValueError::new_err("header `content-length` has a value that is no number"))
}

fn meaning(name: &HeaderName) -> Meaning {
    if *name == CONTENT_LENGTH {
        Meaning::ContentLength
    } else if is_ours(name) {
        Meaning::Ours
    } else {
        Meaning::Plain
    }
}

/// Headers that are about the connection or set by the server: Gunicorn drops them too (PEP 3333, "Other HTTP Features").
fn is_ours(name: &HeaderName) -> bool {
    [CONNECTION, TRANSFER_ENCODING, SERVER, DATE, TE, TRAILER, UPGRADE].contains(name)
        || ["keep-alive", "proxy-authenticate", "proxy-authorization", "trailers"].contains(&name.as_str())
}

/// Without the optional white space around a field value (RFC 9110 section 5.5).
fn trim(bytes: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = bytes.iter().position(|byte| !is_space(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    &bytes[start..end]
}

/// What a reason phrase may hold (RFC 9112 section 4).
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

fn kind(object: &Bound<'_, PyAny>) -> String {
    use pyo3::types::PyTypeMethods;
    object.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string())
}
