//! A Python thread: leads, or waits until it is asked to.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use http::uri::PathAndQuery;
use rwsgi_http::Exchange;
use rwsgi_wsgi::{Bridge, detached};

use crate::crew::{Crew, now};
use crate::deadline::Running;
use crate::drive::{Turn, Waited};
use crate::job::Job;
use crate::shutdown::Order;

/// How long, in microseconds, the leader runs requests before it lets the answers go: long enough that many share
/// one turn of the loop, short enough that nobody notices the wait.
const SLICE: u64 = 1_000;

/// Serves requests as member `number` until the crew is stopped.
pub(crate) fn serve(crew: &'static Crew, number: usize, bridge: &mut Bridge<'_>) {
    crew.join(number);
    while !crew.is_stopped() {
        if crew.arrive(number) {
            lead(crew, number, bridge);
        } else {
            // Unparked by whoever makes this member the leader.
            detached(thread::park);
        }
    }
}

/// Alternates between the loop and Python until the lead is lost or the worker is done.
fn lead(crew: &'static Crew, number: usize, bridge: &mut Bridge<'_>) {
    while crew.drive_as_leader() == Turn::Requests {
        if !run_slice(crew, number, bridge) {
            return;
        }
    }
}

/// Runs requests until none is left or the slice is used up. Whether the member still leads.
fn run_slice(crew: &'static Crew, number: usize, bridge: &mut Bridge<'_>) -> bool {
    let mut time = now();
    let end = time + SLICE;
    while time < end {
        let Some(exchange) = crew.next_request(time) else { break };
        let leads = run_request(crew, number, bridge, exchange, time);
        let ended = now();
        count_python(crew, number, (time, ended));
        if !leads {
            return false;
        }
        time = ended;
    }
    true
}

/// A job of member `number` took from one time to the other; called with the GIL held, so by one thread at a time.
fn count_python(crew: &Crew, number: usize, (begun, ended): (u64, u64)) {
    if crew.measures {
        let waited = crew.members[number].waited.swap(0, Ordering::Relaxed);
        let micros = ended.saturating_sub(begun).saturating_sub(waited);
        crew.slot().counters.python_micros.add(micros);
    }
}

/// Of the job of member `number` so many microseconds were spent waiting for the client.
fn count_wait(crew: &Crew, number: usize, micros: u64) {
    if crew.measures {
        crew.members[number].waited.fetch_add(micros, Ordering::Relaxed);
    }
}

/// Runs one request. Whether the member still leads.
fn run_request(
    crew: &'static Crew,
    number: usize,
    bridge: &mut Bridge<'_>,
    exchange: Box<Exchange>,
    time: u64,
) -> bool {
    let member = &crew.members[number];
    let slot = crew.slot();
    slot.in_flight.increment();
    // What the master says of a worker that dies.
    let head = &exchange.head;
    let target = head.uri.path_and_query().map_or(head.uri.path(), PathAndQuery::as_str);
    slot.set_request(head.method.as_str(), target, time / 1_000);
    *member.running() = crew.limits.any().then(|| Running::new(&exchange, time));
    member.stamp.begin(time, false);
    crew.stand_in.wake();
    // A defect of ours in one request must not end the worker; the job answers 500 when it is dropped.
    let called = catch_unwind(AssertUnwindSafe(|| bridge.call(Box::new(Job::new(crew, number, exchange)))));
    if called.is_err() {
        tracing::error!("a request ended with a panic, which is a defect of rwsgi");
    }
    let taken = member.stamp.end();
    // In a statement of its own: the lock must be free again.
    let ended = member.running().take();
    if let Some(running) = ended.filter(|running| running.course.is_over()) {
        crew.outlive(number, &running);
    }
    slot.in_flight.decrement();
    slot.requests.increment();
    // Only the thread that has the GIL counts, so that none sees the same number as another.
    if slot.requests.load() == crew.share {
        crew.order(Order::Tired);
    }
    !taken || crew.reclaim(number)
}

/// Waits for the client, without the GIL, until `poll` is ready or `patience` is over; whether it was ready. The wait is
/// nobody's Python time: neither the stand-in nor the deadline counts it.
pub(crate) fn wait_for_client(
    crew: &Crew,
    number: usize,
    patience: Option<Duration>,
    poll: impl Fn(&Context<'_>) -> Poll<()>,
) -> bool {
    let member = &crew.members[number];
    // A time that the clock does not reach is for ever.
    let end = patience.and_then(|patience| Instant::now().checked_add(patience));
    if !member.is_current() {
        // A thread of the application, which has no lead to lose and no deadline.
        return park_until(end, poll);
    }
    let started = now();
    let mut taken = member.stamp.end();
    pause(crew, number, None);
    crew.set_waiting(Some(started));
    let mut waited = Waited::LostLead;
    if !taken {
        waited = crew.drive_until(number, end, &poll);
        taken = waited == Waited::LostLead;
    }
    let is_ready = if taken { park_until(end, poll) } else { waited == Waited::Ready };
    let time = now();
    pause(crew, number, Some(time - started));
    count_wait(crew, number, time - started);
    crew.set_waiting(None);
    member.stamp.begin(time, taken);
    crew.stand_in.wake();
    is_ready
}

/// Does what the application is not to be blamed for: the deadline does not count it.
pub(crate) fn untimed<T>(crew: &Crew, number: usize, work: impl FnOnce() -> T) -> T {
    if !crew.members[number].is_current() {
        return work();
    }
    let started = now();
    pause(crew, number, None);
    let result = work();
    pause(crew, number, Some(now() - started));
    result
}

fn pause(crew: &Crew, number: usize, over: Option<u64>) {
    if let Some(running) = &mut *crew.members[number].running() {
        running.course.pause(over);
    }
}

/// Wakes a parked thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Whether `poll` was ready before `end`.
fn park_until(end: Option<Instant>, poll: impl Fn(&Context<'_>) -> Poll<()>) -> bool {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    while poll(&Context::from_waker(&waker)).is_pending() {
        match end.map(|end| end.saturating_duration_since(Instant::now())) {
            None => thread::park(),
            Some(Duration::ZERO) => return false,
            Some(left) => thread::park_timeout(left),
        }
    }
    true
}
