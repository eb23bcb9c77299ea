//! Compression on a connection: both ways the same, and only what is the application's.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE};
use tokio::time::sleep;

use super::client::{Site, finish, give, options, streamed, with_header, write};
use super::play::{Play, Step};
use crate::{Answer, Coding, Compression, Content, Health, Options};

const GZIP: &str = "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n";

const REQUESTS: [&str; 9] = [
    GZIP,
    "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br\r\nConnection: close\r\n\r\n",
    "HEAD / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nContent-Length: 4\r\n\r\nbody",
    "GET / HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\nAccept-Encoding: gzip\r\n\r\n",
    "GET /-/health HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n",
];

static PAGE: [u8; 200_000] = [b'x'; 200_000];

fn page(length: usize, fields: &[(&'static str, &'static str)]) -> Answer {
    let headers = [&[("Content-Type", "text/html")], fields].concat();
    Answer { content: Content::Full(Bytes::from_static(&PAGE[..length])), ..super::lane::with(&headers) }
}

const ANSWERS: [fn() -> Answer; 12] = [
    || page(100, &[]),
    || page(5_000, &[]),
    || page(5_000, &[("Content-Length", "5000"), ("ETag", "\"a\""), ("Vary", "Cookie")]),
    || page(65_536, &[]),
    || page(200_000, &[("Content-Length", "200000")]),
    || page(5_000, &[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]),
    || page(5_000, &[("Content-Encoding", "br")]),
    || Answer { status: StatusCode::NOT_FOUND, ..page(5_000, &[]) },
    || Answer { status: StatusCode::NOT_MODIFIED, ..page(0, &[("ETag", "\"a\"")]) },
    || page(0, &[]),
    || page(0, &[("Content-Length", "5000")]),
    || Answer::error(StatusCode::GATEWAY_TIMEOUT),
];

fn compressing() -> Options {
    let compression = Compression {
        codings: vec![Coding::Zstd, Coding::Brotli, Coding::Gzip],
        level: 5,
        min_size: 1000,
        types: vec!["text/*".to_owned()],
        set_cookie: false,
    };
    let health = Health::new("/-/health".to_owned(), || true);
    Options { compression: Some(compression), health: Some(health), ..options() }
}

#[tokio::test(start_paused = true)]
async fn every_answer_is_the_same_on_both_ways() {
    let mut count = 0;
    for (place, answer) in ANSWERS.into_iter().enumerate() {
        for request in REQUESTS {
            let steps =
                vec![Step::Send(request), Step::Answer(answer), Step::Send(GZIP), Step::Answer(answer)];
            let play = Play { options: compressing(), ..Play::new(steps) };
            count += play.compare(&format!("{request:?}, answer {place}")).await;
        }
    }
    assert!(count > REQUESTS.len() * ANSWERS.len(), "small answers stay in the lane: {count}");
}

#[tokio::test(start_paused = true)]
async fn what_follows_a_compressed_stream_on_the_connection_is_found() {
    let mut site = Site::new(compressing());
    let mut client = site.connect();
    client.send(&GZIP.repeat(2)).await;
    let (stream, answer) = streamed(Default::default());
    give(&site.request().await, with_header(answer, CONTENT_TYPE, "text/plain"));
    write(&stream, b"some text");
    let head = client.head().await;
    assert_eq!(head.get("Transfer-Encoding"), Some("chunked"));
    assert_eq!(head.get("Content-Encoding"), Some("gzip"));
    finish(&stream, true);
    site.answer("plain").await;
    let (text, _) = client.all().await;
    let (body, next) = text.split_once("\r\n0\r\n\r\n").expect("the stream has no end");
    assert!(!body.is_empty() && next.starts_with("HTTP/1.1 200 OK\r\n") && next.ends_with("plain"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_off_is_seen_to() {
    let mut site = Site::new(compressing());
    for request in [GZIP, "GET / HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n"] {
        let mut client = site.connect();
        client.send(request).await;
        let (stream, answer) = streamed(Default::default());
        give(&site.request().await, with_header(answer, CONTENT_TYPE, "text/plain"));
        write(&stream, b"some text");
        assert_eq!(client.head().await.get("Content-Encoding"), Some("gzip"));
        finish(&stream, false);
        let rest = client.rest().await;
        assert!(!rest.ends_with("0\r\n\r\n") && !rest.is_empty(), "{rest}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_frees_the_writer() {
    let mut site = Site::new(compressing());
    let mut client = site.connect();
    client.send(GZIP).await;
    let (stream, answer) = streamed(Default::default());
    give(&site.request().await, with_header(answer, CONTENT_TYPE, "text/plain"));
    write(&stream, b"some text");
    client.head().await;
    drop(client);
    while !stream.is_gone() {
        write(&stream, b"more of it");
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_setting_nothing_is_said_of_codings() {
    let mut site = Site::new(options());
    let mut client = site.connect();
    client.send(GZIP).await;
    let exchange = site.request().await;
    assert_eq!(exchange.head.headers[ACCEPT_ENCODING], "gzip");
    give(&exchange, page(5_000, &[]));
    let (head, body) = client.answer().await;
    assert_eq!((head.get("Vary"), head.get("Content-Encoding"), body.len()), (None, None, 5_000));
}

#[tokio::test(start_paused = true)]
async fn the_pages_of_the_server_are_left_as_they_are() {
    let mut options = compressing();
    if let Some(compression) = &mut options.compression {
        compression.min_size = 0;
    }
    let site = Site::new(Options { health: Some(Health::new("/health".to_owned(), || true)), ..options });
    for path in ["/health", "/health/live"] {
        let mut client = site.connect();
        client.send(&GZIP.replace(" / ", &format!(" {path} "))).await;
        let head = client.head().await;
        assert_eq!((head.get("Vary"), head.get("Content-Encoding")), (None, None), "{path}");
    }
}
