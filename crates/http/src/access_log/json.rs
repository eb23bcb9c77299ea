//! A line of the access log as an object of JSON (RFC 8259).

use std::io::Write;
use std::time::Duration;

use super::atom::{Atom, NAMES, Request, Value};
use super::clock;
use super::format::{JSON_FORWARDED_FOR, JSON_REFERER, JSON_USER_AGENT};

/// Writes the object with its fixed members; what a request has none of is null.
pub(super) fn write(request: Request<'_>, out: &mut Vec<u8>) {
    let (finished, shown) = (request.finished, request.shown);
    clock::with_iso(|date, millis, offset| {
        print(out, format_args!("{{\"time\":\"{date}."));
        // Digit by digit: padding with zeros would cost more in the first tenth of each second.
        out.extend([millis / 100, millis / 10 % 10, millis % 10].map(|digit| b'0' + digit as u8));
        print(out, format_args!("{offset}\""))
    });
    member(out, "method", Value::Foreign(finished.method.as_str().as_bytes().into()));
    member(out, "path", Value::Foreign(shown.uri.path().as_bytes().into()));
    let query = shown.uri.query().unwrap_or_default();
    member(out, "query", Value::Foreign(query.as_bytes().into()));
    member(out, "status", Value::Number(finished.status.into()));
    member(out, "bytes", Value::Number(finished.bytes_out));
    member(out, "bytes_in", Value::Number(finished.bytes_in));
    seconds(out, "duration", Some(finished.duration));
    seconds(out, "queue_time", finished.queued);
    seconds(out, "first_byte_time", finished.first_byte);
    let peer = shown.peer.remote_addr();
    member(
        out,
        "peer",
        if peer.is_empty() { Value::Missing } else { Value::Foreign(peer.as_bytes().into()) },
    );
    member(out, "forwarded_for", request.request_header(JSON_FORWARDED_FOR));
    request.value(Atom::RequestId, &mut |value| member(out, "request_id", value));
    member(out, "worker", Value::Number(std::process::id().into()));
    member(out, "protocol", Value::Fixed(request.protocol()));
    member(out, "user_agent", request.request_header(JSON_USER_AGENT));
    member(out, "referer", request.request_header(JSON_REFERER));
    print(out, format_args!(",\"end\":\"{}\"}}", finished.end.as_str()));
}

/// Writes the object that Python's loggers get.
pub(super) fn write_for_python(request: Request<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"l\":\"-\"");
    for (name, atom) in NAMES.iter().filter(|(_, atom)| !matches!(atom, Atom::Dash | Atom::RequestLine)) {
        request.value(*atom, &mut |value| member(out, name, value));
    }
    member(out, "target", Value::Foreign(request.target().as_bytes().into()));
    if let Some(headers) = &request.shown.all_headers {
        let (asked, answered) = &**headers;
        let asked = asked.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()));
        pairs(out, "request_headers", asked);
        pairs(out, "response_headers", answered.iter());
    }
    out.extend_from_slice(b",\"environ\":{");
    let mut is_first = true;
    for (name, value) in request.captures.environ.iter().zip(&request.shown.environ) {
        let Some(value) = value else { continue };
        if !std::mem::take(&mut is_first) {
            out.push(b',');
        }
        string(name.as_bytes(), out);
        out.push(b':');
        string(value, out);
    }
    out.extend_from_slice(b"}}");
}

fn pairs<'a>(out: &mut Vec<u8>, name: &str, headers: impl Iterator<Item = (&'a [u8], &'a [u8])>) {
    print(out, format_args!(",\"{name}\":["));
    for (place, (name, value)) in headers.enumerate() {
        out.extend_from_slice(if place == 0 { b"[" } else { b",[" });
        string(&name.to_ascii_lowercase(), out);
        out.push(b',');
        string(value, out);
        out.push(b']');
    }
    out.push(b']');
}

fn member(out: &mut Vec<u8>, name: &str, value: Value<'_>) {
    print(out, format_args!(",\"{name}\":"));
    show(value, out);
}

fn seconds(out: &mut Vec<u8>, name: &str, time: Option<Duration>) {
    match time {
        Some(time) => print(out, format_args!(",\"{name}\":{:.6}", time.as_secs_f64())),
        None => member(out, name, Value::Missing),
    }
}

fn show(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Missing => out.extend_from_slice(b"null"),
        Value::Number(number) => print(out, format_args!("{number}")),
        Value::Plain(text) => print(out, format_args!("\"{text}\"")),
        Value::Fixed(text) => string(text.as_bytes(), out),
        Value::Foreign(bytes) => string(&bytes, out),
    }
}

fn print(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = out.write_fmt(text);
}

/// Text in quotes. What is no UTF-8 becomes U+FFFD, and no control character is left, nor one that ends a line for some
/// readers.
fn string(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for character in String::from_utf8_lossy(bytes).chars() {
        match character {
            '"' | '\\' => out.extend_from_slice(&[b'\\', character as u8]),
            ' '..='~' => out.push(character as u8),
            '\0'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
                print(out, format_args!("\\u{:04x}", character as u32))
            }
            _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}
