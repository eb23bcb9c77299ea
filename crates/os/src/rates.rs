//! How often each client did something, for all workers together.
//!
//! A bucket that leaks ("generic cell rate algorithm", ITU-T I.371) needs one number for each client: the time at which it would be empty again. That and
//! a part of the client's hash stand in one word, so that every change is one compare-and-swap: nothing is locked, nothing has to be
//! tidied up, and a worker that is killed leaves nothing half done.

use std::{
    fmt,
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// With the ways 1 MiB: room for 131,072 clients that owe something at the same time.
const SETS: usize = 1 << 14;

/// Words that are looked through for a client: one cache line.
const WAYS: usize = 8;

/// The bits of a word that are a time in microseconds, in a circle of nine years. Those above tell the clients of a set apart: two of them
/// are taken for one with a chance of 1 in 8,000 where a set is full, and nobody can bring it about who does not know the key.
const TIME: u64 = (1 << 48) - 1;

/// How often something may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Microseconds between two in the long run.
    interval: u64,
    /// What may be owed by whoever is let in: all but the last one of a burst.
    tolerance: u64,
}

impl Pace {
    /// Once in an `interval`, which counts in microseconds, and up to `burst` at once after a time of rest; at least one.
    #[must_use]
    pub fn new(interval: Duration, burst: u32) -> Self {
        let interval = u64::try_from(interval.as_micros()).unwrap_or(u64::MAX).clamp(1, TIME >> 2);
        // What is further ahead than half of the circle would lie behind.
        let tolerance = interval.saturating_mul(u64::from(burst.max(1) - 1)).min(TIME >> 2);
        Self { interval, tolerance }
    }
}

/// Who does what: clients with one IPv4 address or one IPv6 network of 64 bits are the same, under a rule of this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// The client.
    pub address: IpAddr,
    /// What is limited.
    pub rule: u64,
}

/// When each client will owe nothing any more. Begins as zeroes, which nobody has written yet: memory that is never used is never there.
#[repr(C)]
pub(crate) struct RateTable([Set; SETS]);

/// Where a client is looked for, and nowhere else.
#[repr(C, align(64))]
struct Set([AtomicU64; WAYS]);

impl RateTable {
    /// Counts one for the client of this hash at a time on a clock that only goes on, in microseconds.
    ///
    /// # Errors
    /// It has had too many, and this one is not counted: how long until it may again.
    pub(crate) fn admit(&self, hash: u64, pace: Pace, now: u64) -> Result<(), Duration> {
        let Set(words) = &self.0[(hash % SETS as u64) as usize];
        let tag = hash & !TIME;
        loop {
            let (place, word) = find(words, tag, now);
            let ahead = if word & !TIME == tag { owed(word, now) } else { 0 };
            if let Some(wait) = ahead.checked_sub(pace.tolerance).filter(|wait| *wait > 0) {
                return Err(Duration::from_micros(wait));
            }
            let next = tag | (now.wrapping_add(ahead + pace.interval) & TIME);
            // Alone in its meaning: no other memory hangs on it.
            let swapped = words[place].compare_exchange(word, next, Ordering::Relaxed, Ordering::Relaxed);
            if swapped.is_ok() {
                return Ok(());
            }
        }
    }
}

impl fmt::Debug for RateTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateTable").finish_non_exhaustive()
    }
}

/// The word of the client with this tag, or the one to be taken for it: that of whoever owes least, which mostly is nothing, so that nothing
/// is forgotten with it.
fn find(words: &[AtomicU64; WAYS], tag: u64, now: u64) -> (usize, u64) {
    let mut least = (0, 0, u64::MAX);
    for (place, word) in words.iter().enumerate() {
        let word = word.load(Ordering::Relaxed);
        if word & !TIME == tag && word != 0 {
            return (place, word);
        }
        let owed = owed(word, now);
        if owed < least.2 {
            least = (place, word, owed);
        }
    }
    (least.0, least.1)
}

/// How long a word has still something to say.
fn owed(word: u64, now: u64) -> u64 {
    let ahead = word.wrapping_sub(now) & TIME;
    // In the other half of the circle it is in the past; a word that was never written says nothing.
    if word == 0 || ahead > TIME / 2 { 0 } else { ahead }
}

#[cfg(test)]
mod tests;
