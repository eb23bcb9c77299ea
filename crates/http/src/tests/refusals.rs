//! Requests that are refused: what is answered, what is answered before it, and what is never taken for a request.

use std::time::Duration;

use tokio::time::Instant;

use super::client::{Site, full, give, options, sent};
use crate::Options;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const BAD: &str = "GET / HTTP/1.1\nHost: a\r\n\r\n";
const BAD_REQUEST: &str = "HTTP/1.1 400 Bad Request";
const TOO_LARGE: &str = "HTTP/1.1 413 Payload Too Large";

#[tokio::test(start_paused = true)]
async fn a_refused_request_is_answered_with_a_whole_page() {
    let (mut site, mut client) = sent(BAD).await;
    let (head, body) = client.answer().await;
    assert_eq!(head.status, BAD_REQUEST);
    assert_eq!((head.get("Connection"), head.get("Server")), (Some("close"), Some("rwsgi")));
    assert!(httpdate::parse_http_date(head.get("Date").unwrap()).is_ok());
    assert!(body.contains("400 Bad Request") && head.get("Content-Type").is_some());
    assert_eq!(client.rest().await, "");
    assert!(site.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn a_refused_head_request_is_answered_without_content() {
    let (_site, mut client) = sent("HEAD / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n").await;
    assert_eq!(client.head().await.status, BAD_REQUEST);
    assert_eq!(client.rest().await, "");
}

#[tokio::test(start_paused = true)]
async fn what_comes_before_a_refused_request_is_answered_first() {
    let (mut site, mut client) = sent(&format!("{GET}{BAD}{GET}")).await;
    let begun = Instant::now();
    site.answer("first").await;
    assert_eq!(client.answer().await.1, "first");
    assert_eq!(client.answer().await.0.status, BAD_REQUEST);
    assert_eq!(begun.elapsed(), Duration::ZERO, "at once");
    assert_eq!(client.rest().await, "");
    assert!(site.is_quiet(), "what follows is no request");
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_waits_for_the_answer_before_it() {
    let mut site = Site::new(options());
    let mut client = site.connect();
    client.send(GET).await;
    let exchange = site.request().await;
    client.send(BAD).await;
    assert!(client.is_silent_for(Duration::from_secs(5)).await);
    assert!(!exchange.ticket.is_settled());
    give(&exchange, full("first"));
    let start = Instant::now();
    assert_eq!(client.answer().await.1, "first");
    assert_eq!(client.answer().await.0.status, BAD_REQUEST);
    assert!(start.elapsed().is_zero());
}

#[tokio::test(start_paused = true)]
async fn unfinished_heads_share_the_memory_for_bodies() {
    let site = Site::new(Options { body_memory: 100 * 1024, ..options() });
    let (mut first, mut second) = (site.connect(), site.connect());
    let part = format!("GET / HTTP/1.1\r\nHost: a\r\n{}", format!("A: {}\r\n", "a".repeat(6000)).repeat(10));
    first.send(&part).await;
    second.send(&part).await;
    assert_eq!(second.answer().await.0.status, "HTTP/1.1 503 Service Unavailable");
    assert_eq!(second.rest().await, "");
    first.send("\r\n").await;
    let mut site = site;
    site.answer("whole").await;
    assert_eq!(first.answer().await.1, "whole");
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_byte_by_byte() {
    let site = Site::new(options());
    let mut client = site.connect();
    for byte in BAD.chars().take_while(|byte| *byte != '\n').chain(['\n']) {
        client.send(&byte.to_string()).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.answer().await.0.status, BAD_REQUEST);
    assert_eq!(client.rest().await, "");
}

#[tokio::test(start_paused = true)]
async fn a_broken_chunk_is_refused_whether_or_not_more_follows() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for chunk in ["5\r\nhelloXX0\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\nHost: b\r\n\r\n"] {
        let (mut site, mut client) = sent(&format!("{head}{chunk}{GET}")).await;
        assert_eq!(client.answer().await.0.status, BAD_REQUEST, "{chunk:?}");
        assert_eq!(client.rest().await, "");
        assert!(site.is_quiet());
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_long_is_refused_before_it_comes() {
    let mut site = Site::new(Options { body_limit: Some(4), ..options() });
    let mut client = site.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n").await;
    assert_eq!(client.answer().await.0.status, TOO_LARGE);
    assert_eq!(client.rest().await, "");
    assert!(site.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn a_chunked_body_is_refused_where_it_becomes_too_long() {
    let mut site = Site::new(Options { body_limit: Some(4), ..options() });
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut client = site.connect();
    client.send(&format!("{head}4\r\nabcd\r\n0\r\n\r\n")).await;
    site.answer("fits").await;
    assert_eq!(client.answer().await.1, "fits");
    client.send(&format!("{head}3\r\nabc\r\n2\r\nde\r\n")).await;
    assert_eq!(client.answer().await.0.status, TOO_LARGE);
    assert_eq!(client.rest().await, "");
    assert!(site.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_on_sending_after_its_refusal_still_gets_it() {
    let site = Site::new(Options { body_limit: Some(4), ..options() });
    let mut client = site.connect_with_room(1024);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n").await;
    // More than the connection holds: it would get stuck, or be reset, if nobody read it.
    client.send(&"x".repeat(100_000)).await;
    assert_eq!(client.answer().await.0.status, TOO_LARGE);
    let start = Instant::now();
    client.served().await;
    assert!(start.elapsed() <= Duration::from_secs(3), "but not for ever");
}

#[tokio::test(start_paused = true)]
async fn the_name_of_the_server_can_be_left_out() {
    let mut site = Site::new(Options { server: None, ..options() });
    let mut client = site.connect();
    client.send(&format!("{GET}{BAD}")).await;
    site.answer("hello").await;
    assert_eq!(client.head().await.get("Server"), None);
    client.exactly(5).await;
    assert_eq!(client.answer().await.0.get("Server"), None);
}
