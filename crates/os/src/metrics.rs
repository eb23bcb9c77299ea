use std::sync::atomic::{AtomicU64, Ordering};

use crate::Gauge;

/// The methods that are counted one by one; the last stands for all others.
pub const METHODS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "other"];

/// The classes that answers are counted by; the last one has no answer: the client had gone.
pub const CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"];

/// The statuses of the server's own refusals; the last stands for all others.
pub const REFUSALS: [u16; 14] = [400, 404, 408, 413, 414, 417, 421, 429, 431, 501, 503, 505, 507, 0];

/// Why workers were replaced, as the label says it.
pub const RESTARTS: [&str; 8] =
    ["signal", "exit_code", "out_of_memory", "timeout", "max_requests", "lifetime", "memory", "boot_failure"];

/// Why a worker was replaced, in the order of [`RESTARTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartReason {
    /// A signal ended it that nobody sent who was asked to.
    Signal,
    /// It ended with a code.
    ExitCode,
    /// The kernel killed it for memory.
    OutOfMemory,
    /// A request, or its loop, took too long.
    Timeout,
    /// It had answered its share (`max_requests`).
    MaxRequests,
    /// It had lived for long enough (`max_worker_lifetime`).
    Lifetime,
    /// It had become too big (`max_worker_memory`).
    Memory,
    /// It ended before it was ready.
    BootFailure,
}

/// The upper bounds of the buckets of a [`Histogram`], in microseconds; one more bucket has none.
pub const BOUNDS: [u64; 16] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

/// A number in shared memory that only grows and has one writer at a time: adding is a load and a store.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Its value.
    #[must_use]
    pub fn load(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Adds so much. Of two that do so at the same moment one may be lost.
    pub fn add(&self, amount: u64) {
        self.0.store(self.load().wrapping_add(amount), Ordering::Relaxed);
    }

    /// The same for rare events that any thread may meet with: none is lost.
    pub fn add_shared(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }
}

/// How often something took how long, and how long in all.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [Counter; BOUNDS.len() + 1],
    micros: Counter,
}

impl Histogram {
    /// Counts one that took so many microseconds.
    pub fn record(&self, micros: u64) {
        let bucket = BOUNDS.iter().position(|bound| micros <= *bound).unwrap_or(BOUNDS.len());
        self.buckets[bucket].add(1);
        self.micros.add(micros);
    }

    /// How many there were in each bucket, those of the smaller ones not included, and the sum in microseconds.
    pub fn read_into(&self, buckets: &mut [u64; BOUNDS.len() + 1], micros: &mut u64) {
        for (total, bucket) in buckets.iter_mut().zip(&self.buckets) {
            *total += bucket.load();
        }
        *micros += self.micros.load();
    }
}

/// What is counted of the requests that one slot of the scoreboard has served, by all workers that have ever had it: a
/// slot that passes to the next worker goes on counting where the last one ended. So nothing is lost with a worker, there is
/// nothing to be moved when one ends, and no sum over all slots is ever smaller than one before.
#[derive(Debug, Default)]
pub struct Counters {
    /// Requests by [`METHODS`] and [`CLASSES`].
    pub requests: [[Counter; CLASSES.len()]; METHODS.len()],
    /// From the head of a request until the last byte of its answer.
    pub duration: Histogram,
    /// From the last byte of a request until a Python thread took it.
    pub queue_time: Histogram,
    /// Bytes of requests' bodies.
    pub bytes_in: Counter,
    /// Bytes of answers' bodies.
    pub bytes_out: Counter,
    /// Microseconds that Python threads have spent in the application.
    pub python_micros: Counter,
    /// Microseconds that the thread which drives the loop has waited for the GIL.
    pub gil_micros: Counter,
    /// Requests that the server itself has refused, by [`REFUSALS`].
    pub refused: [Counter; REFUSALS.len()],
    /// Requests over their time (`timeout`).
    pub timeouts: Counter,
}

impl Counters {
    /// One request with this method was answered, or (`None`) its client had gone.
    pub fn request(&self, method: &str, status: Option<u16>) {
        let method = METHODS.iter().position(|known| *known == method).unwrap_or(METHODS.len() - 1);
        let class = match status {
            Some(status @ 100..=599) => usize::from(status / 100) - 1,
            _ => CLASSES.len() - 1,
        };
        self.requests[method][class].add(1);
    }

    /// One request was refused with this status.
    pub fn refuse(&self, status: u16) {
        let place = REFUSALS.iter().position(|known| *known == status).unwrap_or(REFUSALS.len() - 1);
        self.refused[place].add_shared(1);
    }
}

/// What the master says of the whole server: written by it alone.
#[derive(Debug, Default)]
pub struct ServerCounters {
    /// When the server started, in milliseconds since 1970.
    pub started: Gauge,
    /// The generation of the configuration that is served.
    pub generation: Gauge,
    /// How many workers there should be.
    pub wanted: Gauge,
    /// Reloads that all workers have followed.
    pub reloads: Counter,
    /// Reloads that were given up.
    pub failed_reloads: Counter,
    /// Workers replaced, by [`RESTARTS`].
    pub restarts: [Counter; RESTARTS.len()],
}

impl ServerCounters {
    /// A worker has to be replaced.
    pub fn restart(&self, reason: RestartReason) {
        self.restarts[reason as usize].add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_as_long_as_a_bound_is_within_it() {
        let histogram = Histogram::default();
        for micros in [0, 500, 501, 60_000_000, 60_000_001, u64::MAX >> 1] {
            histogram.record(micros);
        }
        let (mut buckets, mut micros) = ([0; BOUNDS.len() + 1], 0);
        histogram.read_into(&mut buckets, &mut micros);
        assert_eq!((buckets[0], buckets[1], buckets[15], buckets[16]), (2, 1, 1, 2));
        assert_eq!(micros, 500 + 501 + 60_000_000 + 60_000_001 + (u64::MAX >> 1));
    }

    #[test]
    fn requests_are_counted_by_method_and_class() {
        let counters = Counters::default();
        for (method, status) in [
            ("GET", Some(204)),
            ("GET", Some(299)),
            ("PROPFIND", Some(503)),
            ("get", None),
            ("PUT", Some(999)),
        ] {
            counters.request(method, status);
        }
        let count = |method: usize, class: usize| counters.requests[method][class].load();
        assert_eq!((count(0, 1), count(9, 4), count(9, 5), count(3, 5)), (2, 1, 1, 1));
    }

    #[test]
    fn a_status_that_nobody_thought_of_is_counted_too() {
        let counters = Counters::default();
        counters.refuse(400);
        counters.refuse(418);
        assert_eq!((counters.refused[0].load(), counters.refused[REFUSALS.len() - 1].load()), (1, 1));
    }
}
