use std::time::Duration;

use nix::{
    sys::time::TimeSpec,
    time::{ClockId, clock_gettime},
};

/// Microseconds on a clock that never jumps (`CLOCK_MONOTONIC`); the same in all processes of the machine.
#[must_use]
pub fn monotonic_micros() -> u64 {
    u64::try_from(read(ClockId::CLOCK_MONOTONIC).as_micros()).unwrap_or(u64::MAX)
}

/// Milliseconds on the same clock, the unit of the scoreboard.
#[must_use]
pub fn monotonic_millis() -> u64 {
    u64::try_from(read(ClockId::CLOCK_MONOTONIC).as_millis()).unwrap_or(u64::MAX)
}

/// The processor time of one thread, readable from any other: it stands still while that thread is blocked.
#[derive(Debug, Clone, Copy)]
pub struct ThreadClock(ClockId);

impl ThreadClock {
    /// The clock of the calling thread.
    #[must_use]
    pub fn of_current() -> Self {
        let mut clock: libc::clockid_t = 0;
        // SAFETY: `pthread_self` is this thread, which is alive; `clock` lives through the call. It cannot
        // fail for such a thread, and clock 0 (the wall clock) would be no hazard.
        unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut clock) };
        Self(ClockId::from_raw(clock))
    }

    /// Processor time that the thread has used; zero when the thread is gone.
    #[must_use]
    pub fn read(self) -> Duration {
        read(self.0)
    }
}

fn read(clock: ClockId) -> Duration {
    clock_gettime(clock).map_or(Duration::ZERO, TimeSpec::into)
}

#[cfg(test)]
mod tests {
    use std::{hint::black_box, sync::mpsc};

    use super::*;

    #[test]
    fn time_goes_on() {
        let before = monotonic_micros();
        let millis = monotonic_millis();
        while monotonic_millis() == millis {}
        let after = monotonic_micros();
        assert!(before < after);
        assert!((before / 1000..=after / 1000).contains(&millis), "one clock in two units");
    }

    #[test]
    fn a_blocked_thread_uses_no_time_and_a_busy_one_does() {
        let (tell_clock, clocks) = mpsc::channel();
        let (wake, woken) = mpsc::channel::<()>();
        let (tell_worked, worked) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let clock = ThreadClock::of_current();
                tell_clock.send(clock).unwrap();
                woken.recv().unwrap();
                while clock.read() < Duration::from_millis(20) {
                    black_box(0);
                }
                tell_worked.send(()).unwrap();
                let _ = woken.recv();
            });
            let clock = clocks.recv().unwrap();
            let own = ThreadClock::of_current();
            let begun = own.read();
            while own.read() < begun + Duration::from_millis(20) {
                black_box(0);
            }
            assert!(clock.read() < Duration::from_millis(20), "{:?}", clock.read());
            wake.send(()).unwrap();
            worked.recv().unwrap();
            assert!(clock.read() >= Duration::from_millis(20));
            drop(wake);
        });
    }
}
