//! Small bodies in the plain lane: they are there with their heads, or hyper receives them, and nobody can tell.

use std::iter::repeat_n;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::client::{Site, body, give, options};
use super::lane::{of, with};
use super::play::{Play, Step};
use crate::{Answer, Content, Options};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// The largest that is taken.
const SMALL: usize = 16 * 1024;

fn post(body: &str) -> String {
    format!("POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn hello() -> Answer {
    of(200, b"hello")
}

/// Two of them only hyper writes.
const ANSWERS: [fn() -> Answer; 4] = [
    hello,
    || with(&[("Connection", "close")]),
    || with(&[("Trailer", "x-end")]),
    || Answer { content: Content::Full(Bytes::from_static(&[b'x'; 100_000])), ..Answer::default() },
];

#[tokio::test(start_paused = true)]
async fn bodies_of_all_sizes_are_the_same() {
    for length in [0, 1, 3_000, 4_096, 8_192, SMALL - 1, SMALL, SMALL + 1, 70_000] {
        for answer in ANSWERS {
            let request = post(&"b".repeat(length));
            let once = || [Step::SendOwned(request.clone()), Step::Answer(answer)];
            let behind = [Step::Send(GET), Step::Answer(hello)];
            let steps = once().into_iter().chain(once()).chain(behind).collect();
            let count = Play::new(steps).compare(&format!("{length} bytes")).await;
            assert_eq!(
                count > 0,
                length <= SMALL
                    && answer().headers.get("connection").is_none()
                    && answer().headers.get("trailer").is_none(),
                "{length}"
            );
        }
    }
}

/// hyper, which writes the answer, is given the request too, and nobody reads the body there.
#[tokio::test(start_paused = true)]
async fn streamed_answers_to_bodies_are_the_same() {
    for length in [0, 4, 9_000, SMALL] {
        for padding in [0, 4_000, 8_000, 8_120, 12_000, 16_000] {
            let pad = format!("X-Padding: {}\r\n\r\n", "p".repeat(padding));
            let request = post(&"b".repeat(length)).replacen("\r\n\r\n", &format!("\r\n{pad}"), 1);
            let steps = vec![
                Step::SendOwned(request + &post("next")),
                Step::Stream("streamed"),
                Step::Answer(hello),
                Step::Send(GET),
                Step::Answer(hello),
            ];
            Play::new(steps).compare(&format!("{length} bytes behind {padding}")).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn many_bodies_at_once_are_the_same() {
    let bodies = ["", "ab", "cd", "efg", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n"];
    let text: String = bodies.iter().flat_map(|body| [post(body), GET.to_owned()]).collect();
    let mut steps = vec![Step::SendOwned(text)];
    steps.extend(repeat_n(Step::Answer(hello), 2 * bodies.len()));
    assert_eq!(Play::new(steps).compare("at once").await, 2 * bodies.len());
}

#[tokio::test(start_paused = true)]
async fn bodies_that_do_not_come_whole_are_the_same() {
    let whole = post("0123456789");
    for place in whole.len() - 11..=whole.len() {
        for end in [Step::CloseSending, Step::Sleep(40_000), Step::Close] {
            let (before, behind) = whole.split_at(place);
            let steps = vec![
                Step::Send(GET),
                Step::Answer(hello),
                Step::SendOwned(before.to_owned()),
                end.clone(),
                Step::SendOwned(behind.to_owned()),
                Step::Answer(hello),
            ];
            Play::new(steps).compare(&format!("{before:?}")).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_settings_say_of_bodies_holds_for_small_ones() {
    let settings = [
        Options { body_limit: Some(4), ..options() },
        Options { body_memory: 4, ..options() },
        Options { request_buffering: false, ..options() },
    ];
    for (place, options) in settings.into_iter().enumerate() {
        for body in ["1234", "12345"] {
            let steps = vec![Step::SendOwned(post(body)), Step::Answer(hello)];
            let play = Play { options: options.clone(), ..Play::new(steps) };
            let count = play.compare(&format!("setting {place}, {body:?}")).await;
            assert_eq!(count, usize::from(body.len() == 4 && place < 2), "setting {place}, {body:?}");
        }
    }
}

/// The same fields have the same length; what stands there is another body.
#[tokio::test(start_paused = true)]
async fn bodies_behind_the_same_fields_are_told_apart() {
    let mut site = Site::new(options());
    let mut client = site.connect();
    for text in ["first", "other", "third"] {
        client.send(&post(text)).await;
        let mut exchange = site.request().await;
        assert_eq!(body(&mut exchange), text.as_bytes());
        give(&exchange, hello());
        assert!(client.answer().await.1.contains("hello"));
    }
    assert_eq!(site.server.probe.answers.load(Ordering::Relaxed), 3);
}
