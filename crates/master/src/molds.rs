use std::{
    os::fd::{AsFd, BorrowedFd},
    time::{Duration, Instant},
};

use rwsgi_os::{self as os, Pid, Received, Signal};

use crate::{
    orders::{Answer, LONGEST, Order},
    report,
    worker::Birth,
};

/// How long a mold may take to fork a worker: a thousand times what it needs. A hook of the application that never
/// returns from a fork would keep the order open for ever.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a worker may take to come to itself whose mold has ended meanwhile.
const LEGACY: Duration = Duration::from_secs(1);

/// The molds as the master knows them. It never waits for one.
#[derive(Debug, Default)]
pub(crate) struct Molds(Vec<Known>);

/// What molds have told.
pub(crate) enum News {
    Ready(u32),
    Unfit(u32),
    Forked(Birth, Pid, os::StatusReader),
    ForkFailed(Birth),
}

#[derive(Debug)]
struct Known {
    generation: u32,
    pid: Pid,
    channel: os::Channel,
    is_ready: bool,
    /// When it was found to be gone; it has orders left then.
    ended: Option<Instant>,
    /// Ordered and not yet answered.
    orders: Vec<Pending>,
}

#[derive(Debug)]
struct Pending {
    birth: Birth,
    reader: os::StatusReader,
    since: Instant,
}

impl Molds {
    /// A mold was forked.
    pub(crate) fn add(&mut self, generation: u32, pid: Pid, channel: os::Channel) {
        self.0.push(Known { generation, pid, channel, is_ready: false, ended: None, orders: Vec::new() });
    }

    /// A child has ended of which all news are read; whether it was a mold.
    ///
    /// Its channel may stay open for long: processes that the application has forked have it too.
    pub(crate) fn ended(&mut self, pid: Pid) -> bool {
        let Some(place) = self.0.iter().position(|mold| mold.pid == pid && mold.ended.is_none()) else {
            return false;
        };
        if self.0[place].orders.is_empty() {
            self.0.swap_remove(place);
        } else {
            self.0[place].ended = Some(Instant::now());
        }
        true
    }

    /// Whether a mold of this generation takes orders.
    pub(crate) fn has_ready(&self, generation: u32) -> bool {
        self.0.iter().any(|mold| mold.serves(generation))
    }

    /// Orders a worker from the mold of its generation, which is ready.
    ///
    /// # Errors
    /// The mold is dying, or no descriptor is left.
    pub(crate) fn order(&mut self, birth: Birth) -> Result<(), os::Error> {
        let (reader, status) = os::status_pipe()?;
        let order = Order { slot: birth.slot, number: birth.number };
        if let Some(mold) = self.0.iter_mut().find(|mold| mold.serves(birth.generation)) {
            mold.channel.send(&order.to_bytes(), Some(status.as_fd()))?;
            mold.orders.push(Pending { birth, reader, since: Instant::now() });
        }
        Ok(())
    }

    /// Whether a worker may be alive whose pid is not known yet.
    pub(crate) fn are_forking(&self) -> bool {
        self.0.iter().any(|mold| !mold.orders.is_empty())
    }

    pub(crate) fn channels(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.0.iter().map(|mold| mold.channel.as_fd())
    }

    /// When [`Molds::hurry`] is wanted.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.0.iter().filter_map(Known::deadline).min()
    }

    /// Kills molds that are stuck in a fork.
    pub(crate) fn hurry(&mut self, now: Instant) {
        for mold in &mut self.0 {
            // What has ended has its pid no more.
            if mold.ended.is_none() && mold.deadline().is_some_and(|deadline| deadline <= now) {
                report::stuck_mold(mold.pid, PATIENCE);
                // One that is gone already, but not reaped, is no matter.
                let _ = os::kill(mold.pid, Signal::SIGKILL);
                for order in &mut mold.orders {
                    order.since = now;
                }
            }
        }
    }

    /// What molds have told since the last call. Orders of one that has ended are answered too.
    pub(crate) fn news(&mut self, scoreboard: &os::Scoreboard) -> Vec<News> {
        let mut news = Vec::new();
        self.0.retain_mut(|mold| mold.read(&mut news, scoreboard));
        news
    }
}

impl Known {
    fn serves(&self, generation: u32) -> bool {
        self.generation == generation && self.is_ready && self.ended.is_none()
    }

    fn deadline(&self) -> Option<Instant> {
        let orders = self.orders.iter();
        orders.map(|order| self.ended.map_or(order.since + PATIENCE, |ended| ended + LEGACY)).min()
    }

    /// It has ended, and what it has not told by now it never will.
    fn is_over(&self) -> bool {
        self.ended.is_some() && self.deadline().is_none_or(|deadline| deadline <= Instant::now())
    }

    /// False when nothing will ever come again.
    fn read(&mut self, news: &mut Vec<News>, scoreboard: &os::Scoreboard) -> bool {
        let mut bytes = [0; LONGEST];
        loop {
            match self.channel.receive(&mut bytes) {
                Received::Message(length, _) => match Answer::from_bytes(&bytes[..length]) {
                    Some(answer) => self.heed(answer, news),
                    None => continue,
                },
                Received::Nothing if !self.is_over() => return true,
                Received::Nothing | Received::Closed => {
                    news.extend(self.orders.drain(..).map(|order| order.unanswered(scoreboard)));
                    return false;
                }
            }
        }
    }

