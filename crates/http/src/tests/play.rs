//! What happens on a connection, played on the plain lane and past it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderMap;
use tokio::time::{Instant, sleep};

use super::client::{Client, Site, finish, give, options, streamed, write};
use super::lane::{of, with};
use crate::{Answer, Exchange, Finished, Journal, Meter, Options};

/// Takes down how requests ended.
#[derive(Debug, Default)]
struct Ends(Mutex<Vec<String>>);

impl Meter for Ends {
    fn finished(&self, request: &Finished<'_>) {
        let Finished { method, status, bytes_in, bytes_out, end, .. } = request;
        let line = format!("{method} {status} in {bytes_in} out {bytes_out} {end:?}");
        self.0.lock().unwrap().push(line);
    }

    fn refused(&self, status: u16) {
        self.0.lock().unwrap().push(format!("refused {status}"));
    }
}

/// What happens on a connection, one after the other.
#[derive(Clone)]
pub(super) enum Step {
    Send(&'static str),
    SendOwned(String),
    /// The next request, if there is one, is answered.
    Answer(fn() -> Answer),
    Stream(&'static str),
    CloseSending,
    Sleep(u64),
    Close,
}

/// A connection with a pipe of this room, and what it is told and tells.
pub(super) struct Play {
    pub(super) options: Options,
    pub(super) room: usize,
    pub(super) steps: Vec<Step>,
}

impl Play {
    pub(super) fn new(steps: Vec<Step>) -> Self {
        Self { options: options(), room: 256 * 1024, steps }
    }

    /// Everything that can be seen of it, and how many answers took the lane.
    async fn run(&self, has_lane: bool) -> (Vec<String>, usize) {
        let ends = Arc::new(Ends::default());
        let meter: Arc<dyn Meter> = Arc::clone(&ends) as _;
        let options = Options {
            journal: Some(Journal { access_log: None, meter: Some(meter) }),
            ..self.options.clone()
        };
        let mut site = if has_lane { Site::new(options) } else { Site::without_lane(options) };
        let mut client = site.connect_with_room(self.room);
        let mut held = Vec::new();
        let mut seen = Vec::new();
        for step in &self.steps {
            self.take(step, &mut site, &mut client, &mut held).await;
            let (text, is_closed) = client.all().await;
            seen.push(format!("{}{}", without_chance(&text), if is_closed { "<closed>" } else { "" }));
            if is_closed {
                break;
            }
            while let Some(mut exchange) = site.next_request() {
                seen.push(describe(&mut exchange));
                held.push(exchange);
            }
        }
        let settled: Vec<bool> = held.iter().map(|exchange| exchange.ticket.is_settled()).collect();
        seen.push(format!("{settled:?}"));
        let start = Instant::now();
        while !held.is_empty() {
            held.drain(..).for_each(|exchange| give(&exchange, of(200, b"at last")));
            seen.push(without_chance(&client.all().await.0));
            held.extend(site.next_request());
        }
        client.leave().await;
        seen.push(format!("over after {:?}", start.elapsed()));
        seen.extend(ends.0.lock().unwrap().drain(..));
        (seen, site.server.probe.answers.load(Ordering::Relaxed))
    }

    async fn take(&self, step: &Step, site: &mut Site, client: &mut Client, held: &mut Vec<Exchange>) {
        let answer = |held: &mut Vec<Exchange>, answer: Answer| {
            if !held.is_empty() {
                give(&held.remove(0), answer);
            }
        };
        match step {
            Step::Send(text) => client.send(text).await,
            Step::SendOwned(text) => client.send(text).await,
            Step::Answer(make) => answer(held, make()),
            Step::Stream(text) => {
                let (stream, head) = streamed(with(&[("X-Streamed", "yes")]).headers);
                write(&stream, text.as_bytes());
                finish(&stream, true);
                answer(held, head);
            }
            Step::CloseSending => client.close_sending_side().await,
            Step::Sleep(millis) => sleep(Duration::from_millis(*millis)).await,
            Step::Close => site.server.closing().begin(Duration::from_millis(500)),
        }
    }

    /// Runs it on both ways; how many answers took the lane.
    pub(super) async fn compare(&self, name: &str) -> usize {
        let (with, count) = self.run(true).await;
        let (without, none) = self.run(false).await;
        assert_eq!(with, without, "{name}");
        assert_eq!(none, 0);
        count
    }
}

/// Without the time and the ids that are drawn.
fn without_chance(text: &str) -> String {
    let line = |line: &str| match line.split_once(": ") {
        Some(("Date", date)) if date != "mine" => "Date: then".to_owned(),
        Some(("X-Request-Id", id)) if id.len() == 32 => "X-Request-Id: drawn".to_owned(),
        _ => line.to_owned(),
    };
    text.split("\r\n").map(line).collect::<Vec<_>>().join("\r\n")
}

fn describe(exchange: &mut Exchange) -> String {
    let content = match &exchange.body {
        None => "no body".to_owned(),
        Some(body) if body.inlet().is_some() => "a body that comes".to_owned(),
        Some(body) => {
            let length = body.length();
            format!("{length:?} {:?}", String::from_utf8_lossy(&super::client::body(exchange)))
        }
    };
    let Exchange { head, peer, origin, .. } = exchange;
    let mut headers = HeaderMap::clone(&head.headers);
    if headers.get("x-request-id").is_some_and(|id| id.len() == 32) {
        headers.remove("x-request-id");
    }
    let (method, uri, version) = (&head.method, &head.uri, head.version);
    format!("{method} {uri} {version:?} {headers:?} {} {origin:?} {content}", peer.remote_addr())
}
