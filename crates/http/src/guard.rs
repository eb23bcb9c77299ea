//! The byte stream below hyper. hyper parses, this judges: hyper sees a head only when all of it has come and every byte of it
//! is as it must be, and the timer learns from here when the client speaks and when it does not listen.
//!
//! A request that is refused ends the stream for hyper, which then closes the connection; the answer is written on the way
//! out. So nothing that follows a refused request is ever taken for another one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderValue, StatusCode};
use rwsgi_message::Fields;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::Transport;
use crate::activity::{Activity, Order, Phase};
use crate::answer::Answer;
use crate::collect::Reservation;
use crate::framing::{Fault, Place, Scan, Scanner};
use crate::inflow::SLOW;
use crate::linger::Linger;
use crate::options::Options;
use crate::outgoing::Sending;

mod plain;

pub(crate) use plain::Came;

/// How much is read at once while nothing is parsed.
const SIP: usize = 2 * 1024;

/// Heads up to this size, of which any client may send a part, are not counted in the memory for bodies.
const SMALL_HEAD: usize = 16 * 1024;

const NO_MEMORY: Fault =
    Fault { status: StatusCode::SERVICE_UNAVAILABLE, reason: "`--body-memory` has no room for this head" };

/// A stream whose bytes are judged.
#[derive(Debug)]
pub(crate) struct Guard<S: Transport> {
    stream: Sending<S>,
    activity: Arc<Activity>,
    scanner: Scanner,
    /// What has come and has not been passed on.
    held: BytesMut,
    /// So many bytes of it may be passed on.
    judged: usize,
    /// So many of these are the head of the request that is run without a parser, and so many behind it its body.
    head: usize,
    content: usize,
    fault: Option<Fault>,
    ended: Ended,
    /// The answer to a refused request, as far as it has not been written.
    page: Bytes,
    linger: Linger,
    /// What large heads take of the memory for bodies.
    reservation: Reservation,
    server: Option<HeaderValue>,
    headers: Arc<Fields>,
}

/// Why hyper has been told that nothing more will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    No,
    /// The client has gone.
    ByClient,
    /// The client sends no more, and wants the answer to its last request.
    HalfClosed,
    /// A body is broken; whoever receives it answers.
    InBody,
    /// A head is refused; the answer is written here.
    Refused,
    /// Nothing is wrong; the parser is not needed for now.
    Parked,
}

impl<S: Transport> Guard<S> {
    pub(crate) fn new(
        stream: Sending<S>,
        activity: Arc<Activity>,
        options: &Options,
        reservation: Reservation,
    ) -> Self {
        Self {
            stream,
            activity,
            scanner: Scanner::new(options.limits),
            held: BytesMut::new(),
            judged: 0,
            head: 0,
            content: 0,
            fault: None,
            ended: Ended::No,
            page: Bytes::new(),
            linger: Linger::default(),
            reservation,
            server: options.server.clone(),
            headers: Arc::clone(&options.headers),
        }
    }

    pub(crate) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    pub(crate) fn is_parked(&self) -> bool {
        self.ended == Ended::Parked
    }

    /// Why the last request was refused before anybody saw it.
    pub(crate) fn refused(&self) -> Option<Fault> {
        self.fault.filter(|_| self.ended == Ended::Refused)
    }

