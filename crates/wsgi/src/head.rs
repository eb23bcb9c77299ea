//! What an application passes to `start_response`, checked and turned into a response head.

use bytes::Bytes;
use http::StatusCode;
use http::header::{
    CONNECTION, CONTENT_LENGTH, DATE, HeaderName, SERVER, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::types::{PyAnyMethods, PyList, PyListMethods, PyString, PyStringMethods, PyTuple, PyTupleMethods};
use pyo3::{Bound, PyAny, PyResult};
use rwsgi_message::{FieldName, Fields, is_field_value};

use crate::exchange::Head;

/// More fields than any client reads.
const FIELDS: usize = 24_000;
/// How many bytes the fields of a usual answer have, with the room for what the server adds: with more of them memory
/// grows.
const ROOM: usize = 448;

/// Reads status and headers as PEP 3333 wants them ("The start_response() Callable").
pub(crate) fn read(status: &Bound<'_, PyAny>, headers: &Bound<'_, PyAny>) -> PyResult<Head> {
    let mut head = Head::default();
    (head.status, head.reason) = read_status(status)?;
    let list = headers
        .cast::<PyList>()
        .map_err(|_| PyTypeError::new_err(format!("headers must be a list, not `{}`", kind(headers))))?;
    if list.len() > FIELDS {
        return Err(PyValueError::new_err("there are too many headers"));
    }
    head.headers = Fields::with_capacity(ROOM);
    for item in list.iter() {
        read_header(&item, &mut head)?;
    }
    Ok(head)
}

fn read_status(status: &Bound<'_, PyAny>) -> PyResult<(StatusCode, Option<Bytes>)> {
    let text = status
        .cast::<PyString>()
        .map_err(|_| PyTypeError::new_err(format!("status must be a str, not `{}`", kind(status))))?;
    let invalid = || PyValueError::new_err("status must be three digits, a space and a reason");
    let bytes = native(text).ok_or_else(invalid)?;
    let (digits, reason) = bytes.split_at_checked(3).ok_or_else(invalid)?;
    let code = StatusCode::from_bytes(digits).map_err(|_| invalid())?;
    let reason = match reason.split_first() {
        None => return Ok((code, None)),
        Some((b' ', reason)) if reason.iter().all(|byte| is_text(*byte)) => reason,
        Some(_) => return Err(invalid()),
    };
    // A final answer is what an application gives; 1xx are interim ones (RFC 9110 section 15.2).
    if code.is_informational() {
        return Err(PyValueError::new_err("status must not be 1xx, which is no final answer"));
    }
    let usual = code.canonical_reason().is_some_and(|usual| usual.as_bytes() == reason);
    Ok((code, (!usual && !reason.is_empty()).then(|| Bytes::copy_from_slice(reason))))
}

fn read_header(item: &Bound<'_, PyAny>, head: &mut Head) -> PyResult<()> {
    let pair = item.cast::<PyTuple>().ok().filter(|pair| pair.len() == 2);
    let Some(pair) = pair else {
        return Err(PyTypeError::new_err("each header must be a tuple of a name and a value"));
    };
    let (name, value) = (pair.get_borrowed_item(0)?, pair.get_borrowed_item(1)?);
    let (Ok(name), Ok(value)) = (name.cast::<PyString>(), value.cast::<PyString>()) else {
        return Err(PyTypeError::new_err(format!(
            "header name and value must be str, in `{}`",
            item.repr()?
        )));
    };
    let header = native(&name).and_then(|bytes| HeaderName::from_bytes(&bytes).ok());
    let Some(header) = header else {
        return Err(PyValueError::new_err(format!("header name `{}` is not a token", name.repr()?)));
    };
    let invalid = || {
        let reason = "has a value with control characters or outside Latin-1";
        PyValueError::new_err(format!("header `{header}` {reason}"))
    };
    let content = native(&value).ok_or_else(invalid)?;
    let content = trim(&content);
    if is_ours(&header) {
        return if is_field_value(content) { Ok(()) } else { Err(invalid()) };
    }
    if header == CONTENT_LENGTH {
        content_length(head, content)?;
    }
    if head.headers.push(&FieldName::from(&header), content) { Ok(()) } else { Err(invalid()) }
}

fn content_length(head: &mut Head, value: &[u8]) -> PyResult<()> {
    let digits = str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let Some(number) = digits.and_then(|text| text.parse().ok()) else {
        return Err(PyValueError::new_err("header `content-length` has a value that is no number"));
    };
    if head.content_length.replace(number).is_some() {
        return Err(PyValueError::new_err("header `content-length` was given twice"));
    }
    Ok(())
}

/// Headers that are about the connection or set by the server: Gunicorn drops them too (PEP 3333, "Other HTTP Features").
fn is_ours(name: &HeaderName) -> bool {
    [CONNECTION, TRANSFER_ENCODING, SERVER, DATE, TE, TRAILER, UPGRADE].contains(name)
        || ["keep-alive", "proxy-authenticate", "proxy-authorization", "trailers"].contains(&name.as_str())
}

/// The bytes of a native string: each character is a byte. `None` when a character is beyond Latin-1.
fn native<'a>(text: &'a Bound<'_, PyString>) -> Option<std::borrow::Cow<'a, [u8]>> {
    let utf8 = text.to_str().ok()?;
    if utf8.is_ascii() {
        return Some(utf8.as_bytes().into());
    }
    utf8.chars()
        .map(|character| u8::try_from(u32::from(character)).ok())
        .collect::<Option<Vec<u8>>>()
        .map(Into::into)
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
