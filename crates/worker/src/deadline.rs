//! Requests that take too long (`--timeout`): the client gets its 504, the log the Python stack, the worker is replaced.
//!
//! Nothing here takes the GIL: the request may be holding it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Duration;

use http::{Method, StatusCode, Uri};
use rwsgi_http::{Answer, Exchange, Stream, Ticket};
use rwsgi_os::{ExitReason, readable_within};

use crate::crew::{Crew, now};
use crate::shutdown::Order;

/// How long a stuck thread may take to begin writing its stack, and how long a pause ends it.
const STACK_BEGINS: Duration = Duration::from_secs(2);
const STACK_PAUSES: Duration = Duration::from_millis(50);

/// A request that a member runs.
#[derive(Debug)]
pub(crate) struct Running {
    ticket: Ticket,
    /// The body, once the head is out.
    pub(crate) stream: Option<Arc<Stream>>,
    method: Method,
    uri: Uri,
    started: u64,
    paused: bool,
    expired: bool,
}

impl Running {
    pub(crate) fn new(exchange: &Exchange, time: u64) -> Self {
        Self {
            ticket: exchange.ticket.clone(),
            stream: None,
            method: exchange.head.method.clone(),
            uri: exchange.head.uri.clone(),
            started: time,
            paused: false,
            expired: false,
        }
    }

    /// Stops the clock (`None`), or lets it go on after so many microseconds.
    pub(crate) fn pause(&mut self, over: Option<u64>) {
        self.paused = over.is_none();
        self.started += over.unwrap_or_default();
    }

    pub(crate) fn is_expired(&self) -> bool {
        self.expired
    }

    fn is_counted(&self) -> bool {
        !self.paused && !self.expired
    }
}

impl Crew {
    /// Ends what is over its time. How long until the next request is due; `None` when none is running.
    pub(crate) fn enforce_deadlines(&self) -> Option<Duration> {
        let timeout = u64::try_from(self.timeout?.as_micros()).unwrap_or(u64::MAX);
        let time = now();
        let mut next = None;
        for number in 0..self.members.len() {
            let mut slot = self.members[number].running();
            let Some(running) = slot.as_mut().filter(|running| running.is_counted()) else { continue };
            let left = (running.started + timeout).saturating_sub(time);
            if left == 0 {
                running.expired = true;
                self.expire(number, running, time - running.started);
            } else {
                next = Some(next.map_or(left, |known: u64| known.min(left)));
            }
        }
        next.map(Duration::from_micros)
    }

    fn expire(&self, number: usize, running: &Running, age: u64) {
        let waker = match &running.stream {
            None => running.ticket.answer(Answer::error(StatusCode::GATEWAY_TIMEOUT)),
            Some(stream) => stream.finish(false),
        };
        waker.into_iter().for_each(|waker| self.answers.push(waker));
        self.wake_driver();
        let request = format!("{} {}", running.method, running.uri);
        self.report(number, &request, Duration::from_micros(age));
        self.order(Order::Retire(ExitReason::Timeout));
    }

    /// Writes the log lines from a thread of their own: reading the stack takes a while.
    fn report(&self, number: usize, request: &str, age: Duration) {
        let pid = std::process::id();
        tracing::error!(target: "critical", "WORKER TIMEOUT (pid:{pid})");
        let summary = format!("{request} was ended after {:.1} s", age.as_secs_f64());
        let report = Report::begin(&self.reports);
        let (thread, stacks) = (self.members[number].id(), Arc::clone(&self.stacks));
        let read = move || {
            // One at a time: all stacks come through the same pipe.
            let stacks = stacks.lock().unwrap_or_else(PoisonError::into_inner);
            let text = match thread.map(|thread| thread.signal(crate::run::STACK_SIGNAL)) {
                Some(Ok(())) => read_stack(&stacks),
                Some(Err(error)) => error.to_string(),
                None => "the thread has not begun".to_owned(),
            };
            tracing::error!("{summary}; it was here:\n{}", text.trim_end());
            drop(report);
        };
        if let Err(error) = thread::Builder::new().name("rwsgi-timeout".to_owned()).spawn(read) {
            tracing::error!("{request} was ended after its time; its stack cannot be read: {error}");
        }
    }
}

/// A report in the making: the worker does not leave before it is written.
struct Report(Arc<AtomicUsize>);

impl Report {
    fn begin(reports: &Arc<AtomicUsize>) -> Self {
        reports.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(reports))
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn read_stack(stacks: &rwsgi_wsgi::StackDump) -> String {
    let mut text = String::new();
    let mut patience = STACK_BEGINS;
    while readable_within(stacks.reader(), patience) {
        text.push_str(&stacks.read_some());
        patience = STACK_PAUSES;
    }
    if text.is_empty() { "the thread does not react to signals".to_owned() } else { text }
}
