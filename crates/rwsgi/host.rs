//! What the two hosts do differently: how Python comes to be, and what it wants round a fork.

use rwsgi_os::{ForkHooks, NoHooks};
use rwsgi_wsgi::Embedding;

/// Where the program lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// In a binary of its own: the master is pure Rust, each worker starts CPython for itself.
    Native,
    /// In the user's `python`, as an extension module: CPython is there from the start.
    Extension,
}

/// Tells the CPython that is there of the fork.
#[derive(Debug)]
struct PythonHooks;

impl ForkHooks for PythonHooks {
    fn before(&self) {
        rwsgi_wsgi::resume();
        rwsgi_wsgi::before_fork();
    }

    fn parent(&self) {
        rwsgi_wsgi::after_in_parent();
        rwsgi_wsgi::park();
    }

    fn child(&self) {
        rwsgi_wsgi::after_in_child();
    }
}

impl Host {
    pub(crate) fn fork_hooks(self) -> Box<dyn ForkHooks> {
        match self {
            Self::Native => Box::new(NoHooks),
            Self::Extension => Box::new(PythonHooks),
        }
    }

    /// Runs the master: with the GIL released, but for the forks. In a forked worker it is held on return.
    pub(crate) fn without_python<T>(self, master: impl FnOnce() -> T) -> T {
        match self {
            Self::Native => master(),
            Self::Extension => Self::parked(master),
        }
    }

    /// Runs what waits and forks in a process where Python is, on the thread that is attached to it: with the GIL released, but for
    /// the forks. In a forked process it is held on return.
    pub(crate) fn parked<T>(work: impl FnOnce() -> T) -> T {
        rwsgi_wsgi::run_python(|| {
            rwsgi_wsgi::park();
            let result = work();
            rwsgi_wsgi::resume();
            result
        })
    }

    /// What Python wants to be told round a fork, in a process where it is.
    pub(crate) fn python_hooks() -> &'static dyn ForkHooks {
        &PythonHooks
    }

    /// In a worker: starts Python if this process has none.
    pub(crate) fn start_python(self, embedding: Option<&Embedding>) -> Result<(), rwsgi_wsgi::Error> {
        match embedding {
            Some(embedding) if self == Self::Native => rwsgi_wsgi::boot(embedding),
            _ => Ok(()),
        }
    }

    /// In a worker: the variables that are for the master alone. A Python that was there before has read them.
    pub(crate) fn forget_variables(self) -> Result<(), rwsgi_wsgi::Error> {
        match self {
            Self::Native => Ok(()),
            Self::Extension => rwsgi_wsgi::unset_environment(rwsgi_os::private_variables()),
        }
    }

    /// In a worker, at its end. The wheel's `python` ends itself.
    pub(crate) fn end_python(self) {
        if self == Self::Native && !rwsgi_wsgi::finalize() {
            tracing::warn!("Python could not flush its output at the end");
        }
    }
}
