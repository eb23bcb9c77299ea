//! Loading the application: in the worker that will serve it, or once in a process that is then forked (`--preload`).

use std::collections::HashSet;
use std::fs;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;

use rwsgi_os::{ExitReason, exit_now};
use rwsgi_wsgi::{Application, LoadError};

use crate::Error;

/// What is loaded, and into what.
#[derive(Debug)]
pub struct PreloadOptions {
    /// The application, for example `mysite.wsgi:application`.
    pub application: String,
    /// Put in front of `sys.path`, the first foremost.
    pub paths: Vec<PathBuf>,
    /// Set in `os.environ`.
    pub environment: Vec<(String, String)>,
    /// Where Python's stacks are written when the process crashes, from before the application is loaded: a process that
    /// hangs in an import can be asked by `ABRT` where. An application that enables `faulthandler` itself goes before.
    pub crash_log: Option<BorrowedFd<'static>>,
}

/// Where a worker has its application from.
#[derive(Debug)]
pub enum Source {
    /// It loads it.
    Load(PreloadOptions),
    /// It was loaded before the worker was forked.
    Preloaded(Preloaded),
}

impl Source {
    pub(crate) fn load(self) -> Result<Application, Error> {
        match self {
            Self::Load(options) => Ok(preload(&options)?.0),
            Self::Preloaded(preloaded) => Ok(preloaded.0),
        }
    }
}

/// An application that is loaded and not served yet.
#[derive(Debug)]
pub struct Preloaded(Application);

/// Loads the application on the calling thread, which is attached to Python.
///
/// # Errors
/// [`Error::Load`] when it is the application's fault, for [`explain`]; else what failed of our own.
pub fn preload(options: &PreloadOptions) -> Result<Preloaded, Error> {
    rwsgi_wsgi::set_environment(&options.environment)?;
    rwsgi_wsgi::prepend_paths(&options.paths)?;
    rwsgi_wsgi::publish_request_timeout()?;
    options.crash_log.map_or(Ok(()), rwsgi_wsgi::dump_crashes)?;
    let loaded = Application::load(&options.application);
    if rwsgi_os::is_descendant() {
        // A process that the application has forked comes back as well as the one that it was forked from, and is not to serve.
        let reason = loaded.map_or_else(|error| explain(&error), |_| ExitReason::Ok);
        rwsgi_wsgi::end_descendant(reason.code().into())?;
        exit_now(reason);
    }
    loaded.map(Preloaded).map_err(|error| Error::Load(Box::new(error)))
}

/// Tells the log why an application could not be loaded. How the process is to end.
pub fn explain(error: &LoadError) -> ExitReason {
    if let Some(traceback) = &error.traceback {
        tracing::error!("Exception in worker process\n{traceback}");
    }
    tracing::error!("{error}");
    if let Some(hint) = &error.hint {
        tracing::error!("hint: {hint}");
    }
    ExitReason::AppLoadFailed
}

impl Preloaded {
    /// Calls the application with a `GET` of each path, so that what it does once is done before the fork. An error that it answers or
    /// raises is a `WARNING`.
    ///
    /// # Errors
    /// Out of memory.
    pub fn warm(&self, paths: &[String], wsgi: &rwsgi_wsgi::Options) -> Result<(), Error> {
        Ok(self.0.rehearse(paths, wsgi)?)
    }

    /// To be called last before the fork: closes Django's database connections, lets the garbage collector forget what
    /// lives, and gives free memory back to the system.
    ///
    /// # Errors
    /// The Python exception, should `gc` refuse.
    pub fn settle(&self) -> Result<(), Error> {
        rwsgi_wsgi::settle()?;
        rwsgi_os::release_memory();
        Ok(())
    }

    /// The threads beside this one, which a fork would not copy: `sentry-worker (Python)` for those that `threading` knows,
    /// `grpc_poller (native)`, by their names in the kernel, for the others.
    ///
    /// # Errors
    /// The Python exception, should the application have put something else into the list of threads.
    pub fn threads(&self) -> Result<Vec<String>, Error> {
        let known = rwsgi_wsgi::python_threads()?;
        let mut names: Vec<String> = known.iter().map(|thread| format!("{} (Python)", thread.name)).collect();
        let mut seen: HashSet<u32> = known.iter().filter_map(|thread| thread.id).collect();
        seen.insert(std::process::id());
        names.extend(
            tasks()
                .filter(|(id, _)| !seen.contains(id))
                .map(|(_, name)| format!("{} (native)", name.trim_end())),
        );
        Ok(names)
    }
}

/// All threads of this process that have not ended meanwhile: number and name.
fn tasks() -> impl Iterator<Item = (u32, String)> {
    let entries = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let id = entry.file_name().to_str()?.parse().ok()?;
        Some((id, fs::read_to_string(entry.path().join("comm")).ok()?))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    #[test]
    fn threads_that_python_does_not_know_have_the_names_of_the_kernel() {
        let (begin, begun) = channel();
        let (end, ended) = channel::<()>();
        let other = thread::Builder::new().name("a_poller".to_owned());
        let other = other.spawn(move || {
            begin.send(()).unwrap();
            let _ = ended.recv();
        });
        begun.recv().unwrap();
        assert!(tasks().any(|(_, name)| name == "a_poller\n"));
        assert!(tasks().any(|(id, _)| id == std::process::id()));
        drop(end);
        other.unwrap().join().unwrap();
    }
}
