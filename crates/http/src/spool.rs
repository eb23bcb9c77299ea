//! An unlinked temporary file for a body that memory has no room for.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::spawn_blocking;

/// How many bytes are gathered before they are written: a write costs a hand-over to another thread.
const BATCH: usize = 1024 * 1024;

/// The file being filled.
pub(crate) struct Spool {
    file: Option<File>,
    batch: Vec<Bytes>,
    gathered: usize,
    length: u64,
    folder: Option<Arc<Path>>,
}

impl Spool {
    /// A file in `folder`, or where the system has its temporary files. Nothing is opened before the first write.
    pub(crate) fn new(folder: Option<Arc<Path>>) -> Self {
        Self { file: None, batch: Vec::new(), gathered: 0, length: 0, folder }
    }

    pub(crate) async fn push(&mut self, frame: Bytes) -> io::Result<()> {
        self.gathered += frame.len();
        self.length += frame.len() as u64;
        self.batch.push(frame);
        if self.gathered >= BATCH { self.write().await } else { Ok(()) }
    }

    /// The file, to be read from its start, and its length.
    pub(crate) async fn finish(mut self) -> io::Result<(File, u64)> {
        self.write().await?;
        let mut file = self.file.take().ok_or_else(|| io::Error::other("no temporary file"))?;
        file.rewind()?;
        Ok((file, self.length))
    }

    /// Writes away from the loop, which must not wait for a disk.
    async fn write(&mut self) -> io::Result<()> {
        let batch = std::mem::take(&mut self.batch);
        self.gathered = 0;
        let file = self.file.take();
        let folder = self.folder.clone();
        let written = spawn_blocking(move || {
            let create = || folder.map_or_else(tempfile::tempfile, tempfile::tempfile_in);
            let mut file = file.map_or_else(create, Ok)?;
            batch.iter().try_for_each(|frame| file.write_all(frame))?;
            Ok::<_, io::Error>(file)
        });
        self.file = Some(written.await.map_err(io::Error::other)??);
        Ok(())
    }
}
