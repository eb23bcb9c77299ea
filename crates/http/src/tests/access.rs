//! One line for each request, whatever became of it.

use std::fs::File;
use std::io::{BufRead, BufReader, PipeReader, pipe};
use std::os::fd::OwnedFd;
use std::time::Duration;

use http::HeaderMap;

use super::client::{Client, Site, finish, give, options, streamed, write};
use crate::{AccessLog, Format, Options};

struct Logged {
    site: Site,
    client: Client,
    log: AccessLog,
    lines: BufReader<PipeReader>,
}

async fn logged(request: &str) -> Logged {
    let (reader, file) = pipe().unwrap();
    let format = Format::compile("%(r)s %(s)s %(b)s %({x-id}o)s").unwrap();
    let log = AccessLog::start(format, File::from(OwnedFd::from(file))).unwrap();
    let site = Site::new(Options { access_log: Some(log.clone()), ..options() });
    let mut client = site.connect();
    client.send(request).await;
    Logged { site, client, log, lines: BufReader::new(reader) }
}

impl Logged {
    fn line(&mut self) -> String {
        self.log.flush(Duration::from_secs(60));
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_logged_with_its_length() {
    let mut logged = logged("GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n").await;
    logged.site.answer("hello").await;
    logged.client.answer().await;
    assert_eq!(logged.line(), "GET /a?b HTTP/1.1 200 5 -\n");
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_logged_at_its_end() {
    let mut logged = logged("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let (stream, answer) =
        streamed([("x-id".parse().unwrap(), "7".parse().unwrap())].into_iter().collect::<HeaderMap>());
    give(&logged.site.request().await, answer);
    write(&stream, b"hello ");
    logged.client.until("hello \r\n").await;
    write(&stream, b"world");
    finish(&stream, true);
    logged.client.until("0\r\n\r\n").await;
    assert_eq!(logged.line(), "GET / HTTP/1.1 200 11 7\n");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_left_is_logged_too() {
    let mut logged = logged("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let _exchange = logged.site.request().await;
    let Logged { client, .. } = logged;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    client.leave().await;
    logged.log.flush(Duration::from_secs(60));
    let mut line = String::new();
    logged.lines.read_line(&mut line).unwrap();
    assert_eq!(line, "GET / HTTP/1.1 499 0 -\n");
}
