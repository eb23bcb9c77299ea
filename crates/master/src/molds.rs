use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use rwsgi_os::{self as os, Pid, Received, Signal};

use crate::{
    Occasion,
    orders::{ANSWER, Answer, Order, Post},
    report,
    worker::Birth,
};

/// What a settings file may say at most, in bytes of JSON.
pub const SETTINGS_LIMIT: u64 = 16 << 20;

/// How long a mold may take to fork a worker: a thousand times what it needs. A hook of the application that never
/// returns from a fork would keep the order open for ever. Where server hooks are called the time for loading the application
/// counts.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a worker may take to come to itself whose mold has ended meanwhile.
const LEGACY: Duration = Duration::from_secs(1);

/// The molds as the master knows them. It never waits for one.
#[derive(Debug, Default)]
pub(crate) struct Molds(Vec<Known>);

/// What molds have told.
pub(crate) enum News {
    /// Its settings file is executed: [`Molds::take_settings`].
    Evaluated(u32),
    Ready(u32),
    Unfit(u32),
    Threads(u32),
    Attended(u32, Occasion, bool),
    Forked(Birth, Pid, os::StatusReader),
    ForkFailed(Birth),
}

#[derive(Debug)]
struct Known {
    generation: u32,
    pid: Pid,
    channel: os::Channel,
    /// What its settings file says, until that is asked for.
    settings: Option<OwnedFd>,
    is_ready: bool,
    /// Workers can be forked from it.
    is_fit: bool,
    /// How long an order may take; `None`: for ever.
    patience: Option<Duration>,
    /// When it was found to be gone; it has orders left then.
    ended: Option<Instant>,
    /// Ordered and not yet answered.
    orders: Vec<Pending>,
}

