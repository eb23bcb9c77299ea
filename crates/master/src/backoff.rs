use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// How long to wait before a worker (or mold) is forked in the place of one that ended too soon: not at all
/// after the first failure, then one second, doubling up to thirty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Counts one more failure and tells how long to wait.
    pub(crate) fn fail(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        match self.failures {
            1 => Duration::ZERO,
            more => FIRST.saturating_mul(2_u32.saturating_pow(more - 2)).min(LONGEST),
        }
    }

    /// The same for one that had been ready. More than the first wait would do no good: what it died of need not come
    /// again, and whoever can make a worker die by a request must not be able to keep the server down for long.
    pub(crate) fn fail_ready(&mut self) -> Duration {
        self.fail().min(FIRST)
    }

    /// Failures in a row.
    pub(crate) fn failures(self) -> u32 {
        self.failures
    }

    /// A worker has lasted.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_thirty_seconds_and_start_over() {
        let mut backoff = Backoff::default();
        let mut seconds = || backoff.fail().as_secs();
        let first: Vec<u64> = (0..9).map(|_| seconds()).collect();
        assert_eq!(first, [0, 1, 2, 4, 8, 16, 30, 30, 30]);
        for _ in 0..100 {
            assert_eq!(seconds(), 30);
        }
        assert_eq!(backoff.failures(), 109);
        backoff.reset();
        assert_eq!(backoff.fail(), Duration::ZERO);
    }

    #[test]
    fn a_worker_that_was_ready_is_missed_for_a_second_at_most() {
        let mut backoff = Backoff::default();
        let seconds: Vec<u64> = (0..9).map(|_| backoff.fail_ready().as_secs()).collect();
        assert_eq!(seconds, [0, 1, 1, 1, 1, 1, 1, 1, 1]);
    }
}
