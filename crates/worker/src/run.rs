//! The story of a worker: load the application, open the doors, serve, leave.

use std::fmt::Debug;
use std::mem;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use rwsgi_http::{AccessLog, Exchange, Handler, Health, Journal, Newcomers, Redirect, Server};
use rwsgi_os::{ExitReason, LifelineEnd, Listener, Scoreboard, Signal, Signals, Slot, Stage, Statsd, Status};
use rwsgi_wsgi::{Application, Bridge, Hooks, LoadError, StackDump};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};

use crate::accept::{Door, Doors, Entrance, Guarded, accept};
use crate::admission::Admission;
use crate::crew::{Crew, now};
use crate::deadline::MemberDeadline;
use crate::django::{self, DjangoWishes};
use crate::hooks::OfCrew;
use crate::inquiry::thread_name;
use crate::member;
use crate::meter::RequestMeter;
use crate::monitor::Monitor;
use crate::preload::{Source, explain};
use crate::rates::SharedRates;
use crate::shutdown::{LAST_LINES, Leaving, obey, obey_signals, watch_lifeline};
use crate::stand_in;

/// The signal by which a thread is asked for its Python stack: Linux has no other use for it.
pub(crate) const STACK_SIGNAL: Signal = Signal::SIGSTKFLT;

/// The signal that wakes the main thread from a system call when it is to be interrupted. By default it does nothing, as our
/// handler: one that arrives at another time is harmless.
pub(crate) const WAKE_SIGNAL: Signal = Signal::SIGURG;

/// How many threads may wait for disks or compress beside the loop; further jobs wait for one of them. As many as in a pool of nginx's.
/// tokio would start up to 512, each with a stack and a heap, when hundreds of clients want large files at the same moment.
const DISK_THREADS: usize = 32;

/// The signals that a worker handles; the others that a supervisor may send by mistake do nothing.
const SIGNALS: [Signal; 7] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGHUP,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGWINCH,
];

/// How a worker serves.
#[derive(Debug)]
pub struct Options {
    /// Python threads that run the application.
    pub threads: usize,
    /// Connections at most.
    pub connections: usize,
    /// Connections at most from one IPv4 address or IPv6 network of 64 bits, over all workers; `None`: any number.
    pub connections_per_address: Option<usize>,
    /// How long a request may run.
    pub timeout: Option<Duration>,
    /// How long one may take to end when it is over that time, before the worker is replaced.
    pub timeout_kill: Duration,
    /// How long a request runs before the log tells where it is; `None`: it never does.
    pub slow_log: Option<Duration>,
    /// After how many requests the worker asks to be replaced; `None`: never.
    pub max_requests: Option<u64>,
    /// Up to so many more, drawn in each worker.
    pub max_requests_jitter: u64,
    /// How long a complete request may wait for a Python thread before it is answered with 503; `None` for ever.
    pub queue_timeout: Option<Duration>,
    /// Requests at most that wait for a Python thread; those that come beyond are answered with 503.
    pub queue_size: usize,
    /// Opens the log files of the server again, as `USR1` asks for; tells the log what it cannot open. The worker sees to those of
    /// the application.
    pub reopen_logs: fn(),
    /// How long the end may take.
    pub graceful_timeout: Duration,
    /// Called when the application has been loaded.
    pub loaded: fn(),
    /// The hooks of the settings file, of which `post_fork` has been called.
    pub hooks: Option<Hooks>,
    /// What is told in numbers.
    pub numbers: Numbers,
    /// How connections are served; whether the worker is well, and whoever logs and counts requests, is added here.
    pub http: rwsgi_http::Options,
    /// What of a Django site's settings is done without it.
    pub django: DjangoWishes,
    /// What the application is told.
    pub wsgi: rwsgi_wsgi::Options,
    /// Where requests are logged, if they are.
    pub access_log: Option<Box<dyn OpenAccessLog>>,
}

/// Begins the access log when the application has been loaded and its settings file has initialised the worker: what they do to
/// Python's loggers has a say in where requests are logged.
pub trait OpenAccessLog: Debug {
    /// Begins it; called once, on a thread that is attached to Python.
    ///
    /// # Errors
    /// When the system gives no thread.
    fn open(self: Box<Self>) -> std::io::Result<AccessLog>;
}

