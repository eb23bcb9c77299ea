//! The access log: a format compiled once, a line for each request, a thread that writes.

mod format;
mod line;
mod writer;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use http::request;

use crate::Peer;

pub use format::Format;
pub(crate) use line::Line;

/// Where requests are logged. Cloning it gives another handle to the same log.
#[derive(Clone, Debug)]
pub struct AccessLog(Arc<Log>);

#[derive(Debug)]
struct Log {
    format: Format,
    writer: writer::Writer,
}

impl AccessLog {
    /// Starts a log that is written to `file` by a thread of its own, so that a file that cannot be written never
    /// delays a request. Lines are written whole and in one piece as far as the system takes them: whoever opens another file
    /// behind its descriptor loses none.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(format: Format, file: impl Write + Send + 'static) -> std::io::Result<Self> {
        Ok(Self(Arc::new(Log { format, writer: writer::Writer::start(file)? })))
    }

    pub(crate) fn begin(&self, head: &request::Parts, peer: &Arc<Peer>) -> Box<Line> {
        Line::begin(self.clone(), head, peer)
    }

    fn format(&self) -> &Format {
        &self.0.format
    }

    fn append(&self, write: impl FnOnce(&mut Vec<u8>)) {
        self.0.writer.append(write);
    }

    /// Wakes the writer when there are lines. Called once for many requests: waking a thread costs a system call.
    pub fn kick(&self) {
        self.0.writer.kick();
    }

    /// Waits until all lines are written, but no longer than `limit`.
    pub fn flush(&self, limit: Duration) {
        self.0.writer.flush(limit);
    }
}
