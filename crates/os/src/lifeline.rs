use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::{
    errno::Errno,
    fcntl::OFlag,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    unistd::{pipe2, read, write},
};

use crate::Error;

/// The pipe by which workers learn that the master is gone: only the master holds the write end, nobody ever
/// writes.
#[derive(Debug)]
pub struct Lifeline {
    reader: OwnedFd,
    /// Held, never used: the kernel closes it with the process.
    writer: OwnedFd,
}

impl Lifeline {
    /// Opens both ends in the master; neither outlives an `exec`.
    ///
    /// # Errors
    /// No file descriptor is left.
    pub fn open() -> Result<Self, Error> {
        let (reader, writer) = pipe("open the lifeline")?;
        Ok(Self { reader, writer })
    }

    /// In a worker: keeps the end that tells of the master's death, closes the other.
    #[must_use]
    pub fn into_end(self) -> LifelineEnd {
        drop(self.writer);
        LifelineEnd(self.reader)
    }
}

/// The end that a worker gets.
impl AsFd for Lifeline {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

/// The worker's end of a [`Lifeline`]: its descriptor becomes readable (end of file) when the master is gone.
#[derive(Debug)]
pub struct LifelineEnd(OwnedFd);

impl LifelineEnd {
    /// Whether the master is gone; never blocks.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        matches!(poll(&mut fds, PollTimeout::ZERO), Ok(count) if count > 0)
    }
}

impl AsFd for LifelineEnd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// One that came through a [`crate::Channel`].
impl From<OwnedFd> for LifelineEnd {
    fn from(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }
}

/// What a worker says to its master while it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// The application is loaded and the worker serves.
    Ready,
    /// The worker takes nothing new and leaves when it has answered what it has.
    Retiring,
    /// The worker has answered as many requests as it is to answer: it serves on until it is told to leave, which is
    /// best done when its replacement is ready.
    Tired,
    /// Nothing more will come: the worker ended, or its application closed our descriptor.
    Closed,
}

const READY: u8 = b'R';
const RETIRING: u8 = b'X';
const TIRED: u8 = b'T';

/// Opens the pipe by which one worker reports to its master.
///
/// # Errors
/// No file descriptor is left.
pub fn status_pipe() -> Result<(StatusReader, Status), Error> {
    let (reader, writer) = pipe("open a status pipe")?;
    Ok((StatusReader(reader), Status(writer)))
}

/// The worker's end of the status pipe. Saying something never blocks and never fails: when the master is
/// gone the lifeline tells.
#[derive(Debug)]
pub struct Status(OwnedFd);

impl Status {
    /// The application is loaded and the worker serves.
    pub fn ready(&self) {
        self.say(READY);
    }

    /// The worker takes nothing new, its replacement is wanted now.
    pub fn retiring(&self) {
        self.say(RETIRING);
    }

    /// The worker has answered its share and waits to be told to leave.
    pub fn tired(&self) {
        self.say(TIRED);
    }

    fn say(&self, byte: u8) {
        while write(&self.0, &[byte]) == Err(Errno::EINTR) {}
    }
}

impl AsFd for Status {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// One that came through a [`crate::Channel`].
impl From<OwnedFd> for Status {
    fn from(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }
}

/// The master's end of the status pipe.
#[derive(Debug)]
pub struct StatusReader(OwnedFd);

impl StatusReader {
    /// What the worker said since the last call, in order; never blocks.
    #[must_use]
    pub fn read(&self) -> Vec<Report> {
        let mut reports = Vec::new();
        let mut bytes = [0; 16];
        loop {
            match read(&self.0, &mut bytes) {
                Ok(0) => {
                    reports.push(Report::Closed);
                    return reports;
                }
                Ok(count) => reports.extend(bytes[..count].iter().filter_map(|&byte| match byte {
                    READY => Some(Report::Ready),
                    RETIRING => Some(Report::Retiring),
                    TIRED => Some(Report::Tired),
                    _ => None,
                })),
                Err(Errno::EINTR) => {}
                Err(_) => return reports,
            }
        }
    }
}

impl AsFd for StatusReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn pipe(action: &'static str) -> Result<(OwnedFd, OwnedFd), Error> {
    pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).map_err(|errno| Error::system(action, errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lifeline_is_cut_when_its_holder_lets_go() {
        let Lifeline { reader, writer } = Lifeline::open().unwrap();
        let end = LifelineEnd(reader);
        assert!(!end.is_cut());
        drop(writer);
        assert!(end.is_cut());
    }

    #[test]
    fn reports_arrive_in_order_and_end_with_closed() {
        let (reader, status) = status_pipe().unwrap();
        assert_eq!(reader.read(), []);
        status.ready();
        assert_eq!(reader.read(), [Report::Ready]);
        status.tired();
        status.retiring();
        drop(status);
        assert_eq!(reader.read(), [Report::Tired, Report::Retiring, Report::Closed]);
    }

    #[test]
    fn a_report_to_nobody_is_harmless() {
        let (reader, status) = status_pipe().unwrap();
        drop(reader);
        status.ready();
    }
}