/// What a worker tells of itself and the others in numbers, beside what it answers at [`Place::metrics`].
#[derive(Debug, Default)]
pub struct Numbers {
    /// Who is told of each request.
    pub statsd: Option<Arc<Statsd>>,
    /// The path under which it says how the server is.
    pub health_path: Option<String>,
}

/// What a worker got from its master.
#[derive(Debug)]
pub struct Place {
    /// Where connections come from.
    pub listeners: Vec<Listener>,
    /// Where it sends clients to the first of these, over HTTPS.
    pub redirecting: Vec<Listener>,
    /// Where it answers in numbers. Without any of them nothing is measured for that.
    pub metrics: Vec<Listener>,
    /// The life signs of all workers.
    pub scoreboard: Arc<Scoreboard>,
    /// This worker's place in it.
    pub slot: usize,
    /// How to tell the master.
    pub status: Status,
    /// How to learn that the master is gone.
    pub lifeline: LifelineEnd,
}

/// What can keep a worker from serving, besides the application.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Python of ours failed.
    #[error(transparent)]
    Python(#[from] rwsgi_wsgi::Error),
    /// The application could not be loaded.
    #[error(transparent)]
    Load(Box<LoadError>),
    /// A system call failed.
    #[error(transparent)]
    System(#[from] rwsgi_os::Error),
    /// The system has no descriptors left for the loop.
    #[error("cannot start the event loop")]
    Runtime(#[source] std::io::Error),
    /// The system has no thread left.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
}

/// Hands requests from the loop to the Python threads.
#[derive(Debug)]
struct ToPython(&'static Crew);

impl Handler for ToPython {
    fn call(&self, exchange: Box<Exchange>) {
        self.0.enqueue(exchange);
    }
}

/// Runs a worker on the calling thread, which is attached to Python. How it ended becomes its exit code.
///
/// # Errors
/// What kept it from serving, other than the application: that is explained in the log.
pub fn run(mut place: Place, source: Source, options: Options) -> Result<ExitReason, Error> {
    rwsgi_os::guard_descendants()?;
    let guard = |listeners: &mut Vec<_>| mem::take(listeners).into_iter().map(Guarded::from).collect();
    let sockets = Sockets {
        serving: guard(&mut place.listeners),
        redirecting: guard(&mut place.redirecting),
        metrics: guard(&mut place.metrics),
    };
    rwsgi_wsgi::run_python(|| {
        tracing::info!("Booting worker with pid: {}", std::process::id());
        match source.load() {
            Ok(application) => {
                (options.loaded)();
                serve(place, sockets, options, application)
            }
            Err(Error::Load(error)) => Ok(explain(&error)),
            Err(error) => Err(error),
        }
    })
}

/// The listeners, by what they are for.
struct Sockets {
    serving: Vec<Guarded>,
    redirecting: Vec<Guarded>,
    metrics: Vec<Guarded>,
}

fn serve(
    place: Place,
    sockets: Sockets,
    mut options: Options,
    application: Application,
) -> Result<ExitReason, Error> {
    // They live as long as the process: threads that cannot be joined may still use them at its end.
    let application: &'static Application = Box::leak(Box::new(application));
    let measures = !sockets.metrics.is_empty();
    let (scoreboard, log) = (Arc::clone(&place.scoreboard), Arc::new(OnceLock::new()));
    let (orders, received) = mpsc::unbounded_channel();
    let stacks = StackDump::register(STACK_SIGNAL as i32)?;
    let crew: &'static Crew = Box::leak(Box::new(Crew::new(
        runtime(Arc::clone(&log), (Arc::clone(&place.scoreboard), place.slot), measures)?,
        &options,
        (place.scoreboard, place.slot, measures),
        (stacks, orders),
    )));
    rwsgi_wsgi::allow_interrupts(WAKE_SIGNAL as i32, options.timeout)?;
    let Some(signals) = initialise(crew, application)? else { return Ok(ExitReason::BootFailed) };
    let opened = options.access_log.take().map(|log| log.open()).transpose().map_err(Error::Thread)?;
    let access_log = opened.map(|opened| log.get_or_init(|| opened).clone());
    tell_numbers(&mut options, (scoreboard, place.slot), (measures, access_log.clone()));
    let admission = Arc::new(Admission::new(&options));
    let health = options.http.health.clone();
    let is_first = crew.scoreboard().speak_for(crew.slot().generation());
    django::obey(&mut options.http, (application, &options.django), is_first);
    // After the application has been loaded, which frees much that nobody will want again. Beside the Python threads the stand-in
    // takes memory for bodies.
    rwsgi_os::keep_memory(options.threads + 1);
    let redirect = (!sockets.redirecting.is_empty()).then(|| Redirect::server(&options.http));
    let server = Server::new(ToPython(crew), options.http);
    let _inside = crew.runtime.enter();
    let (doors, opened) = watch::channel(Doors::Open);
    let entrance =
        Entrance { crew, server: Arc::clone(&server), limit: options.connections as u64, admission };
    let monitor = open(sockets, (&entrance, redirect.as_ref()), (health, opened));
    tokio::spawn(obey_signals(crew, signals));
    tokio::spawn(watch_lifeline(crew, place.lifeline));
    let leaving = Leaving {
        crew,
        server,
        redirect,
        doors,
        monitor,
        status: place.status,
        access_log: access_log.clone(),
        graceful_timeout: options.graceful_timeout,
    };
    crew.slot().set_stage(Stage::Ready);
    // The master first: whoever reads the line may kill this worker, which must not look like a failure to boot then.
    leaving.status.ready();
    tracing::info!("Worker ready (pid: {})", std::process::id());
    tokio::spawn(leaving.run(received));
    run_members(crew, application, &options.wsgi)?;
    // Python's loggers may have to make records of them.
    rwsgi_wsgi::detached(|| access_log.into_iter().for_each(|log| log.flush(LAST_LINES)));
    Ok(crew.exit())
}

