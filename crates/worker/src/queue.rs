//! Two lists between the loop and the Python threads: requests that wait for Python, answers that wait for the loop.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use rwsgi_http::Exchange;

fn lock<T>(list: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is a single push, pop or swap, so a panic elsewhere leaves a whole list.
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Requests in the order in which they were complete.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    list: Mutex<VecDeque<Box<Exchange>>>,
    length: AtomicUsize,
}

impl Requests {
    /// Whether it was empty before: then somebody has to be told.
    pub(crate) fn push(&self, exchange: Box<Exchange>) -> bool {
        let mut list = lock(&self.list);
        list.push_back(exchange);
        self.length.store(list.len(), Ordering::Release);
        list.len() == 1
    }

    /// The next request whose client is still there.
    pub(crate) fn pop(&self) -> Option<Box<Exchange>> {
        let mut list = lock(&self.list);
        while let Some(exchange) = list.pop_front() {
            self.length.store(list.len(), Ordering::Release);
            if !exchange.ticket.is_settled() {
                return Some(exchange);
            }
        }
        None
    }

    /// All of them, for a worker that cannot run them any more.
    pub(crate) fn take_all(&self) -> VecDeque<Box<Exchange>> {
        let mut list = lock(&self.list);
        self.length.store(0, Ordering::Release);
        std::mem::take(&mut list)
    }

    pub(crate) fn len(&self) -> usize {
        self.length.load(Ordering::Acquire)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
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
