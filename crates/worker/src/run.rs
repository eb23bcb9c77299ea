//! The story of a worker: load the application, open the doors, serve, leave.

use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rwsgi_http::{AccessLog, Exchange, Handler, Server};
use rwsgi_os::{ExitReason, LifelineEnd, Listener, Scoreboard, Signal, Signals, Stage, Status};
use rwsgi_wsgi::{Application, Bridge, LoadError, StackDump};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};

use crate::accept::{Doors, Entrance, accept};
use crate::admission::Admission;
use crate::crew::Crew;
use crate::member;
use crate::shutdown::{LAST_LINES, Leaving, obey_signals, watch_lifeline};
use crate::stand_in;

/// The signal by which a thread is asked for its Python stack: Linux has no other use for it.
pub(crate) const STACK_SIGNAL: Signal = Signal::SIGSTKFLT;

/// The signals that a worker handles; the others that a supervisor may send by mistake do nothing.
const SIGNALS: [Signal; 6] =
    [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2];

/// How a worker serves.
#[derive(Debug)]
pub struct Options {
    /// The application, for example `mysite.wsgi:application`.
    pub application: String,
    /// Put in front of `sys.path`, the first foremost.
    pub paths: Vec<PathBuf>,
    /// Set in `os.environ`.
    pub environment: Vec<(String, String)>,
    /// Python threads that run the application.
    pub threads: usize,
    /// Connections at most.
    pub connections: usize,
    /// Connections at most from one IPv4 address or IPv6 network of 64 bits, over all workers; `None`: any number.
    pub connections_per_address: Option<usize>,
    /// How long a request may run.
    pub timeout: Option<Duration>,
    /// How long a complete request may wait for a Python thread before it is answered with 503; `None` for ever.
    pub queue_timeout: Option<Duration>,
    /// Requests at most that wait for a Python thread; those that come beyond are answered with 503.
    pub queue_size: usize,
    /// Where Python's stacks are written when the process crashes.
    pub crash_log: Option<BorrowedFd<'static>>,
    /// How long the end may take.
    pub graceful_timeout: Duration,
    /// Called when the application has been loaded.
    pub loaded: fn(),
    /// How connections are served.
    pub http: rwsgi_http::Options,
    /// What the application is told.
    pub wsgi: rwsgi_wsgi::Options,
}

/// What a worker got from its master.
#[derive(Debug)]
pub struct Place {
    /// Where connections come from.
    pub listeners: Vec<Listener>,
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
    fn call(&self, exchange: Exchange) {
        self.0.enqueue(Box::new(exchange));
    }
}

/// Runs a worker on the calling thread, which is attached to Python. How it ended becomes its exit code.
///
/// # Errors
/// What kept it from serving, other than the application: that is explained in the log.
pub fn run(place: Place, options: Options) -> Result<ExitReason, Error> {
    rwsgi_wsgi::run_python(|| {
        tracing::info!("Booting worker with pid: {}", std::process::id());
        match load(&options) {
            Ok(application) => serve(place, options, application),
            Err(Failed::Load(error)) => Ok(explain(&error)),
            Err(Failed::Boot(error)) => Err(error),
        }
    })
}

enum Failed {
    Load(LoadError),
    Boot(Error),
}

fn load(options: &Options) -> Result<Application, Failed> {
    let boot = |error: rwsgi_wsgi::Error| Failed::Boot(error.into());
    rwsgi_wsgi::set_environment(&options.environment).map_err(boot)?;
    rwsgi_wsgi::prepend_paths(&options.paths).map_err(boot)?;
    let application = Application::load(&options.application).map_err(Failed::Load)?;
    (options.loaded)();
    Ok(application)
}

fn explain(error: &LoadError) -> ExitReason {
    if let Some(traceback) = &error.traceback {
        tracing::error!("Exception in worker process\n{traceback}");
    }
    tracing::error!("{error}");
    if let Some(hint) = &error.hint {
        tracing::error!("hint: {hint}");
    }
    ExitReason::AppLoadFailed
}

fn serve(place: Place, options: Options, application: Application) -> Result<ExitReason, Error> {
    // They live as long as the process: threads that cannot be joined may still use them at its end.
    let application: &'static Application = Box::leak(Box::new(application));
    let access_log = options.http.access_log.clone();
    let (orders, received) = mpsc::unbounded_channel();
    let stacks = StackDump::register(STACK_SIGNAL as i32)?;
    let crew: &'static Crew = Box::leak(Box::new(Crew::new(
        runtime(access_log.clone())?,
        &options,
        (place.scoreboard, place.slot),
        (stacks, orders),
    )));
    let admission = Arc::new(Admission::new(&options));
    let server = Server::new(ToPython(crew), options.http);
    let signals = take_signals()?;
    rwsgi_os::guard_descendants()?;
    options.crash_log.map_or(Ok(()), rwsgi_wsgi::dump_crashes)?;
    let _inside = crew.runtime.enter();
    let (doors, opened) = watch::channel(Doors::Open);
    let entrance =
        Entrance { crew, server: Arc::clone(&server), limit: options.connections as u64, admission };
    for listener in place.listeners {
        tokio::spawn(accept(listener.into_socket(), entrance.clone(), opened.clone()));
    }
    drop(opened);
    tokio::spawn(obey_signals(crew, signals));
    tokio::spawn(watch_lifeline(crew, place.lifeline));
    let leaving = Leaving {
        crew,
        server,
        doors,
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
    access_log.into_iter().for_each(|log| log.flush(LAST_LINES));
    Ok(crew.exit())
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
        let mut bridge = Bridge::new(application, wsgi)?;
        rwsgi_wsgi::spawn(&format!("rwsgi-{number}"), move || member::serve(crew, number, &mut bridge))?;
    }
    let mut bridge = Bridge::new(application, wsgi)?;
    member::serve(crew, 0, &mut bridge);
    Ok(())
}

/// The loop: it lets go of the GIL while it sleeps, and has the access log written before.
fn runtime(access_log: Option<AccessLog>) -> Result<Runtime, Error> {
    Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .on_thread_park(move || {
            access_log.iter().for_each(AccessLog::kick);
            rwsgi_wsgi::park();
        })
        .on_thread_unpark(rwsgi_wsgi::resume)
        .build()
        .map_err(Error::Runtime)
}

/// Takes the signals, also those that the application took while it was imported.
fn take_signals() -> Result<Signals, Error> {
    for signal in rwsgi_os::replaced_handlers().into_iter().filter(|signal| SIGNALS.contains(signal)) {
        tracing::warn!("the application's handler for {signal} is replaced: the server needs this signal");
    }
    Ok(Signals::install(&SIGNALS)?)
}
