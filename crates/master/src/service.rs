use std::time::{Duration, Instant};

use rwsgi_os::Pid;

use crate::{
    event::Fact,
    supervisor::Census,
    systemd::{Systemd, Word},
};

/// How often the rate of requests is computed while there are any.
const LOOK: Duration = Duration::from_secs(1);

/// What systemd is told: the words that the supervisor orders, the line that `systemctl status` shows, signs of life.
#[derive(Debug)]
pub(crate) struct Service {
    systemd: Systemd,
    rate: Rate,
    /// The last reload failed, which must not go by unseen.
    has_failed: bool,
}

impl Service {
    /// `giver` is the master that this one takes over from, or has.
    pub(crate) fn open(giver: Option<Pid>) -> Self {
        Self { systemd: Systemd::open(giver), rate: Rate::default(), has_failed: false }
    }

    pub(crate) fn tell(&mut self, word: Word) {
        self.systemd.tell(word);
    }

    /// This master is the server now: what it said of itself before was not believed.
    pub(crate) fn promoted(&mut self) {
        self.systemd.forget_status();
    }

    /// What the environment of a successor must say for systemd's sake.
    pub(crate) fn bequest(&self) -> Option<(&'static str, String)> {
        self.systemd.bequest()
    }

    /// Takes note of what the status line shows.
    pub(crate) fn heed(&mut self, fact: &Fact) {
        match fact {
            Fact::ReloadFailed { .. } => self.has_failed = true,
            Fact::Reloaded { .. } => self.has_failed = false,
            _ => {}
        }
    }

    /// When [`Service::report`] is wanted again if nothing happens. An idle server is not woken for it.
    pub(crate) fn next_wake(&self) -> Option<Instant> {
        let look = if self.systemd.is_heard() { self.rate.next_look() } else { None };
        look.into_iter().chain(self.systemd.next_beat()).min()
    }

    /// Brings the status line up to date, and gives the sign of life if one is due and the server is well.
    pub(crate) fn report(&mut self, now: Instant, is_well: bool, state: impl FnOnce() -> (Census, u64)) {
        if self.systemd.is_heard() {
            let (census, answered) = state();
            self.rate.update(now, answered);
            self.systemd.status(&line(&census, self.rate.per_second, self.has_failed));
        }
        self.systemd.beat(now, is_well);
    }
}

fn line(census: &Census, rate: u64, has_failed: bool) -> String {
    let Census { ready, wanted, generation, reloading, .. } = census;
    let news = match (reloading, has_failed) {
        (true, _) => ", reloading".to_owned(),
        (false, true) => format!(", reload failed, still serving generation {generation}"),
        (false, false) => String::new(),
    };
    format!("{ready}/{wanted} workers, {rate} req/s, generation {generation}{news}")
}

/// Requests per second.
#[derive(Debug, Default)]
struct Rate {
    per_second: u64,
    /// When it was computed last, and how many requests had been answered by then.
    last: Option<(Instant, u64)>,
}

impl Rate {
    fn next_look(&self) -> Option<Instant> {
        let (then, _) = self.last?;
        (self.per_second > 0).then(|| then + LOOK)
    }

    fn update(&mut self, now: Instant, answered: u64) {
        let Some((then, before)) = self.last else {
            self.last = Some((now, answered));
            return;
        };
        let elapsed = now.saturating_duration_since(then);
        if elapsed < LOOK {
            return;
        }
        let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        // At least 1 as long as there are any, so that the end of a burst is seen.
        self.per_second = (answered.saturating_sub(before) * 1000).div_ceil(millis);
        self.last = Some((now, answered));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_rate_is_computed_while_there_are_requests_and_then_no_more() {
        let mut rate = Rate::default();
        let start = Instant::now();
        rate.update(start, 100);
        assert_eq!(rate.next_look(), None);
        rate.update(start + SECOND, 124);
        assert_eq!((rate.per_second, rate.next_look()), (24, Some(start + 2 * SECOND)));
        rate.update(start + SECOND + SECOND / 2, 1000);
        assert_eq!(rate.per_second, 24, "at most once a second");
        rate.update(start + 2 * SECOND, 124);
        assert_eq!((rate.per_second, rate.next_look()), (0, None));
    }

    #[test]
    fn a_failed_reload_stays_in_sight() {
        let census =
            Census { wanted: 3, ready: 3, starting: 0, retiring: 0, generation: 2, reloading: false };
        assert_eq!(line(&census, 12, false), "3/3 workers, 12 req/s, generation 2");
        let failed = "3/3 workers, 0 req/s, generation 2, reload failed, still serving generation 2";
        assert_eq!(line(&census, 0, true), failed);
        let again = Census { reloading: true, ..census };
        assert_eq!(line(&again, 0, true), "3/3 workers, 0 req/s, generation 2, reloading");
    }
}
