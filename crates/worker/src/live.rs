//! A request body that is read while it comes: whoever reads drives the loop, or sleeps, until there is more.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use rwsgi_http::Inlet;

use crate::crew::Crew;
use crate::member::wait_for_client;

/// The body of the request that member `number` is at.
pub(crate) struct LiveReader {
    pub(crate) crew: &'static Crew,
    pub(crate) number: usize,
    pub(crate) inlet: Arc<Inlet>,
    /// Fails where it would have to wait.
    pub(crate) reader: Box<dyn BufRead + Send + Sync>,
}

impl LiveReader {
    fn would_wait(&mut self) -> bool {
        self.reader.fill_buf().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl Read for LiveReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fill_buf()?;
        self.reader.read(buffer)
    }
}

impl BufRead for LiveReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.would_wait() {
            wait_for_client(self.crew, self.number, |context| self.inlet.poll_data(context));
        }
        self.reader.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.reader.consume(amount);
    }
}
