//! A line of the access log as text.

use std::io::Write;

use super::atom::{Request, Value};
use super::format::Piece;

/// Writes the line, without its end.
pub(super) fn write(pieces: &[Piece], request: Request<'_>, out: &mut Vec<u8>) {
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
            Piece::Atom(atom) => request.value(*atom, &mut |value| show(value, out)),
            Piece::Padded(atom, padding) => {
                let start = out.len();
                request.value(*atom, &mut |value| show(value, out));
                padding.apply(out, start);
            }
        }
    }
}

fn show(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Missing => out.push(b'-'),
        Value::Number(number) => digits(number, out),
        Value::Plain(text) => print(out, text),
        Value::Fixed(text) => out.extend_from_slice(text.as_bytes()),
        Value::Foreign(bytes) => escaped(&bytes, out),
    }
}

/// What `print` would do, at a fraction of the cost: most lines have several numbers.
fn digits(mut number: u64, out: &mut Vec<u8>) {
    let mut text = [0; 20];
    let mut start = text.len();
    loop {
        start -= 1;
        text[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return out.extend_from_slice(&text[start..]);
        }
    }
}

fn print(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = out.write_fmt(text);
}

/// Quotes, backslashes and control characters are escaped, so that no request can forge a line.
fn escaped(bytes: &[u8], out: &mut Vec<u8>) {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if bytes.iter().all(is_plain) {
        return out.extend_from_slice(bytes);
    }
    for byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b' '..=b'~' => out.push(*byte),
            _ => print(out, format_args!("\\x{byte:02x}")),
        }
    }
}
