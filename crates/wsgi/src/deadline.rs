//! `environ['rwsgi.deadline']`: what an application may know and change of the time that its request has.

use std::fmt::Debug;
use std::time::Duration;

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::{PyErr, PyResult, pyclass, pymethods};

/// The time of the requests that one Python thread runs, one after the other.
pub trait Deadline: Debug + Send + Sync {
    /// How long the request may still run; `None` without a limit, zero when it is over its time.
    ///
    /// # Errors
    /// [`NoTime::Idle`]
    fn remaining(&self) -> Result<Option<Duration>, NoTime>;

    /// Lets the request run this much longer.
    ///
    /// # Errors
    /// [`NoTime`]
    fn extend(&self, by: Duration) -> Result<(), NoTime>;
}

/// Why there is no time to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTime {
    /// The object was kept for longer than its request.
    #[error("no request runs in the thread that this deadline belongs to")]
    Idle,
    /// The client has got its 504.
    #[error("the request is over its time already")]
    Over,
}

impl From<NoTime> for PyErr {
    fn from(reason: NoTime) -> Self {
        PyRuntimeError::new_err(reason.to_string())
    }
}

/// A request that may run for ever.
#[derive(Debug)]
pub(crate) struct Unlimited;

impl Deadline for Unlimited {
    fn remaining(&self) -> Result<Option<Duration>, NoTime> {
        Ok(None)
    }

    fn extend(&self, _: Duration) -> Result<(), NoTime> {
        Ok(())
    }
}

/// The object in environ: the same one for all requests of a thread, so that a request costs nothing.
#[pyclass(frozen, module = "rwsgi", name = "Deadline")]
pub(crate) struct DeadlineObject(pub(crate) Box<dyn Deadline>);

#[pymethods]
impl DeadlineObject {
    /// Seconds until the request is over its time; `None` without a limit.
    fn remaining(&self) -> PyResult<Option<f64>> {
        Ok(self.0.remaining()?.map(|left| left.as_secs_f64()))
    }

    /// Lets the request run for so many seconds more.
    fn extend(&self, seconds: f64) -> PyResult<()> {
        let by = Duration::try_from_secs_f64(seconds).map_err(|_| {
            PyValueError::new_err(format!("expected a number of seconds, 0 or more, not {seconds}"))
        })?;
        Ok(self.0.extend(by)?)
    }
}
