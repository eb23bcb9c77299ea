//! Two lists between the loop and the Python threads: requests that wait for Python, answers that wait for the loop.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use rwsgi_http::Exchange;
use rwsgi_os::Scoreboard;

use crate::course::micros;

/// How often, in microseconds, a full list is searched for requests whose clients have gone: under a flood of requests the
/// search must not cost more than the answers.
const SEARCH: u64 = 10_000;

fn lock<T>(list: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is a single push, pop or swap, so a panic elsewhere leaves a whole list.
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Requests in the order in which they were complete.
#[derive(Debug)]
pub(crate) struct Requests {
    list: Mutex<List>,
    length: AtomicUsize,
    /// Where the other workers see the length: this worker's slot.
    place: (Arc<Scoreboard>, usize),
    size: usize,
    /// In microseconds.
    patience: Option<u64>,
}

#[derive(Debug, Default)]
struct List {
    waiting: VecDeque<Waiting>,
    searched: u64,
}

/// A request, and since when it waits.
/// A client that closes its sending side behind its request may have gone, or want the answer (`nc -N`). A request that had to wait
/// for so many microseconds is not run for such a one.
const DOUBT: u64 = 200_000;

#[derive(Debug)]
struct Waiting {
    exchange: Box<Exchange>,
    since: u64,
}

/// What became of a request that was to be put into the list.
#[derive(Debug)]
pub(crate) enum Pushed {
    /// It is the first: somebody has to be told.
    First,
    /// Others are there.
    Behind,
    /// There is no room.
    Refused(Box<Exchange>),
}

/// What the list gives.
#[derive(Debug)]
pub(crate) enum Popped {
    /// To be run.
    Timely(Box<Exchange>),
    /// It has waited for too long.
    Late(Box<Exchange>),
    /// It has waited, and its client has probably gone.
    Doubtful(Box<Exchange>),
}

impl Requests {
    /// At most `size` requests wait, each for at most `patience`; how many do is told in this slot of the scoreboard.
    pub(crate) fn new(size: usize, patience: Option<Duration>, place: (Arc<Scoreboard>, usize)) -> Self {
        let patience = patience.map(micros);
        Self { list: Mutex::default(), length: AtomicUsize::new(0), place, size, patience }
    }

    /// Puts a request behind the others; `time` in microseconds.
    pub(crate) fn push(&self, exchange: Box<Exchange>, time: u64) -> Pushed {
        let mut list = lock(&self.list);
        if list.waiting.len() >= self.size && !list.forget_the_gone(time) {
            return Pushed::Refused(exchange);
        }
        list.waiting.push_back(Waiting { exchange, since: time });
        self.set_length(list.waiting.len());
        if list.waiting.len() == 1 { Pushed::First } else { Pushed::Behind }
    }

    /// The next request whose client is still there.
    pub(crate) fn pop(&self, time: u64) -> Option<Popped> {
        let mut list = lock(&self.list);
        while let Some(Waiting { mut exchange, since }) = list.waiting.pop_front() {
            self.set_length(list.waiting.len());
            if exchange.ticket.is_settled() {
                continue;
            }
            let waited = time.saturating_sub(since);
            exchange.waited = Some(Duration::from_micros(waited));
            return Some(if self.patience.is_some_and(|patience| waited >= patience) {
                Popped::Late(exchange)
            } else if waited >= DOUBT && exchange.ticket.is_doubtful() {
                Popped::Doubtful(exchange)
            } else {
                Popped::Timely(exchange)
            });
        }
        None
    }

    /// The next request that has waited for too long, or how long until there is one, in microseconds; `Err(None)`:
    /// nobody waits, or for ever.
    pub(crate) fn pop_late(&self, time: u64) -> Result<Box<Exchange>, Option<u64>> {
        let patience = self.patience.ok_or(None)?;
        let mut list = lock(&self.list);
        let due = list.waiting.front().ok_or(None)?.since.saturating_add(patience);
        match list.waiting.pop_front_if(|_| due <= time) {
            Some(Waiting { mut exchange, since }) => {
                exchange.waited = Some(Duration::from_micros(time.saturating_sub(since)));
                self.set_length(list.waiting.len());
                Ok(exchange)
            }
            None => Err(Some(due - time)),
        }
    }

    /// How long a request that came now would wait at most.
    pub(crate) fn patience(&self) -> Option<Duration> {
        self.patience.map(Duration::from_micros)
    }

    /// All of them, for a worker that cannot run them any more.
    pub(crate) fn take_all(&self) -> VecDeque<Box<Exchange>> {
        let mut list = lock(&self.list);
        self.set_length(0);
        list.waiting.drain(..).map(|waiting| waiting.exchange).collect()
    }

    /// Called with the list locked, so that what is told last is true.
    fn set_length(&self, length: usize) {
        self.length.store(length, Ordering::Release);
        let (scoreboard, slot) = &self.place;
        scoreboard.slot(*slot).queue_depth.store(length as u64);
    }

    pub(crate) fn len(&self) -> usize {
        self.length.load(Ordering::Acquire)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl List {
    /// Lets go of requests whose clients have gone; whether there is room now.
    fn forget_the_gone(&mut self, time: u64) -> bool {
        if time.saturating_sub(self.searched) < SEARCH {
            return false;
        }
        self.searched = time;
        let before = self.waiting.len();
        self.waiting.retain(|waiting| !waiting.exchange.ticket.is_settled());
        self.waiting.len() < before
    }
}

/// Connections that have got something to send and are woken by whoever drives the loop next: waking them from within the
/// loop costs nothing, from outside a system call.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    wakers: Mutex<Vec<Waker>>,
}

impl Answers {
    pub(crate) fn push(&self, waker: Waker) {
        lock(&self.wakers).push(waker);
    }

    /// Wakes all; whether there were any.
    pub(crate) fn deliver(&self) -> bool {
        let wakers = std::mem::take(&mut *lock(&self.wakers));
        let any = !wakers.is_empty();
        wakers.into_iter().for_each(Waker::wake);
        any
    }
}

#[cfg(test)]
mod tests {
    use rwsgi_http::{Origin, Peer, Ticket, Wait};

    use super::*;

    fn exchange(path: &str) -> (Box<Exchange>, Wait) {
        let (ticket, wait) = Ticket::new();
        let head = http::Request::builder().uri(path).body(()).unwrap().into_parts().0.into();
        let peer = Arc::new(Peer::unix());
        let origin = Origin::default();
        (Box::new(Exchange { head, body: None, peer, origin, waited: None, ticket }), wait)
    }

    fn requests(size: usize, patience: Option<Duration>) -> Requests {
        Requests::new(size, patience, (Arc::new(Scoreboard::new(1).unwrap()), 0))
    }

    fn told(requests: &Requests) -> u64 {
        requests.place.0.slot(0).queue_depth.load()
    }

    #[test]
    fn the_other_workers_see_a_list_that_empties_without_a_request_being_run() {
        let requests = requests(10, Some(Duration::from_micros(100)));
        let (one, _one) = exchange("/late");
        let (two, gone) = exchange("/gone");
        requests.push(one, 0);
        requests.push(two, 0);
        assert_eq!(told(&requests), 2);
        assert!(matches!(requests.pop(100), Some(Popped::Late(_))));
        assert_eq!(told(&requests), 1);
        drop(gone);
        assert!(requests.pop(100).is_none());
        assert_eq!(told(&requests), 0);
    }

    fn path(exchange: &Exchange) -> &str {
        exchange.head.uri.path()
    }

    #[test]
    fn what_has_waited_for_too_long_is_told_from_what_has_not() {
        let requests = requests(10, Some(Duration::from_micros(100)));
        let (one, _one) = exchange("/1");
        let (two, _two) = exchange("/2");
        let (three, _three) = exchange("/3");
        assert!(matches!(requests.push(one, 1_000), Pushed::First));
        assert!(matches!(requests.push(two, 1_050), Pushed::Behind));
        assert!(matches!(requests.push(three, 1_100), Pushed::Behind));
        assert_eq!(requests.pop_late(1_099).unwrap_err(), Some(1));
        assert_eq!(path(&requests.pop_late(1_100).unwrap()), "/1");
        assert_eq!(requests.pop_late(1_100).unwrap_err(), Some(50));
        let Some(Popped::Late(late)) = requests.pop(1_150) else { panic!("not late") };
        let Some(Popped::Timely(timely)) = requests.pop(1_150) else { panic!("late") };
        assert_eq!(
            (late.waited, timely.waited),
            (Some(Duration::from_micros(100)), Some(Duration::from_micros(50)))
        );
        assert_eq!((path(&late), path(&timely)), ("/2", "/3"));
        assert_eq!(requests.pop_late(u64::MAX).unwrap_err(), None);
        assert!(requests.is_empty());
    }

    #[test]
    fn without_a_limit_nothing_is_late() {
        let requests = requests(10, None);
        let (one, _one) = exchange("/1");
        requests.push(one, 0);
        assert_eq!(requests.pop_late(u64::MAX).unwrap_err(), None);
        assert!(matches!(requests.pop(u64::MAX), Some(Popped::Timely(_))));
    }

    #[test]
    fn a_full_list_refuses_until_somebody_in_it_has_gone() {
        let requests = requests(2, None);
        let (one, _one) = exchange("/1");
        let (two, gone) = exchange("/2");
        let (three, _three) = exchange("/3");
        requests.push(one, SEARCH);
        requests.push(two, SEARCH);
        let Pushed::Refused(three) = requests.push(three, SEARCH) else { panic!("there is no room") };
        drop(gone);
        let Pushed::Refused(three) = requests.push(three, SEARCH + 1) else { panic!("searched too often") };
        assert!(matches!(requests.push(three, 2 * SEARCH), Pushed::Behind));
        let names: Vec<String> = requests.take_all().iter().map(|one| path(one).to_owned()).collect();
        assert_eq!(names, ["/1", "/3"]);
    }
}
