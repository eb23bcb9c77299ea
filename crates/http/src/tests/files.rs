//! Files as bodies of answers.

use std::io::Write;
use std::sync::Arc;

use http::StatusCode;
use http::header::CONTENT_LENGTH;

use super::client::{Client, Site, finish, give, options, sent, streamed, with_header, write};
use crate::{Answer, Content, FileSpan, Options};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const HEAD: &str = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
/// More than is sent at once.
const LENGTH: usize = 3_000_001;

/// Another byte at each of many places.
fn text(range: std::ops::Range<usize>) -> String {
    range.map(|index| char::from(b'a' + (index / 3 % 23) as u8)).collect()
}

fn file() -> FileSpan {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text(0..LENGTH).as_bytes()).unwrap();
    FileSpan { file: Arc::new(file), offset: 0, length: LENGTH as u64 }
}

fn answer(span: &FileSpan) -> Answer {
    Answer { content: Content::File(span.clone()), ..Answer::default() }
}

async fn receives(client: &mut Client, expected: &str) {
    let (head, body) = client.answer().await;
    assert_eq!(head.get("Content-Length"), Some(&*expected.len().to_string()));
    assert!(body == expected, "{} bytes, not the right ones", body.len());
}

#[tokio::test(start_paused = true)]
async fn files_and_bytes_leave_in_their_order() {
    for sendfile in [true, false] {
        let mut site = Site::new(Options { sendfile, ..options() });
        let mut client = site.connect();
        client.send(&[GET, GET, GET, HEAD, GET].concat()).await;
        let span = file();
        give(&site.request().await, answer(&span));
        receives(&mut client, &text(0..LENGTH)).await;
        site.answer("between").await;
        receives(&mut client, "between").await;
        give(&site.request().await, answer(&FileSpan { offset: 1000, length: 5, ..span.clone() }));
        receives(&mut client, &text(1000..1005)).await;
        give(&site.request().await, answer(&span));
        assert_eq!(client.head().await.get("Content-Length"), Some("3000001"));
        give(&site.request().await, answer(&FileSpan { length: 0, ..span }));
        receives(&mut client, "").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_became_shorter_breaks_the_connection() {
    let (mut site, mut client) = sent(GET).await;
    let span = file();
    span.file.set_len(2_000_000).unwrap();
    give(&site.request().await, answer(&span));
    assert_eq!(client.head().await.get("Content-Length"), Some("3000001"));
    assert!(client.rest().await == text(0..2_000_000));
    assert!(site.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_lets_go_of_the_file() {
    let mut site = Site::new(options());
    let mut client = site.connect_with_room(1024);
    client.send(GET).await;
    let span = file();
    give(&site.request().await, answer(&span));
    client.head().await;
    client.exactly(5000).await;
    assert_eq!(Arc::strong_count(&span.file), 3);
    client.leave().await;
    assert_eq!(Arc::strong_count(&span.file), 1);
}

#[tokio::test(start_paused = true)]
async fn zeros_of_the_application_are_not_taken_for_a_file() {
    let (mut site, mut client) = sent(&[GET, GET].concat()).await;
    let zeros = Content::Full(vec![b'0'; 1 << 20].into());
    give(&site.request().await, Answer { content: zeros, ..Answer::default() });
    receives(&mut client, &"0".repeat(1 << 20)).await;
    let (stream, answer) = streamed([(CONTENT_LENGTH, "10".parse().unwrap())].into_iter().collect());
    write(&stream, &[0; 10]);
    give(&site.request().await, answer);
    finish(&stream, true);
    receives(&mut client, "\0\0\0\0\0\0\0\0\0\0").await;
}

#[tokio::test(start_paused = true)]
async fn a_file_has_the_status_and_headers_of_its_answer() {
    let (mut site, mut client) = sent("GET / HTTP/1.0\r\n\r\n").await;
    let partial = Answer { status: StatusCode::PARTIAL_CONTENT, ..answer(&FileSpan { length: 3, ..file() }) };
    give(&site.request().await, with_header(partial, http::header::ETAG, "\"x\""));
    let (head, body) = client.answer().await;
    assert_eq!((&*head.status, head.get("Etag")), ("HTTP/1.0 206 Partial Content", Some("\"x\"")));
    assert_eq!(body, text(0..3));
    assert_eq!(client.rest().await, "");
}
