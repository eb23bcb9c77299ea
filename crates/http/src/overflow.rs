//! The part of an answer that memory has no room for: a row of unlinked temporary files, the last one written and the
//! first one sent.
//!
//! A byte of a file is never changed or freed once it has been sent: sendfile(2) lends the socket the pages of the file, which
//! the client still has to read, so writing over them, or punching a hole that covers a part of a large page, would change
//! what arrives. Only a file as a whole can be given up, hence several of them.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Buf, Bytes};
use tokio::runtime::Handle;

use crate::FileSpan;
use crate::stream::Buffering;

/// How much of a file is handed to the connection at once.
const PIECE: u64 = 1024 * 1024;
/// Freeing a file of this size takes long enough to be kept from the loop.
const LARGE: u64 = 16 * 1024 * 1024;
/// What one answer may have on disk is divided into so many files: few descriptors, and little that has been sent but is
/// still there. Where there is no limit, they are as large as if it were this.
const SHARES: u64 = 16;
const UNLIMITED: u64 = 16 << 30;

/// The disk took no more when it was last asked: said once, until it does again.
static IS_FULL: AtomicBool = AtomicBool::new(false);

/// The files, in the order of what is in them.
#[derive(Debug, Default)]
pub(crate) struct Overflow {
    parts: VecDeque<Part>,
}

/// One file without a name.
#[derive(Debug)]
struct Part {
    file: Arc<File>,
    /// How much has been handed to the connection.
    sent: u64,
    written: u64,
}

/// How large each file may become.
fn share(buffering: &Buffering) -> u64 {
    (buffering.temp_max.unwrap_or(UNLIMITED) / SHARES).max(1)
}

impl Overflow {
    /// The last file, to be written while this end is being sent, and those that are added to it.
    pub(crate) fn writer(&self) -> Self {
        let last = |part: &Part| Part { file: Arc::clone(&part.file), ..*part };
        Self { parts: self.parts.back().map(last).into_iter().collect() }
    }

    /// Goes on behind what `writer` has written.
    pub(crate) fn grow(&mut self, writer: Self) {
        for part in writer.parts {
            match self.parts.back_mut() {
                Some(last) if Arc::ptr_eq(&last.file, &part.file) => last.written = part.written,
                _ => self.parts.push_back(part),
            }
        }
    }

    /// How many bytes there are on disk: a file counts until all of it has left.
    pub(crate) fn on_disk(&self) -> u64 {
        self.parts.iter().map(|part| part.written).sum()
    }

    /// Whether so many more bytes may be written. Of the first file, what has been sent is still on disk: one share is
    /// kept free for that, so that there is room as soon as enough has been sent, not only when a whole file has.
    pub(crate) fn has_room(&self, bytes: u64, buffering: &Buffering) -> bool {
        let waiting: u64 = self.parts.iter().map(|part| part.written - part.sent).sum();
        let taken = self.on_disk().max(waiting + share(buffering));
        buffering.temp_max.is_none_or(|most| taken + bytes <= most)
    }

    /// Whether everything has been handed to the connection.
    pub(crate) fn is_drained(&self) -> bool {
        self.parts.back().is_none_or(Part::is_drained)
    }

    /// The next part for the connection, on its way out until it is dropped.
    pub(crate) fn next(&mut self) -> Option<FileSpan> {
        let part = self.parts.iter_mut().find(|part| !part.is_drained())?;
        let length = (part.written - part.sent).min(PIECE);
        let span = FileSpan { file: Arc::clone(&part.file), offset: part.sent, length };
        part.sent += length;
        Some(span)
    }

    /// Appends `bytes`; what has been written is gone from them also when the disk is full.
    pub(crate) fn write(&mut self, bytes: &mut Bytes, buffering: &Buffering) -> io::Result<()> {
        let share = share(buffering);
        while bytes.has_remaining() {
            let part = match self.parts.back_mut() {
                Some(part) if part.written < share => part,
                _ => self.parts.push_back_mut(Part::create(buffering)?),
            };
            let room = usize::try_from(share - part.written).unwrap_or(usize::MAX);
            match part.file.write_at(&bytes[..bytes.len().min(room)], part.written) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    bytes.advance(count);
                    part.written += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Lets go of the files that nobody needs any more.
    pub(crate) fn release(&mut self) {
        while self.parts.front().is_some_and(Part::is_over) {
            self.parts.pop_front().into_iter().for_each(Part::discard);
        }
    }

    /// Lets go of all.
    pub(crate) fn discard(self) {
        self.parts.into_iter().for_each(Part::discard);
    }
}

impl Part {
    fn create(buffering: &Buffering) -> io::Result<Self> {
        let folder = buffering.temp_dir.as_deref();
        let file = folder.map_or_else(tempfile::tempfile, tempfile::tempfile_in)?;
        Ok(Self { file: Arc::new(file), sent: 0, written: 0 })
    }

    fn is_drained(&self) -> bool {
        self.sent == self.written
    }

    /// Neither the connection nor a writer has it.
    fn is_over(&self) -> bool {
        self.is_drained() && Arc::strong_count(&self.file) == 1
    }

    /// The blocks of a large file are freed away from the loop.
    fn discard(self) {
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
