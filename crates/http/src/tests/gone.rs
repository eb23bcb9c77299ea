//! Clients that go away, and clients that do not read.

use std::future::poll_fn;
use std::time::Duration;

use rwsgi_message::Fields;
use tokio::time::{Instant, sleep};

use super::client::{Site, finish, full, give, options, sent, streamed, write};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_before_its_answer_settles_the_request() {
    let (mut site, client) = sent(GET).await;
    let exchange = site.request().await;
    assert!(!exchange.ticket.is_settled());
    sleep(Duration::from_secs(1)).await;
    client.leave().await;
    assert!(exchange.ticket.is_settled());
    assert!(exchange.ticket.answer(full("too late")).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_during_a_stream_is_noticed_at_the_next_bytes() {
    let (mut site, mut client) = sent(GET).await;
    let (stream, answer) = streamed(Fields::default());
    write(&stream, b"first");
    give(&site.request().await, answer);
    client.until("first\r\n").await;
    assert!(!stream.is_gone());
    let left = tokio::spawn(client.leave());
    sleep(Duration::from_secs(1)).await;
    assert!(!stream.is_gone(), "it may have closed its sending side only");
    write(&stream, b"second");
    left.await.unwrap();
    assert!(stream.is_gone());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_closes_its_sending_side_behind_its_request_gets_the_answer() {
    for wait in [0, 50] {
        let (mut site, mut client) = sent(GET).await;
        sleep(Duration::from_millis(wait)).await;
        client.close_sending_side().await;
        let exchange = site.request().await;
        sleep(Duration::from_secs(5)).await;
        assert!(!exchange.ticket.is_settled());
        give(&exchange, full("hello"));
        let start = Instant::now();
        assert_eq!(client.answer().await.1, "hello");
        assert_eq!(client.rest().await, "");
        assert!(start.elapsed().is_zero(), "and is closed behind it");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_one_piece_is_finished_for_a_client_that_closes_its_sending_side() {
    let bad = "GET / HTTP/1.1\nHost: a\r\n\r\n";
    for behind in ["", bad] {
        let mut site = Site::new(options());
        let mut client = site.connect_with_room(1024);
        client.send(GET).await;
        give(&site.request().await, full(Box::leak("x".repeat(100_000).into_boxed_str())));
        client.head().await;
        sleep(Duration::from_secs(5)).await;
        client.send(behind).await;
        client.close_sending_side().await;
        sleep(Duration::from_secs(5)).await;
        client.exactly(100_000).await;
        assert_eq!(client.rest().await.is_empty(), behind.is_empty(), "the bad one is refused behind it");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_on_its_way_is_finished_for_a_client_that_closes_its_sending_side() {
    let (mut site, mut client) = sent(GET).await;
    let (stream, answer) = streamed(Fields::default());
    write(&stream, b"first");
    give(&site.request().await, answer);
    client.until("first\r\n").await;
    sleep(Duration::from_secs(5)).await;
    client.close_sending_side().await;
    sleep(Duration::from_secs(5)).await;
    write(&stream, b"second");
    finish(&stream, true);
    client.until("second\r\n0\r\n\r\n").await;
    assert_eq!(client.rest().await, "");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_makes_the_writer_wait() {
    let mut site = Site::new(options());
    let mut client = site.connect_with_room(1024);
    client.send(GET).await;
    let (stream, answer) = streamed(Fields::default());
    give(&site.request().await, answer);
    // hyper holds back what the connection does not take, but not without bound.
    let mut written = 0;
    while !stream.is_full() {
        write(&stream, &[b'x'; 64 * 1024]);
        written += 64 * 1024;
        assert!(written <= 4 * 1024 * 1024, "the answer piles up in memory");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let writer = tokio::spawn(async move {
        poll_fn(|context| stream.poll_room(context)).await;
        stream.is_gone()
    });
    assert!(!writer.is_finished());
    client.exactly(written).await;
    assert!(!writer.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_waits_is_woken_when_the_client_leaves() {
    let mut site = Site::new(options());
    let mut client = site.connect_with_room(1024);
    client.send(GET).await;
    let (stream, answer) = streamed(Fields::default());
    give(&site.request().await, answer);
    while !stream.is_full() {
        write(&stream, &[b'x'; 64 * 1024]);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let writer = tokio::spawn(async move {
        poll_fn(|context| stream.poll_room(context)).await;
        stream.is_gone()
    });
    client.leave().await;
    assert!(writer.await.unwrap());
}
