//! The time that a request takes: when it is slow, when it is over its time, when it is given up. Without a clock.

use std::time::Duration;

/// How soon a request is looked at again whose clock stands still, in microseconds: it may go on at any moment, and
/// nobody says so.
const PAUSED: u64 = 250_000;

/// What is watched of requests, in microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    /// `--timeout`.
    pub(crate) timeout: Option<u64>,
    /// `--timeout-kill`: how long a request may take to end when it is over its time.
    pub(crate) kill: u64,
    /// `--slow-log`.
    pub(crate) slow: Option<u64>,
}

pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Limits {
    pub(crate) fn new(timeout: Option<Duration>, kill: Duration, slow: Option<Duration>) -> Self {
        Self { timeout: timeout.map(micros), kill: micros(kill), slow: slow.map(micros) }
    }

    /// Whether anything is watched at all.
    pub(crate) fn any(&self) -> bool {
        self.timeout.is_some() || self.slow.is_some()
    }
}

/// What is to be done about a request now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// It is slow: say so.
    Slow,
    /// It is over its time: end it.
    Over,
    /// It did not end: the worker is to be replaced.
    GiveUp,
}

/// What comes next for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Now.
    Now(Due),
    /// Something in so many microseconds.
    In(u64),
    /// Nothing, as things are.
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Timely,
    /// Since when.
    Over(u64),
    GivenUp,
}

/// One request in the course of time; all times in microseconds.
#[derive(Debug)]
pub(crate) struct Course {
    /// Which request of its thread it is.
    begun: u64,
    /// Since when it runs, moved on by every pause.
    since: u64,
    /// What the application has asked for beyond the limit.
    extra: u64,
    paused: bool,
    told: bool,
    phase: Phase,
}

impl Course {
    pub(crate) fn new(time: u64) -> Self {
        Self { begun: time, since: time, extra: 0, paused: false, told: false, phase: Phase::Timely }
    }

    pub(crate) fn begun(&self) -> u64 {
        self.begun
    }

    /// How long it has run.
    pub(crate) fn age(&self, time: u64) -> u64 {
        time.saturating_sub(self.since)
    }

    /// Stops the clock (`None`), or lets it go on after so many microseconds.
    pub(crate) fn pause(&mut self, over: Option<u64>) {
        self.paused = over.is_none();
        self.since += over.unwrap_or_default();
    }

    /// What is to be done, which is then taken for done.
    pub(crate) fn next(&mut self, limits: &Limits, time: u64) -> Next {
        match self.phase {
            Phase::Over(since) => match since.saturating_add(limits.kill).saturating_sub(time) {
                0 => {
                    self.phase = Phase::GivenUp;
                    Next::Now(Due::GiveUp)
                }
                left => Next::In(left),
            },
            Phase::GivenUp => Next::Nothing,
            Phase::Timely if self.paused => Next::In(PAUSED),
            Phase::Timely => self.next_timely(limits, time),
        }
    }

    fn next_timely(&mut self, limits: &Limits, time: u64) -> Next {
        let over = limits.timeout.map(|_| self.remaining(limits, time));
        if over == Some(0) {
            self.phase = Phase::Over(time);
            return Next::Now(Due::Over);
        }
        let slow = limits.slow.filter(|_| !self.told).map(|limit| limit.saturating_sub(self.age(time)));
        if slow == Some(0) {
            self.told = true;
            return Next::Now(Due::Slow);
        }
        over.into_iter().chain(slow).min().map_or(Next::Nothing, Next::In)
    }

    /// How long until it is over its time.
    pub(crate) fn remaining(&self, limits: &Limits, time: u64) -> u64 {
        let limit = limits.timeout.unwrap_or(u64::MAX).saturating_add(self.extra);
        if self.phase == Phase::Timely { limit.saturating_sub(self.age(time)) } else { 0 }
    }

    /// Lets it run for longer; whether it was in time to ask.
    pub(crate) fn extend(&mut self, by: u64) -> bool {
        self.extra = self.extra.saturating_add(by);
        self.phase == Phase::Timely
    }

    /// Since when it is over its time.
    pub(crate) fn over_since(&self) -> Option<u64> {
        if let Phase::Over(since) = self.phase { Some(since) } else { None }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.phase != Phase::Timely
    }

    pub(crate) fn is_given_up(&self) -> bool {
        self.phase == Phase::GivenUp
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { timeout: Some(100), kill: 50, slow: Some(30) };

    #[test]
    fn a_request_is_told_once_then_ended_then_given_up() {
        let mut course = Course::new(1_000);
        assert_eq!(course.next(&LIMITS, 1_000), Next::In(30));
        assert_eq!(course.next(&LIMITS, 1_030), Next::Now(Due::Slow));
        assert_eq!(course.next(&LIMITS, 1_031), Next::In(69));
        assert_eq!(course.remaining(&LIMITS, 1_031), 69);
        assert_eq!(course.next(&LIMITS, 1_100), Next::Now(Due::Over));
        assert!(course.is_over() && !course.is_given_up());
        assert_eq!((course.remaining(&LIMITS, 1_100), course.over_since()), (0, Some(1_100)));
        assert_eq!(course.next(&LIMITS, 1_101), Next::In(49));
        assert_eq!(course.next(&LIMITS, 1_150), Next::Now(Due::GiveUp));
        assert!(course.is_over() && course.is_given_up());
        assert_eq!(course.next(&LIMITS, 9_999), Next::Nothing);
    }

    #[test]
    fn a_request_that_is_over_its_time_is_not_slow_too() {
        let mut course = Course::new(0);
        assert_eq!(course.next(&LIMITS, 200), Next::Now(Due::Over));
        assert_eq!(course.next(&LIMITS, 200), Next::In(50));
    }

    #[test]
    fn without_a_limit_a_request_can_still_be_slow() {
        let mut course = Course::new(0);
        let limits = Limits { timeout: None, ..LIMITS };
        assert_eq!(course.next(&limits, 30), Next::Now(Due::Slow));
        assert_eq!(course.next(&limits, u64::MAX), Next::Nothing);
    }

    #[test]
    fn pauses_do_not_count_but_are_looked_at() {
        let mut course = Course::new(0);
        course.pause(None);
        assert_eq!(course.next(&LIMITS, 5_000), Next::In(PAUSED));
        course.pause(Some(5_000));
        assert_eq!(course.next(&LIMITS, 5_000), Next::In(30));
        assert_eq!(course.age(5_001), 1);
    }

    #[test]
    fn who_asks_in_time_gets_more_of_it() {
        let mut course = Course::new(0);
        assert!(course.extend(1_000));
        assert_eq!(course.remaining(&LIMITS, 99), 1_001);
        assert_eq!(course.next(&LIMITS, 1_099), Next::Now(Due::Slow));
        assert_eq!(course.next(&LIMITS, 1_100), Next::Now(Due::Over));
        assert!(!course.extend(1_000));
        assert_eq!(course.remaining(&LIMITS, 1_100), 0);
        assert!(Course::new(0).extend(u64::MAX));
    }
}
