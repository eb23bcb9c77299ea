//! What a thread is at that takes long: a thread of its own reads its Python stack, writes the log lines, and interrupts it
//! if its time is over. And what else is done in Python beside the requests, since the end has to know of that alike.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rwsgi_os::readable_within;
use rwsgi_wsgi::{Hook, StackDump, reopen_file_handlers};

use crate::crew::Crew;
use crate::run::{STACK_SIGNAL, WAKE_SIGNAL};

/// How long a stuck thread may take to begin writing its stack, and how long a pause ends it.
const STACK_BEGINS: Duration = Duration::from_secs(2);
const STACK_PAUSES: Duration = Duration::from_millis(50);

/// Why a request is looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// `--slow-log`.
    Slow,
    /// `--timeout`.
    Timeout,
}

/// A request that is looked into.
#[derive(Debug)]
pub(crate) struct Inquiry {
    pub(crate) cause: Cause,
    /// The member that runs it.
    pub(crate) number: usize,
    /// When it began, which tells it from those before and after it.
    pub(crate) begun: u64,
    /// Method and target.
    pub(crate) request: String,
    pub(crate) age: Duration,
}

/// Where stacks come from, and what is under way.
#[derive(Debug)]
pub(crate) struct Inquiries {
    /// One at a time: all stacks come through the same pipe.
    stacks: Mutex<StackDump>,
    reports: AtomicUsize,
    attached: AtomicUsize,
}

impl Inquiries {
    pub(crate) fn new(stacks: StackDump) -> Self {
        Self { stacks: Mutex::new(stacks), reports: AtomicUsize::new(0), attached: AtomicUsize::new(0) }
    }

    /// Whether lines are still to come.
    pub(crate) fn has_reports(&self) -> bool {
        self.reports.load(Ordering::SeqCst) > 0
    }

    /// Whether a thread beside those of the requests runs Python or may be waiting for the GIL: Python must not be ended meanwhile.
    /// Before 3.14 it would end that thread where it stands, which our frames on its stack do not survive.
    pub(crate) fn has_attached(&self) -> bool {
        self.attached.load(Ordering::SeqCst) > 0
    }

    /// From now on until this is dropped there is such a thread.
    pub(crate) fn attach(&self) -> Underway<'_> {
        Underway::begin(&self.attached)
    }
}

/// Something under way.
#[derive(Debug)]
pub(crate) struct Underway<'a>(&'a AtomicUsize);

impl<'a> Underway<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Crew {
    /// Looks into a request from a thread of its own: reading a stack takes a while, and the GIL may be long in coming.
    pub(crate) fn inquire(&'static self, inquiry: Inquiry) {
        let report = Underway::begin(&self.inquiries.reports);
        let request = inquiry.request.clone();
        let work = move || {
            let stack = self.stack_of(inquiry.number, inquiry.begun);
            inquiry.write(stack.trim_end());
            // Before the report is done, so that one of the two is seen to be under way.
            let interrupt = self.inquiries.attach();
            drop(report);
            if inquiry.cause == Cause::Timeout {
                self.interrupt(inquiry.number, inquiry.begun);
            }
            drop(interrupt);
        };
        if let Err(error) = thread::Builder::new().name("rwsgi-inquiry".to_owned()).spawn(work) {
            tracing::error!("{request} takes long and cannot be looked into: {error}");
        }
    }

    /// Calls `worker_abort` from a thread of its own, since the request that hangs may have the GIL. The end of the worker waits for it
    /// as it waits for reports.
    pub(crate) fn abort_hook(&'static self) {
        let Some(hooks) = self.hooks.as_ref().filter(|hooks| hooks.has(Hook::WorkerAbort)) else { return };
        let underway = Underway::begin(&self.inquiries.reports);
        let work = move || {
            hooks.worker_abort();
            drop(underway);
        };
        if let Err(error) = thread::Builder::new().name("rwsgi-hook".to_owned()).spawn(work) {
            tracing::error!("the hook `worker_abort` cannot be called: {error}");
        }
    }

    /// Opens the log files again; those of Python's `logging` from a thread of its own, since the loop must not wait for the GIL.
    pub(crate) fn reopen_logs(&'static self) {
        (self.reopen_logs)();
        if self.is_stopped() {
            return;
        }
        let underway = self.inquiries.attach();
        let work = move || {
            reopen_file_handlers();
            drop(underway);
        };
        if let Err(error) = thread::Builder::new().name("rwsgi-reopen".to_owned()).spawn(work) {
            tracing::error!("cannot open the files of `logging` again: {error}");
        }
    }

    fn stack_of(&self, number: usize, begun: u64) -> String {
        let stacks = self.inquiries.stacks.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_at(number, begun) {
            return "the request has just ended".to_owned();
        }
        // Of a thread that did not react in time, perhaps another one.
        drop(read_within(&stacks, Duration::ZERO));
        match self.members[number].id().map(|thread| thread.signal(STACK_SIGNAL)) {
            Some(Ok(())) => read_stack(&stacks),
            Some(Err(error)) => error.to_string(),
            None => "the thread has not begun".to_owned(),
        }
    }

    /// Raises `RequestTimeout` in the thread. Only with the GIL held is it certain that the very same request still runs, and that
    /// it cannot end before the exception is on its way: then it ends with the exception taken back.
    fn interrupt(&self, number: usize, begun: u64) {
        let member = &self.members[number];
        let Some(python) = member.python() else { return };
        // Python handles signals on its main thread only. Another one that waits in a system call stays there.
        let wake = || {
            if number == 0 {
                let _ = member.id().map(|thread| thread.signal(WAKE_SIGNAL));
            }
        };
        python.interrupt(|| self.is_at(number, begun), wake);
    }

    /// Whether the member is still at the request that began then.
    fn is_at(&self, number: usize, begun: u64) -> bool {
        self.members[number].running().as_ref().is_some_and(|running| running.course.begun() == begun)
    }
}

impl Inquiry {
    fn write(&self, stack: &str) {
        let (request, age) = (&self.request, self.age.as_secs_f64());
        match self.cause {
            Cause::Slow => {
                let (pid, thread) = (std::process::id(), thread_name(self.number));
                tracing::warn!(
                    "slow request: {request} has been running for {age:.1} s (pid:{pid}, thread {thread}); it is here:\n{stack}"
                );
            }
            Cause::Timeout => tracing::error!("{request} was ended after {age:.1} s; it was here:\n{stack}"),
        }
    }
}

/// What `threading` calls member `number`.
pub(crate) fn thread_name(number: usize) -> String {
    if number == 0 { "MainThread".to_owned() } else { format!("rwsgi-{number}") }
}

fn read_stack(stacks: &StackDump) -> String {
    let text = read_within(stacks, STACK_BEGINS);
    if text.is_empty() { "the thread does not react to signals".to_owned() } else { text }
}

/// What comes if it begins to come within `patience`.
fn read_within(stacks: &StackDump, mut patience: Duration) -> String {
    let mut text = String::new();
    while readable_within(stacks.reader(), patience) {
        text.push_str(&stacks.read_some());
        patience = STACK_PAUSES;
    }
    text
}
