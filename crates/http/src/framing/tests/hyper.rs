//! hyper reads what is passed in the one way that there is to read it.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io::Cursor;
use std::pin::Pin;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode;
use tokio::io::{AsyncReadExt, duplex, join, sink};
use tokio::time::timeout;

use super::corpus::scan;
use super::requests::cases;
use super::requests::mutator::Mutator;
use super::requests::seen::requests;

/// All whole requests that hyper finds, as the cases write them.
async fn found(passed: &[u8]) -> Vec<Vec<u8>> {
    let found = RefCell::new(Vec::new());
    let service = service_fn(async |request: Request<Incoming>| {
        let seen = text(request).await;
        found.borrow_mut().extend(seen);
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    // An end of the connection would make hyper drop the request that it is at; silence does not.
    let (_silent, silence) = duplex(1);
    let io = TokioIo::new(join(Cursor::new(passed.to_vec()).chain(silence), sink()));
    // The clock stands still until there is nothing left to do.
    let _ = timeout(Duration::from_secs(1), http1::Builder::new().serve_connection(io, service)).await;
    found.into_inner()
}

async fn text(request: Request<Incoming>) -> Option<Vec<u8>> {
    let (head, mut body) = request.into_parts();
    let host = head.headers.get("host").map_or(&b"-"[..], |host| host.as_bytes());
    let host = head.uri.authority().map_or(host, |authority| authority.as_str().as_bytes());
    let mut text = format!("{} ", head.method).into_bytes();
    // As `OPTIONS *` is about no resource, the application sees an empty path.
    text.extend(percent_decode(head.uri.path().trim_start_matches('*').as_bytes()));
    if let Some(query) = head.uri.query().filter(|query| !query.is_empty()) {
        text.extend_from_slice(format!("?{query}").as_bytes());
    }
    text.extend([b" host=", host, b" body="].concat());
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        if let Ok(data) = frame.ok()?.into_data() {
            text.extend_from_slice(&data);
        }
    }
    Some(text)
}

#[track_caller]
fn agree(sent: &[u8]) -> usize {
    let passed = scan(sent, &[sent.len().max(1)]).passed;
    let (mut seen, _) = requests(&passed);
    let last = seen.iter().position(|seen| seen.closes);
    seen.truncate(last.map_or(seen.len(), |last| last + 1));
    let seen: Vec<Vec<u8>> = seen.into_iter().map(|seen| seen.text).collect();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let found = runtime.block_on(found(&passed));
    let [found, seen] =
        [found, seen].map(|all| all.iter().map(|text| text.escape_ascii().to_string()).collect::<Vec<_>>());
    assert_eq!(found, seen, "{}", passed.escape_ascii());
    found.len()
}

#[test]
fn the_cases_are_read_alike() {
    let requests: usize = cases().iter().map(|case| agree(&case.sent)).sum();
    assert!(requests > 200, "{requests}");
}

#[test]
fn mutated_requests_are_read_alike() {
    let mut mutator = Mutator::new(3);
    let requests: usize = (0..20_000).map(|_| agree(&mutator.request())).sum();
    assert!(requests > 5_000, "{requests}");
}
