//! Two private parts, for the micro-benchmarks of the workspace and nobody else.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use rwsgi_message::RequestHead;

use crate::framing::Scanner;
use crate::journal::{End, Finished};
use crate::record::Shown;
use crate::{Format, Limits, Peer};

/// The judge of a connection's heads.
#[derive(Debug)]
pub struct Judge(Scanner);

impl Judge {
    /// One with these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self(Scanner::new(limits))
    }

    /// Whether all these bytes pass.
    pub fn passes(&mut self, bytes: &[u8]) -> bool {
        self.0.scan(bytes).pass == bytes.len()
    }
}

/// A request that is over, and how the access log shows it.
#[derive(Debug)]
pub struct Line {
    format: Format,
    shown: Shown,
}

impl Line {
    /// What is to be shown of a request with this head.
    #[must_use]
    pub fn new(format: Format, head: &RequestHead, peer: Peer) -> Self {
        let shown = Shown::new(&format.captures, head, (&Arc::new(peer), None));
        Self { format, shown }
    }

    /// Appends the line.
    pub fn write(&self, out: &mut Vec<u8>) {
        let finished = Finished {
            method: &Method::GET,
            status: 200,
            duration: Duration::from_micros(1_234),
            queued: Some(Duration::from_micros(56)),
            first_byte: Some(Duration::from_micros(1_200)),
            bytes_in: 0,
            bytes_out: 12,
            end: End::Complete,
        };
        self.format.write(&finished, &self.shown, out);
    }
}
