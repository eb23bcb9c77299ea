//! Requests in the streams of HTTP/2.

mod patience;

use std::future::poll_fn;
use std::io::{BufRead as _, Write as _};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{SendRequest, handshake};
use h2::{Ping, Reason, RecvStream};
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, HOST};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use rwsgi_message::Fields;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::client::{LIMIT, Site, body, finish, full, give, options, status, streamed, with_header, write};
use crate::{Answer, Content, FileSpan, Http2, Options, Proxies, Trust};

/// A server that takes HTTP/2 from everybody.
fn site(options: Options) -> Site {
    let http2 = Http2 { prior_knowledge: true, ..Http2::default() };
    let trusted = Trust { all: true, ..Trust::default() };
    Site::new(Options { http2: Some(http2), proxies: Proxies { trusted, ..Proxies::default() }, ..options })
}

/// A client whose connection is driven by a task of its own, which ends with the connection.
struct Client {
    requests: SendRequest<Bytes>,
    driven: JoinHandle<Result<(), h2::Error>>,
}

async fn connect(site: &Site) -> Client {
    let (io, _) = site.open(256 * 1024);
    let (requests, connection) = soon(handshake(io)).await.unwrap();
    Client { requests, driven: tokio::spawn(connection) }
}

fn get(path: &str) -> Request<()> {
    Request::get(format!("http://example.org{path}")).body(()).unwrap()
}

impl Client {
    fn send(&mut self, request: Request<()>) -> h2::client::ResponseFuture {
        self.requests.send_request(request, true).unwrap().0
    }

    /// Sends a request, answers it, and gives what came.
    async fn ask(&mut self, site: &mut Site, request: Request<()>, answer: Answer) -> Response<Bytes> {
        let response = self.send(request);
        let exchange = site.request().await;
        give(&exchange, answer);
        whole(soon(response).await.unwrap()).await
    }
}

/// What comes to its end within a time that no limit of a server under test reaches but those that a test sets.
async fn soon<F: Future>(awaited: F) -> F::Output {
    timeout(LIMIT, awaited).await.expect("it does not come to its end")
}

async fn whole(response: Response<RecvStream>) -> Response<Bytes> {
    let (parts, mut stream) = response.into_parts();
    let mut bytes = Vec::new();
    while let Some(data) = soon(stream.data()).await {
        let data = data.unwrap();
        stream.flow_control().release_capacity(data.len()).unwrap();
        bytes.extend_from_slice(&data);
    }
    Response::from_parts(parts, bytes.into())
}

#[tokio::test(start_paused = true)]
async fn a_request_reaches_the_application_as_one_of_http_1_does() {
    let mut site = site(options());
    let mut client = connect(&site).await;
    let request = Request::get("http://example.org:81/a%20b?c=d")
        .header(COOKIE, "a=1")
        .header(COOKIE, "b=2")
        .body(())
        .unwrap();
    let response = client.send(request);
    let exchange = site.request().await;
    assert_eq!(exchange.head.version, Version::HTTP_2);
    assert_eq!(exchange.head.uri, "/a%20b?c=d");
    assert_eq!(exchange.head.headers[HOST], "example.org:81");
    assert_eq!(exchange.head.headers[COOKIE], "a=1; b=2");
    assert!(exchange.body.is_none());
    give(&exchange, with_header(full("hello"), CONNECTION, "keep-alive"));
    let response = whole(soon(response).await.unwrap()).await;
    assert_eq!((response.status(), &response.body()[..]), (StatusCode::OK, &b"hello"[..]));
    assert_eq!(response.headers()[CONTENT_LENGTH], "5");
    assert_eq!(response.headers()["server"], "rwsgi");
    assert!(!response.headers().contains_key(CONNECTION));
}

#[tokio::test(start_paused = true)]
async fn http_1_is_spoken_beside_it_and_with_strangers_alone() {
    let mut site = site(options());
    let mut client = site.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    site.answer("hello").await;
    assert_eq!(client.answer().await.1, "hello");

    let http2 = Some(Http2 { prior_knowledge: true, ..Http2::default() });
    let strict = Site::new(Options { http2, ..options() });
    let mut stranger = strict.connect();
    stranger.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(stranger.rest().await.starts_with("HTTP/1.1 505 "));
}

