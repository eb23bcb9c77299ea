//! What is refused before the application is asked, and headers for every answer.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};

use super::client::{Site, options};
use super::lane::{of, with};
use super::own_pages::Counts;
use super::play::{Play, Step};
use crate::protection::{DeniedPaths, Hosts, Pace, Protection, RateLimit, RateLimits, RateTable};
use crate::{Health, Journal, Meter, Options, Proxies, Trust};

/// Counts, and never forgets.
#[derive(Debug, Default)]
struct Counted(Mutex<HashMap<(u64, IpAddr), u32>>);

impl RateTable for Counted {
    fn admit(&self, rule: u64, address: IpAddr, pace: Pace) -> Result<(), Duration> {
        let mut counts = self.0.lock().unwrap();
        let count = counts.entry((rule, address)).or_default();
        *count += 1;
        if *count > pace.burst { Err(pace.interval - Duration::from_millis(1)) } else { Ok(()) }
    }
}

fn limit(method: Option<Method>, path: &str, burst: u32) -> RateLimit {
    let pace = Pace { interval: Duration::from_secs(90), burst };
    RateLimit { method, path: path.to_owned(), pace, name: "a limit".to_owned() }
}

fn protected() -> Options {
    let protection = Protection {
        hosts: Hosts::new("`allow_host`", ["a", ".example.com"]),
        denied_paths: DeniedPaths::new(["*.php", "/.env"]),
        rate_limits: RateLimits::new([limit(None, "", 3), limit(Some(Method::POST), "/login", 1)]),
        table: Some(Arc::new(Counted::default())),
    };
    let field = |name, value| (HeaderName::from_static(name), HeaderValue::from_static(value));
    let headers = Arc::new([field("x-frame-options", "DENY"), field("x-a", "1")].into_iter().collect());
    let trusted = Trust { all: true, ..Trust::default() };
    Options {
        protection,
        headers,
        health: Some(Health::new("/-/health".to_owned(), || true)),
        proxies: Proxies { trusted, forwarded_for: true, ..Proxies::default() },
        ..options()
    }
}

/// Asks for this, and gives status line, `Retry-After` and `Connection` of an answer that is the server's own.
async fn refused(site: &mut Site, request: &str) -> (String, Option<String>, Option<String>) {
    let mut client = site.connect();
    client.send(request).await;
    let (head, body) = client.answer().await;
    assert!(site.is_quiet(), "{request}");
    assert_eq!((head.get("X-Frame-Options"), head.get("X-A")), (Some("DENY"), Some("1")), "{request}");
    let code = &head.status["HTTP/1.1 ".len()..];
    assert!(body.contains(code), "{request}: {body}");
    let owned = |name| head.get(name).map(str::to_owned);
    (code.to_owned(), owned("Retry-After"), owned("Connection"))
}

async fn is_served(site: &mut Site, request: &str) -> bool {
    let mut client = site.connect();
    client.send(request).await;
    site.answer("mine").await;
    client.until("mine").await.starts_with("HTTP/1.1 200")
}

