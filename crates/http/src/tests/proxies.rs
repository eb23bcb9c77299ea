//! Connections that begin with a PROXY header, and requests whose proxy is believed.

use std::time::Duration;

use super::client::{Client, Site, full, give, options};
use crate::{Options, Proxies, ProxyProtocol, Scheme, Timeouts, Trust};

const GET: &str = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
const V1: &str = "PROXY TCP4 203.0.113.5 198.51.100.2 4711 443\r\n";
/// LOCAL, without a block.
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00";

fn everybody() -> Trust {
    Trust { all: true, ..Trust::default() }
}

fn site(proxies: Proxies) -> Site {
    Site::new(Options { proxies, ..options() })
}

fn auto() -> Site {
    site(Proxies { proxy_protocol: ProxyProtocol::Auto, proxy_allowed: everybody(), ..Proxies::default() })
}

/// The peer of the next request, which is answered.
async fn peer(site: &mut Site, client: &mut Client) -> String {
    let exchange = site.request().await;
    give(&exchange, full("ok"));
    client.answer().await;
    let peer = exchange.peer;
    let proxied =
        peer.proxied().map_or_else(String::new, |to| format!(" {} {} {}", to.protocol, to.address, to.port));
    format!("{} {}{proxied}", peer.remote_addr(), peer.remote_port().unwrap_or("-"))
}

#[tokio::test(start_paused = true)]
async fn a_proxy_header_counts_for_all_requests_of_its_connection() {
    let mut site = auto();
    let mut client = site.connect();
    client.send(&[V1, GET, GET].concat()).await;
    for _ in 0..2 {
        assert_eq!(peer(&mut site, &mut client).await, "203.0.113.5 4711 TCP4 198.51.100.2 443");
    }
    client.send(GET).await;
    assert_eq!(peer(&mut site, &mut client).await, "203.0.113.5 4711 TCP4 198.51.100.2 443");
    // Only the first bytes of a connection can be one.
    client.send(&[V1, GET].concat()).await;
    assert!(client.rest().await.starts_with("HTTP/1.1 400 "));
    assert!(site.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn the_client_of_a_relay_is_believed_only_where_the_settings_say_so() {
    let names_peer = || Trust { nets: vec!["192.0.2.7/32".parse().unwrap()], ..Trust::default() };
    for (trusts_relays, start, expected) in [
        (false, "", true),
        (false, "PROXY UNKNOWN\r\n", true),
        (false, V1, false),
        (false, "PROXY TCP4 192.0.2.7 198.51.100.2 4711 443\r\n", true),
        (true, V1, true),
    ] {
        let mut site = site(Proxies {
            trusted: names_peer(),
            trusts_relays,
            proxy_protocol: ProxyProtocol::Auto,
            proxy_allowed: everybody(),
            ..Proxies::default()
        });
        let mut client = site.connect();
        let request = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\n\r\n";
        client.send(&[start, request].concat()).await;
        let exchange = site.request().await;
        give(&exchange, full("ok"));
        client.answer().await;
        let scheme = expected.then_some(Scheme::Https);
        assert_eq!((exchange.peer.is_trusted(), exchange.origin.scheme), (expected, scheme), "{start}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_proxy_header_may_come_byte_by_byte() {
    let mut site = auto();
    let mut client = site.connect();
    for byte in [V1, GET].concat().chars() {
        client.send(&byte.to_string()).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(peer(&mut site, &mut client).await, "203.0.113.5 4711 TCP4 198.51.100.2 443");
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_proxy_header_is_served_as_it_is() {
    let mut site = auto();
    for start in ["", "\r\n", str::from_utf8(LOCAL).unwrap(), "PROXY UNKNOWN\r\n"] {
        let mut client = site.connect();
        client.send(&[start, GET].concat()).await;
        assert_eq!(peer(&mut site, &mut client).await, "192.0.2.7 50000", "{start:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_malformed_proxy_header_is_refused() {
    let mut site = auto();
    let mut client = site.connect();
    client.send(&["PROXY TCP4 203.0.113.5 443\r\n", GET].concat()).await;
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\nServer: rwsgi\r\nDate: "), "{answer}");
    assert!(answer.contains("\r\nConnection: close\r\n") && !answer.contains("203.0.113.5"), "{answer}");
    assert!(site.is_quiet());
    client.leave().await;
}

#[tokio::test(start_paused = true)]
async fn a_proxy_header_of_a_stranger_is_forbidden() {
    let proxies = Proxies { proxy_protocol: ProxyProtocol::Auto, ..Proxies::default() };
    let mut site = site(proxies);
    let mut client = site.connect();
    client.send(&[V1, GET].concat()).await;
    assert!(client.rest().await.starts_with("HTTP/1.1 403 Forbidden\r\n"));
    assert!(site.is_quiet());
    client.leave().await;
    let mut client = site.connect();
    client.send(GET).await;
    assert_eq!(peer(&mut site, &mut client).await, "192.0.2.7 50000");
}

#[tokio::test(start_paused = true)]
async fn a_proxy_header_is_no_request_when_the_setting_is_off() {
    let site = site(Proxies { proxy_allowed: everybody(), ..Proxies::default() });
    let mut client = site.connect();
    client.send(&[V1, GET].concat()).await;
    assert!(client.rest().await.starts_with("HTTP/1.1 400 "));
}

#[tokio::test(start_paused = true)]
async fn a_proxy_header_has_to_come_in_time() {
    let proxies =
        Proxies { proxy_protocol: ProxyProtocol::Auto, proxy_allowed: everybody(), ..Proxies::default() };
    let site = Site::new(Options {
        proxies,
        timeouts: Timeouts { head: Some(Duration::from_secs(10)), ..options().timeouts },
        ..options()
    });
    let mut client = site.connect();
    client.send("PROXY TCP4").await;
    assert_eq!(client.rest().await, "");
    client.served().await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_server_does_not_wait_for_a_proxy_header() {
    let site = auto();
    let mut client = site.connect();
    client.send("PROXY TCP4").await;
    tokio::task::yield_now().await;
    site.server.closing().begin(Duration::from_millis(500));
    assert_eq!(client.rest().await, "");
    client.served().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_in_its_proxy_header_is_forgotten() {
    let site = auto();
    let mut client = site.connect();
    client.send("PROXY TCP4").await;
    client.leave().await;
}

#[tokio::test(start_paused = true)]
async fn a_contradiction_is_a_bad_request() {
    let mut site = site(Proxies { trusted: everybody(), ..Proxies::default() });
    let mut client = site.connect();
    client
        .send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off\r\n\r\n")
        .await;
    assert!(client.rest().await.starts_with("HTTP/1.1 400 Bad Request\r\n"));
    assert!(site.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn each_request_has_the_client_that_its_headers_name() {
    let mut site = site(Proxies { trusted: everybody(), forwarded_for: true, ..Proxies::default() });
    let mut client = site.connect();
    for (address, expected) in [("203.0.113.5", "203.0.113.5 -"), ("203.0.113.6:1", "203.0.113.6 1")] {
        client.send(&format!("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {address}\r\n\r\n")).await;
        assert_eq!(peer(&mut site, &mut client).await, expected);
    }
    client.send(GET).await;
    assert_eq!(peer(&mut site, &mut client).await, "192.0.2.7 50000");
}
