//! The thread that writes the access log, and the bounded buffer in front of it.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes that may wait for a slow or stuck file; lines beyond are counted and lost.
const LIMIT: usize = 1024 * 1024;

/// How long the writer of a busy log lets lines gather: to wake it for each handful would cost more than the lines do.
const GATHER: Duration = Duration::from_millis(5);

/// So many bytes gather at most. No buffer larger than that is kept either.
const PLENTY: usize = LIMIT / 4;

/// [`Buffer::wake_at`] of a writer that looks for more by itself.
const NEVER: usize = usize::MAX;

#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    buffer: Mutex<Buffer>,
    changed: Condvar,
    dirty: AtomicBool,
}

#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    lost: u64,
    /// The writer is to be woken when so many bytes wait. Unless this is [`NEVER`], all that it took is written.
    wake_at: usize,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Buffer> {
        // Lines are appended whole, so a panic elsewhere leaves none half written.
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    pub(super) fn start(file: impl Write + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let thread = Arc::clone(&shared);
        thread::Builder::new().name("rwsgi-access-log".to_owned()).spawn(move || thread.run(file))?;
        Ok(Self { shared })
    }

    pub(super) fn append(&self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut buffer = self.shared.lock();
        if buffer.bytes.len() >= LIMIT {
            buffer.lost += 1;
            return;
        }
        write(&mut buffer.bytes);
        drop(buffer);
        self.shared.dirty.store(true, Ordering::Relaxed);
    }

    pub(super) fn kick(&self) {
        if self.shared.dirty.load(Ordering::Relaxed) && self.shared.dirty.swap(false, Ordering::Relaxed) {
            let buffer = self.shared.lock();
            let is_due = buffer.bytes.len() >= buffer.wake_at;
            drop(buffer);
            if is_due {
                self.shared.changed.notify_all();
            }
        }
    }

    pub(super) fn flush(&self, limit: Duration) {
        let until = Instant::now() + limit;
        let mut buffer = self.shared.lock();
        while buffer.wake_at == NEVER || !buffer.bytes.is_empty() {
            self.shared.changed.notify_all();
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.shared.changed.wait_timeout(buffer, left);
            buffer = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Shared {
    fn run(&self, mut file: impl Write) {
        let mut failing = false;
        let mut bytes = Vec::new();
        let mut taken_at: Option<Instant> = None;
        let mut is_busy = false;
        loop {
            let lost = self.take(&mut bytes, is_busy);
            let now = Instant::now();
            is_busy = taken_at.replace(now).is_some_and(|before| now - before < 2 * GATHER);
            if lost > 0 {
                tracing::warn!(
                    "{lost} access log lines were lost: the access log is not written fast enough"
                );
            }
            match file.write_all(&bytes) {
                Ok(()) => failing = false,
                // Said once for each time that it begins: a full disk would otherwise fill the error log too.
                Err(error) if !failing => {
                    failing = true;
                    tracing::error!("cannot write the access log: {error}");
                }
                Err(_) => {}
            }
            bytes.clear();
            bytes.shrink_to(PLENTY);
        }
    }

    /// Waits for lines and takes them all, in exchange for an empty buffer; gives how many were lost meanwhile.
    fn take(&self, bytes: &mut Vec<u8>, is_busy: bool) -> u64 {
        let mut buffer = self.lock();
        if is_busy && buffer.bytes.len() < PLENTY {
            buffer.wake_at = PLENTY;
            self.changed.notify_all();
            // Whatever ends the wait early is no reason to begin it again.
            let waited = self.changed.wait_timeout(buffer, GATHER);
            buffer = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        while buffer.bytes.is_empty() {
            buffer.wake_at = 1;
            self.changed.notify_all();
            buffer = self.changed.wait(buffer).unwrap_or_else(PoisonError::into_inner);
        }
        buffer.wake_at = NEVER;
        std::mem::swap(&mut buffer.bytes, bytes);
        std::mem::take(&mut buffer.lost)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{PipeReader, Read, pipe};
    use std::os::fd::OwnedFd;

    use super::*;

    fn writer() -> (Writer, PipeReader) {
        let (reader, file) = pipe().unwrap();
        (Writer::start(File::from(OwnedFd::from(file))).unwrap(), reader)
    }

    #[test]
    fn lines_arrive_after_a_kick() {
        let (writer, mut reader) = writer();
        writer.append(|bytes| bytes.extend_from_slice(b"one\n"));
        writer.kick();
        let mut line = [0; 4];
        reader.read_exact(&mut line).unwrap();
        assert_eq!(&line, b"one\n");
    }

    #[test]
    fn a_pipe_that_nobody_reads_loses_lines_but_delays_nobody() {
        let (writer, reader) = writer();
        let line = [b'x'; 1024];
        // What the writer takes before the pipe is full it counts as told, which may be at any time.
        let is_lost = (0..8 * LIMIT / line.len()).any(|_| {
            writer.append(|bytes| bytes.extend_from_slice(&line));
            writer.kick();
            writer.shared.lock().lost > 0
        });
        assert!(is_lost);
        drop(reader);
    }

    #[test]
    fn a_busy_writer_takes_lines_though_nobody_wakes_it() {
        let shared = Shared::default();
        shared.lock().bytes.extend_from_slice(b"one\n");
        let mut bytes = Vec::new();
        assert_eq!(shared.take(&mut bytes, true), 0);
        assert_eq!(bytes, b"one\n");
        assert_eq!(shared.lock().wake_at, NEVER, "flush must see that it is not written yet");
    }

    #[test]
    fn flush_does_not_wait_until_lines_have_gathered() {
        let (writer, mut reader) = writer();
        let begun = Instant::now();
        let mut flushes = 0;
        while begun.elapsed() < 4 * GATHER {
            writer.append(|bytes| bytes.push(b'x'));
            writer.flush(Duration::from_secs(60));
            flushes += 1;
        }
        drop(writer);
        let mut all = vec![0; flushes];
        reader.read_exact(&mut all).unwrap();
        assert!(all.iter().all(|byte| *byte == b'x'));
    }

    #[test]
    fn flush_waits_for_the_last_line() {
        let (writer, mut reader) = writer();
        writer.append(|bytes| bytes.extend_from_slice(b"last\n"));
        writer.flush(Duration::from_secs(60));
        let mut line = [0; 5];
        reader.read_exact(&mut line).unwrap();
        assert_eq!(&line, b"last\n");
    }
}