#[tokio::test(start_paused = true)]
async fn many_requests_are_answered_in_any_order() {
    let mut site = site(options());
    let mut client = connect(&site).await;
    let responses: Vec<_> = (0..50).map(|number| client.send(get(&format!("/{number}")))).collect();
    let mut exchanges = Vec::new();
    for _ in 0..50 {
        exchanges.push(site.request().await);
    }
    for exchange in exchanges.iter().rev() {
        let path = Bytes::from(exchange.head.uri.path().to_owned());
        give(exchange, Answer { content: Content::Full(path), ..Answer::default() });
    }
    for (number, response) in responses.into_iter().enumerate() {
        let response = whole(soon(response).await.unwrap()).await;
        assert_eq!(response.body(), format!("/{number}").as_bytes());
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_go_both_ways() {
    let mut site = site(options());
    let mut client = connect(&site).await;
    let request = Request::post("http://a/").body(()).unwrap();
    let (response, mut sending) = client.requests.send_request(request, false).unwrap();
    let sent: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_be_bytes()[3]).collect();
    let upload = {
        let mut left = Bytes::from(sent.clone());
        tokio::spawn(async move {
            while !left.is_empty() {
                sending.reserve_capacity(left.len());
                let room = poll_fn(|context| sending.poll_capacity(context)).await.unwrap().unwrap();
                sending.send_data(left.split_to(room.min(left.len())), left.is_empty()).unwrap();
            }
        })
    };
    let mut exchange = site.request().await;
    soon(upload).await.unwrap();
    assert!(body(&mut exchange) == sent);
    give(&exchange, Answer { content: Content::Full(sent.clone().into()), ..Answer::default() });
    assert!(whole(soon(response).await.unwrap()).await.body() == &sent);
}

#[tokio::test(start_paused = true)]
async fn a_file_is_sent_and_a_head_has_no_content() {
    let mut site = site(options());
    let mut client = connect(&site).await;
    let mut file = tempfile::tempfile().unwrap();
    let text = "0123456789".repeat(100_000);
    file.write_all(text.as_bytes()).unwrap();
    let file = std::sync::Arc::new(file);
    let part = || Answer {
        content: Content::File(FileSpan { file: file.clone(), offset: 5, length: 900_001 }),
        ..Answer::default()
    };
    let response = client.ask(&mut site, get("/"), part()).await;
    assert!(response.body()[..] == text.as_bytes()[5..900_006]);
    let head = || Request::head("http://a/").body(()).unwrap();
    for answer in [part(), full("hello")] {
        let response = client.ask(&mut site, head(), answer).await;
        assert!(response.headers().contains_key(CONTENT_LENGTH));
        assert_eq!(response.body(), "");
    }
    let response = client.ask(&mut site, get("/"), status(StatusCode::NOT_MODIFIED)).await;
    assert!(!response.headers().contains_key(CONTENT_LENGTH));
}

#[tokio::test(start_paused = true)]
async fn a_stream_comes_piece_by_piece_and_a_broken_one_is_reset() {
    let mut site = site(options());
    let mut client = connect(&site).await;
    let response = client.send(get("/"));
    let exchange = site.request().await;
    let (stream, answer) = streamed(Fields::default());
    give(&exchange, answer);
    let mut received = soon(response).await.unwrap().into_body();
    for piece in ["one", "two"] {
        write(&stream, piece.as_bytes());
        assert_eq!(soon(received.data()).await.unwrap().unwrap(), piece);
    }
    finish(&stream, false);
    let error = soon(received.data()).await.unwrap().unwrap_err();
    assert!(error.is_reset(), "{error}");
    // The others are not concerned.
    assert_eq!(client.ask(&mut site, get("/"), full("hello")).await.body(), "hello");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_good_request_is_refused_in_its_stream_alone() {
    let limits = crate::Limits { line: Some(100), fields: Some(5), field_size: Some(50) };
    let mut site = site(Options { limits, body_limit: Some(10), ..options() });
    let mut client = connect(&site).await;
    let long = "x".repeat(200);
    let with = |name: &str, value: &str| Request::get("http://a/").header(name, value).body(()).unwrap();
    for (request, expected) in [
        (get(&format!("/{long}")), 414),
        (with("x", &long), 431),
        (with("host", "b"), 400),
        (with("x", " a"), 400),
        (with("cookie", "a=1\t"), 400),
        (with("content-type", "a/b"), 200),
        (Request::post("http://a/").header(CONTENT_LENGTH, "11").body(()).unwrap(), 413),
    ] {
        let is_whole = !request.headers().contains_key(CONTENT_LENGTH);
        let (response, _sending) = client.requests.send_request(request, is_whole).unwrap();
        if expected == 200 {
            site.answer("hello").await;
        }
        assert_eq!(soon(response).await.unwrap().status().as_u16(), expected);
    }
    assert!(site.is_quiet());
    assert_eq!(client.ask(&mut site, get("/"), full("hello")).await.body(), "hello");
}

#[tokio::test(start_paused = true)]
async fn a_trailer_that_may_not_be_is_answered_400() {
    for request_buffering in [true, false] {
        let mut site = site(Options { request_buffering, ..options() });
        let mut client = connect(&site).await;
        let post = Request::post("http://a/").body(()).unwrap();
        let (response, mut sending) = client.requests.send_request(post, false).unwrap();
        sending.send_data("hello".into(), false).unwrap();
        sending
            .send_trailers([(AUTHORIZATION, HeaderValue::from_static("x"))].into_iter().collect())
            .unwrap();
        if !request_buffering {
            let mut exchange = site.request().await;
            let body = exchange.body.take().unwrap();
            let inlet = body.inlet().unwrap();
            let mut reader = body.into_reader();
            for part in [Some("hello"), None] {
                soon(poll_fn(|context| inlet.poll_data(context))).await;
                let read = reader.fill_buf().ok().map(<[u8]>::to_vec);
                assert_eq!(read.as_deref(), part.map(str::as_bytes));
                reader.consume(part.map_or(0, str::len));
            }
            give(&exchange, full("half"));
        }
        let response = whole(soon(response).await.unwrap()).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{request_buffering}");
        assert!(site.is_quiet());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_the_client_cancels_settles_its_request() {
    let mut site = site(options());
    let mut client = connect(&site).await;
    let (response, mut sending) = client.requests.send_request(get("/"), false).unwrap();
    sending.send_data(Bytes::new(), true).unwrap();
    let exchange = site.request().await;
    sending.send_reset(Reason::CANCEL);
    drop(response);
    assert_eq!(client.ask(&mut site, get("/b"), full("hello")).await.body(), "hello");
    assert!(exchange.ticket.is_settled());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_cancels_most_of_its_requests_is_dropped() {
    let mut site = site(options());
    let mut client = connect(&site).await;
    for _ in 0..200 {
        let Ok((response, mut sending)) = client.requests.send_request(get("/"), false) else { break };
        if sending.send_data(Bytes::new(), true).is_err() {
            break;
        }
        // Each has been taken up before it is cancelled, so that no library counts it.
        if timeout(Duration::from_secs(1), site.request()).await.is_err() {
            break;
        }
        sending.send_reset(Reason::CANCEL);
        drop(response);
        if client.driven.is_finished() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let dropped = timeout(Duration::from_secs(1), client.driven).await;
    dropped.expect("the connection goes on").unwrap().ok();
}

#[tokio::test(start_paused = true)]
async fn the_limits_are_those_of_the_settings() {
    let http2 = Http2 { prior_knowledge: true, concurrent_streams: 3, ..Http2::default() };
    let trusted = Trust { all: true, ..Trust::default() };
    let site = Site::new(Options {
        http2: Some(http2),
        proxies: Proxies { trusted, ..Proxies::default() },
        ..options()
    });
    let (io, _) = site.open(4096);
    let (requests, mut connection): (SendRequest<Bytes>, _) = soon(handshake(io)).await.unwrap();
    let mut pings = connection.ping_pong().unwrap();
    let driven = tokio::spawn(connection);
    // What is answered behind the settings of the server.
    soon(pings.ping(Ping::opaque())).await.unwrap();
    assert_eq!(requests.current_max_send_streams(), 3);
    driven.abort();
}

#[tokio::test(start_paused = true)]
async fn a_list_of_fields_may_have_64_kib() {
    let mut site = site(Options {
        limits: crate::Limits { fields: Some(1000), ..crate::Limits::default() },
        ..options()
    });
    let mut client = connect(&site).await;
    let fields = |count: usize| {
        let mut request = Request::get("http://a/").body(()).unwrap();
        let mut headers = HeaderMap::new();
        for number in 0..count {
            let name = http::HeaderName::try_from(format!("x-{number:03}")).unwrap();
            headers.insert(name, "x".repeat(1000).parse().unwrap());
        }
        *request.headers_mut() = headers;
        request
    };
    let response = client.ask(&mut site, fields(50), full("hello")).await;
    assert_eq!(response.status(), StatusCode::OK);
    let refused = soon(client.send(fields(80))).await.unwrap();
    assert_eq!(refused.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}