    fn heed(&mut self, answer: Answer, news: &mut Vec<News>) {
        match answer {
            Answer::Ready => {
                self.is_ready = true;
                news.push(News::Ready(self.generation));
            }
            Answer::Unfit => news.push(News::Unfit(self.generation)),
            Answer::Forked(number, pid) => {
                news.extend(self.take(number).map(|order| News::Forked(order.birth, pid, order.reader)))
            }
            Answer::Failed(number) => {
                news.extend(self.take(number).map(|order| News::ForkFailed(order.birth)));
            }
        }
    }

    fn take(&mut self, number: u64) -> Option<Pending> {
        let index = self.orders.iter().position(|order| order.birth.number == number)?;
        Some(self.orders.swap_remove(index))
    }
}

impl Pending {
    /// The mold is gone. A worker that it forked before has closed its copy of the channel, and has written its pid into
    /// its slot before that.
    fn unanswered(self, scoreboard: &os::Scoreboard) -> News {
        match scoreboard.slot(self.birth.slot).pid() {
            pid if pid.as_raw() > 0 => News::Forked(self.birth, pid, self.reader),
            _ => News::ForkFailed(self.birth),
        }
    }
}

#[cfg(test)]
mod tests {
    use rwsgi_os::Stage;

    use super::*;

    const BIRTH: Birth = Birth { seat: 0, slot: 1, number: 7, generation: 2 };

    fn ready() -> (Molds, os::Channel, os::Scoreboard) {
        let (ours, theirs) = os::Channel::pair().unwrap();
        let scoreboard = os::Scoreboard::new(2).unwrap();
        let mut molds = Molds::default();
        molds.add(2, Pid::from_raw(5), ours);
        assert!(!molds.has_ready(2));
        theirs.send(&Answer::Ready.to_bytes(), None).unwrap();
        assert!(matches!(molds.news(&scoreboard)[..], [News::Ready(2)]));
        assert!(molds.has_ready(2) && !molds.has_ready(1));
        scoreboard.slot(1).claim(2, Stage::Starting);
        molds.order(BIRTH).unwrap();
        assert!(molds.are_forking());
        (molds, theirs, scoreboard)
    }

    #[test]
    fn an_order_goes_out_with_a_pipe_and_its_answer_comes_in() {
        let (mut molds, theirs, scoreboard) = ready();
        let mut bytes = [0; LONGEST];
        let Received::Message(length, Some(_)) = theirs.receive(&mut bytes) else { panic!("no order") };
        assert_eq!(Order::from_bytes(&bytes[..length]), Some(Order { slot: 1, number: 7 }));
        theirs.send(&Answer::Forked(7, Pid::from_raw(9)).to_bytes(), None).unwrap();
        assert!(matches!(molds.news(&scoreboard)[..], [News::Forked(BIRTH, pid, _)] if pid.as_raw() == 9));
        assert!(!molds.are_forking());
    }

    #[test]
    fn the_end_of_a_mold_answers_its_orders() {
        let (mut molds, theirs, scoreboard) = ready();
        drop(theirs);
        assert!(matches!(molds.news(&scoreboard)[..], [News::ForkFailed(BIRTH)]));
        assert!(!molds.has_ready(2) && molds.channels().next().is_none());
    }

    #[test]
    fn a_mold_that_has_ended_is_over_though_a_child_of_the_application_holds_its_channel() {
        let (mut molds, _held, scoreboard) = ready();
        assert!(!molds.ended(Pid::from_raw(6)), "that is no mold");
        assert!(molds.ended(Pid::from_raw(5)));
        assert!(!molds.has_ready(2) && molds.are_forking());
        assert!(molds.news(&scoreboard).is_empty(), "a worker may be on its way");
        let deadline = molds.deadline().unwrap();
        assert!(deadline <= Instant::now() + LEGACY);
        molds.0[0].ended = Instant::now().checked_sub(LEGACY);
        // A stranger may have its pid by now.
        molds.hurry(Instant::now());
        assert!(matches!(molds.news(&scoreboard)[..], [News::ForkFailed(BIRTH)]));
        assert!(!molds.are_forking() && molds.channels().next().is_none());
    }

    #[test]
    fn a_mold_that_ends_without_orders_is_forgotten_at_once() {
        let (mut molds, held, scoreboard) = ready();
        held.send(&Answer::Failed(7).to_bytes(), None).unwrap();
        molds.news(&scoreboard);
        assert!(molds.ended(Pid::from_raw(5)));
        assert!(!molds.has_ready(2) && molds.channels().next().is_none());
    }

    #[test]
    fn a_worker_whose_mold_died_before_it_told_the_pid_is_known() {
        let (mut molds, theirs, scoreboard) = ready();
        scoreboard.slot(1).set_pid(Pid::from_raw(11));
        drop(theirs);
        assert!(matches!(molds.news(&scoreboard)[..], [News::Forked(BIRTH, pid, _)] if pid.as_raw() == 11));
    }
}
