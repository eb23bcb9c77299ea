use std::io::{PipeWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::sync::OnceLock;

/// How to reach the watcher; workers have it from the process that forked them.
static REPORTS: OnceLock<PipeWriter> = OnceLock::new();

/// What the kernel writes to a pipe in one piece (`PIPE_BUF`): several workers write to this one.
const PIECE: usize = 4096;

/// This process, and those that it forks, tell the watcher by this pipe.
pub(crate) fn report_through(pipe: PipeWriter) {
    // The first one stays: a process forks one watcher.
    let _ = REPORTS.set(pipe);
}

/// Tells the watcher, if there is one, from which directories the application has been loaded.
pub(crate) fn tell_sources() {
    let Some(mut pipe) = REPORTS.get() else { return };
    let directories = rwsgi_wsgi::source_directories().unwrap_or_else(|error| {
        tracing::warn!("Reloader is not told where the application's modules are: {error}");
        Vec::new()
    });
    let mut piece = Vec::new();
    for directory in directories {
        let line = [directory.as_os_str().as_bytes(), b"\n"].concat();
        if piece.len() + line.len() > PIECE {
            // A watcher that is gone has said so itself.
            let _ = pipe.write_all(&piece);
            piece.clear();
        }
        piece.extend(line);
    }
    let _ = pipe.write_all(&piece);
}
