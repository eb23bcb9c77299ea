//! Requests that take long. A slow one is told in the log while it runs (`--slow-log`). One over its time (`--timeout`) is
//! ended: its client gets 504, the log the Python stack, the thread a `RequestTimeout`; when that does not help within
//! `--timeout-kill`, the worker is replaced.
//!
//! Who watches never takes the GIL: the request may be holding it. What needs it is done by a thread of its own.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode, Uri};
use rwsgi_http::{Answer, Exchange, Stream, Ticket};
use rwsgi_os::ExitReason;
use rwsgi_wsgi::NoTime;

use crate::course::{Course, Due, Next, micros};
use crate::crew::{Crew, now};
use crate::inquiry::{Cause, Inquiry};
use crate::shutdown::Order;

/// A request that a member runs.
#[derive(Debug)]
pub(crate) struct Running {
    ticket: Ticket,
    waited: Option<Duration>,
    /// The body, once the head is out.
    pub(crate) stream: Option<Arc<Stream>>,
    method: Method,
    uri: Uri,
    pub(crate) course: Course,
}

impl Running {
    pub(crate) fn new(exchange: &Exchange, time: u64) -> Self {
        Self {
            ticket: exchange.ticket.clone(),
            waited: exchange.waited,
            stream: None,
            method: exchange.head.method.clone(),
            uri: exchange.head.uri.clone(),
            course: Course::new(time),
        }
    }

    fn line(&self) -> String {
        format!("{} {}", self.method, self.uri)
    }
}

impl Crew {
    /// Does what is due about the requests that run. How long until something else will be; `None` when nothing is foreseen.
    pub(crate) fn watch_requests(&'static self) -> Option<Duration> {
        if !self.limits.any() {
            return None;
        }
        let time = now();
        let mut soonest = None;
        for number in 0..self.members.len() {
            let mut slot = self.members[number].running();
            let Some(running) = slot.as_mut() else { continue };
            let left = loop {
                match running.course.next(&self.limits, time) {
                    Next::Now(due) => self.act(number, running, (due, time)),
                    Next::In(left) => break Some(left),
                    Next::Nothing => break None,
                }
            };
            soonest = soonest.into_iter().chain(left).min();
        }
        soonest.map(Duration::from_micros)
    }

    fn act(&'static self, number: usize, running: &Running, (due, time): (Due, u64)) {
        let inquiry = |cause| Inquiry {
            cause,
            number,
            begun: running.course.begun(),
            request: running.line(),
            age: Duration::from_micros(running.course.age(time)),
        };
        match due {
            Due::Slow => self.inquire(inquiry(Cause::Slow)),
            Due::Over => {
                self.slot().counters.timeouts.add_shared(1);
                self.answer_for(running);
                tracing::error!(target: "critical", "WORKER TIMEOUT (pid:{})", std::process::id());
                self.inquire(inquiry(Cause::Timeout));
            }
            Due::GiveUp => {
                let limit = Duration::from_micros(self.limits.kill).as_secs_f64();
                tracing::error!(
                    "{} did not end within `--timeout-kill` {limit} s, the worker is replaced (pid:{})",
                    running.line(),
                    std::process::id()
                );
                self.abort_hook();
                self.order(Order::Retire(ExitReason::Timeout));
            }
        }
    }

    /// The client need not wait for the thread.
    fn answer_for(&self, running: &Running) {
        let waker = match &running.stream {
            None => {
                let answer = Answer::error(StatusCode::GATEWAY_TIMEOUT);
                running.ticket.answer(Answer { queued: running.waited, ..answer })
            }
            Some(stream) => stream.finish(false),
        };
        waker.into_iter().for_each(|waker| self.answers.push(waker));
        self.wake_driver();
    }

    /// A request has ended that was over its time; called by the thread that ran it, with the GIL held.
    #[cold]
    pub(crate) fn outlive(&self, number: usize, running: &Running) {
        // What was to be raised and has not been must not hit the next request.
        self.members[number].python().into_iter().for_each(rwsgi_wsgi::PythonThread::forget_interrupt);
        if let Some(since) = running.course.over_since() {
            let late = Duration::from_micros(now().saturating_sub(since)).as_secs_f64();
            tracing::info!(
                "{} ended {late:.2} s after its time, the worker goes on (pid:{})",
                running.line(),
                std::process::id()
            );
        }
    }

    /// How many members are at a request that is over its time.
    pub(crate) fn expired(&self) -> u64 {
        self.count(Course::is_over)
    }

    /// How many of them are not expected to end it.
    pub(crate) fn given_up(&self) -> u64 {
        self.count(Course::is_given_up)
    }

    fn count(&self, is_so: impl Fn(&Course) -> bool) -> u64 {
        let runs =
            |number: &usize| self.members[*number].running().as_ref().is_some_and(|one| is_so(&one.course));
        (0..self.members.len()).filter(runs).count() as u64
    }
}

/// The time of member `number`, for its application.
#[derive(Debug)]
pub(crate) struct MemberDeadline {
    pub(crate) crew: &'static Crew,
    pub(crate) number: usize,
}

impl MemberDeadline {
    fn with_course<T>(&self, look: impl FnOnce(&mut Course) -> T) -> Result<T, NoTime> {
        let mut running = self.crew.members[self.number].running();
        running.as_mut().map(|running| look(&mut running.course)).ok_or(NoTime::Idle)
    }
}

impl rwsgi_wsgi::Deadline for MemberDeadline {
    fn remaining(&self) -> Result<Option<Duration>, NoTime> {
        let limits = &self.crew.limits;
        if limits.timeout.is_none() {
            return Ok(None);
        }
        let left = self.with_course(|course| course.remaining(limits, now()))?;
        Ok(Some(Duration::from_micros(left)))
    }

    fn extend(&self, by: Duration) -> Result<(), NoTime> {
        if self.crew.limits.timeout.is_none() {
            return Ok(());
        }
        if self.with_course(|course| course.extend(micros(by)))? { Ok(()) } else { Err(NoTime::Over) }
    }
}