/// Opens the doors. Whoever answers at those of the metrics.
fn open(
    sockets: Sockets,
    (entrance, redirect): (&Entrance<ToPython>, Option<&Arc<Server<Redirect>>>),
    (health, opened): (Option<Health>, watch::Receiver<Doors>),
) -> Arc<Monitor> {
    let door = |listener| Arc::new(Door::from(listener));
    let doors: Vec<Arc<Door>> = sockets.serving.into_iter().map(door).collect();
    let monitor = Monitor::new(entrance.crew, health, &doors);
    for door in sockets.metrics.into_iter().map(door) {
        tokio::spawn(Arc::clone(&monitor).answer(door, opened.clone()));
    }
    if let Some(redirect) = redirect {
        let port = doors.iter().find_map(|door| door.port());
        port.into_iter().for_each(|port| redirect.handler().lead_to(port));
        for door in sockets.redirecting.into_iter().map(door) {
            tokio::spawn(accept(door, entrance.to(redirect), opened.clone()));
        }
    }
    for door in doors {
        tokio::spawn(accept(door, entrance.clone(), opened.clone()));
    }
    monitor
}

/// Adds to the options who is told of requests, and what the scoreboard is needed for.
fn tell_numbers(
    options: &mut Options,
    (scoreboard, slot): (Arc<Scoreboard>, usize),
    (measures, access_log): (bool, Option<AccessLog>),
) {
    let Numbers { statsd, health_path } = mem::take(&mut options.numbers);
    let meter = RequestMeter::wanted((Arc::clone(&scoreboard), slot), measures, statsd);
    options.http.journal = Journal::wanted(Journal { access_log, meter });
    options.http.protection.table = Some(Arc::new(SharedRates(Arc::clone(&scoreboard))));
    options.http.health = health_path.map(|path| {
        Health::new(path, move || scoreboard.ready_workers() > 0 && !scoreboard.slot(slot).is_ending())
    });
}

fn run_members(
    crew: &'static Crew,
    application: &'static Application,
    wsgi: &rwsgi_wsgi::Options,
) -> Result<(), Error> {
    thread::Builder::new()
        .name("rwsgi-stand-in".to_owned())
        .spawn(move || stand_in::watch(crew))
        .map_err(Error::Thread)?;
    for number in 1..crew.members.len() {
        let mut bridge = bridge(crew, application, (wsgi, number))?;
        rwsgi_wsgi::spawn(&thread_name(number), move || member::serve(crew, number, &mut bridge))?;
    }
    member::serve(crew, 0, &mut bridge(crew, application, (wsgi, 0))?);
    Ok(())
}

