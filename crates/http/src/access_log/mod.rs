//! The access log: a format compiled once, a line for each request, a thread that writes.

mod atom;
mod clock;
mod format;
mod json;
mod line;
mod padding;
mod writer;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use crate::journal::Finished;
use crate::record::Shown;

pub(crate) use format::Captures;
pub use format::Format;

use atom::Request;
use format::Layout;

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

    pub(crate) fn captures(&self) -> &Captures {
        &self.0.format.captures
    }

    pub(crate) fn write(&self, finished: &Finished<'_>, shown: &Shown) {
        self.0.writer.append(|out| self.0.format.write(finished, shown, out));
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

impl Format {
    /// Appends the line of a request, with its end.
    pub(crate) fn write(&self, finished: &Finished<'_>, shown: &Shown, out: &mut Vec<u8>) {
        let Self { layout, captures } = self;
        let request = Request { finished, shown, captures };
        match layout {
            Layout::Pieces(pieces) => line::write(pieces, request, out),
            Layout::Json => json::write(request, out),
            Layout::Python => json::write_for_python(request, out),
        }
        out.push(b'\n');
    }
}
