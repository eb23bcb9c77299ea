//! The plain lane beside hyper: whatever is asked and answered, a client cannot tell which way it went.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use tokio::time::Instant;

use super::client::{Site, give, options};
use super::play::{Play, Step};
use crate::{Answer, Content, Health, Limits, Options, Proxies, Timeouts, Trust};

const GET: &str = "GET /a?b=c HTTP/1.1\r\nHost: a\r\n\r\n";

pub(super) fn with(headers: &[(&'static str, &'static str)]) -> Answer {
    let name = |name: &str| HeaderName::from_bytes(name.as_bytes()).unwrap();
    let field = |(key, value): &(&'static str, &'static str)| (name(key), HeaderValue::from_static(value));
    Answer {
        headers: headers.iter().map(field).collect(),
        content: Content::Full(Bytes::from_static(b"hello")),
        ..Answer::default()
    }
}

pub(super) fn of(status: u16, body: &'static [u8]) -> Answer {
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        content: Content::Full(Bytes::from_static(body)),
        ..Answer::default()
    }
}

static LARGE: [u8; 100_000] = [b'x'; 100_000];

const ANSWERS: [fn() -> Answer; 24] = [
    || of(200, b""),
    || of(200, b"hello"),
    || of(200, &LARGE[..4096]),
    || of(200, &LARGE[..4097]),
    || of(200, &LARGE),
    || of(204, b""),
    || of(204, b"none"),
    || of(205, b""),
    || of(205, b"some"),
    || of(304, b""),
    || of(304, b"some"),
    || of(404, b"not here"),
    || of(503, b"busy"),
    || of(599, b"no reason"),
    || of(100, b"interim"),
    || Answer { reason: Some(Bytes::from_static(b"Fine And Dandy")), ..of(200, b"x") },
    || Answer { reason: Some(Bytes::from_static(b"")), ..of(404, b"x") },
    || Answer::error(StatusCode::GATEWAY_TIMEOUT),
    || with(&[("Content-Length", "5"), ("Content-Type", "text/plain")]),
    || Answer { content: Content::default(), ..with(&[("Content-Length", "5"), ("ETag", "\"a\"")]) },
    || {
        with(&[
            ("Set-Cookie", "a=1"),
            ("X-A", ""),
            ("Set-Cookie", "b=2"),
            ("set-cookie", "c=3"),
            ("X-a", "2"),
        ])
    },
    || with(&[("Server", "other"), ("Date", "mine"), ("X-Request-ID", "own")]),
    || with(&[("Connection", "close"), ("x--y-", "odd")]),
    || with(&[("Trailer", "x-end"), ("WWW-Authenticate", "Basic")]),
];

const REQUESTS: [&str; 25] = [
    GET,
    "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    "DELETE /x HTTP/1.1\r\nhost: a\r\nCookie: a\r\nCookie: b\r\nX-Empty:\r\nX-Pad:  \t v \t\r\n\r\n",
    "PURGE //a//b?%41 HTTP/1.1\r\nHost: a\r\nUser-Agent: \u{e9}\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, CLOSE \r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close-not\r\nConnection: keep-alive\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, \u{e9}\r\n\r\n",
    "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET http://b/c HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody",
    "POST / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    "\r\nGET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nX-Request-ID: given\r\nScript_Name: /\r\n\r\n",
    "GET /-/health HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /-/health HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
];

/// With everything that can be set.
fn rich() -> Options {
    let trusted = Trust { all: true, ..Trust::default() };
    Options {
        health: Some(Health::new("/-/health".to_owned(), || true)),
        request_id: Some(HeaderName::from_static("x-request-id")),
        proxies: Proxies { trusted, forwarded_for: true, ..Proxies::default() },
        ..options()
    }
}

#[tokio::test(start_paused = true)]
async fn every_answer_to_every_request_is_the_same() {
    let mut count = 0;
    for (place, answer) in ANSWERS.into_iter().enumerate() {
        for request in REQUESTS {
            let steps =
                || vec![Step::Send(request), Step::Answer(answer), Step::Send(GET), Step::Answer(answer)];
            for options in [options(), rich(), Options { keep_alive: None, server: None, ..options() }] {
                let play = Play { options, ..Play::new(steps()) };
                count += play.compare(&format!("{request:?}, answer {place}")).await;
            }
        }
    }
    assert!(count > 1300, "{count}");
}

/// To look at all fields for each of them takes too long for many.
#[tokio::test(start_paused = true)]
async fn many_fields_out_of_order_are_the_same_and_left_to_the_parser() {
    fn out_of_order(count: usize) -> Answer {
        let name = |number: usize| HeaderName::from_bytes(format!("x-{}", number % (count - 1)).as_bytes());
        let field = |number| (name(number).unwrap(), HeaderValue::from(number));
        Answer { headers: (0..count).map(field).collect(), ..of(200, b"hello") }
    }
    let few = Play::new(vec![Step::Send(GET), Step::Answer(|| out_of_order(32))]);
    assert_eq!(few.compare("few").await, 1);
    let many = Play::new(vec![Step::Send(GET), Step::Answer(|| out_of_order(33))]);
    assert_eq!(many.compare("many").await, 0);
}