fn get(path: &str, host: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

#[tokio::test(start_paused = true)]
async fn another_host_is_told_that_it_is_not_here() {
    let mut site = Site::new(protected());
    let kept = |status: &str| (status.to_owned(), None, None);
    for host in ["b", "b:80", "example.org", "a.evil.com", "[::1]", "127.0.0.1"] {
        assert_eq!(refused(&mut site, &get("/", host)).await, kept("421 Misdirected Request"), "{host}");
    }
    assert_eq!(refused(&mut site, &get("http://b/", "a")).await, kept("421 Misdirected Request"));
    let nameless = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    assert_eq!(refused(&mut site, nameless).await.0, "400 Bad Request");
    for request in [get("/", "A:8000"), get("/", "www.example.com"), get("http://a/", "b")] {
        assert!(is_served(&mut site, &request).await, "{request}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_denied_path_is_not_there_and_the_connection_goes_on() {
    let mut site = Site::new(protected());
    let mut client = site.connect();
    for path in ["/x.php", "/%2eenv", "//.env", "/x/../.env", "/.env?a=b", "http://a/.env"] {
        client.send(&get(path, "a")).await;
        let (head, _) = client.answer().await;
        assert_eq!((&*head.status, head.get("Connection")), ("HTTP/1.1 404 Not Found", None), "{path}");
    }
    client.send(&get("/x?y=.php", "a")).await;
    assert_eq!(site.answer("mine").await, "/x");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_too_often_is_told_when_to_come_again() {
    let mut site = Site::new(protected());
    for _ in 0..3 {
        assert!(is_served(&mut site, &get("/", "a")).await);
    }
    let expected = ("429 Too Many Requests".to_owned(), Some("90".to_owned()), None);
    assert_eq!(refused(&mut site, &get("/", "a")).await, expected);
    let post = "POST /login/ HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab";
    assert!(is_served(&mut site, post).await, "it has a limit of its own");
    let (status, _, connection) = refused(&mut site, post).await;
    assert_eq!((&*status, connection.as_deref()), ("429 Too Many Requests", Some("close")), "with its body");
    let other = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n";
    assert!(is_served(&mut site, other).await, "another client");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_to_be_asked_is_not_counted() {
    let mut site = Site::new(protected());
    for request in [get("/.env", "a"), get("/", "b")].iter().cycle().take(10) {
        refused(&mut site, request).await;
    }
    assert!(is_served(&mut site, &get("/", "a")).await);
}

#[tokio::test(start_paused = true)]
async fn health_paths_are_answered_to_everybody() {
    let site = Site::new(protected());
    for _ in 0..5 {
        let mut client = site.connect();
        client.send(&get("/-/health/live", "192.0.2.1:8000")).await;
        let (head, _) = client.answer().await;
        assert_eq!((&*head.status, head.get("X-A")), ("HTTP/1.1 200 OK", Some("1")));
    }
}

#[tokio::test(start_paused = true)]
async fn headers_are_in_every_answer_and_the_application_has_its_own_way() {
    let site = Site::new(protected());
    let mut client = site.connect();
    client.send("GET / HTTP/1.1\nHost: a\r\n\r\n").await;
    let (head, body) = client.answer().await;
    assert_eq!((&*head.status, head.get("X-Frame-Options")), ("HTTP/1.1 400 Bad Request", Some("DENY")));
    assert!(body.ends_with("</html>\n") && head.get("X-A") == Some("1"));
    let mut site = Site::new(protected());
    let mut client = site.connect();
    client.send(&get("/", "a")).await;
    let exchange = site.request().await;
    super::client::give(&exchange, with(&[("X-FRAME-options", "SAMEORIGIN"), ("X-A", "2"), ("X-A", "3")]));
    let (head, _) = client.answer().await;
    assert_eq!((head.all("X-Frame-Options"), head.all("X-A")), (vec!["SAMEORIGIN"], vec!["2", "3"]));
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_counted_by_its_status_and_told_to_the_journal() {
    let counts = Arc::new(Counts::default());
    let meter: Arc<dyn Meter> = Arc::clone(&counts) as _;
    let journal = Some(Journal { access_log: None, meter: Some(meter) });
    let mut site = Site::new(Options { journal, ..protected() });
    for request in [get("/", "b"), get("/.env", "a")] {
        refused(&mut site, &request).await;
    }
    let post = "POST /login HTTP/1.1\r\nHost: a\r\n\r\n";
    assert!(is_served(&mut site, post).await);
    refused(&mut site, post).await;
    assert_eq!(*counts.refused.lock().unwrap(), [421, 404, 429]);
    assert_eq!(counts.finished.load(Ordering::Relaxed), 4);
}

/// So that it costs nothing where it is not wanted.
#[test]
fn without_anything_to_refuse_there_is_no_protection() {
    assert!(Protection::default().wanted().is_none());
    let table: Option<Arc<dyn RateTable>> = Some(Arc::new(Counted::default()));
    assert!(Protection { table, ..Protection::default() }.wanted().is_none());
    assert!(protected().protection.wanted().is_some());
}

#[tokio::test(start_paused = true)]
async fn it_is_the_same_on_both_ways() {
    let send = |texts: &[&'static str]| {
        let steps = texts.iter().flat_map(|text| [Step::Send(text), Step::Answer(|| of(200, b"hello"))]);
        // Both ways count in the same table.
        let rate_limits = RateLimits::new([limit(None, "/often", 0)]);
        let protection = Protection { rate_limits, ..protected().protection };
        Play { options: Options { protection, ..protected() }, ..Play::new(steps.collect()) }
    };
    let (fine, denied, elsewhere) = (
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /.env HTTP/1.1\r\nHost: a\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: b\r\n\r\n",
    );
    let often = "GET /often HTTP/1.1\r\nHost: a\r\n\r\n";
    let with_body = "POST /often HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
    assert_eq!(send(&[fine, denied, elsewhere, often, often, fine]).compare("refused").await, 6);
    send(&[with_body, with_body, fine]).compare("with a body").await;
    send(&[denied, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"]).compare("closes").await;
    send(&["GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"]).compare("others").await;
}
