//! How answers are framed (RFC 9112 section 6) and what the server adds to them.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, ETAG};
use http::{HeaderName, StatusCode};
use rwsgi_message::Fields;

use super::client::{finish, full, give, sent, status, streamed, with_header, write};
use crate::Answer;

const GET: &str = "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";
const HEAD: &str = "HEAD / HTTP/1.1\r\nHost: example.com\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_whole_answer_has_a_length_a_date_and_a_server() {
    let (mut site, mut client) = sent(GET).await;
    let exchange = site.request().await;
    assert_eq!((exchange.head.method.as_str(), exchange.body.is_none()), ("GET", true));
    assert_eq!((exchange.peer.remote_addr(), exchange.peer.remote_port()), ("192.0.2.7", Some("50000")));
    give(&exchange, with_header(full("hello"), HeaderName::from_static("x-frame-options"), "DENY"));
    let (head, body) = client.answer().await;
    assert_eq!((&*head.status, &*body), ("HTTP/1.1 200 OK", "hello"));
    assert_eq!((head.get("Server"), head.get("X-Frame-Options")), (Some("rwsgi"), Some("DENY")));
    httpdate::parse_http_date(head.get("Date").unwrap()).unwrap();
    assert_eq!(head.get("Transfer-Encoding"), None);
}

#[tokio::test(start_paused = true)]
async fn a_reason_of_the_applications_own_is_kept() {
    let (mut site, mut client) = sent(GET).await;
    let answer = Answer { reason: Some(Bytes::from_static(b"Not Here")), ..status(StatusCode::NOT_FOUND) };
    give(&site.request().await, answer);
    assert_eq!(client.answer().await.0.status, "HTTP/1.1 404 Not Here");
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_says_so() {
    let (mut site, mut client) = sent(GET).await;
    site.answer("").await;
    assert_eq!(client.head().await.get("Content-Length"), Some("0"));
}

#[tokio::test(start_paused = true)]
async fn head_gets_the_length_of_get_and_no_body() {
    let (mut site, mut client) = sent(&[HEAD, HEAD, HEAD, GET].concat()).await;
    give(&site.request().await, with_header(full(""), CONTENT_LENGTH, "5"));
    assert_eq!(client.head().await.get("Content-Length"), Some("5"));
    give(&site.request().await, full("hello"));
    assert_eq!(client.head().await.get("Content-Length"), Some("5"));
    give(&site.request().await, full(""));
    assert_eq!(client.head().await.get("Content-Length"), None);
    site.answer("last").await;
    assert_eq!(client.answer().await.1, "last");
}

#[tokio::test(start_paused = true)]
async fn no_content_and_not_modified_end_with_their_head() {
    let (mut site, mut client) = sent(&[GET, GET, GET].concat()).await;
    give(&site.request().await, status(StatusCode::NO_CONTENT));
    let head = client.head().await;
    assert_eq!((head.get("Content-Length"), head.get("Transfer-Encoding")), (None, None));
    give(&site.request().await, with_header(status(StatusCode::NOT_MODIFIED), ETAG, "\"x\""));
    let head = client.head().await;
    assert_eq!((head.get("Content-Length"), head.get("Etag")), (None, Some("\"x\"")));
    site.answer("last").await;
    assert_eq!(client.answer().await.1, "last");
}

#[tokio::test(start_paused = true)]
async fn a_streamed_answer_is_chunked_as_it_comes() {
    let (mut site, mut client) = sent(&[GET, GET].concat()).await;
    let (stream, answer) = streamed(Fields::default());
    write(&stream, b"first");
    give(&site.request().await, answer);
    let head = client.head().await;
    assert_eq!((head.get("Transfer-Encoding"), head.get("Content-Length")), (Some("chunked"), None));
    assert_eq!(client.exactly(10).await, "5\r\nfirst\r\n");
    write(&stream, b"second");
    assert_eq!(client.exactly(11).await, "6\r\nsecond\r\n");
    finish(&stream, true);
    assert_eq!(client.exactly(5).await, "0\r\n\r\n");
    site.answer("next").await;
    assert_eq!(client.answer().await.1, "next");
}

#[tokio::test(start_paused = true)]
async fn a_streamed_answer_with_a_length_is_sent_as_it_is() {
    let (mut site, mut client) = sent(&[GET, GET].concat()).await;
    let (stream, answer) = streamed([(CONTENT_LENGTH, "10".parse().unwrap())].into_iter().collect());
    write(&stream, b"first");
    give(&site.request().await, answer);
    let head = client.head().await;
    assert_eq!((head.get("Transfer-Encoding"), head.get("Content-Length")), (None, Some("10")));
    assert_eq!(client.exactly(5).await, "first");
    write(&stream, b" last");
    finish(&stream, true);
    assert_eq!(client.exactly(5).await, " last");
    site.answer("next").await;
    assert_eq!(client.answer().await.1, "next");
}

#[tokio::test(start_paused = true)]
async fn a_chunked_answer_that_breaks_off_has_no_last_chunk() {
    let (mut site, mut client) = sent(GET).await;
    let (stream, answer) = streamed(Fields::default());
    write(&stream, b"first");
    give(&site.request().await, answer);
    client.head().await;
    finish(&stream, false);
    assert_eq!(client.rest().await, "5\r\nfirst\r\n");
}

#[tokio::test(start_paused = true)]
async fn an_answer_with_a_length_that_breaks_off_closes_early() {
    let (mut site, mut client) = sent(GET).await;
    let (stream, answer) = streamed([(CONTENT_LENGTH, "10".parse().unwrap())].into_iter().collect());
    write(&stream, b"first");
    give(&site.request().await, answer);
    client.head().await;
    finish(&stream, false);
    assert_eq!(client.rest().await, "first");
}

#[tokio::test(start_paused = true)]
async fn http_1_0_reads_a_streamed_answer_to_its_end() {
    let (mut site, mut client) = sent("GET / HTTP/1.0\r\n\r\n").await;
    let (stream, answer) = streamed(Fields::default());
    write(&stream, b"all of it");
    finish(&stream, true);
    give(&site.request().await, answer);
    let head = client.head().await;
    assert_eq!((&*head.status, head.get("Transfer-Encoding")), ("HTTP/1.0 200 OK", None));
    assert_eq!(client.rest().await, "all of it");
}

#[tokio::test(start_paused = true)]
async fn http_1_0_is_not_promised_to_keep_what_ends_by_closing() {
    let (mut site, mut client) = sent("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
    let (stream, answer) = streamed(Fields::default());
    write(&stream, b"all of it");
    finish(&stream, true);
    give(&site.request().await, answer);
    assert_eq!(client.head().await.all("Connection"), ["close"]);
    assert_eq!(client.rest().await, "all of it");
}

#[tokio::test(start_paused = true)]
async fn the_servers_own_answer_says_what_happened_and_closes() {
    let (mut site, mut client) = sent(GET).await;
    give(&site.request().await, Answer::error(StatusCode::GATEWAY_TIMEOUT));
    let (head, body) = client.answer().await;
    assert_eq!((&*head.status, head.get("Connection")), ("HTTP/1.1 504 Gateway Timeout", Some("close")));
    assert_eq!(head.get("Content-Type"), Some("text/html; charset=utf-8"));
    assert!(body.contains("<h1>504 Gateway Timeout</h1>"), "{body}");
    assert_eq!(client.rest().await, "");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_request_is_refused_without_the_handler() {
    let (mut site, mut client) = sent("NO REQUEST AT ALL\r\n\r\n").await;
    assert!(client.rest().await.starts_with("HTTP/1.1 400 Bad Request\r\n"));
    assert!(site.is_quiet());
}
