//! Connections that wait for their next request without a parser, and the memory that they and bodies have given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// So many connections have to give up their parsers before their memory is worth giving back to the system.
const MANY: usize = 1024;
/// As many bytes of a body leave as much behind as one of them.
const BODY: usize = 8 * 1024;
/// Giving back locks the heap for some milliseconds: it waits until the worker has calmed down, and is rare.
const CALM: Duration = Duration::from_secs(5);
const RARE: Duration = Duration::from_secs(60);

/// After this time without a request a connection gives back its parser and buffers, for the next one to use: it is these that
/// ten thousand idle connections would need memory for. The second one counts while many have a parser.
pub(crate) const PARK: Duration = Duration::from_millis(250);
const PARK_SOON: Duration = Duration::from_millis(50);

/// Counts connections with a parser, parkings and bodies, and has memory given back after many.
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

    /// A body of so many bytes has been in memory.
    pub(crate) fn received(self: &Arc<Self>, bytes: u64) {
        if bytes >= BODY as u64 {
            self.note(usize::try_from(bytes).unwrap_or(usize::MAX) / BODY);
        }
    }

    fn note(self: &Arc<Self>, freed: usize) {
        let count = self.since_release.fetch_add(freed, Ordering::Relaxed).saturating_add(freed);
        if count >= MANY && !self.is_scheduled.swap(true, Ordering::Relaxed) {
            tokio::spawn(Arc::clone(self).release());
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
        (0..10_000).for_each(|_| parking.received(BODY as u64 - 1));
        parking.received((MANY * BODY) as u64 - 1);
        sleep(2 * RARE).await;
        assert_eq!(releases(), 0, "little");
        parking.received(BODY as u64);
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
