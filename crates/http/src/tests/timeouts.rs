//! Silence, judged by what it interrupts.

use std::time::Duration;

use rwsgi_message::Fields;
use tokio::time::{Instant, sleep};

use super::client::{Client, Site, finish, full, give, options, streamed, write};
use crate::{Options, Timeouts};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";
const TIMED_OUT: &str = "HTTP/1.1 408 Request Timeout";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn site(idle: u64, head: u64) -> Site {
    patient(idle, Timeouts { head: Some(seconds(head)), ..options().timeouts })
}

fn patient(idle: u64, timeouts: Timeouts) -> Site {
    Site::new(Options { keep_alive: Some(seconds(idle)), timeouts, ..options() })
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
async fn a_connection_that_says_nothing_is_dropped() {
    assert_eq!(closed_after(&mut site(5, 30).connect()).await, 30);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_trickles_in_is_answered_408() {
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
    let start = Instant::now();
    assert_eq!(client.answer().await.0.status, TIMED_OUT);
    assert_eq!(start.elapsed().as_secs(), 1, "ten seconds from the first byte");
    assert_eq!(client.rest().await, "");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_to_its_end_waits_for_the_answer_before_it() {
    let mut site = site(60, 10);
    let mut client = site.connect();
    client.send(&format!("{GET}GET / HT")).await;
    let exchange = site.request().await;
    sleep(seconds(40)).await;
    give(&exchange, full("first"));
    assert_eq!(client.answer().await.1, "first");
    assert_eq!(client.answer().await.0.status, TIMED_OUT);
    assert_eq!(client.rest().await, "");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_falls_silent_is_answered_408() {
    let site = patient(60, Timeouts { body: Some(seconds(30)), ..options().timeouts });
    let mut client = site.connect();
    client.send(POST).await;
    for _ in 0..9 {
        sleep(seconds(29)).await;
        client.send("x").await;
    }
    let start = Instant::now();
    assert_eq!(client.answer().await.0.status, TIMED_OUT);
    assert_eq!(start.elapsed().as_secs(), 30);
    assert_eq!(client.rest().await, "");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_is_answered_408_after_its_grace_time() {
    let timeouts = Timeouts { body_rate: 500, body_grace: seconds(20), ..options().timeouts };
    let site = patient(60, timeouts);
    let (mut fast, mut slow) = (site.connect(), site.connect());
    fast.send(POST).await;
    slow.send(POST).await;
    let start = Instant::now();
    for second in 0.. {
        sleep(seconds(1)).await;
        fast.send(&"x".repeat(600)).await;
        slow.send(&"x".repeat(400)).await;
        if slow.has_answer() {
            assert!(second == 19 || second == 20, "when the grace time is over, not at {second}");
            break;
        }
    }
    assert_eq!(slow.answer().await.0.status, TIMED_OUT);
    assert!(start.elapsed().as_secs() >= 20 && !fast.has_answer());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_came_at_once_is_not_slow() {
    let timeouts =
        Timeouts { body_rate: 500, body_grace: seconds(1), body: Some(seconds(1)), ..options().timeouts };
    let mut site = patient(60, timeouts);
    let mut client = site.connect();
    client.send(&format!("{POST}{}", "x".repeat(100_000))).await;
    let exchange = site.request().await;
    sleep(seconds(100)).await;
    give(&exchange, full("slow handler"));
    assert_eq!(client.answer().await.1, "slow handler");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_dropped() {
    let mut site = patient(60, Timeouts { write: Some(seconds(60)), ..options().timeouts });
    let mut client = site.connect_with_room(1024);
    client.send(GET).await;
    give(&site.request().await, full(Box::leak("x".repeat(20 * 1024).into_boxed_str())));
    client.head().await;
    for _ in 0..5 {
        sleep(seconds(55)).await;
        client.exactly(1024).await;
    }
    let start = Instant::now();
    client.served().await;
    // One look at whether it reads after all.
    assert!((60..=62).contains(&start.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn a_parked_connection_serves_on_and_is_closed_in_time() {
    let mut site = site(60, 10);
    let mut client = site.connect();
    for part in ["GET / HT", ""] {
        client.send(GET).await;
        site.answer("hello").await;
        client.answer().await;
        sleep(seconds(50)).await;
        // In two pieces, of which the first one wakes it.
        client.send(part).await;
        sleep(seconds(5)).await;
        client.send(&GET[part.len()..]).await;
        site.answer("again").await;
        assert_eq!(client.answer().await.1, "again");
    }
    assert_eq!(closed_after(&mut client).await, 60);
}

#[tokio::test(start_paused = true)]
async fn a_parked_connection_notices_that_its_client_leaves() {
    let mut site = site(600, 10);
    let mut client = site.connect();
    client.send(GET).await;
    site.answer("hello").await;
    client.answer().await;
    sleep(seconds(5)).await;
    let start = Instant::now();
    client.leave().await;
    assert!(start.elapsed().is_zero());
}

#[tokio::test(start_paused = true)]
async fn an_empty_line_behind_a_request_is_no_head_that_does_not_end() {
    let mut site = site(60, 10);
    let mut client = site.connect();
    client.send(&format!("{GET}\r\n")).await;
    site.answer("hello").await;
    client.answer().await;
    sleep(seconds(30)).await;
    client.send(GET).await;
    site.answer("again").await;
    assert_eq!(client.answer().await.1, "again");
    assert_eq!(closed_after(&mut client).await, 60);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_wakes_a_parked_connection_is_served_also_at_the_end_of_all() {
    for _ in 0..50 {
        let mut site = site(600, 10);
        let mut client = site.connect();
        client.send(GET).await;
        site.answer("hello").await;
        client.answer().await;
        sleep(seconds(5)).await;
        site.server.closing().begin(Duration::from_millis(500));
        client.send(GET).await;
        site.answer("still").await;
        assert_eq!(client.answer().await.1, "still");
    }
}

#[tokio::test(start_paused = true)]
async fn a_parked_connection_is_closed_at_the_end_of_all() {
    let mut site = site(600, 10);
    let mut client = site.connect();
    client.send(GET).await;
    site.answer("hello").await;
    client.answer().await;
    sleep(seconds(5)).await;
    site.server.closing().begin(Duration::from_millis(500));
    assert_eq!(closed_after(&mut client).await, 0);
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
    let (stream, answer) = streamed(Fields::default());
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
    let site = site(0, 0);
    assert_eq!(closed_after(&mut site.connect()).await, 0);
}
