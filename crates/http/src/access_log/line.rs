//! What one line of the access log needs to know, gathered while the request goes by.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Method, StatusCode, Uri, Version, request};
use percent_encoding::percent_decode_str;

use super::AccessLog;
use super::format::{Atom, Piece};
use crate::{Answer, Peer};

/// The status of a request whose client went away before there was an answer: nginx's number for it.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// One request.
#[derive(Debug)]
pub(crate) struct Line {
    log: AccessLog,
    peer: Arc<Peer>,
    method: Method,
    uri: Uri,
    version: Version,
    request_headers: Vec<Option<HeaderValue>>,
    response_headers: Vec<Option<HeaderValue>>,
    start: Instant,
    status: Option<StatusCode>,
    bytes: u64,
}

fn capture(names: &[HeaderName], headers: &http::HeaderMap) -> Vec<Option<HeaderValue>> {
    names.iter().map(|name| headers.get(name).cloned()).collect()
}

impl Line {
    pub(super) fn begin(log: AccessLog, head: &request::Parts, peer: &Arc<Peer>) -> Box<Self> {
        Box::new(Self {
            request_headers: capture(&log.format().request_headers, &head.headers),
            response_headers: Vec::new(),
            log,
            peer: Arc::clone(peer),
            method: head.method.clone(),
            uri: head.uri.clone(),
            version: head.version,
            start: Instant::now(),
            status: None,
            bytes: 0,
        })
    }

    pub(crate) fn answered(&mut self, answer: &Answer) {
        self.status = Some(answer.status);
        self.response_headers = capture(&self.log.format().response_headers, &answer.headers);
    }

    pub(crate) fn sent(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    pub(crate) fn write(&self) {
        self.log.append(|out| {
            for piece in &self.log.format().pieces {
                match piece {
                    Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                    Piece::Atom(atom) => self.atom(*atom, out),
                }
            }
            out.push(b'\n');
        });
    }

    fn atom(&self, atom: Atom, out: &mut Vec<u8>) {
        let elapsed = || self.start.elapsed();
        match atom {
            Atom::RemoteAddress => escaped(self.peer.remote_addr().as_bytes(), out),
            Atom::Dash => out.push(b'-'),
            Atom::User => self.user(out),
            Atom::Time => local_time(out),
            Atom::RequestLine => {
                escaped(self.method.as_str().as_bytes(), out);
                out.push(b' ');
                escaped(self.uri.to_string().as_bytes(), out);
                number(out, format_args!(" {:?}", self.version));
            }
            Atom::Method => escaped(self.method.as_str().as_bytes(), out),
            Atom::Path => escaped(&percent_decode_str(self.uri.path()).collect::<Vec<_>>(), out),
            Atom::Query => escaped(self.uri.query().unwrap_or_default().as_bytes(), out),
            Atom::Protocol => number(out, format_args!("{:?}", self.version)),
            Atom::Status => {
                number(out, format_args!("{}", self.status.map_or(CLIENT_CLOSED_REQUEST, |s| s.as_u16())));
            }
            Atom::Bytes => number(out, format_args!("{}", self.bytes)),
            Atom::Seconds => number(out, format_args!("{}", elapsed().as_secs())),
            Atom::Milliseconds => number(out, format_args!("{}", elapsed().as_millis())),
            Atom::Microseconds => number(out, format_args!("{}", elapsed().as_micros())),
            Atom::DecimalSeconds => number(out, format_args!("{:.6}", elapsed().as_secs_f64())),
            Atom::Process => number(out, format_args!("<{}>", std::process::id())),
            Atom::RequestHeader(place) => header(&self.request_headers, place, out),
            Atom::ResponseHeader(place) => header(&self.response_headers, place, out),
        }
    }

    /// The user name of Basic authentication (RFC 7617), or a dash.
    fn user(&self, out: &mut Vec<u8>) {
        let place = self.log.format().request_headers.iter().position(|name| *name == AUTHORIZATION);
        let value = place.and_then(|place| self.request_headers.get(place)?.as_ref());
        match value.and_then(|value| user_of(value.as_bytes())).filter(|user| !user.is_empty()) {
            Some(user) => escaped(&user, out),
            None => out.push(b'-'),
        }
    }
}

fn number(out: &mut Vec<u8>, value: std::fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = out.write_fmt(value);
}

fn header(values: &[Option<HeaderValue>], place: usize, out: &mut Vec<u8>) {
    match values.get(place) {
        Some(Some(value)) => escaped(value.as_bytes(), out),
        _ => out.push(b'-'),
    }
}

/// Quotes, backslashes and control characters are escaped, so that no request can forge a line.
fn escaped(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b' '..=b'~' => out.push(*byte),
            _ => number(out, format_args!("\\x{byte:02x}")),
        }
    }
}

/// `[22/Nov/2026:15:04:05 +0000]`, made once a second.
fn local_time(out: &mut Vec<u8>) {
    thread_local! {
        static LAST: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
    }
    let now = chrono::Local::now();
    LAST.with_borrow_mut(|(second, text)| {
        if *second != now.timestamp() {
            *second = now.timestamp();
            *text = now.format("[%d/%b/%Y:%H:%M:%S %z]").to_string();
        }
        out.extend_from_slice(text.as_bytes());
    });
}

fn user_of(value: &[u8]) -> Option<Vec<u8>> {
    let (scheme, encoded) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let mut credentials = BASE64_STANDARD.decode(encoded.trim_ascii()).ok()?;
    credentials.truncate(credentials.iter().position(|byte| *byte == b':')?);
    Some(credentials)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use super::*;
    use crate::Format;

    fn logged(format: &str, request: request::Builder, finish: impl FnOnce(&mut Line)) -> String {
        let (mut reader, file) = std::io::pipe().unwrap();
        let log =
            AccessLog::start(Format::compile(format).unwrap(), File::from(OwnedFd::from(file))).unwrap();
        let (head, ()) = request.body(()).unwrap().into_parts();
        let peer = Peer::tcp("192.0.2.7:50000".parse().unwrap(), "127.0.0.1:80".parse().unwrap());
        let mut line = log.begin(&head, &Arc::new(peer));
        finish(&mut line);
        line.write();
        log.flush(Duration::from_secs(60));
        let mut buffer = [0; 1000];
        let length = reader.read(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    #[test]
    fn the_default_format_reads_as_gunicorns() {
        let format = r#"%(h)s %(l)s %(u)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s""#;
        let request = http::Request::get("/a?b=c")
            .header("authorization", "Basic YWxpY2U6c2VjcmV0")
            .header("user-agent", "curl/8");
        let line = logged(format, request, |line| {
            line.answered(&Answer { status: StatusCode::CREATED, ..Answer::default() });
            line.sent(5);
        });
        assert_eq!(line, "192.0.2.7 - alice \"GET /a?b=c HTTP/1.1\" 201 5 \"-\" \"curl/8\"\n");
    }

    #[test]
    fn a_request_cannot_forge_a_line() {
        let request =
            http::Request::get("/%0Aevil%22").header("user-agent", HeaderValue::from_static("a\"b\\c"));
        let line = logged("%(U)s %(a)s", request, |_| {});
        assert_eq!(line, "/\\x0aevil\\\" a\\\"b\\\\c\n");
    }

    #[test]
    fn a_client_that_left_without_an_answer_is_499() {
        assert_eq!(logged("%(s)s %(b)s", http::Request::get("/"), |_| {}), "499 0\n");
    }
}