    /// Waits for the next request without a parser; whether one comes.
    pub(crate) fn poll_wake(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        let mut bytes = [0; SIP];
        let mut buffer = ReadBuf::new(&mut bytes);
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer));
        let bytes = buffer.filled();
        if read.is_err() || bytes.is_empty() {
            return Poll::Ready(false);
        }
        self.ended = Ended::No;
        self.hold(bytes);
        Poll::Ready(true)
    }

    /// Takes bytes that have been read off the stream already. They are not judged yet.
    pub(crate) fn hold(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// Judges what was read into `out` behind `before`, and leaves there what may be passed on.
    fn judge(&mut self, out: &mut ReadBuf<'_>, before: usize) {
        let new = &out.filled()[before..];
        let count = new.len();
        if self.held.is_empty() {
            let scan = self.scanner.scan(new);
            self.fault = scan.fault;
            if self.fault.is_none() {
                self.held.extend_from_slice(&new[scan.pass..]);
            }
            out.set_filled(before + scan.pass);
            self.activity.received(count);
        } else {
            self.held.extend_from_slice(new);
            out.set_filled(before);
            let scan = self.scanner.scan(&self.held);
            self.note(scan);
            self.activity.received(count);
        }
    }

    /// Takes down what a look at the bytes behind the judged ones has given.
    fn note(&mut self, scan: Scan) {
        self.judged += scan.pass;
        self.fault = scan.fault;
        let held = self.held.len();
        if held - self.judged > SMALL_HEAD && !self.reservation.hold(held) {
            self.fault = self.fault.or(Some(NO_MEMORY));
        }
        if self.fault.is_some() {
            self.held.truncate(self.judged);
        }
    }

    /// Passes on what has been judged, as far as there is room.
    fn pass(&mut self, out: &mut ReadBuf<'_>) {
        let count = self.judged.min(out.remaining());
        out.put_slice(&self.held[..count]);
        self.held.advance(count);
        self.judged -= count;
        if self.held.is_empty() {
            // A connection that has had one large head does not keep its memory.
            self.held = BytesMut::new();
            self.reservation.release();
        }
    }

    /// Whether hyper is to be told that nothing more comes.
    fn poll_end(&mut self) -> Option<Poll<()>> {
        match self.activity.take_order() {
            Order::None => {}
            Order::Park if self.is_between() => self.ended = Ended::Parked,
            Order::Park => {}
            Order::TimeOut => self.fault = self.fault.or(Some(SLOW)),
        }
        match (self.ended, self.fault) {
            (Ended::No, None) => return None,
            (Ended::No, Some(fault)) if self.scanner.place() == Place::Body => {
                self.activity.refuse(fault);
                self.ended = Ended::InBody;
            }
            (Ended::No, Some(fault)) if !self.activity.is_engaged() => self.refuse(fault),
            // The request before it is answered first.
            (Ended::No, _) | (Ended::HalfClosed, _) if self.activity.is_engaged() => {
                self.activity.owe_end();
                return Some(Poll::Pending);
            }
            _ => {}
        }
        Some(Poll::Ready(()))
    }

    /// An empty line that has come before a request is no part of one.
    fn is_between(&self) -> bool {
        self.scanner.place() == Place::Between && !self.activity.is_engaged()
    }

    fn refuse(&mut self, fault: Fault) {
        let page = Answer::error(fault.status);
        let page = if self.scanner.is_head() { page.without_content() } else { page };
        self.page = page.into_bytes(self.server.as_ref(), &self.headers);
        self.ended = Ended::Refused;
    }

    /// The client has closed its sending side, which may leave a request unfinished.
    fn close(&mut self) {
        self.fault = self.scanner.end();
        if self.fault.is_none() {
            let is_gone = !self.activity.is_engaged() || self.activity.end_means_gone();
            self.ended = if is_gone { Ended::ByClient } else { Ended::HalfClosed };
            if !is_gone {
                self.activity.doubt();
            }
        }
    }

    fn wrote(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_pending() {
            self.activity.waits_for_reader(|| self.stream.unsent());
        } else {
            self.activity.wrote_all();
        }
        written
    }

    fn poll_write_page(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.page.is_empty() {
            let written = Pin::new(&mut self.stream).poll_write(context, &self.page);
            match ready!(self.wrote(written))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.page.advance(count),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Whether the client may still be sending what nobody will read.
    fn is_cut_off(&self) -> bool {
        match self.ended {
            Ended::Refused | Ended::InBody => true,
            Ended::No => self.scanner.place() == Place::Body || !self.held.is_empty(),
            Ended::ByClient | Ended::HalfClosed | Ended::Parked => false,
        }
    }
}

impl<S: Transport> AsyncRead for Guard<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = out.filled().len();
        loop {
            if this.judged > 0 {
                this.pass(out);
                return Poll::Ready(Ok(()));
            }
            if let Some(end) = this.poll_end() {
                return end.map(Ok);
            }
            match Pin::new(&mut this.stream).poll_read(context, out) {
                Poll::Ready(Ok(())) if out.filled().len() == before => this.close(),
                Poll::Ready(Ok(())) => this.judge(out, before),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    this.activity.awaits_client(this.scanner.place() == Place::Head);
                    return Poll::Pending;
                }
            }
            if out.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: Transport> AsyncWrite for Guard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.is_parked() {
            return Poll::Ready(Ok(()));
        }
        ready!(this.poll_write_page(context))?;
        ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        if !this.is_cut_off() {
            return Poll::Ready(Ok(()));
        }
        if this.activity.phase() != Phase::Closing {
            this.activity.enter(Phase::Closing);
        }
        this.linger.poll(&mut this.stream, context)
    }
}
