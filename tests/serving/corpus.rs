//! The cases of `tests/requests` on a real server, each on a connection of its own, whole and byte by byte.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

use crate::harness::{PATIENCE, Server};
use crate::requests::{Case, Expected, MARKER, cases};

/// Answers with what it has seen.
const APP: &str = "
def application(environ, start_response):
    query = environ['QUERY_STRING'] and '?' + environ['QUERY_STRING']
    seen = [environ['REQUEST_METHOD'], environ['PATH_INFO'] + query, 'host=' + environ.get('HTTP_HOST', '-'), 'body=']
    body = ' '.join(seen).encode('latin-1') + environ['wsgi.input'].read()
    start_response('200 OK', [('Content-Length', str(len(body)))])
    return [body]
";

/// Sent behind a case whose connection stays: answered, it shows that nothing of the case is left.
const PROBE: &[u8] = b"GET /probe HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n";
const PROBED: &[u8] = b"GET /probe host=probe body=";

/// The largest page of an error.
const PAGE: usize = 1024;

/// Requests longer than this many bytes do not come byte by byte, but in pieces of `PIECE`.
const LONG: usize = 1500;
const PIECE: usize = 61;

/// How many cases are on their way at once.
const CLIENTS: usize = 4;

/// How the bytes of a case are sent.
#[derive(Clone, Copy, Debug)]
enum Pace {
    Whole,
    Bytes,
}

#[derive(Debug)]
struct Answer {
    head: String,
    status: u16,
    body: Vec<u8>,
}

#[test]
fn every_case_is_answered_as_written() {
    check(Pace::Whole);
}

#[test]
fn every_case_is_answered_as_written_when_it_comes_byte_by_byte() {
    check(Pace::Bytes);
}

#[track_caller]
fn check(pace: Pace) {
    let server = Server::wsgi(APP).workers(2).start();
    let workers = server.worker_pids();
    let address = &*server.addresses()[0];
    let cases = cases();
    let complaints = thread::scope(|scope| {
        let shares = cases.chunks(cases.len().div_ceil(CLIENTS));
        let clients = shares.map(|share| scope.spawn(|| complaints(address, share, pace)));
        let clients: Vec<_> = clients.collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(server.worker_pids(), workers, "a worker has died");
    assert!(
        complaints.is_empty(),
        "{} of {} cases:\n{}",
        complaints.len(),
        cases.len(),
        complaints.join("\n")
    );
}

fn complaints(address: &str, cases: &[Case], pace: Pace) -> Vec<String> {
    let complain = |case: &Case| {
        let found = exchange(address, case, pace).and_then(|received| judge(case, &received));
        found.err().map(|complaint| format!("{}: {complaint}", case.name))
    };
    cases.iter().filter_map(complain).collect()
}

/// All that the server sends until it closes.
fn exchange(address: &str, case: &Case, pace: Pace) -> Result<Vec<u8>, String> {
    let mut stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    send(&mut stream, case, pace)?;
    let mut received = Vec::new();
    match stream.read_to_end(&mut received) {
        // Bytes that nobody reads any more: what was answered has arrived before.
        Err(error) if error.kind() != ErrorKind::ConnectionReset => Err(format!("not closed: {error}")),
        _ => Ok(received),
    }
}

fn send(stream: &mut TcpStream, case: &Case, pace: Pace) -> Result<(), String> {
    let mut sent = case.sent.clone();
    if case.stays {
        sent.extend_from_slice(PROBE);
    }
    let piece = match pace {
        Pace::Whole => sent.len().max(1),
        Pace::Bytes if sent.len() > LONG => PIECE,
        Pace::Bytes => 1,
    };
    for piece in sent.chunks(piece) {
        match stream.write_all(piece) {
            // The server has closed already, which it may.
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                return Ok(());
            }
            written => written.map_err(|error| format!("not read: {error}"))?,
        }
    }
    if case.half_closes {
        // The other side may have closed both.
        let _ = stream.shutdown(Shutdown::Write);
    }
    Ok(())
}

fn judge(case: &Case, received: &[u8]) -> Result<(), String> {
    let answers = answers(received)?;
    let probe = Expected { status: 200, text: PROBED.to_vec() };
    let expected = case.answers.iter().chain(case.stays.then_some(&probe));
    let statuses: Vec<u16> = expected.clone().map(|answer| answer.status).collect();
    let found: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    if found != statuses {
        return Err(format!("answered {found:?} instead of {statuses:?}"));
    }
    answers.iter().zip(expected).try_for_each(|(answer, expected)| compare(answer, expected))
}

fn compare(answer: &Answer, expected: &Expected) -> Result<(), String> {
    if expected.status != 200 {
        return judge_page(answer);
    }
    if answer.body != expected.text {
        let [found, expected] =
            [&answer.body, &expected.text].map(|text| text[..text.len().min(200)].escape_ascii().to_string());
        return Err(format!("the application saw `{found}` instead of `{expected}`"));
    }
    Ok(())
}

/// What an answer of the server itself has to be like.
fn judge_page(answer: &Answer) -> Result<(), String> {
    let has = |name: &str, fits: fn(&str) -> bool| {
        let mut fields = answer.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.any(|(found, value)| found.eq_ignore_ascii_case(name) && fits(value.trim()))
    };
    let is_marked = |bytes: &[u8]| bytes.windows(MARKER.len()).any(|part| part == MARKER);
    let missing = [
        ("Date", has("Date", |value| !value.is_empty())),
        ("Server", has("Server", |value| !value.is_empty())),
        ("Connection: close", has("Connection", |value| value.eq_ignore_ascii_case("close"))),
        (
            "Content-Length",
            has("Content-Length", |value| value.parse().is_ok_and(|length: usize| length > 0)),
        ),
        (
            "a small text",
            has("Content-Type", |value| value.starts_with("text/")) && answer.body.len() <= PAGE,
        ),
        ("nothing of the request", !is_marked(answer.head.as_bytes()) && !is_marked(&answer.body)),
        (
            "a version that we speak",
            answer.head.starts_with("HTTP/1.1 ") || answer.head.starts_with("HTTP/1.0 "),
        ),
    ];
    let missing: Vec<&str> = missing.iter().filter(|(_, there)| !there).map(|(what, _)| *what).collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("the answer lacks {}:\n{}", missing.join(", "), answer.head))
    }
}

/// All answers but the interim ones; each has a length.
fn answers(mut received: &[u8]) -> Result<Vec<Answer>, String> {
    let mut answers = Vec::new();
    while !received.is_empty() {
        let end = received.windows(4).position(|four| four == b"\r\n\r\n").ok_or("an answer breaks off")? + 4;
        let head = String::from_utf8_lossy(&received[..end]).into_owned();
        let status =
            head.get(9..12).and_then(|status| status.parse().ok()).ok_or("an answer has no status")?;
        received = &received[end..];
        if (100..200).contains(&status) {
            continue;
        }
        let mut fields = head.lines().filter_map(|line| line.split_once(':'));
        let length = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length: usize = length.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0);
        let body = received.get(..length).ok_or("the body of an answer breaks off")?.to_vec();
        received = &received[length..];
        answers.push(Answer { head, status, body });
    }
    Ok(answers)
}
