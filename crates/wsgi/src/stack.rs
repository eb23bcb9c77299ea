//! The Python stack of a thread that is stuck or crashes, read without its help and without the GIL.
//!
//! `faulthandler.register` installs a C handler that writes the stack of the thread on which the signal arrives; it
//! works while a C call holds the GIL. The text comes through a pipe, so that it ends up in the log like any other.

use std::fs::File;
use std::io::{PipeReader, Read, pipe};
use std::os::fd::{AsRawFd, BorrowedFd};

use pyo3::types::{PyAnyMethods, PyDict, PyModule};
use pyo3::{PyResult, Python};

use crate::Error;

/// Lets CPython write the Python stacks of all threads to `log` when the process crashes (SIGSEGV, SIGABRT and the like),
/// unless the application has chosen another place.
///
/// # Errors
/// When `faulthandler` refuses.
pub fn dump_crashes(log: BorrowedFd<'static>) -> Result<(), Error> {
    Python::attach(|py| -> PyResult<()> {
        let faulthandler = PyModule::import(py, "faulthandler")?;
        if !faulthandler.call_method0("is_enabled")?.is_truthy()? {
            faulthandler.call_method1("enable", (log.as_raw_fd(),))?;
        }
        Ok(())
    })
    .map_err(|error| Error::python("enable faulthandler", &error))
}

/// Takes [`dump_crashes`] back, so that another log can be chosen.
///
/// # Errors
/// When `faulthandler` refuses.
pub fn dump_no_crashes() -> Result<(), Error> {
    Python::attach(|py| PyModule::import(py, "faulthandler")?.call_method0("disable").map(drop))
        .map_err(|error| Error::python("disable faulthandler", &error))
}

/// Where the stacks arrive.
#[derive(Debug)]
pub struct StackDump {
    reader: PipeReader,
}

impl StackDump {
    /// Lets `signal`, when it is sent to a thread, make that thread's Python stack readable here.
    ///
    /// # Errors
    /// When there is no pipe to be had, or `faulthandler` refuses.
    pub fn register(signal: i32) -> Result<Self, Error> {
        let (reader, writer) = pipe().map_err(Error::Pipe)?;
        let writer = File::from(std::os::fd::OwnedFd::from(writer));
        Python::attach(|py| -> PyResult<()> {
            let options = PyDict::new(py);
            options.set_item("file", writer.as_raw_fd())?;
            options.set_item("all_threads", false)?;
            PyModule::import(py, "faulthandler")?.getattr("register")?.call((signal,), Some(&options))?;
            Ok(())
        })
        .map_err(|error| Error::python("register faulthandler", &error))?;
        // The handler writes to this descriptor for as long as the process lives.
        std::mem::forget(writer);
        Ok(Self { reader })
    }

    /// The pipe's reading end: poll it for a dump to arrive.
    #[must_use]
    pub fn reader(&self) -> &PipeReader {
        &self.reader
    }

    /// What the pipe holds now, oldest frame last as Python prints it; empty when the read would fail.
    #[must_use]
    pub fn read_some(&self) -> String {
        let mut buffer = [0; 8192];
        let length = (&self.reader).read(&mut buffer).unwrap_or_default();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }
}
