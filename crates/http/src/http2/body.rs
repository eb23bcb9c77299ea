//! An answer on its way into a stream: in pieces that a slow client makes nobody hold, and with the bytes of files.

use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::FileSpan;
use crate::activity::Activity;
use crate::outgoing::Data;
use crate::parking::Parking;
use crate::reply::ReplyBody;

/// How much is handed over at once.
const PIECE: usize = 32 * 1024;

/// How much of a file is read at once.
const READ: u64 = 128 * 1024;

/// The body of a response in a stream. Its end is the end of the request.
#[derive(Debug)]
pub(super) struct StreamBody {
    reply: ReplyBody,
    rest: Rest,
    activity: Arc<Activity>,
    /// Who is told of the parts of files that were in memory; `None`: there are no files.
    parking: Option<Arc<Parking>>,
}

/// What of the last frame has not been handed over.
#[derive(Debug)]
enum Rest {
    Nothing,
    Bytes(Bytes),
    File(FileSpan),
    /// Bytes of a file that are being read off the loop, and what comes behind them.
    Reading(JoinHandle<io::Result<Bytes>>, FileSpan),
}

impl StreamBody {
    pub(super) fn new(reply: ReplyBody, activity: Arc<Activity>, parking: &Arc<Parking>) -> Self {
        let parking = reply.may_have_files().then(|| Arc::clone(parking));
        Self { reply, rest: Rest::Nothing, activity, parking }
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            match std::mem::replace(&mut self.rest, Rest::Nothing) {
                Rest::Nothing => match ready!(Pin::new(&mut self.reply).poll_frame(context)) {
                    None => return Poll::Ready(None),
                    Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                    Some(Ok(frame)) => self.take(frame),
                },
                Rest::Bytes(mut bytes) => {
                    let piece = bytes.split_to(bytes.len().min(PIECE));
                    if !bytes.is_empty() {
                        self.rest = Rest::Bytes(bytes);
                    }
                    return Poll::Ready(Some(Ok(piece)));
                }
                Rest::File(mut span) => {
                    if let Some(bytes) = span.take_from_memory(READ) {
                        return Poll::Ready(Some(Ok(self.goes_on(bytes, span))));
                    }
                    let front = span.split(READ);
                    self.rest = Rest::Reading(spawn_blocking(move || read(&front)), span);
                }
                Rest::Reading(mut reading, behind) => match Pin::new(&mut reading).poll(context) {
                    Poll::Pending => {
                        self.rest = Rest::Reading(reading, behind);
                        return Poll::Pending;
                    }
                    Poll::Ready(read) => return Poll::Ready(Some(self.has_read(read, behind))),
                },
            }
        }
    }

    fn take(&mut self, frame: Frame<Data>) {
        self.rest = match frame.into_data() {
            Ok(Data::Bytes(bytes)) => Rest::Bytes(bytes),
            Ok(Data::File(piece)) => piece.into_span().map_or(Rest::Nothing, Rest::File),
            Err(_) => Rest::Nothing,
        };
    }

    /// A part of a file has been read; the first piece of it.
    fn has_read(
        &mut self,
        read: Result<io::Result<Bytes>, tokio::task::JoinError>,
        behind: FileSpan,
    ) -> io::Result<Bytes> {
        Ok(self.goes_on(read.map_err(io::Error::other)??, behind))
    }

    /// These bytes of a file, and then what is behind them.
    fn goes_on(&mut self, bytes: Bytes, behind: FileSpan) -> Bytes {
        if behind.length > 0 {
            self.rest = Rest::File(behind);
        }
        match &self.parking {
            Some(parking) => parking.counted(bytes),
            None => bytes,
        }
    }
}

/// Reads a part of a file, all of it.
fn read(span: &FileSpan) -> io::Result<Bytes> {
    let mut bytes = vec![0; span.at_most(usize::MAX)];
    span.file.read_exact_at(&mut bytes, span.offset)?;
    Ok(bytes.into())
}

impl Body for StreamBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        // hyper asks when the client has room: it took what came before.
        this.activity.wrote_all();
        let next = ready!(this.poll_next(context));
        if let Some(Ok(bytes)) = &next
            && bytes.has_remaining()
        {
            this.activity.waits_for_reader(|| None);
        }
        Poll::Ready(next.map(|bytes| bytes.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.rest, Rest::Nothing) && self.reply.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.reply.size_hint()
    }
}
