//! One line for each request, whatever became of it.

use std::fs::File;
use std::io::{BufRead, BufReader, PipeReader, pipe};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderName;
use rwsgi_message::Fields;

use super::client::{Client, Site, finish, full, give, options, streamed, write};
use crate::{AccessLog, End, Finished, Format, Journal, Meter, Options};

struct Logged {
    site: Site,
    client: Client,
    log: AccessLog,
    lines: BufReader<PipeReader>,
}

async fn logged(request: &str) -> Logged {
    let (reader, file) = pipe().unwrap();
    let format = Format::compile("%(r)s %(s)s %(b)s %({x-id}o)s %(end)s", None).unwrap();
    let log = AccessLog::start(format, File::from(OwnedFd::from(file))).unwrap();
    let journal = Journal { access_log: Some(log.clone()), meter: None };
    let site = Site::new(Options { journal: Some(journal), ..options() });
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
    assert_eq!(logged.line(), "GET /a?b HTTP/1.1 200 5 - complete\n");
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_logged_at_its_end() {
    let mut logged = logged("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let (stream, answer) =
        streamed([("x-id".parse().unwrap(), "7".parse().unwrap())].into_iter().collect::<Fields>());
    give(&logged.site.request().await, answer);
    write(&stream, b"hello ");
    logged.client.until("hello \r\n").await;
    write(&stream, b"world");
    finish(&stream, true);
    logged.client.until("0\r\n\r\n").await;
    assert_eq!(logged.line(), "GET / HTTP/1.1 200 11 7 complete\n");
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
    assert_eq!(line, "GET / HTTP/1.1 499 0 - gone\n");
}

/// Takes down how requests ended.
#[derive(Debug, Default)]
struct Counts(Mutex<Vec<(u16, u64, u64, End)>>);

impl Meter for Counts {
    fn finished(&self, request: &Finished<'_>) {
        assert!(request.first_byte.is_none_or(|first| first <= request.duration));
        let told = (request.status, request.bytes_in, request.bytes_out, request.end);
        self.0.lock().unwrap().push(told);
    }
}

#[tokio::test(start_paused = true)]
async fn a_meter_needs_no_log() {
    let counts = Arc::new(Counts::default());
    let meter: Arc<dyn Meter> = Arc::clone(&counts) as _;
    let journal = Some(Journal { access_log: None, meter: Some(meter) });
    let mut site = Site::new(Options { journal, ..options() });
    let mut client = site.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody").await;
    site.answer("hello").await;
    client.answer().await;
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    site.answer("").await;
    client.until("\r\n\r\n").await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let (stream, answer) = streamed(Fields::default());
    give(&site.request().await, answer);
    write(&stream, b"hello ");
    client.until("hello \r\n").await;
    finish(&stream, false);
    client.leave().await;
    let told = counts.0.lock().unwrap().clone();
    assert_eq!(told, [(200, 4, 5, End::Complete), (200, 0, 0, End::Complete), (200, 0, 6, End::Broken)]);
}

#[tokio::test(start_paused = true)]
async fn an_id_is_the_same_for_application_client_and_log() {
    let name = HeaderName::from_static("x-request-id");
    let (reader, file) = pipe().unwrap();
    let format = Format::compile("%(id)s %({x-request-id}o)s", Some(&name)).unwrap();
    let log = AccessLog::start(format, File::from(OwnedFd::from(file))).unwrap();
    let journal = Some(Journal { access_log: Some(log.clone()), meter: None });
    let mut site = Site::new(Options { journal, request_id: Some(name), ..options() });
    let mut client = site.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Request-ID: forged\r\ntraceparent: 00-1-2-00\r\n\r\n").await;
    let exchange = site.request().await;
    assert_eq!(exchange.head.headers["traceparent"], "00-1-2-00");
    let id = exchange.head.headers["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(id.len(), 32);
    give(&exchange, full("hello"));
    let (head, _) = client.answer().await;
    assert_eq!(head.get("X-Request-Id"), Some(id.as_str()));
    log.flush(Duration::from_secs(60));
    let mut line = String::new();
    BufReader::new(reader).read_line(&mut line).unwrap();
    assert_eq!(line, format!("{id} {id}\n"));
}
