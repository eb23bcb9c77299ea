//! The part of an answer that memory has no room for: an unlinked temporary file, written at its end and sent from its
//! start.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Buf, Bytes};
use tokio::runtime::Handle;

use crate::FileSpan;

/// How much of the file is handed to the connection at once.
const PIECE: u64 = 1024 * 1024;
/// Freeing a file of this size takes long enough to be kept from the loop.
const LARGE: u64 = 16 * 1024 * 1024;

/// The disk took no more when it was last asked: said once, until it does again.
static IS_FULL: AtomicBool = AtomicBool::new(false);

/// The file.
#[derive(Debug)]
pub(crate) struct Overflow {
    file: Arc<File>,
    sent: u64,
    written: u64,
}

impl Overflow {
    /// A file without a name.
    pub(crate) fn create(folder: Option<&Path>) -> io::Result<Self> {
        let file = folder.map_or_else(tempfile::tempfile, tempfile::tempfile_in)?;
        Ok(Self { file: Arc::new(file), sent: 0, written: 0 })
    }

    /// The same file, to be written while this end is being sent.
    pub(crate) fn writer(&self) -> Self {
        Self { file: Arc::clone(&self.file), ..*self }
    }

    /// Goes on behind what `writer` has written.
    pub(crate) fn grow(&mut self, writer: &Self) {
        self.written = writer.written;
    }

    /// How many bytes it takes on disk.
    pub(crate) fn occupied(&self) -> u64 {
        if self.is_over() { 0 } else { self.written }
    }

    /// Whether everything has been handed to the connection.
    pub(crate) fn is_drained(&self) -> bool {
        self.sent == self.written
    }

    /// Whether nobody needs the file any more.
    pub(crate) fn is_over(&self) -> bool {
        self.is_drained() && Arc::strong_count(&self.file) == 1
    }

    /// The next part for the connection, on its way out until it is dropped.
    pub(crate) fn next(&mut self) -> Option<FileSpan> {
        let length = (self.written - self.sent).min(PIECE);
        let span = FileSpan { file: Arc::clone(&self.file), offset: self.sent, length };
        self.sent += length;
        (length > 0).then_some(span)
    }

    /// Appends `bytes`; what has been written is gone from them also when the disk is full.
    pub(crate) fn write(&mut self, bytes: &mut Bytes) -> io::Result<()> {
        while bytes.has_remaining() {
            match self.file.write_at(bytes, self.written) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    bytes.advance(count);
                    self.written += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Lets go of the file; the blocks of a large one are freed away from the loop.
    pub(crate) fn discard(self) {
        if self.written >= LARGE
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn_blocking(move || drop(self));
        }
    }
}

/// Tells the log when the disk takes no more, once for all answers.
pub(crate) fn report(written: &io::Result<()>) {
    match written {
        Ok(()) => IS_FULL.store(false, Ordering::Relaxed),
        Err(error) if !IS_FULL.swap(true, Ordering::Relaxed) => {
            tracing::error!("cannot keep an answer in a temporary file, so it waits for its client: {error}");
        }
        Err(_) => {}
    }
}
