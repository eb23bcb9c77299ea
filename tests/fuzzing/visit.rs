//! One connection.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};

use nix::libc::linger;
use nix::sys::socket::{setsockopt, sockopt};

use super::answers::{Answer, answers};
use crate::harness::PATIENCE;
use crate::requests::MARKER;
use crate::requests::mutator::{Mutator, Numbers};
use crate::requests::seen::requests;

/// What a request that is wrong may be answered with.
const REFUSALS: [u16; 7] = [400, 413, 414, 417, 431, 501, 505];

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc0\0\x02\x01\x12\x67\x01\xbb";

/// Whether connections begin with a PROXY header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Prefaces {
    #[default]
    None,
    /// Some do, and in some of those it is not as it should be.
    Some,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// The sending side is ended behind all bytes, and all answers are read.
    Read,
    /// It is closed after so many pieces, whatever has been answered.
    Close(usize),
    /// It is reset after so many pieces.
    Reset(usize),
}

/// Where requests come from.
#[derive(Debug)]
pub(crate) struct Sources {
    /// Cases of all kinds.
    any: Mutator,
    /// Those behind which a connection goes on: not every request of a connection is to be its last.
    good: Mutator,
}

impl Sources {
    pub(crate) fn new() -> Self {
        Self { any: Mutator::new(1), good: Mutator::of(1, |case| case.stays) }
    }
}

#[derive(Debug)]
pub(crate) struct Visit {
    seed: u64,
    /// How many mutated requests are sent.
    pub(crate) requests: usize,
    /// How many bytes of a PROXY header are before them; `None`: unknown, it is mutated too.
    preface: Option<usize>,
    sent: Vec<u8>,
    /// The sizes of what is written at once.
    pieces: Vec<usize>,
    ending: Ending,
}

impl fmt::Display for Visit {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, pieces, ending, sent, .. } = self;
        write!(to, "seed {seed}, in pieces of {pieces:?}, {ending:?}:\n{}", sent.escape_ascii())
    }
}

impl Visit {
    /// The connection that this seed stands for.
    pub(crate) fn new(sources: &mut Sources, seed: u64, prefaces: Prefaces) -> Self {
        let mutator = if seed.is_multiple_of(4) { &mut sources.any } else { &mut sources.good };
        // Seeds that follow each other would begin with similar numbers.
        mutator.numbers = Numbers::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let requests = 1 + mutator.numbers.below(5);
        let (mut sent, preface) = preface(&mut mutator.numbers, prefaces);
        for _ in 0..requests {
            sent.extend(mutator.request());
        }
        if mutator.numbers.below(8) == 0 {
            let header = preface.unwrap_or(0);
            sent.truncate(header + mutator.numbers.below(sent.len() - header + 1));
        }
        let pieces = pieces(&mut mutator.numbers, sent.len());
        let after = mutator.numbers.below(pieces.len() + 1);
        let ending = match mutator.numbers.below(10) {
            0 => Ending::Close(after),
            1 => Ending::Reset(after),
            _ => Ending::Read,
        };
        Self { seed, requests, preface, sent, pieces, ending }
    }

    /// Everything that the server has answered, as far as it is read.
    pub(crate) fn run(&self, address: &str) -> Result<Vec<u8>, String> {
        let mut stream = TcpStream::connect(address).map_err(|error| format!("no connection: {error}"))?;
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let count = match self.ending {
            Ending::Read => self.pieces.len(),
            Ending::Close(after) | Ending::Reset(after) => after,
        };
        self.send(&mut stream, count)?;
        let mut received = Vec::new();
        match self.ending {
            Ending::Read => {
                // The server may have closed both sides.
                let _ = stream.shutdown(Shutdown::Write);
                let read = stream.read_to_end(&mut received);
                read.map_err(|error| format!("{error} after {}", received.escape_ascii()))?;
            }
            Ending::Close(_) => {}
            Ending::Reset(_) => {
                setsockopt(&stream, sockopt::Linger, &linger { l_onoff: 1, l_linger: 0 }).unwrap();
            }
        }
        Ok(received)
    }

