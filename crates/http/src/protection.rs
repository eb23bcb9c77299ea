//! What is refused before the application is asked: other hosts, paths that only scanners ask for, clients that ask too often.

mod hosts;
mod paths;
mod rates;

use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::header::{HOST, HeaderValue, RETRY_AFTER};
use rwsgi_message::RequestHead;

use crate::forwarded::{FORWARDED, X_FORWARDED_FOR};
use crate::{Answer, Peer, PeerAddress};

pub use hosts::Hosts;
pub use paths::DeniedPaths;
use paths::Place;
pub use rates::{Pace, RateLimit, RateLimits};

/// What is refused. By default nothing is, and nothing is looked at.
#[derive(Clone, Debug, Default)]
pub struct Protection {
    /// Hosts that are answered; others are told that they are not here (421, RFC 9110 section 15.5.20).
    pub hosts: Hosts,
    /// Paths that are not there (404), whatever the application says.
    pub denied_paths: DeniedPaths,
    /// How often each client may ask (429).
    pub rate_limits: RateLimits,
    /// Where it is counted how often clients ask. Without one nobody is limited.
    pub table: Option<Arc<dyn RateTable>>,
}

/// Whoever counts how often clients do something.
pub trait RateTable: Debug + Send + Sync {
    /// Counts one for the client at `address` under this rule; called on the loop: must not block.
    ///
    /// # Errors
    /// That is one too many, and is not counted: how long until it may again.
    fn admit(&self, rule: u64, address: IpAddr, pace: Pace) -> Result<(), Duration>;
}

/// Each client is named in the log so often; the access log has all of its requests.
const NEWS: Pace = Pace { interval: Duration::from_secs(60), burst: 1 };

/// The rules of these lines, for each topic; those of rates are numbered by their hashes.
const NEWS_OF_HOSTS: u64 = 1;
const NEWS_OF_RATES: u64 = 2;

impl Protection {
    /// Where there is something to refuse.
    pub(crate) fn wanted(self) -> Option<Self> {
        let is_idle = self.hosts.are_all() && self.denied_paths.is_empty() && self.rate_limits.is_empty();
        (!is_idle).then_some(self)
    }

    /// The answer to a request that is refused, which is logged where somebody may want to know.
    pub(crate) fn refuse(&self, head: &RequestHead, peer: &Peer) -> Option<Answer> {
        if !self.hosts.are_all()
            && let Some(answer) = self.refuse_host(head, peer)
        {
            return Some(answer);
        }
        if self.denied_paths.is_empty() && self.rate_limits.is_empty() {
            return None;
        }
        let place = Place::of(head.uri.path());
        if self.denied_paths.contain(&place) {
            // No line: the access log has it, and nobody can do anything about scanners.
            return Some(Answer::page(StatusCode::NOT_FOUND));
        }
        self.refuse_often(head, &place, peer)
    }

    fn refuse_host(&self, head: &RequestHead, peer: &Peer) -> Option<Answer> {
        // It is well formed where there is one: the judge has seen it. HTTP/1.0 need not name one.
        let Some(host) = head.headers.get(HOST) else { return Some(Answer::page(StatusCode::BAD_REQUEST)) };
        if self.hosts.contain(host.as_bytes()) {
            return None;
        }
        if self.is_news(NEWS_OF_HOSTS, peer) {
            tracing::warn!(
                "Misdirected request from ip={}: `{}` is no host of {} (421)",
                name(peer),
                String::from_utf8_lossy(host.as_bytes()).escape_debug(),
                self.hosts.source(),
            );
        }
        Some(Answer::page(StatusCode::MISDIRECTED_REQUEST))
    }

    fn refuse_often(&self, head: &RequestHead, place: &Place, peer: &Peer) -> Option<Answer> {
        // Who comes over a unix socket and is not named by a proxy has no address, and nothing to be told apart by.
        let (table, client) = (self.table.as_ref()?, peer.client()?);
        let rule = self.rate_limits.rule(&head.method, place)?;
        let wait = table.admit(rule.number, client, rule.pace).err()?;
        if self.is_news(NEWS_OF_RATES, peer) {
            let hint = if hides_clients(head, peer) { HINT } else { "" };
            tracing::warn!("Too many requests from ip={}: more than `{rule}` (429){hint}", name(peer));
        }
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let mut answer = Answer::page(StatusCode::TOO_MANY_REQUESTS);
        answer.headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        Some(answer)
    }

    fn is_news(&self, topic: u64, peer: &Peer) -> bool {
        // All without an address are one.
        let client = peer.client().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        self.table.as_ref().is_none_or(|table| table.admit(topic, client, NEWS).is_ok())
    }
}

/// For whoever has not thought of it: then all visitors together are one client.
const HINT: &str = "; it is a proxy, whose clients are told apart with `--forwarded-for`";

/// Whether the client is a proxy that says for whom it speaks and is not heard.
fn hides_clients(head: &RequestHead, peer: &Peer) -> bool {
    let names_another = [X_FORWARDED_FOR, FORWARDED].iter().any(|name| head.headers.contains_key(name));
    names_another
        && peer.is_trusted()
        && *peer.socket() == peer.client().map_or(PeerAddress::Unix, PeerAddress::Ip)
}

fn name(peer: &Peer) -> &str {
    if peer.remote_addr().is_empty() { "unix socket" } else { peer.remote_addr() }
}
