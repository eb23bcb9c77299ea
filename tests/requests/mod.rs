//! Raw requests beside what becomes of them, as data. The unit tests of `crates/http` read them, which know
//! nothing but the scanner, `serving/corpus.rs`, which sends them to a real server, and `wheel/test_requests.py`, for both hosts.
//!
//! A file has one topic and many cases:
//!
//! ```text
//! --- name of the case
//! # A comment, here or anywhere else.
//! POST /a HTTP/1.1\r\n
//! Host: a\r\n
//! Content-Length: 3\r\n
//! \r\n
//! abc
//! => 200 POST /a host=a body=abc
//! ```
//!
//! - What is sent are the lines between the name and the first `=>`, put together: the line ends of the file are not part
//!   of it. `\r`, `\n`, `\t`, `\x00` and `\\` are bytes, `\{` and `\}` braces, `{a*5000}` is repeated. A last line
//!   `<half-close>` ends the sending side of the connection.
//! - `=> 200 TEXT`: the application has seen this: method, path and query, Host, body.
//! - `=> 400 REASON`: refused with this status; the reason, a part of what the scanner says, is for the log only. The
//!   connection is closed, and nothing behind it is a request.
//! - `=> closed`: the connection is closed though nothing was refused. Without it, it takes one more request.
//! - Requests that are refused carry `zzEchozz` somewhere, which must never come back.
//!
//! `mutator` makes many more requests of them, `seen` says in the simplest way what an application sees of good bytes.

pub(crate) mod mutator;
pub(crate) mod seen;

/// One connection.
#[derive(Debug)]
pub(crate) struct Case {
    /// Topic and name.
    pub(crate) name: String,
    /// All bytes that are sent.
    pub(crate) sent: Vec<u8>,
    /// Whether the sending side is ended behind them.
    pub(crate) half_closes: bool,
    /// All answers, in their order.
    pub(crate) answers: Vec<Expected>,
    /// Whether the connection takes one more request.
    pub(crate) stays: bool,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) status: u16,
    /// What the application has seen, or why the request is refused.
    pub(crate) text: Vec<u8>,
}

/// What no answer to a refused request may contain.
pub(crate) const MARKER: &[u8] = b"zzEchozz";

macro_rules! topics {
    ($($name:literal),* $(,)?) => { [$(($name, include_str!(concat!($name, ".txt")))),*] };
}

/// All cases of all topics.
pub(crate) fn cases() -> Vec<Case> {
    let topics = topics![
        "chunks",
        "closing",
        "content_lengths",
        "expectations",
        "fields",
        "hosts",
        "limits",
        "line_ends",
        "methods",
        "pipelines",
        "request_lines",
        "targets",
        "trailers",
        "transfer_encodings",
        "truncated",
        "versions",
    ];
    topics.into_iter().flat_map(|(topic, text)| cases_of(topic, text)).collect()
}

fn cases_of(topic: &str, text: &str) -> Vec<Case> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")).collect();
    let blocks = lines.chunk_by(|_, next| !next.starts_with("--- "));
    blocks.map(|block| case(topic, block)).collect()
}

fn case(topic: &str, block: &[&str]) -> Case {
    let (name, block) = block.split_first().expect("a block has at least one line");
    let name = name.strip_prefix("--- ").unwrap_or_else(|| panic!("{topic}: `{name}` belongs to no case"));
    let mut case = Case {
        name: format!("{topic}: {name}"),
        sent: Vec::new(),
        half_closes: false,
        answers: Vec::new(),
        stays: true,
    };
    for line in block {
        match line.strip_prefix("=> ") {
            None if *line == "<half-close>" => case.half_closes = true,
            None => case.sent.extend(bytes(line)),
            Some("closed") => case.stays = false,
            Some(answer) => case.answers.push(expected(answer)),
        }
    }
    case.stays &= !case.half_closes && case.answers.iter().all(|answer| answer.status == 200);
    case
}

fn expected(answer: &str) -> Expected {
    let (status, text) = answer.split_once(' ').unwrap_or_else(|| panic!("`{answer}` says no reason"));
    let status = status.parse().unwrap_or_else(|_| panic!("`{answer}` has no status"));
    Expected { status, text: bytes(text) }
}

/// What a line of a file stands for.
fn bytes(mut line: &str) -> Vec<u8> {
    let mut found = Vec::new();
    while let Some(first) = line.bytes().next() {
        line = if first == b'{' {
            let end = line.find('}').unwrap_or_else(|| panic!("`{line}` has no end"));
            let (piece, times) =
                line[1..end].rsplit_once('*').unwrap_or_else(|| panic!("`{line}` has no number"));
            let times = times.parse().unwrap_or_else(|_| panic!("`{line}` has no number"));
            found.extend(bytes(piece).repeat(times));
            &line[end + 1..]
        } else if first == b'\\' {
            let (byte, rest) = escaped(&line[1..]);
            found.push(byte);
            rest
        } else {
            found.push(first);
            &line[1..]
        };
    }
    found
}

/// The byte that an escape, here without its backslash, stands for, and what follows.
fn escaped(text: &str) -> (u8, &str) {
    let (byte, length) = match text.as_bytes() {
        [b'r', ..] => (b'\r', 1),
        [b'n', ..] => (b'\n', 1),
        [b't', ..] => (b'\t', 1),
        [byte @ (b'\\' | b'{' | b'}'), ..] => (*byte, 1),
        [b'x', ..] => (text.get(1..3).and_then(|digits| u8::from_str_radix(digits, 16).ok()).expect(text), 3),
        _ => panic!("`\\{text}` is no escape"),
    };
    (byte, &text[length..])
}
