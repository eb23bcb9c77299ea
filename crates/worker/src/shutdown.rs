//! Leaving: what was begun is finished, nothing new is taken, and it ends in time whatever the application does.

use std::pin::pin;
use std::sync::Arc;
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

use rwsgi_http::{AccessLog, Answer, Handler, Redirect, Server};
use rwsgi_os::{ExitReason, LifelineEnd, Signal, Signals, Stage, Status, exit_now};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout, timeout_at};

use crate::accept::Doors;
use crate::crew::Crew;
use crate::monitor::Monitor;
use crate::ready::Watched;

/// How long requests wait for Python threads of which each is stuck in one that timed out.
const STUCK: Duration = Duration::from_secs(5);
/// How long requests may still take when the master is gone: its workers shall be gone within two seconds.
const ORPHANED: Duration = Duration::from_millis(1_000);
/// How long before the master a worker ends its graceful timeout, at most.
const HEAD_START: Duration = Duration::from_millis(500);
/// How long connections without a request stay when others go on serving, so that a client whose next request is on its way
/// does not lose it: Gunicorn's two seconds.
const LAST_CALL: Duration = Duration::from_secs(2);
/// The same when the whole server ends: somebody waits for that.
const LAST_CALL_OF_ALL: Duration = Duration::from_millis(500);
/// How long Python may take to end (`atexit`, non-daemon threads) when there is no other limit.
const FINALIZE: Duration = Duration::from_millis(500);
/// How long the report of a timeout may take.
const REPORT: Duration = Duration::from_secs(3);
/// How long the last lines of the access log may take.
pub(crate) const LAST_LINES: Duration = Duration::from_millis(500);
/// How often a worker that leaves looks whether it may.
const LOOK: Duration = Duration::from_millis(5);

/// Why a worker is to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// TERM: finish what has begun.
    Graceful,
    /// INT, QUIT: at once.
    Quick,
    /// The worker has answered its share: the master may replace it when it is ready to.
    Tired,
    /// The worker itself wants to be replaced.
    Retire(ExitReason),
    /// The lifeline is cut.
    MasterGone,
}

/// What leaving needs.
pub(crate) struct Leaving<H> {
    pub(crate) crew: &'static Crew,
    pub(crate) server: Arc<Server<H>>,
    pub(crate) redirect: Option<Arc<Server<Redirect>>>,
    pub(crate) doors: watch::Sender<Doors>,
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) status: Status,
    pub(crate) access_log: Option<AccessLog>,
    pub(crate) graceful_timeout: Duration,
}

impl<H: Handler> Leaving<H> {
    /// Waits for the first order to leave and carries it out.
    pub(crate) async fn run(self, mut orders: mpsc::UnboundedReceiver<Order>) {
        let order = loop {
            match orders.recv().await {
                None => return,
                Some(Order::Tired) => self.ask_for_replacement(),
                Some(order) => break order,
            }
        };
        let (limit, mut reason) = self.begin(order);
        let mut until = Instant::now() + limit;
        let mut drained = pin!(self.drained(order));
        loop {
            tokio::select! {
                _ = timeout_at(until.into(), drained.as_mut()) => break,
                next = orders.recv() => match next {
                    Some(Order::Quick) | None => break,
                    Some(Order::MasterGone) => {
                        until = until.min(Instant::now() + ORPHANED);
                        reason = ExitReason::MasterGone;
                    }
                    // A supervisor may send TERM to the whole group, and the master then does so again.
                    Some(Order::Graceful | Order::Tired | Order::Retire(_)) => {}
                },
            }
        }
        self.refuse_the_rest().await;
        if order != Order::Quick && reason != ExitReason::MasterGone {
            let _ = timeout(REPORT, self.reported()).await;
        }
        self.end(reason, until);
    }

    /// The worker serves on until the master, which has another one ready then, sends it home.
    fn ask_for_replacement(&self) {
        tracing::info!("Autorestarting worker after current request.");
        self.status.tired();
    }

    /// Closes the doors. How long may be waited, and how the worker will have ended.
    fn begin(&self, order: Order) -> (Duration, ExitReason) {
        // The master kills when the graceful timeout is over; what is left is to be refused before that.
        let graceful = self.graceful_timeout - (self.graceful_timeout / 10).min(HEAD_START);
        let (doors, limit, reason) = match order {
            Order::Graceful | Order::Tired => (Doors::LastRound, graceful, ExitReason::Ok),
            Order::Quick => (Doors::Closed, Duration::ZERO, ExitReason::Ok),
            Order::Retire(reason) => (Doors::Closed, graceful, reason),
            Order::MasterGone => (Doors::LastRound, graceful.min(ORPHANED), ExitReason::MasterGone),
        };
        if order == Order::MasterGone {
            tracing::info!("Parent changed, shutting down (pid: {})", std::process::id());
        }
        self.crew.slot().set_stage(Stage::Retiring);
        self.doors.send_replace(doors);
        let is_last = self.crew.slot().is_ending() || matches!(order, Order::Quick | Order::MasterGone);
        let last_call = if is_last { LAST_CALL_OF_ALL } else { LAST_CALL };
        self.server.closing().begin(last_call);
        self.redirect.iter().for_each(|server| server.closing().begin(last_call));
        if order != Order::Graceful {
            // The master starts a replacement now, unless it is itself about to leave.
            self.status.retiring();
        }
        (limit, reason)
    }