    fn send(&self, stream: &mut TcpStream, count: usize) -> Result<(), String> {
        let mut rest = &*self.sent;
        for &piece in &self.pieces[..count] {
            let (piece, next) = rest.split_at(piece);
            match stream.write_all(piece) {
                // The server has closed already, which it may.
                Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                    break;
                }
                written => written.map_err(|error| format!("not read: {error}"))?,
            }
            rest = next;
        }
        Ok(())
    }

    /// How many requests have reached the application, or what is wrong with the answers.
    pub(crate) fn judge(&self, received: &[u8]) -> Result<usize, String> {
        let answers = answers(received)?;
        let served = answers.iter().take_while(|answer| answer.status == 200).count();
        match &answers[served..] {
            [] => {}
            [last] if REFUSALS.contains(&last.status) => judge_page(last)?,
            rest => {
                let statuses: Vec<u16> = rest.iter().map(|answer| answer.status).collect();
                return Err(format!("answered with {statuses:?} after {served} times 200"));
            }
        }
        self.compare(&answers, served)?;
        Ok(served)
    }

    /// Whether the application has seen what was sent, and nothing is answered behind what was to be the last request.
    fn compare(&self, answers: &[Answer], served: usize) -> Result<(), String> {
        let Some(preface) = self.preface else { return Ok(()) };
        let (seen, _) = requests(&self.sent[preface..]);
        let last = seen.iter().position(|seen| seen.closes).map(|last| last + 1);
        if served > seen.len() || last.is_some_and(|last| answers.len() > last) {
            return Err(format!(
                "{} answers, {served} of them 200, to {} requests",
                answers.len(),
                seen.len()
            ));
        }
        for (answer, seen) in answers[..served].iter().zip(seen) {
            let method = seen.text.split(|byte| *byte == b' ').next();
            let is_fit = answer.field("X-Method").map(str::as_bytes) == method
                && (method == Some(b"HEAD") || answer.body == seen.text);
            if !is_fit {
                let [found, sent] = [&answer.body, &seen.text].map(|text| text.escape_ascii());
                return Err(format!("the application saw `{found}` where `{sent}` was sent"));
            }
        }
        Ok(())
    }
}

/// What an answer of the server itself has to be like.
fn judge_page(answer: &Answer) -> Result<(), String> {
    let is_marked = answer.body.windows(MARKER.len()).any(|part| part == MARKER);
    if is_marked || answer.field("Connection") != Some("close") {
        return Err(format!("the page of {} echoes, or does not close: {answer:?}", answer.status));
    }
    Ok(())
}

/// What comes before the requests, and its length if that is certain.
fn preface(numbers: &mut Numbers, prefaces: Prefaces) -> (Vec<u8>, Option<usize>) {
    let mut header = match numbers.below(3) {
        _ if prefaces == Prefaces::None => Vec::new(),
        0 => Vec::new(),
        1 => V1.to_vec(),
        _ => V2.to_vec(),
    };
    let length = header.len();
    if length > 0 && numbers.below(2) == 0 {
        let at = numbers.below(length);
        header[at] = u8::try_from(numbers.below(256)).unwrap();
        return (header, None);
    }
    (header, Some(length))
}

/// A request in one piece, in a few, or in many small ones.
fn pieces(numbers: &mut Numbers, length: usize) -> Vec<usize> {
    let most = match numbers.below(8) {
        0 if length < 500 => 8,
        1 | 2 => 200,
        _ => length,
    };
    let mut pieces = Vec::new();
    let mut left = length;
    while left > 0 {
        let piece = (1 + numbers.below(most)).min(left);
        pieces.push(piece);
        left -= piece;
    }
    pieces
}
