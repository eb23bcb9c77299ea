//! Silence, judged by what it interrupts.

use std::time::Duration;

use http::HeaderMap;
use tokio::time::{Instant, sleep};

use super::client::{Client, Site, finish, full, give, options, streamed, write};
use crate::Options;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn site(idle: u64, head: u64) -> Site {
    Site::new(Options { keep_alive: Some(seconds(idle)), head_timeout: seconds(head), ..options() })
}

/// After how many seconds the server closes the connection, which must have nothing more to say.
async fn closed_after(client: &mut Client) -> u64 {
    let start = Instant::now();
    assert_eq!(client.rest().await, "");
    start.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed() {
    let mut site = site(5, 30);
    let mut client = site.connect();
    for _ in 0..3 {
        sleep(seconds(4)).await;
        client.send(GET).await;
        site.answer("hello").await;
        client.answer().await;
    }
    assert_eq!(closed_after(&mut client).await, 5);
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_request_is_dropped() {
    assert_eq!(closed_after(&mut site(5, 30).connect()).await, 30);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_trickles_in_is_dropped() {
    let mut site = site(60, 10);
    let mut client = site.connect();
    client.send(GET).await;
    site.answer("hello").await;
    client.answer().await;
    sleep(seconds(25)).await;
    for _ in 0..9 {
        client.send("G").await;
        sleep(seconds(1)).await;
    }
    assert_eq!(closed_after(&mut client).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_handler_is_not_cut() {
    let mut site = site(5, 5);
    let mut client = site.connect();
    client.send(GET).await;
    let exchange = site.request().await;
    assert!(client.is_silent_for(seconds(100)).await);
    give(&exchange, full("at last"));
    assert_eq!(client.answer().await.1, "at last");
    assert_eq!(closed_after(&mut client).await, 5);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_is_not_cut() {
    let mut site = site(5, 5);
    let mut client = site.connect();
    client.send(GET).await;
    let (stream, answer) = streamed(HeaderMap::new());
    write(&stream, b"first");
    give(&site.request().await, answer);
    client.until("first\r\n").await;
    assert!(client.is_silent_for(seconds(100)).await);
    finish(&stream, true);
    client.until("0\r\n\r\n").await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_not_idle() {
    let mut site = site(5, 5);
    let mut client = site.connect_with_room(1024);
    client.send(GET).await;
    give(&site.request().await, full(Box::leak("x".repeat(20 * 1024).into_boxed_str())));
    client.head().await;
    for _ in 0..20 {
        sleep(seconds(3)).await;
        client.exactly(1024).await;
    }
    // The last bytes left three seconds ago, and only then the connection began to be idle.
    sleep(seconds(1)).await;
    client.send(GET).await;
    site.answer("again").await;
    assert_eq!(client.answer().await.1, "again");
}

#[tokio::test(start_paused = true)]
async fn the_first_bytes_of_a_request_end_the_idleness() {
    let mut site = site(5, 30);
    let mut client = site.connect();
    client.send(GET).await;
    site.answer("hello").await;
    client.answer().await;
    client.send("GET / HT").await;
    sleep(seconds(20)).await;
    client.send("TP/1.1\r\nHost: a\r\n\r\n").await;
    site.answer("slow").await;
    assert_eq!(client.answer().await.1, "slow");
}

#[tokio::test(start_paused = true)]
async fn no_patience_at_all_is_no_busy_loop() {
    let site =
        Site::new(Options { keep_alive: Some(Duration::ZERO), head_timeout: Duration::ZERO, ..options() });
    assert_eq!(closed_after(&mut site.connect()).await, 0);
}