    async fn drained(&self, order: Order) {
        let begun = Instant::now();
        // They take their last round first.
        self.doors.closed().await;
        if order == Order::Graceful {
            // The master may say now that others alone answer whoever connects.
            self.status.retiring();
        }
        while !self.is_drained(begun.elapsed()) && (begun.elapsed() < STUCK || !self.crew.is_stuck()) {
            sleep(LOOK).await;
        }
    }

    /// A request that timed out may have ended before its report was written. Who is to interrupt one that has not ended, or opens
    /// logs again, may wait for the GIL as long as that; when it has, Python must not end before him.
    async fn reported(&self) {
        let crew = self.crew;
        while crew.inquiries.has_reports()
            || (crew.inquiries.has_attached() && crew.slot().in_flight.load() == 0)
        {
            sleep(LOOK).await;
        }
    }

    /// Whether nobody waits for an answer. A request that was given up has had its own; one that is only over its time may
    /// still put its things in order.
    fn is_drained(&self, waited: Duration) -> bool {
        // The end of the server is waited for; that of a worker which others have replaced is not.
        let scrapes_may_end = self.crew.slot().is_ending() && waited >= LAST_CALL_OF_ALL;
        self.crew.slot().connections.load() == 0
            && (scrapes_may_end || !self.monitor.is_asked())
            && self.crew.slot().in_flight.load() == self.crew.given_up()
            && self.crew.requests.is_empty()
    }

    /// Requests that Python will not come to any more are told so.
    async fn refuse_the_rest(&self) {
        let rest = self.crew.requests.take_all();
        if rest.is_empty() {
            return;
        }
        for exchange in rest {
            self.crew.slot().counters.refuse(503);
            exchange.ticket.answer(Answer::unavailable()).into_iter().for_each(Waker::wake);
        }
        sleep(LOOK).await;
    }

    fn end(&self, reason: ExitReason, until: Instant) {
        self.crew.set_exit(reason);
        // Not everybody has been waited for; and who writes a report goes on with Python.
        let is_python_wanted = self.crew.inquiries.has_reports() || self.crew.inquiries.has_attached();
        if self.crew.slot().in_flight.load() > 0 || is_python_wanted {
            // A thread that is stuck in Python, or waits for its client or the GIL, cannot be ended from here. The process can.
            leave_now(self.crew, self.access_log.as_ref(), reason);
        }
        let left = until.saturating_duration_since(Instant::now()).max(FINALIZE);
        let limit = if reason == ExitReason::MasterGone { FINALIZE } else { left };
        let (crew, access_log) = (self.crew, self.access_log.clone());
        let watchdog = thread::Builder::new().name("rwsgi-exit".to_owned()).spawn(move || {
            thread::sleep(limit);
            tracing::warn!("Python did not end in time (pid: {})", std::process::id());
            leave_now(crew, access_log.as_ref(), reason);
        });
        if watchdog.is_err() {
            leave_now(self.crew, self.access_log.as_ref(), reason);
        }
        self.crew.stop();
    }
}

fn leave_now(crew: &'static Crew, access_log: Option<&AccessLog>, reason: ExitReason) -> ! {
    crew.exit_hook();
    access_log.into_iter().for_each(|log| log.flush(LAST_LINES));
    tracing::info!("Worker exiting (pid: {})", std::process::id());
    exit_now(reason)
}

/// Turns signals into orders.
pub(crate) async fn obey_signals(crew: &'static Crew, signals: Signals) {
    let Ok(signals) = Watched::new(signals) else { return };
    while let Ok(mut ready) = signals.readable().await {
        signals.owner().drain().into_iter().for_each(|signal| obey(crew, signal));
        ready.clear_ready();
    }
}

pub(crate) fn obey(crew: &'static Crew, signal: Signal) {
    match signal {
        Signal::SIGTERM => crew.order(Order::Graceful),
        Signal::SIGINT | Signal::SIGQUIT => {
            crew.interrupt_hook();
            crew.order(Order::Quick);
        }
        Signal::SIGUSR1 => crew.reopen_logs(),
        // The master only wants to see the loop turn.
        Signal::SIGWINCH => {}
        _ => tracing::debug!("signal {signal} is ignored by workers"),
    }
}

/// Gives the order to leave when the master is gone.
pub(crate) async fn watch_lifeline(crew: &'static Crew, lifeline: LifelineEnd) {
    let Ok(lifeline) = Watched::new(lifeline) else { return };
    if lifeline.readable().await.is_ok() && lifeline.owner().is_cut() {
        crew.order(Order::MasterGone);
    }
}
