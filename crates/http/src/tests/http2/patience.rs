//! How long a client may take for what.

use std::time::Duration;

use bytes::Bytes;
use h2::client::{SendRequest, handshake};
use h2::{Ping, Reason};
use http::{Request, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

use super::super::client::{full, give, options};
use super::{Client, connect, get, site, soon, whole};
use crate::{Answer, Content, Options, Timeouts};

/// The preface, an empty SETTINGS frame, and a request in the first stream.
const BEGINNING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\
    \0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01a";

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_answered_408_and_the_others_go_on() {
    let timeouts = Timeouts { body: Some(Duration::from_secs(30)), ..options().timeouts };
    let mut site = site(Options { timeouts, ..options() });
    let mut client = connect(&site).await;
    let start = Instant::now();
    let request = Request::post("http://a/").body(()).unwrap();
    let (response, mut sending) = client.requests.send_request(request, false).unwrap();
    sending.send_data("half".into(), false).unwrap();
    assert_eq!(client.ask(&mut site, get("/"), full("hello")).await.body(), "hello");
    assert_eq!(soon(response).await.unwrap().status(), StatusCode::REQUEST_TIMEOUT);
    assert_eq!(start.elapsed().as_secs(), 30);
    assert!(site.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_of_an_answer_loses_that_stream() {
    let timeouts = Timeouts { write: Some(Duration::from_secs(60)), ..options().timeouts };
    let mut site = site(Options { timeouts, ..options() });
    let mut client = connect(&site).await;
    let response = client.send(get("/"));
    let exchange = site.request().await;
    let large = Bytes::from(vec![b'x'; 1_000_000]);
    give(&exchange, Answer { content: Content::Full(large), ..Answer::default() });
    let mut stuck = soon(response).await.unwrap().into_body();
    let start = Instant::now();
    // The window is full, and nobody opens it.
    let error = loop {
        if let Err(error) = soon(stuck.data()).await.unwrap() {
            break error;
        }
    };
    assert_eq!(error.reason(), Some(Reason::CANCEL));
    assert!((60..=62).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    drop(stuck);
    assert_eq!(client.ask(&mut site, get("/"), full("hello")).await.body(), "hello");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_told_to_go_and_closed() {
    let mut site = site(Options { keep_alive: Some(Duration::from_secs(5)), ..options() });
    let mut client = connect(&site).await;
    client.ask(&mut site, get("/"), full("hello")).await;
    let start = Instant::now();
    soon(client.driven).await.unwrap().unwrap();
    assert!((5..=6).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_never_had_a_request_is_told_to_go() {
    let timeouts = Timeouts { head: Some(Duration::from_secs(10)), ..options().timeouts };
    let site = site(Options { timeouts, ..options() });
    let client = connect(&site).await;
    let start = Instant::now();
    soon(client.driven).await.unwrap().unwrap();
    assert!((10..=11).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_connection_that_has_been_idle_longest_makes_room() {
    let mut site = site(Options { keep_alive: Some(Duration::from_secs(300)), ..options() });
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = connect(&site).await;
        client.ask(&mut site, get("/"), full("hello")).await;
        sleep(Duration::from_secs(2)).await;
        clients.push(client);
    }
    // The first one is not idle any more.
    let response = clients[0].send(get("/"));
    let exchange = site.request().await;
    sleep(Duration::from_secs(2)).await;
    site.server.make_room();
    let gone = clients.remove(1);
    let start = Instant::now();
    soon(gone.driven).await.unwrap().unwrap();
    assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
    give(&exchange, full("busy"));
    assert_eq!(whole(soon(response).await.unwrap()).await.body(), "busy");
    assert_eq!(clients[1].ask(&mut site, get("/"), full("still here")).await.body(), "still here");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_hear_of_the_end_keeps_nobody_waiting_for_its_place() {
    let timeouts = Timeouts { write: Some(Duration::from_secs(60)), ..options().timeouts };
    let mut site = site(Options { timeouts, keep_alive: Some(Duration::from_secs(300)), ..options() });
    let (mut io, serving) = site.open(4096);
    io.write_all(BEGINNING).await.unwrap();
    give(&site.request().await, full("hello"));
    sleep(Duration::from_secs(2)).await;
    site.server.make_room();
    let start = Instant::now();
    soon(serving).await.unwrap();
    assert!((1..=3).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_connection_with_pings_and_no_requests_is_as_idle_as_any() {
    let mut site = site(Options { keep_alive: Some(Duration::from_secs(5)), ..options() });
    let (io, serving) = site.open(4096);
    let (requests, mut connection): (SendRequest<Bytes>, _) = soon(handshake(io)).await.unwrap();
    let mut pings = connection.ping_pong().unwrap();
    let mut client = Client { requests, driven: tokio::spawn(connection) };
    client.ask(&mut site, get("/"), full("hello")).await;
    let start = Instant::now();
    let pinging = async {
        while pings.ping(Ping::opaque()).await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    };
    soon(pinging).await;
    soon(serving).await.unwrap();
    assert!((5..=6).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_idle_time_begins_behind_the_last_byte_of_an_answer() {
    let mut site = site(Options { keep_alive: Some(Duration::from_secs(5)), ..options() });
    // The answer fits in the window, but not in the connection: what is left of it has to wait for the client to read.
    let (mut io, _) = site.open(4096);
    io.write_all(BEGINNING).await.unwrap();
    let large = Answer { content: Content::Full(vec![b'x'; 30_000].into()), ..Answer::default() };
    give(&site.request().await, large);
    sleep(Duration::from_secs(20)).await;
    let mut received = Vec::new();
    while received.len() < 30_000 {
        assert!(soon(io.read_buf(&mut received)).await.unwrap() > 0, "closed");
    }
    while let Ok(Ok(1..)) = timeout(Duration::from_millis(1), io.read_buf(&mut received)).await {}
    let start = Instant::now();
    // The farewell.
    soon(io.read_u8()).await.unwrap();
    assert!((4..=6).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_never_answers_to_its_end_is_dropped() {
    let timeouts = Timeouts { head: Some(Duration::from_secs(10)), ..options().timeouts };
    let site = site(Options { timeouts, ..options() });
    // A client from which the preface has come is told to go, and has a moment to hear of it.
    for (beginning, time) in [("", 10), ("PRI * HT", 10), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 12)] {
        let (mut io, serving) = site.open(4096);
        let start = Instant::now();
        io.write_all(beginning.as_bytes()).await.unwrap();
        soon(serving).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), time, "{beginning:?}");
        let _ = soon(io.read_to_end(&mut Vec::new())).await;
    }
}

#[tokio::test(start_paused = true)]
async fn at_the_end_requests_are_answered_and_new_ones_find_the_way_closed() {
    let mut site = site(options());
    let mut client = connect(&site).await;
    let response = client.send(get("/"));
    let exchange = site.request().await;
    let start = Instant::now();
    site.server.closing().begin(Duration::from_millis(500));
    sleep(Duration::from_millis(100)).await;
    give(&exchange, full("hello"));
    assert_eq!(whole(soon(response).await.unwrap()).await.body(), "hello");
    soon(client.driven).await.unwrap().unwrap();
    assert!(start.elapsed().as_millis() < 200, "without waiting for the last call: {:?}", start.elapsed());
}