/// What a worker inherits that is ordered from a mold.
pub(crate) struct Bequest<'a> {
    pub(crate) lifeline: BorrowedFd<'a>,
    pub(crate) scoreboard: BorrowedFd<'a>,
    pub(crate) listeners: Vec<&'a os::Listener>,
    /// How many workers serve.
    pub(crate) workers: usize,
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
        self.0.push(Known {
            generation,
            pid,
            channel,
            settings: None,
            is_ready: false,
            is_fit: true,
            patience: Some(PATIENCE),
            ended: None,
            orders: Vec::new(),
        });
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

    /// What the settings file of this generation says, if that was told and not taken yet.
    pub(crate) fn take_settings(&mut self, generation: u32) -> Option<OwnedFd> {
        let mut of_it = self.0.iter_mut().filter(|mold| mold.generation == generation);
        of_it.find_map(|mold| mold.settings.take())
    }

    /// The settings are accepted: the mold gets ready, and may take so long for what it is ordered if hooks are called.
    pub(crate) fn load(&mut self, generation: u32, hooks: Option<Option<Duration>>) {
        for mold in self.0.iter_mut().filter(|mold| mold.generation == generation && mold.ended.is_none()) {
            mold.patience = hooks.unwrap_or(Some(PATIENCE));
            // Those of one that stands in for a mold that has died are not looked at.
            mold.settings = None;
            mold.tell(&Order::Load { attended: hooks.is_some() });
        }
    }

    /// Tells the mold of this generation of something.
    pub(crate) fn announce(&self, generation: u32, occasion: Occasion) {
        let molds = self.0.iter().filter(|mold| mold.generation == generation && mold.ended.is_none());
        molds.for_each(|mold| mold.tell(&Order::Attend(occasion)));
    }

    /// Tells a mold to leave when it has done what it was told before.
    pub(crate) fn release(&self, pid: Pid) {
        let mold = self.0.iter().find(|mold| mold.pid == pid && mold.ended.is_none());
        mold.into_iter().for_each(|mold| mold.tell(&Order::Leave));
    }

    /// Orders a worker from the mold of its generation, which is ready.
    ///
    /// # Errors
    /// The mold is dying, or no descriptor is left.
    pub(crate) fn order(&mut self, birth: Birth, bequest: &Bequest<'_>) -> Result<(), os::Error> {
        let (reader, status) = os::status_pipe()?;
        let Bequest { lifeline, scoreboard, listeners, workers } = bequest;
        let post = Post {
            slot: birth.slot,
            number: birth.number,
            workers: *workers,
            addresses: listeners.iter().map(|listener| listener.address().clone()).collect(),
        };
        let mut descriptors = vec![status.as_fd(), *lifeline, *scoreboard];
        descriptors.extend(listeners.iter().map(AsFd::as_fd));
        if let Some(mold) = self.0.iter_mut().find(|mold| mold.serves(birth.generation)) {
            mold.channel.send(&Order::Fork(post).to_bytes(), &descriptors)?;
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
                report::stuck_mold(mold.pid, mold.patience.unwrap_or(PATIENCE));
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
        self.generation == generation && self.is_ready && self.is_fit && self.ended.is_none()
    }

    fn tell(&self, order: &Order) {
        // Only one that is dying, or is stuck for so long that its orders fill the channel, does not hear it.
        if let Err(error) = self.channel.send(&order.to_bytes(), &[]) {
            report::failed(&error);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let first = self.orders.iter().map(|order| order.since).min()?;
        match self.ended {
            Some(ended) => Some(ended + LEGACY),
            None => self.patience.map(|patience| first + patience),
        }
    }

    /// It has ended, and what it has not told by now it never will.
    fn is_over(&self) -> bool {
        self.ended.is_some() && self.deadline().is_none_or(|deadline| deadline <= Instant::now())
    }

    /// False when nothing will ever come again.
    fn read(&mut self, news: &mut Vec<News>, scoreboard: &os::Scoreboard) -> bool {
        let mut bytes = [0; ANSWER];
        loop {
            match self.channel.receive(&mut bytes) {
                Received::Message(length, attached) => match Answer::from_bytes(&bytes[..length]) {
                    Some(Answer::Settings) => {
                        self.settings = attached.into_iter().next();
                        news.push(News::Evaluated(self.generation));
                    }
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
            Answer::Threads => {
                self.is_fit = false;
                news.push(News::Threads(self.generation));
            }
            Answer::Attended(occasion, content) => {
                news.push(News::Attended(self.generation, occasion, content));
            }
            // Dealt with where its descriptor is.
            Answer::Settings => {}
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
    use crate::estate::{Estate, Origin};

    const BIRTH: Birth = Birth { seat: 0, slot: 1, number: 7, generation: 2 };

    fn address() -> os::BindAddress {
        os::BindAddress::Tcp { host: "127.0.0.1".to_owned(), port: 0 }
    }

    fn ready() -> (Molds, os::Channel, os::Scoreboard) {
        let (ours, theirs) = os::Channel::pair().unwrap();
        let (scoreboard, shared) = os::Scoreboard::shared(2).unwrap();
        let mut molds = Molds::default();
        molds.add(2, Pid::from_raw(5), ours);
        assert!(!molds.has_ready(2));
        theirs.send(&Answer::Ready.to_bytes(), &[]).unwrap();
        assert!(matches!(molds.news(&scoreboard)[..], [News::Ready(2)]));
        assert!(molds.has_ready(2) && !molds.has_ready(1));
        scoreboard.slot(1).claim(2, Stage::Starting);
        let lifeline = os::Lifeline::open().unwrap();
        let listener = os::Listener::bind(&os::SocketPlan::new(address())).unwrap();
        let bequest = Bequest {
            lifeline: lifeline.as_fd(),
            scoreboard: shared.as_fd(),
            listeners: vec![&listener, &listener],
            workers: 4,
        };
        molds.order(BIRTH, &bequest).unwrap();
        assert!(molds.are_forking());
        (molds, theirs, scoreboard)
    }

    #[test]
    fn an_order_goes_out_with_all_that_is_inherited_and_its_answer_comes_in() {
        let (mut molds, theirs, scoreboard) = ready();
        let mut bytes = [0; 1024];
        let Received::Message(length, descriptors) = theirs.receive(&mut bytes) else { panic!("no order") };
        let Some(Order::Fork(post)) = Order::from_bytes(&bytes[..length]) else { panic!("another order") };
        assert_eq!(post, Post { slot: 1, number: 7, workers: 4, addresses: vec![address(); 2] });
        let origin = Origin { master: Pid::this(), generation: 2 };
        assert!(Estate::receive(&post, Vec::new(), origin).unwrap().is_none());
        let estate = Estate::receive(&post, descriptors, origin).unwrap().unwrap();
        assert_eq!((estate.listeners.len(), estate.scoreboard.slot(1).generation()), (2, 2));
        assert!(estate.lifeline.is_cut(), "the one of this test is gone");
        theirs.send(&Answer::Forked(7, Pid::from_raw(9)).to_bytes(), &[]).unwrap();
        assert!(matches!(molds.news(&scoreboard)[..], [News::Forked(BIRTH, pid, _)] if pid.as_raw() == 9));
        assert!(!molds.are_forking());
    }

    #[test]
    fn settings_are_kept_until_somebody_asks_for_them() {
        let (mut molds, theirs, scoreboard) = ready();
        let text = os::seal_text("{}").unwrap();
        theirs.send(&Answer::Settings.to_bytes(), &[text.as_fd()]).unwrap();
        assert!(matches!(molds.news(&scoreboard)[..], [News::Evaluated(2)]));
        let told = molds.take_settings(2).unwrap();
        assert_eq!(os::read_sealed(told, SETTINGS_LIMIT).unwrap(), "{}");
        assert!(molds.take_settings(2).is_none());
    }

    #[test]
    fn a_mold_with_threads_forks_no_more() {
        let (mut molds, theirs, scoreboard) = ready();
        theirs.send(&Answer::Threads.to_bytes(), &[]).unwrap();
        theirs.send(&Answer::Failed(7).to_bytes(), &[]).unwrap();
        let news = molds.news(&scoreboard);
        assert!(matches!(news[..], [News::Threads(2), News::ForkFailed(BIRTH)]));
        assert!(!molds.has_ready(2) && molds.channels().next().is_some());
    }

    #[test]
    fn where_hooks_are_called_an_order_may_take_longer() {
        let (mut molds, _theirs, _) = ready();
        assert!(molds.deadline().unwrap() <= Instant::now() + PATIENCE);
        molds.load(2, Some(Some(Duration::from_secs(60))));
        assert!(molds.deadline().unwrap() > Instant::now() + PATIENCE);
        molds.load(2, Some(None));
        assert_eq!(molds.deadline(), None);
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
        held.send(&Answer::Failed(7).to_bytes(), &[]).unwrap();
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
