//! Request bodies: the handler is called once they are complete.

use super::client::{Site, body, full, give, options, sent};
use crate::Options;

#[tokio::test(start_paused = true)]
async fn a_body_with_a_length_is_waited_for() {
    let (mut site, mut client) = sent("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello").await;
    tokio::task::yield_now().await;
    assert!(site.is_quiet());
    client.send(" world").await;
    let mut exchange = site.request().await;
    let length = exchange.body.as_ref().unwrap().length();
    assert_eq!((length, body(&mut exchange)), (Some(11), b"hello world".to_vec()));
}

#[tokio::test(start_paused = true)]
async fn a_chunked_body_is_put_together() {
    let chunks = "5\r\nhello\r\n6;extension=1\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n";
    let (mut site, mut client) =
        sent(&format!("POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}")).await;
    let mut exchange = site.request().await;
    assert_eq!(exchange.body.as_ref().unwrap().length(), Some(11));
    assert_eq!(body(&mut exchange), b"hello world");
    assert!(!exchange.head.headers.contains_key("x-trailer"));
    give(&exchange, full("one"));
    client.answer().await;
    client.send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(site.answer("two").await, "/2");
}

#[tokio::test(start_paused = true)]
async fn an_empty_body_is_a_body_but_none_is_none() {
    let (mut site, _client) = sent("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(site.request().await.body.unwrap().length(), Some(0));
    let (mut site, _client) =
        sent("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").await;
    assert_eq!(site.request().await.body.unwrap().length(), Some(0));
    let (mut site, _client) = sent("POST / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(site.request().await.body.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_never_reaches_the_handler() {
    for start in [
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ] {
        let (mut site, client) = sent(start).await;
        client.leave().await;
        assert!(site.is_quiet(), "{start}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_malformed_chunk_never_reaches_the_handler() {
    let (mut site, mut client) =
        sent("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n").await;
    client.rest().await;
    assert!(site.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_expects_100_is_told_to_continue() {
    let (mut site, mut client) =
        sent("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n").await;
    assert_eq!(client.until("\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    assert!(site.is_quiet());
    client.send("hello").await;
    let mut exchange = site.request().await;
    assert_eq!(body(&mut exchange), b"hello");
    give(&exchange, full("done"));
    assert_eq!(client.answer().await.1, "done");
}

#[tokio::test(start_paused = true)]
async fn without_a_body_there_is_nothing_to_continue() {
    let (mut site, mut client) = sent("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n").await;
    site.answer("hello").await;
    assert_eq!(client.head().await.status, "HTTP/1.1 200 OK");
}

/// A site whose bodies may take 1000 bytes of memory.
fn small() -> Site {
    Site::new(Options { body_memory: 1000, ..options() })
}

fn post(length: usize) -> String {
    let text: String = (0..length).map(|index| char::from(b'a' + (index % 23) as u8)).collect();
    format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{text}")
}

#[tokio::test(start_paused = true)]
async fn a_body_beyond_the_budget_goes_to_a_file_and_reads_back() {
    for length in [1001, 3 * 1024 * 1024 + 7] {
        let mut site = small();
        let mut client = site.connect();
        let request = post(length);
        client.send(&request).await;
        let mut exchange = site.request().await;
        let collected = exchange.body.as_ref().unwrap();
        assert_eq!((collected.length(), collected.is_on_disk()), (Some(length as u64), true));
        assert!(request.as_bytes().ends_with(&body(&mut exchange)));
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_bodies_share_the_budget_and_give_it_back() {
    let mut site = small();
    let mut clients: Vec<_> = (0..4).map(|_| site.connect()).collect();
    clients[0].send(&post(600)).await;
    let first = site.request().await;
    clients[1].send(&post(600)).await;
    let second = site.request().await;
    assert_eq!([&first, &second].map(|exchange| exchange.body.as_ref().unwrap().is_on_disk()), [false, true]);
    drop(first);
    clients[2].send(&post(600)).await;
    assert!(!site.request().await.body.unwrap().is_on_disk());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_gives_its_memory_back() {
    let mut site = small();
    let mut client = site.connect();
    client.send(&post(900)[..800]).await;
    client.leave().await;
    let mut client = site.connect();
    client.send(&post(900)).await;
    assert!(!site.request().await.body.unwrap().is_on_disk());
}
