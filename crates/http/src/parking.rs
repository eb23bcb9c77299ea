//! Connections that wait for their next request without a parser, and the memory that they, bodies and slow answers have given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use crate::{Answer, Content};

/// So many connections have to give up their parsers before their memory is worth giving back to the system.
const MANY: usize = 1024;
/// As many bytes of a body or an answer leave as much behind as one of them.
const BODY: usize = 8 * 1024;
/// Giving back locks the heap for some milliseconds: it waits until the worker has calmed down, and is rare.
const CALM: Duration = Duration::from_secs(5);
const RARE: Duration = Duration::from_secs(60);

/// An answer that takes so long waits for its client. Only those pile up; others make room for each other.
const SLOW: Duration = Duration::from_millis(250);

/// After this time without a request a connection gives back its parser and buffers, for the next one to use: it is these that
/// ten thousand idle connections would need memory for. The second one counts while many have a parser.
pub(crate) const PARK: Duration = Duration::from_millis(250);
const PARK_SOON: Duration = Duration::from_millis(50);

/// Counts connections with a parser, parkings, bodies and slow answers, and has memory given back after many.
#[derive(Debug)]
pub(crate) struct Parking {
    talking: AtomicUsize,
    since_release: AtomicUsize,
    is_scheduled: AtomicBool,
    release: fn(),
}

impl Parking {
    pub(crate) fn new(release: fn()) -> Arc<Self> {
        Arc::new(Self {
            talking: AtomicUsize::new(0),
            since_release: AtomicUsize::new(0),
            is_scheduled: AtomicBool::new(false),
            release,
        })
    }

    /// A connection gets a parser, which it has until the result is dropped.
    pub(crate) fn talk(&self) -> Talking<'_> {
        Talking { parking: self, before: self.talking.fetch_add(1, Ordering::Relaxed) }
    }

    /// A connection has given up its parser.
    pub(crate) fn park(self: &Arc<Self>) {
        self.note(1);
    }

    /// A body or an answer of so many bytes has been in memory.
    pub(crate) fn held(self: &Arc<Self>, bytes: u64) {
        if bytes >= BODY as u64 {
            self.note(usize::try_from(bytes).unwrap_or(usize::MAX) / BODY);
        }
    }

    /// Has the memory of an answer counted when it is let go of. Nothing is done about a small one.
    pub(crate) fn watch(self: &Arc<Self>, answer: &mut Answer) {
        match &mut answer.content {
            Content::Full(bytes) if bytes.len() >= BODY && !answer.is_own => {
                *bytes = self.counted(std::mem::take(bytes));
            }
            Content::Stream(outlet) => outlet.watch(self.leaving()),
            _ => {}
        }
    }

    /// Bytes of an answer that are counted when they are let go of.
    pub(crate) fn counted(self: &Arc<Self>, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Counted { bytes, leaving: self.leaving() })
    }

    fn leaving(self: &Arc<Self>) -> Leaving {
        Leaving { parking: Arc::clone(self), since: Instant::now() }
    }

    fn note(self: &Arc<Self>, freed: usize) {
        let count = self.since_release.fetch_add(freed, Ordering::Relaxed).saturating_add(freed);
        // At the end of the process nobody asks for it.
        if count >= MANY
            && let Ok(runtime) = Handle::try_current()
            && !self.is_scheduled.swap(true, Ordering::Relaxed)
        {
            runtime.spawn(Arc::clone(self).release());
        }
    }

    async fn release(self: Arc<Self>) {
        while self.since_release.load(Ordering::Relaxed) >= MANY {
            sleep(CALM).await;
            self.since_release.store(0, Ordering::Relaxed);
            // A panic in there would be a defect of ours that must not end the worker.
            let _ = spawn_blocking(self.release).await;
            sleep(RARE).await;
        }
        self.is_scheduled.store(false, Ordering::Relaxed);
    }
}

/// An answer on its way out.
#[derive(Debug)]
pub(crate) struct Leaving {
    parking: Arc<Parking>,
    since: Instant,
}

impl Leaving {
    /// It is over, and had so many bytes in memory at a time.
    pub(crate) fn end(&self, bytes: usize) {
        if self.since.elapsed() >= SLOW {
            self.parking.held(bytes as u64);
        }
    }
}

/// What stays in memory until the last byte of it has left.
struct Counted {
    bytes: Bytes,
    leaving: Leaving,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.leaving.end(self.bytes.len());
    }
}

/// A connection that has a parser.
#[derive(Debug)]
pub(crate) struct Talking<'a> {
    parking: &'a Parking,
    before: usize,
}

impl Talking<'_> {
    /// After how long without a request it should give that back.
    pub(crate) fn patience(&self) -> Duration {
        if self.before >= MANY { PARK_SOON } else { PARK }
    }
}

impl Drop for Talking<'_> {
    fn drop(&mut self) {
        self.parking.talking.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_many_talk_parsers_are_given_back_sooner() {
        let parking = Parking::new(|| {});
        let talking: Vec<_> = (0..=MANY).map(|_| parking.talk()).collect();
        assert_eq!((talking[0].patience(), talking[MANY].patience()), (PARK, PARK_SOON));
        drop(talking);
        assert_eq!(parking.talk().patience(), PARK);
    }

    static AFTER_BODIES: AtomicUsize = AtomicUsize::new(0);

    #[tokio::test(start_paused = true)]
    async fn memory_is_given_back_after_large_bodies() {
        let parking = Parking::new(|| {
            AFTER_BODIES.fetch_add(1, Ordering::SeqCst);
        });
        let releases = || AFTER_BODIES.load(Ordering::SeqCst);
        (0..10_000).for_each(|_| parking.held(BODY as u64 - 1));
        parking.held((MANY * BODY) as u64 - 1);
        sleep(2 * RARE).await;
        assert_eq!(releases(), 0, "little");
        parking.held(BODY as u64);
        sleep(2 * CALM).await;
        assert_eq!(releases(), 1);
    }

    static RELEASES: AtomicUsize = AtomicUsize::new(0);

    #[tokio::test(start_paused = true)]
    async fn memory_is_given_back_after_many_parkings_and_rarely() {
        let parking = Parking::new(|| {
            RELEASES.fetch_add(1, Ordering::SeqCst);
        });
        let releases = || RELEASES.load(Ordering::SeqCst);
        (1..MANY).for_each(|_| parking.park());
        sleep(2 * RARE).await;
        assert_eq!(releases(), 0, "few");
        (0..5 * MANY).for_each(|_| parking.park());
        sleep(2 * CALM).await;
        assert_eq!(releases(), 1);
        (0..MANY).for_each(|_| parking.park());
        sleep(RARE / 2).await;
        assert_eq!(releases(), 1, "too soon");
        sleep(RARE).await;
        assert_eq!(releases(), 2);
    }
}
