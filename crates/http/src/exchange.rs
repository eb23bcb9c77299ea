//! The seam: a request on its way to the handler, and the ticket by which its answer finds back.

use rwsgi_message::RequestHead;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::{Answer, Body, Origin, Peer};

/// A request that has arrived, completely or (with `request_buffering` off) but for its body.
#[derive(Debug)]
pub struct Exchange {
    /// Method, target, version and headers.
    pub head: RequestHead,
    /// The body, when the request has one.
    pub body: Option<Body>,
    /// Where it came from.
    pub peer: Arc<Peer>,
    /// What a trusted proxy says of it.
    pub origin: Origin,
    /// How long it has waited to be run: whoever lets it wait says so.
    pub waited: Option<Duration>,
    /// The way back.
    pub ticket: Ticket,
}

/// Whoever answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Takes a request; must not block. The answer is given through the exchange's ticket, now or later.
    fn call(&self, exchange: Box<Exchange>);
}

/// The handler's end: gives the answer. It can be cloned to answer in somebody's stead; the first answer counts.
#[derive(Clone, Debug)]
pub struct Ticket(Arc<Mutex<State>>);

/// The connection's end: waits for the answer. Dropping it tells the handler that the client has gone.
#[derive(Debug)]
pub struct Wait(Arc<Mutex<State>>);

#[derive(Debug)]
enum State {
    Waiting(Option<Waker>),
    /// The client has closed its sending side right behind the request.
    Doubtful(Option<Waker>),
    Answered(Answer),
    Done,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // The state is replaced in one assignment, so a panic elsewhere cannot leave half of it.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ticket {
    /// The two ends.
    #[must_use]
    pub fn new() -> (Self, Wait) {
        let state = Arc::new(Mutex::new(State::Waiting(None)));
        (Self(Arc::clone(&state)), Wait(state))
    }

    /// The way back for the next request of the connection that has waited with `wait`, which is used again if nobody else
    /// holds the other end any more.
    pub(crate) fn renew(wait: &mut Wait) -> Self {
        match Arc::get_mut(&mut wait.0) {
            Some(state) => *state = Mutex::new(State::Waiting(None)),
            None => *wait = Self::new().1,
        }
        Self(Arc::clone(&wait.0))
    }

    /// Gives the answer, unless there is one already or the client has gone. Returns the connection's waker: waking it
    /// from the thread that drives the loop costs nothing, from another one a system call, so that is the caller's choice.
    pub fn answer(&self, answer: Answer) -> Option<Waker> {
        let mut state = lock(&self.0);
        match &mut *state {
            State::Waiting(waker) | State::Doubtful(waker) => {
                let waker = waker.take();
                *state = State::Answered(answer);
                waker
            }
            State::Answered(_) | State::Done => None,
        }
    }

    /// Whether nobody waits for an answer any more: it has been given, or the client has gone.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        !matches!(*lock(&self.0), State::Waiting(_) | State::Doubtful(_))
    }

    /// Whether the client may have gone: it has closed its sending side right behind its request.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        matches!(*lock(&self.0), State::Doubtful(_))
    }
}

impl Wait {
    /// The client has closed its sending side: it wants its answer now, or not at all.
    pub(crate) fn doubt(&mut self) {
        let mut state = lock(&self.0);
        if let State::Waiting(waker) = &mut *state {
            *state = State::Doubtful(waker.take());
        }
    }
}

impl Future for Wait {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let mut state = lock(&self.0);
        let waker = || Some(context.waker().clone());
        let next = match std::mem::replace(&mut *state, State::Done) {
            State::Answered(answer) => return Poll::Ready(answer),
            State::Waiting(_) | State::Done => State::Waiting(waker()),
            State::Doubtful(_) => State::Doubtful(waker()),
        };
        *state = next;
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        *lock(&self.0) = State::Done;
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn the_first_answer_counts() {
        let (ticket, mut wait) = Ticket::new();
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut wait).poll(&mut context).is_pending());
        assert!(ticket.answer(Answer::error(StatusCode::GATEWAY_TIMEOUT)).is_some());
        assert!(ticket.answer(Answer::default()).is_none());
        let Poll::Ready(answer) = Pin::new(&mut wait).poll(&mut context) else { panic!("no answer") };
        assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    }

    #[test]
    fn a_doubtful_client_can_be_answered() {
        let (ticket, mut wait) = Ticket::new();
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut wait).poll(&mut context).is_pending());
        wait.doubt();
        assert!(Pin::new(&mut wait).poll(&mut context).is_pending());
        assert!(ticket.is_doubtful() && !ticket.is_settled());
        assert!(ticket.answer(Answer::default()).is_some());
        assert!(!ticket.is_doubtful());
        assert!(Pin::new(&mut wait).poll(&mut context).is_ready());
    }

    #[test]
    fn a_client_that_has_gone_settles_its_request() {
        let (ticket, wait) = Ticket::new();
        assert!(!ticket.is_settled());
        drop(wait);
        assert!(ticket.is_settled());
        assert!(ticket.answer(Answer::default()).is_none());
    }
}
