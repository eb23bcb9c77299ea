//! The end of a worker: idle connections go soon, the others after their request.

use std::time::Duration;

use http::header::{CONTENT_LENGTH, HeaderValue};
use rwsgi_message::Fields;
use tokio::time::sleep;

use super::client::{Site, finish, full, give, options, sent, streamed, write};
use crate::Options;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_connection_that_has_just_been_served_is_closed_after_half_a_second() {
    let (mut site, mut client) = sent(GET).await;
    site.answer("hello").await;
    client.answer().await;
    site.server.closing().begin(Duration::from_millis(500));
    let start = tokio::time::Instant::now();
    assert_eq!(client.rest().await, "");
    assert!(start.elapsed() > Duration::from_millis(400) && start.elapsed() < Duration::from_millis(600));
    client.served().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_crosses_the_end_of_all_is_answered() {
    // Before it would park, and after.
    for idle in [10, 300] {
        let (mut site, mut client) = sent(GET).await;
        site.answer("hello").await;
        client.answer().await;
        sleep(Duration::from_millis(idle)).await;
        site.server.closing().begin(Duration::from_millis(500));
        sleep(Duration::from_millis(100)).await;
        client.send(GET).await;
        site.answer("the last").await;
        let (head, body) = client.answer().await;
        assert_eq!((head.get("Connection"), &*body), (Some("close"), "the last"));
        assert_eq!(client.rest().await, "");
        client.served().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_in_flight_is_finished() {
    let (mut site, mut client) = sent(GET).await;
    let exchange = site.request().await;
    site.server.closing().begin(Duration::from_millis(500));
    tokio::task::yield_now().await;
    assert!(!exchange.ticket.is_settled());
    give(&exchange, full("in time"));
    let (head, body) = client.answer().await;
    assert_eq!((head.get("Connection"), &*body), (Some("close"), "in time"));
    assert_eq!(client.rest().await, "");
    client.served().await;
}

/// Its client was not told that the connection ends, and may send the next request at once.
#[tokio::test(start_paused = true)]
async fn a_connection_whose_answer_had_begun_gets_its_last_call_too() {
    let (mut site, mut client) = sent(GET).await;
    let exchange = site.request().await;
    let mut headers = Fields::default();
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("5"));
    let (stream, answer) = streamed(headers);
    give(&exchange, answer);
    write(&stream, b"he");
    assert_eq!(client.head().await.get("Connection"), None);
    site.server.closing().begin(Duration::from_millis(500));
    tokio::task::yield_now().await;
    write(&stream, b"llo");
    finish(&stream, true);
    assert_eq!(client.exactly(5).await, "hello");
    client.send(GET).await;
    site.answer("the last").await;
    let (head, body) = client.answer().await;
    assert_eq!((head.get("Connection"), &*body), (Some("close"), "the last"));
    assert_eq!(client.rest().await, "");
    client.served().await;
}

#[tokio::test(start_paused = true)]
async fn a_body_on_its_way_is_finished() {
    let (mut site, mut client) = sent("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe").await;
    tokio::task::yield_now().await;
    site.server.closing().begin(Duration::from_millis(500));
    tokio::task::yield_now().await;
    client.send("llo").await;
    site.answer("in time").await;
    assert_eq!(client.answer().await.1, "in time");
    assert_eq!(client.rest().await, "");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_on_its_way_is_answered() {
    let mut site = Site::new(options());
    let mut client = site.connect();
    tokio::task::yield_now().await;
    site.server.closing().begin(Duration::from_millis(500));
    tokio::task::yield_now().await;
    client.send(GET).await;
    site.answer("still").await;
    let (head, body) = client.answer().await;
    assert_eq!((head.get("Connection"), &*body), (Some("close"), "still"));
    assert_eq!(client.rest().await, "");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_delays_the_end_only_a_little() {
    let site = Site::new(options());
    let mut early = site.connect();
    tokio::task::yield_now().await;
    site.server.closing().begin(Duration::from_millis(500));
    let mut late = site.connect();
    let start = tokio::time::Instant::now();
    assert_eq!((early.rest().await, late.rest().await), (String::new(), String::new()));
    assert!(start.elapsed() < std::time::Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn the_connection_that_has_been_idle_longest_makes_room() {
    let mut site = Site::new(Options { keep_alive: Some(Duration::from_secs(300)), ..options() });
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = site.connect();
        client.send(GET).await;
        site.answer("hello").await;
        client.answer().await;
        sleep(Duration::from_secs(1)).await;
        clients.push(client);
    }
    // The first one is not idle any more.
    clients[0].send(GET).await;
    let exchange = site.request().await;
    site.server.make_room();
    let start = tokio::time::Instant::now();
    assert_eq!(clients[1].rest().await, "");
    assert!(start.elapsed().is_zero());
    clients[2].send(GET).await;
    site.answer("still here").await;
    assert_eq!(clients[2].answer().await.1, "still here");
    give(&exchange, full("busy"));
    assert_eq!(clients[0].answer().await.1, "busy");
}

#[tokio::test(start_paused = true)]
async fn when_all_are_busy_the_first_that_becomes_idle_makes_room() {
    let mut site = Site::new(Options { keep_alive: Some(Duration::from_secs(300)), ..options() });
    let mut client = site.connect();
    client.send(GET).await;
    let exchange = site.request().await;
    site.server.make_room();
    give(&exchange, full("hello"));
    assert_eq!(client.answer().await.1, "hello");
    let start = tokio::time::Instant::now();
    assert_eq!(client.rest().await, "");
    assert!(start.elapsed() < Duration::from_secs(2));
}
