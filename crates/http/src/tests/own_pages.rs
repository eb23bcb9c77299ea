//! What is answered without the application, and what of it is counted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::client::{Site, options};
use crate::{Finished, Health, Journal, Meter, Options};

#[derive(Debug, Default)]
pub(super) struct Counts {
    begun: AtomicUsize,
    pub(super) finished: AtomicUsize,
    pub(super) refused: Mutex<Vec<u16>>,
}

impl Meter for Counts {
    fn finished(&self, _: &Finished<'_>) {
        self.finished.fetch_add(1, Ordering::Relaxed);
    }

    fn begun(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    fn refused(&self, status: u16) {
        self.refused.lock().unwrap().push(status);
    }
}

fn counted() -> (Arc<Counts>, Site) {
    let counts = Arc::new(Counts::default());
    let meter: Arc<dyn Meter> = Arc::clone(&counts) as _;
    let journal = Some(Journal { access_log: None, meter: Some(meter) });
    let health = Some(Health::new("/-/health".to_owned(), || true));
    (counts, Site::new(Options { journal, health, body_limit: Some(10), ..options() }))
}

#[tokio::test(start_paused = true)]
async fn the_application_never_sees_the_health_paths() {
    let (counts, mut site) = counted();
    let mut client = site.connect();
    for path in ["/-/health/live", "/-/health/ready", "/-/health?x=1", "http://a/-/health"] {
        client.send(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        let answer = client.until("\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && !answer.contains("Connection"), "{answer}");
        client.until("\n").await;
    }
    assert!(site.is_quiet());
    client.send("GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(site.answer("mine").await, "/-/healthy");
    client.until("mine").await;
    client.send("POST /-/health HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n").await;
    let answer = client.until("\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 405 ") && answer.contains("Connection: close"), "{answer}");
    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    assert_eq!((count(&counts.begun), count(&counts.finished)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_the_server_refuses_is_counted_by_its_status() {
    let (counts, site) = counted();
    for request in [
        "GARBAGE\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n\r\n",
    ] {
        let mut client = site.connect();
        client.send(request).await;
        client.until("\r\n\r\n").await;
        client.leave().await;
    }
    assert_eq!(*counts.refused.lock().unwrap(), [400, 413, 400]);
}
