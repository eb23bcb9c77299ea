//! What each frame brings about, by the cases of `frames.txt`, which says how it is written.

use super::frames::{Frame, Wire, field, request};
use crate::harness::Server;

const CASES: &str = include_str!("frames.txt");

const APP: &str = "
def application(environ, start_response):
    body = environ['wsgi.input'].read()
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [body or b'hello']
";

/// A connection as a file tells it.
#[derive(Debug, Default)]
struct Case {
    name: String,
    is_bare: bool,
    sent: Vec<u8>,
    expected: Vec<String>,
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut lines = CASES.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).peekable();
    while let Some(line) = lines.next() {
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        if mark == "---" {
            cases.push(Case { name: rest.to_owned(), ..Case::default() });
            continue;
        }
        let case = cases.last_mut().expect("a file begins with a name");
        match mark {
            "bare" => case.is_bare = true,
            "<" => case.expected.push(rest.to_owned()),
            ">" => {
                let mut payload = Vec::new();
                while let Some(part) = lines.next_if(|line| line.starts_with("  ")) {
                    payload.extend(bytes(part.trim_start()));
                }
                let words: Vec<_> = rest.split(' ').collect();
                match words.as_slice() {
                    ["RAW"] => case.sent.extend(payload),
                    [kind, flags, stream] => {
                        let frame =
                            Frame::new(kind, flags, stream.parse().expect("a stream's number"), payload);
                        case.sent.extend(frame.bytes());
                    }
                    _ => panic!("{}: {line}", case.name),
                }
            }
            _ => panic!("{}: {line}", case.name),
        }
    }
    cases
}

/// A part of a payload: `x` and hexadecimal digits, `"text"`, `COUNT*PART`, `METHOD /path`, or a field `name: value`.
fn bytes(part: &str) -> Vec<u8> {
    if let Some(digits) = part.strip_prefix("x ") {
        let digits: String = digits.split_whitespace().collect();
        let pairs = (0..digits.len()).step_by(2);
        return pairs
            .map(|place| u8::from_str_radix(&digits[place..place + 2], 16).expect("hexadecimal digits"))
            .collect();
    }
    if let Some(text) = part.strip_prefix('"') {
        return text
            .strip_suffix('"')
            .expect("a text has two ends")
            .replace("\\r", "\r")
            .replace("\\n", "\n")
            .into_bytes();
    }
    if let Some((count, part)) = part.split_once('*')
        && let Ok(count) = count.parse()
    {
        return bytes(part).repeat(count);
    }
    let place = part.get(1..).and_then(|rest| rest.find(": "));
    match (place, part.split_once(' ')) {
        (Some(place), _) => field(&part[..place + 1], &part[place + 3..]),
        (None, Some((method, path))) => request(method, path),
        (None, None) => panic!("{part}"),
    }
}

#[test]
fn each_frame_brings_about_what_rfc_9113_says() {
    let server = Server::wsgi(APP).args(["--http2-cleartext", "prior-knowledge"]).start();
    let address = &server.addresses()[0];
    let mut failures = Vec::new();
    for case in cases() {
        let mut wire = if case.is_bare { Wire::open(address) } else { Wire::begun(address) };
        // A server that has heard enough may close before all of it is sent.
        let _ = wire.send(&case.sent);
        let mut seen = Vec::new();
        for expected in &case.expected {
            if seen.contains(expected) {
                continue;
            }
            seen.extend(wire.until(expected));
            if !seen.contains(expected) {
                failures.push(format!("{}: expected {expected}, saw {seen:?}", case.name));
                break;
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let asked = Wire::begun(address).send(&Frame::get(1).bytes());
    assert!(asked.is_ok(), "the server goes on");
}