fn bridge(
    crew: &'static Crew,
    application: &'static Application,
    (wsgi, number): (&rwsgi_wsgi::Options, usize),
) -> Result<Bridge<'static>, Error> {
    let deadline = Box::new(MemberDeadline { crew, number });
    Ok(Bridge::new(application, wsgi, deadline)?.with_hooks(crew.hooks.as_ref())?)
}

/// The loop: it lets go of the GIL while it sleeps, and before has the access log written and all connections watched.
fn runtime(
    access_log: Arc<OnceLock<AccessLog>>,
    place: (Arc<Scoreboard>, usize),
    measures: bool,
) -> Result<(Runtime, Arc<Newcomers>), Error> {
    let (scoreboard, slot) = place;
    let newcomers = Arc::new(Newcomers::default());
    let waiting = Arc::clone(&newcomers);
    let mut builder = Builder::new_current_thread();
    let awake = Arc::clone(&scoreboard);
    builder.on_thread_unpark(move || {
        let slot = awake.slot(slot);
        // Before the GIL is taken, for which it may have to wait for too long.
        slot.asleep.store(0);
        if measures { resume_measured(slot) } else { rwsgi_wsgi::resume() }
    });
    let runtime = builder
        .enable_io()
        .enable_time()
        .max_blocking_threads(DISK_THREADS)
        .on_thread_park(move || {
            let slot = scoreboard.slot(slot);
            // A turn in which there was nothing for whoever drives is one too.
            slot.turns.advance();
            if waiting.watch_all() {
                // They have something to do first.
                return;
            }
            access_log.get().into_iter().for_each(AccessLog::kick);
            rwsgi_wsgi::park();
            slot.asleep.store(1);
        })
        .build()
        .map_err(Error::Runtime)?;
    Ok((runtime, newcomers))
}

/// Calls `post_worker_init`, and takes the signals; `None` if the hook failed.
fn initialise(crew: &'static Crew, application: &Application) -> Result<Option<Signals>, Error> {
    let signals = take_signals()?;
    let Some(hooks) = &crew.hooks else { return Ok(Some(signals)) };
    // With the signals taken: a worker in which this hook was called ends with `worker_exit`.
    if !hooks.post_worker_init(application, Arc::new(OfCrew(crew))) {
        return Ok(None);
    }
    // Again, for the hook may have taken some.
    let again = take_signals()?;
    signals.drain().into_iter().for_each(|signal| obey(crew, signal));
    Ok(Some(again))
}

/// Takes the GIL back, and counts how long that took.
fn resume_measured(slot: &Slot) {
    let begun = now();
    rwsgi_wsgi::resume();
    let waited = now().saturating_sub(begun);
    if waited > 0 {
        slot.counters.gil_micros.add_shared(waited);
    }
}

/// Takes the signals, also those that the application took while it was imported.
fn take_signals() -> Result<Signals, Error> {
    for signal in rwsgi_os::replaced_handlers().into_iter().filter(|signal| SIGNALS.contains(signal)) {
        tracing::warn!("the application's handler for {signal} is replaced: the server needs this signal");
    }
    Ok(Signals::install(&SIGNALS)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_of_the_loop_is_seen_in_the_scoreboard() {
        let scoreboard = Arc::new(Scoreboard::new(2).unwrap());
        let turns = || scoreboard.slot(1).turns.load();
        let (runtime, _) = runtime(Arc::default(), (Arc::clone(&scoreboard), 1), false).unwrap();
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(1)).await });
        let before = turns();
        assert!(before > 0);
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(1)).await });
        assert!(turns() > before);
        assert_eq!(scoreboard.slot(0).turns.load(), 0);
    }

    #[test]
    fn a_loop_that_sleeps_says_so() {
        let scoreboard = Arc::new(Scoreboard::new(1).unwrap());
        let (runtime, _) = runtime(Arc::default(), (Arc::clone(&scoreboard), 0), true).unwrap();
        let board = Arc::clone(&scoreboard);
        let look = move || {
            let limit = std::time::Instant::now() + Duration::from_secs(30);
            while board.slot(0).asleep.load() == 0 && std::time::Instant::now() < limit {
                thread::yield_now();
            }
            board.slot(0).asleep.load()
        };
        let seen = runtime.block_on(async { tokio::task::spawn_blocking(look).await });
        assert_eq!((seen.unwrap(), scoreboard.slot(0).asleep.load()), (1, 0));
    }
}
