//! How often clients ask, counted in the scoreboard for all workers together.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rwsgi_http::{Pace, RateTable};
use rwsgi_os::{Actor, Scoreboard, monotonic_micros};

/// The table that all workers share.
#[derive(Debug)]
pub(crate) struct SharedRates(pub(crate) Arc<Scoreboard>);

impl RateTable for SharedRates {
    fn admit(&self, rule: u64, address: IpAddr, pace: Pace) -> Result<(), Duration> {
        let pace = rwsgi_os::Pace::new(pace.interval, pace.burst);
        self.0.admit(Actor { address, rule }, pace, monotonic_micros())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_whoever_counts_it() {
        let scoreboard = Arc::new(Scoreboard::new(1).unwrap());
        let workers = [SharedRates(Arc::clone(&scoreboard)), SharedRates(scoreboard)];
        let pace = Pace { interval: Duration::from_secs(3600), burst: 3 };
        let address = "192.0.2.7".parse().unwrap();
        let mut admitted = workers.iter().cycle().take(6).map(|worker| worker.admit(1, address, pace));
        assert!(admitted.by_ref().take(3).all(|admitted| admitted.is_ok()));
        assert!(admitted.all(|refused| refused.unwrap_err() > Duration::from_secs(3590)));
    }
}
