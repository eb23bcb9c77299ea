//! Many requests on one connection (RFC 9112 section 9.3).

use super::client::{Site, options, sent};
use crate::Options;

#[tokio::test(start_paused = true)]
async fn a_connection_serves_one_request_after_the_other() {
    let (mut site, mut client) = sent("").await;
    for number in 1..=3 {
        client.send(&format!("GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        assert_eq!(site.answer("hello").await, format!("/{number}"));
        let (head, body) = client.answer().await;
        assert_eq!((head.get("Connection"), &*body), (None, "hello"));
    }
}

#[tokio::test(start_paused = true)]
async fn pipelined_requests_are_answered_in_their_order() {
    let requests: String =
        (1..=4).map(|number| format!("GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    let (mut site, mut client) = sent(&requests).await;
    for (path, body) in [("/1", "one"), ("/2", "two"), ("/3", "three"), ("/4", "four")] {
        assert_eq!(site.answer(body).await, path);
    }
    for body in ["one", "two", "three", "four"] {
        assert_eq!(client.answer().await.1, body);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_does_not_wait_for_the_next_request() {
    let (mut site, mut client) = sent("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HT").await;
    site.answer("one").await;
    assert_eq!(client.answer().await.1, "one");
    client.send("TP/1.1\r\nHost: a\r\n\r\n").await;
    site.answer("two").await;
    assert_eq!(client.answer().await.1, "two");
}

#[tokio::test(start_paused = true)]
async fn an_empty_line_after_a_body_is_passed_over() {
    let (mut site, mut client) = sent("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx\r\n").await;
    site.answer("one").await;
    assert_eq!(client.answer().await.1, "one");
    client.send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(site.answer("two").await, "/2");
    assert_eq!(client.answer().await.1, "two");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_wants_to_close_gets_its_way() {
    let (mut site, mut client) = sent("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    site.answer("hello").await;
    assert_eq!(client.answer().await.0.get("Connection"), Some("close"));
    assert_eq!(client.rest().await, "");
}

#[tokio::test(start_paused = true)]
async fn http_1_0_closes_unless_it_asks_not_to() {
    let (mut site, mut client) = sent("GET / HTTP/1.0\r\n\r\n").await;
    site.answer("hello").await;
    assert_eq!(client.answer().await.1, "hello");
    assert_eq!(client.rest().await, "");

    let (mut site, mut client) = sent("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
    site.answer("hello").await;
    assert_eq!(client.answer().await.0.get("Connection"), Some("keep-alive"));
    client.send("GET / HTTP/1.0\r\n\r\n").await;
    site.answer("again").await;
    assert_eq!(client.answer().await.1, "again");
    assert_eq!(client.rest().await, "");
}

#[tokio::test(start_paused = true)]
async fn without_keep_alive_each_connection_serves_one_request() {
    let mut site = Site::new(Options { keep_alive: None, ..options() });
    let mut client = site.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    site.answer("hello").await;
    assert_eq!(client.answer().await.0.get("Connection"), Some("close"));
    assert_eq!(client.rest().await, "");
}
