//! The names of the hooks.

/// A hook of Gunicorn's that this server calls; `ssl_context` is none of them, since TLS is not Python's here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// `on_starting(server)`: before the sockets are bound.
    OnStarting,
    /// `on_reload(server)`: before the workers of a reload are forked.
    OnReload,
    /// `when_ready(server)`: before the first worker is forked.
    WhenReady,
    /// `nworkers_changed(server, new, old)`.
    NworkersChanged,
    /// `pre_fork(server, worker)`.
    PreFork,
    /// `post_fork(server, worker)`, in the worker.
    PostFork,
    /// `post_worker_init(worker)`: the application is loaded.
    PostWorkerInit,
    /// `worker_int(worker)`: INT or QUIT has come.
    WorkerInt,
    /// `worker_abort(worker)`: the worker is given up.
    WorkerAbort,
    /// `pre_request(worker, req)`.
    PreRequest,
    /// `post_request(worker, req, environ, resp)`, the last two of them only if it takes them.
    PostRequest,
    /// `child_exit(server, worker)`, in the process of the server's hooks.
    ChildExit,
    /// `worker_exit(server, worker)`, in the worker.
    WorkerExit,
    /// `pre_exec(server)`: before `USR2` starts another server.
    PreExec,
    /// `on_exit(server)`: last of all.
    OnExit,
}

impl Hook {
    /// All of them, in the order of Gunicorn's documentation.
    pub const ALL: [Self; 15] = [
        Self::OnStarting,
        Self::OnReload,
        Self::WhenReady,
        Self::PreFork,
        Self::PostFork,
        Self::PostWorkerInit,
        Self::WorkerInt,
        Self::WorkerAbort,
        Self::PreExec,
        Self::PreRequest,
        Self::PostRequest,
        Self::ChildExit,
        Self::WorkerExit,
        Self::NworkersChanged,
        Self::OnExit,
    ];

    /// The name of its setting.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OnStarting => "on_starting",
            Self::OnReload => "on_reload",
            Self::WhenReady => "when_ready",
            Self::NworkersChanged => "nworkers_changed",
            Self::PreFork => "pre_fork",
            Self::PostFork => "post_fork",
            Self::PostWorkerInit => "post_worker_init",
            Self::WorkerInt => "worker_int",
            Self::WorkerAbort => "worker_abort",
            Self::PreRequest => "pre_request",
            Self::PostRequest => "post_request",
            Self::ChildExit => "child_exit",
            Self::WorkerExit => "worker_exit",
            Self::PreExec => "pre_exec",
            Self::OnExit => "on_exit",
        }
    }

    /// Whether it is called in the process of the server's hooks, not in the worker.
    #[must_use]
    pub const fn is_of_server(self) -> bool {
        matches!(
            self,
            Self::OnStarting
                | Self::OnReload
                | Self::WhenReady
                | Self::NworkersChanged
                | Self::PreFork
                | Self::ChildExit
                | Self::PreExec
                | Self::OnExit
        )
    }

    pub(crate) const fn bit(self) -> u16 {
        1 << self as u16
    }
}
