//! A name for each request, by which logs of several servers can be put together: from a proxy, or made here.

use std::cell::Cell;
use std::fs::File;
use std::io::Read;
use std::process;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use rwsgi_message::RequestHead;

use crate::Peer;

/// Longer ones are not what a proxy makes.
const LONGEST: usize = 200;

/// The id of a request: the one that its header `name` has if a trusted peer says so, else a new one. From now on the request has
/// exactly that header.
pub(crate) fn assign(name: &HeaderName, head: &mut RequestHead, peer: &Peer) -> HeaderValue {
    if let Some(given) = given(name, head).filter(|_| peer.is_trusted()) {
        return given.clone();
    }
    let made = make();
    // A head that is full is refused by its limits long before.
    let _ = Arc::make_mut(&mut head.headers).try_insert(name.clone(), made.clone());
    made
}

fn given<'a>(name: &HeaderName, head: &'a RequestHead) -> Option<&'a HeaderValue> {
    let mut values = head.headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    let bytes = value.as_bytes();
    ((1..=LONGEST).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)).then_some(value)
}

/// 128 random bits in hexadecimal.
fn make() -> HeaderValue {
    thread_local! {
        static STATE: Cell<[u64; 2]> = Cell::new(seed());
    }
    let mut state = STATE.get();
    let digits = b"0123456789abcdef";
    let mut text = [0; 32];
    for (half, state) in text.chunks_mut(16).zip(&mut state) {
        let mut bits = next(state);
        for place in half {
            *place = digits[(bits & 15) as usize];
            bits >>= 4;
        }
    }
    STATE.set(state);
    HeaderValue::from_maybe_shared(Bytes::copy_from_slice(&text)).expect("hexadecimal digits are text")
}

/// SplitMix64: equally distributed, and nobody has to be kept from guessing.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut bits = *state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Not from `RandomState`, whose keys a forked worker has from its parent, as the others have.
fn seed() -> [u64; 2] {
    let mut bytes = [0; 16];
    let read = File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut bytes));
    if read.is_err() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        bytes = (now.as_nanos() ^ u128::from(process::id()) << 96).to_ne_bytes();
    }
    let (low, high) = bytes.split_at(8);
    [low, high].map(|half| half.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn assigned(values: &[&[u8]], is_trusted: bool) -> (HeaderValue, Vec<HeaderValue>) {
        let name = HeaderName::from_static("x-request-id");
        let mut request = http::Request::builder();
        for value in values {
            request = request.header(&name, *value);
        }
        let mut head = RequestHead::from(request.body(()).unwrap().into_parts().0);
        let mut peer = Peer::unix();
        peer.set_trusted(is_trusted);
        let id = assign(&name, &mut head, &peer);
        (id, head.headers.get_all(&name).iter().cloned().collect())
    }

    #[test]
    fn a_trusted_proxy_names_the_request() {
        let (id, kept) = assigned(&[b"Root=1-67891233-abc;x"], true);
        assert_eq!((id.as_bytes(), kept), (&b"Root=1-67891233-abc;x"[..], vec![id.clone()]));
    }

    #[test]
    fn what_nobody_may_say_or_nobody_should_is_replaced() {
        let long = [b'x'; LONGEST + 1];
        let cases: [(&[&[u8]], bool); 6] = [
            (&[b"abc"], false),
            (&[], true),
            (&[b""], true),
            (&[b"a b"], true),
            (&[b"abc", b"def"], true),
            (&[&long], true),
        ];
        for (values, is_trusted) in cases {
            let (id, kept) = assigned(values, is_trusted);
            assert_eq!(id.len(), 32, "{values:?}");
            assert!(id.as_bytes().iter().all(u8::is_ascii_hexdigit));
            assert_eq!(kept, [id]);
        }
    }

    #[test]
    fn no_two_are_the_same() {
        let made: HashSet<_> = (0..10_000).map(|_| make()).collect();
        assert_eq!(made.len(), 10_000);
        let elsewhere = std::thread::spawn(make).join().unwrap();
        assert!(!made.contains(&elsewhere));
    }
}
