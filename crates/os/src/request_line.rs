use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering, fence},
    time::Duration,
};

const WORDS: usize = 25;
const CAPACITY: usize = WORDS * 8;

/// The request that a worker had begun last when the scoreboard was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningRequest {
    /// Method and target, cut at 200 bytes.
    pub line: String,
    /// When it began, on the clock of [`crate::monotonic_millis`].
    pub started: Duration,
}

/// A request line in shared memory. An odd sequence number means that somebody writes; a reader that sees the
/// number change drops what it read.
#[derive(Debug)]
pub(crate) struct RequestLine {
    sequence: AtomicU32,
    length: AtomicU32,
    started: AtomicU64,
    words: [AtomicU64; WORDS],
}

impl RequestLine {
    /// Publishes a request that begins. When another thread of the worker writes at this moment, its line stays: this is
    /// a life sign, not a record.
    pub(crate) fn set(&self, method: &str, target: &str, started: u64) {
        let mut text = [0; CAPACITY];
        let mut length = 0;
        for part in [method, " ", target] {
            let count = part.len().min(CAPACITY - length);
            text[length..length + count].copy_from_slice(&part.as_bytes()[..count]);
            length += count;
        }
        self.write(|line| {
            let (chunks, _) = text.as_chunks::<8>();
            for (word, chunk) in line.words.iter().zip(chunks).take(length.div_ceil(8)) {
                word.store(u64::from_ne_bytes(*chunk), Ordering::Relaxed);
            }
            line.started.store(started, Ordering::Relaxed);
            line.length.store(u32::try_from(length).expect("at most CAPACITY"), Ordering::Relaxed);
        });
    }

    /// Forgets everything, also a write that a killed worker left half done; for the master when no worker
    /// uses the slot.
    pub(crate) fn reset(&self) {
        self.length.store(0, Ordering::Relaxed);
        self.sequence.store(0, Ordering::Release);
    }

    /// The request that began last, none before the first or when a writer was in the way each time.
    pub(crate) fn read(&self) -> Option<RunningRequest> {
        const TRIES: usize = 4;
        (0..TRIES).find_map(|_| self.try_read()).flatten()
    }

    fn write(&self, change: impl FnOnce(&Self)) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        let odd = sequence.wrapping_add(1);
        let taken = sequence.is_multiple_of(2)
            && self.sequence.compare_exchange(sequence, odd, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if taken {
            // Nobody may see a new word with the old, even number.
            fence(Ordering::Release);
            change(self);
            self.sequence.store(odd.wrapping_add(1), Ordering::Release);
        }
    }

    /// None for a torn read.
    fn try_read(&self) -> Option<Option<RunningRequest>> {
        let before = self.sequence.load(Ordering::Acquire);
        if !before.is_multiple_of(2) {
            return None;
        }
        let length = (self.length.load(Ordering::Relaxed) as usize).min(CAPACITY);
        let started = Duration::from_millis(self.started.load(Ordering::Relaxed));
        let mut text: Vec<u8> = self.words[..length.div_ceil(8)]
            .iter()
            .flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes())
            .collect();
        fence(Ordering::Acquire);
        if self.sequence.load(Ordering::Relaxed) != before {
            return None;
        }
        if length == 0 {
            return Some(None);
        }
        text.truncate(length);
        Some(Some(RunningRequest { line: String::from_utf8_lossy(&text).into_owned(), started }))
    }
}

#[cfg(test)]
impl RequestLine {
    pub(crate) fn empty() -> Self {
        Self {
            sequence: AtomicU32::new(0),
            length: AtomicU32::new(0),
            started: AtomicU64::new(0),
            words: [const { AtomicU64::new(0) }; WORDS],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn a_line_comes_back() {
        let line = RequestLine::empty();
        assert_eq!(line.read(), None);
        line.set("GET", "/admin/login/", 1500);
        let running =
            RunningRequest { line: "GET /admin/login/".to_owned(), started: Duration::from_millis(1500) };
        assert_eq!(line.read(), Some(running));
    }

    #[test]
    fn a_long_target_is_cut() {
        let line = RequestLine::empty();
        line.set("POST", &"é".repeat(400), 1);
        let text = line.read().unwrap().line;
        assert!(text.starts_with("POST éé"), "{text}");
        assert!(text.len() <= CAPACITY + 2, "{}", text.len());
    }

    #[test]
    fn a_write_that_a_killed_worker_left_half_done_is_not_shown_and_can_be_reset() {
        let line = RequestLine::empty();
        line.set("GET", "/", 1);
        line.sequence.fetch_add(1, Ordering::SeqCst);
        assert_eq!(line.read(), None);
        line.set("GET", "/lost", 1);
        assert_eq!(line.read(), None);
        line.reset();
        line.set("GET", "/again", 2);
        assert_eq!(line.read().unwrap().line, "GET /again");
    }

    #[test]
    fn a_torn_line_is_never_seen() {
        let line = RequestLine::empty();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for letter in ["a", "b"] {
                let (line, done) = (&line, &done);
                scope.spawn(move || {
                    let target = letter.repeat(150);
                    while !done.load(Ordering::Relaxed) {
                        line.set("GET", &target, 7);
                    }
                });
            }
            let mut seen = 0;
            while seen < 100 {
                let Some(RunningRequest { line, .. }) = line.read() else { continue };
                let target = line.strip_prefix("GET ").unwrap();
                assert!(target == "a".repeat(150) || target == "b".repeat(150), "{target}");
                seen += 1;
            }
            done.store(true, Ordering::Relaxed);
        });
    }
}
