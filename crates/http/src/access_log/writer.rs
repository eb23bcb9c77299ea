//! The thread that writes the access log, and the bounded buffer in front of it.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes that may wait for a slow or stuck file; lines beyond are counted and lost.
const LIMIT: usize = 1024 * 1024;

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
    /// The writer waits for lines: all that it took is written.
    asleep: bool,
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
            let asleep = self.shared.lock().asleep;
            if asleep {
                self.shared.changed.notify_all();
            }
        }
    }

    pub(super) fn flush(&self, limit: Duration) {
        let until = Instant::now() + limit;
        let mut buffer = self.shared.lock();
        while !(buffer.asleep && buffer.bytes.is_empty()) {
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
        loop {
            let (bytes, lost) = self.take();
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
        }
    }

    /// Waits for lines and takes them all.
    fn take(&self) -> (Vec<u8>, u64) {
        let mut buffer = self.lock();
        while buffer.bytes.is_empty() {
            buffer.asleep = true;
            self.changed.notify_all();
            buffer = self.changed.wait(buffer).unwrap_or_else(PoisonError::into_inner);
        }
        buffer.asleep = false;
        (std::mem::take(&mut buffer.bytes), std::mem::take(&mut buffer.lost))
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
        // What the writer takes before the pipe is full it counts as told: twice what can be on the way is not enough.
        for _ in 0..4 * LIMIT / line.len() {
            writer.append(|bytes| bytes.extend_from_slice(&line));
            writer.kick();
        }
        assert!(writer.shared.lock().lost > 0);
        drop(reader);
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