#[tokio::test(start_paused = true)]
async fn pieces_and_pipelines_are_the_same() {
    let requests = [GET, REQUESTS[1], REQUESTS[2], REQUESTS[16], REQUESTS[24]];
    let answer: fn() -> Answer = || with(&[("X-A", "1")]);
    for first in requests {
        for second in requests {
            let both = [first, second].concat();
            for place in 0..both.len() {
                let (before, behind) = both.split_at(place);
                let mut steps = vec![Step::SendOwned(before.to_owned()), Step::SendOwned(behind.to_owned())];
                steps.extend([answer; 3].map(Step::Answer));
                Play::new(steps).compare(&format!("{before:?} {behind:?}")).await;
            }
        }
    }
    let steps = GET.split_inclusive("").map(Step::Send).chain([Step::Answer(answer)]).collect();
    assert_eq!(Play::new(steps).compare("byte by byte").await, 1);
    let mut steps = vec![Step::SendOwned(GET.repeat(20))];
    steps.extend([answer; 20].map(Step::Answer));
    assert_eq!(Play::new(steps).compare("twenty at once").await, 20);
}

/// Fields that come again are not judged again: they must be all the same, and nothing behind them.
#[tokio::test(start_paused = true)]
async fn heads_that_are_nearly_the_same_are_told_apart() {
    let answer: fn() -> Answer = || of(200, b"hello");
    let first = "GET /1 HTTP/1.1\r\nHost: a\r\nCookie: b\r\n\r\n";
    let others = [
        first,
        "GET /2?c HTTP/1.1\r\nHost: a\r\nCookie: b\r\n\r\n",
        "HEAD /1 HTTP/1.1\r\nHost: a\r\nCookie: b\r\n\r\n",
        "GET /1 HTTP/1.0\r\nHost: a\r\nCookie: b\r\n\r\n",
        "GET http://x/1 HTTP/1.1\r\nHost: a\r\nCookie: b\r\n\r\n",
        "GET /1 HTTP/1.1\r\nHost: a\r\nCookie: c\r\n\r\n",
        "GET /1 HTTP/1.1\r\nHost: a\r\nCookie: b\r\nX-More: d\r\n\r\n",
        "GET /1 HTTP/1.1\r\nHost: a\r\nCookie: b\r\nContent-Length: 2\r\n\r\nhi",
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /1 HTTP/1.1\r\nhost: a\r\nCookie: b\r\n\r\n",
        "GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /1 HTTP/1.1\nHost: a\r\nCookie: b\r\n\r\n",
        "GET /1\r\nHost: a\r\nCookie: b\r\n\r\n",
    ];
    for second in others {
        for third in others {
            for is_together in [true, false] {
                let send = |text: &'static str| [Step::Send(text), Step::Answer(answer)];
                let mut steps =
                    if is_together { vec![Step::SendOwned([first, second, third].concat())] } else { vec![] };
                steps.extend([first, second, third].into_iter().filter(|_| !is_together).flat_map(send));
                steps.extend([answer; 3].map(Step::Answer));
                for options in [options(), rich()] {
                    let play = Play { options, ..Play::new(steps.clone()) };
                    assert!(play.compare(&format!("{second:?} {third:?} {is_together}")).await > 0);
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn ends_are_the_same() {
    let answer: fn() -> Answer = || of(200, b"hello");
    let large: fn() -> Answer = || of(200, &LARGE);
    for millis in [0, 50, 99, 101, 240, 260, 499, 501] {
        for behind in ["", "GE", GET, "\r\n"] {
            for make in [answer, large] {
                let plays = [
                    vec![
                        Step::Send(GET),
                        Step::Send(behind),
                        Step::Sleep(millis),
                        Step::CloseSending,
                        Step::Answer(make),
                    ],
                    vec![
                        Step::Send(GET),
                        Step::Answer(make),
                        Step::Sleep(millis),
                        Step::Send(behind),
                        Step::CloseSending,
                    ],
                    vec![
                        Step::Send(GET),
                        Step::Send(behind),
                        Step::Sleep(millis),
                        Step::Close,
                        Step::Answer(make),
                        Step::Send(GET),
                        Step::Answer(make),
                    ],
                    vec![
                        Step::Send(GET),
                        Step::Answer(make),
                        Step::Sleep(millis),
                        Step::Close,
                        Step::Send(behind),
                        Step::Sleep(millis),
                        Step::Answer(make),
                    ],
                    vec![Step::Close, Step::Sleep(millis), Step::Send(GET), Step::Answer(make)],
                    vec![Step::Send(behind), Step::Sleep(millis), Step::CloseSending],
                    vec![Step::Send(behind), Step::Sleep(millis), Step::Close, Step::Sleep(600)],
                    vec![Step::Send(GET), Step::Send(behind), Step::Sleep(millis)],
                ];
                for (place, steps) in plays.into_iter().enumerate() {
                    for room in [300, 256 * 1024] {
                        let steps = steps.clone();
                        let play = Play { room, ..Play::new(steps) };
                        play.compare(&format!("play {place} after {millis} ms, {behind:?}, {room}")).await;
                    }
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_plain_on_a_connection_that_was_is_the_same() {
    let answer: fn() -> Answer = || of(200, b"hello");
    for request in REQUESTS {
        for sleep in [0, 300] {
            let steps = vec![
                Step::Send(GET),
                Step::Answer(answer),
                Step::Sleep(sleep),
                Step::Send(GET),
                Step::Stream("streamed"),
                Step::Sleep(sleep),
                Step::Send(request),
                Step::Answer(answer),
                Step::Sleep(sleep),
                Step::Send(GET),
                Step::Answer(answer),
            ];
            let play = Play { options: rich(), ..Play::new(steps) };
            assert!(play.compare(&format!("{request:?} after {sleep} ms")).await > 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn limits_and_timeouts_are_the_same() {
    let answer: fn() -> Answer = || of(200, b"hello");
    let timeouts = Timeouts {
        head: Some(Duration::from_secs(3)),
        write: Some(Duration::from_secs(3)),
        ..options().timeouts
    };
    let limits = Limits { line: Some(40), fields: Some(3), field_size: Some(20) };
    let strict = || Options {
        timeouts: timeouts.clone(),
        limits,
        keep_alive: Some(Duration::from_secs(2)),
        ..options()
    };
    let fields = "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n";
    let long = "GET / HTTP/1.1\r\nHost: a\r\nA: 123456789012345678901234567890\r\n\r\n";
    let line = "GET /123456789012345678901234567890 HTTP/1.1\r\nHost: a\r\n\r\n";
    let plays = [
        vec![Step::Send(fields)],
        vec![Step::Send(long)],
        vec![Step::Send(line)],
        vec![Step::Send(GET), Step::Send(fields), Step::Answer(answer)],
        vec![Step::Sleep(2_500), Step::Sleep(1_000)],
        vec![Step::Send("GET / HT"), Step::Sleep(2_900), Step::Sleep(200), Step::Sleep(1_000)],
        vec![Step::Send(GET), Step::Answer(answer), Step::Sleep(1_900), Step::Sleep(200), Step::Sleep(1_000)],
        vec![
            Step::Send(GET),
            Step::Answer(answer),
            Step::Send("GET "),
            Step::Sleep(2_900),
            Step::Sleep(1_000),
        ],
        vec![
            Step::Send(GET),
            Step::Sleep(10_000),
            Step::Answer(answer),
            Step::Send(GET),
            Step::Answer(answer),
        ],
    ];
    for (place, steps) in plays.into_iter().enumerate() {
        let play = Play { options: strict(), ..Play::new(steps) };
        play.compare(&format!("play {place}")).await;
    }
}

/// The answer is larger than the connection holds, and nobody reads it.
#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_dropped_at_the_same_time() {
    let mut times = Vec::new();
    for has_lane in [true, false] {
        let timeouts = Timeouts { write: Some(Duration::from_secs(5)), ..options().timeouts };
        let options = Options { timeouts, ..options() };
        let mut site = if has_lane { Site::new(options) } else { Site::without_lane(options) };
        let mut client = site.connect_with_room(1024);
        client.send(GET).await;
        give(&site.request().await, of(200, &LARGE));
        client.exactly(5000).await;
        let start = Instant::now();
        client.served().await;
        times.push(start.elapsed().as_secs());
        assert_eq!(site.server.probe.answers.load(Ordering::Relaxed), usize::from(has_lane));
    }
    assert_eq!(times[0], times[1]);
}

#[tokio::test(start_paused = true)]
async fn a_large_body_is_let_go_with_its_last_byte() {
    let mut site = Site::new(options());
    let mut client = site.connect_with_room(1024);
    let owner = Arc::new(LARGE);
    client.send(GET).await;
    let body = Bytes::from_owner(Owner(Arc::clone(&owner)));
    give(&site.request().await, Answer { content: Content::Full(body), ..Answer::default() });
    client.answer().await;
    client.send(GET).await;
    // It has come, so what was before it is over.
    let _next = site.request().await;
    assert_eq!(site.server.probe.answers.load(Ordering::Relaxed), 1);
    assert_eq!(Arc::strong_count(&owner), 1);
}

/// What an application would hand over.
struct Owner(Arc<[u8; 100_000]>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0[..]
    }
}
