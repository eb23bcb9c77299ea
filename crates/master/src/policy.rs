use std::time::Duration;

/// How the workers of one generation are supervised. Comes anew with every reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How many workers serve (Gunicorn's `workers`), before `TTIN` and `TTOU`; 0 counts as 1.
    pub workers: usize,
    /// How long a worker may take to finish what it has before it is killed (Gunicorn's `graceful_timeout`).
    pub graceful_timeout: Duration,
    /// How long a worker's loop may show no sign of life before it is aborted; `None` for ever.
    pub silence: Option<Duration>,
    /// How long an aborted worker may take to end before it is killed.
    pub kill_after: Duration,
    /// How long a worker, or the mold, may take to load the application; `None` for ever.
    pub boot_timeout: Option<Duration>,
    /// How many workers more than wanted a reload may have at a time.
    pub surge: usize,
    /// How many workers fewer than wanted a reload may have at a time.
    pub max_unavailable: usize,
    /// The age at which a worker is replaced, and how much more it may be by chance.
    pub lifetime: Option<(Duration, Duration)>,
    /// The resident memory, in bytes, from which on a worker is replaced.
    pub memory: Option<u64>,
    /// Whether workers are forked from a mold, which has loaded the application, or has executed a settings file, or both.
    pub mold: bool,
    /// Whether the mold is told of occasions: the settings file defines server hooks. Only with a mold that has sent its settings.
    pub attended: bool,
    /// Whether a server whose application does not load at the start waits for a reload instead of ending
    /// (`--reload`).
    pub patient: bool,
}
