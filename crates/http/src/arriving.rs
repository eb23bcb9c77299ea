//! The body of a request while it comes, and what becomes of one that nobody has read to its end.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::patience::REFUSAL;

/// A body as hyper gives it.
#[derive(Debug)]
pub(crate) enum Arriving {
    /// Who drops it has the parser decide what becomes of the rest.
    Own(Incoming),
    /// The rest is its stream's business.
    Shared(InStream),
}

/// A body in a stream of HTTP/2. Clones are handles to the same one.
#[derive(Clone, Debug)]
pub(crate) struct InStream(Arc<Mutex<Incoming>>);

impl Arriving {
    /// A body in a stream, and what its stream needs of it if there is anything to come.
    pub(crate) fn in_stream(incoming: Incoming) -> (Self, Option<InStream>) {
        if incoming.is_end_stream() {
            return (Self::Own(incoming), None);
        }
        let shared = InStream(Arc::new(Mutex::new(incoming)));
        (Self::Shared(shared.clone()), Some(shared))
    }

    /// Whether nothing of it is left to come.
    pub(crate) fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(incoming) => incoming.is_end_stream(),
            Self::Shared(shared) => shared.incoming().is_end_stream(),
        }
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(incoming) => incoming.size_hint(),
            Self::Shared(shared) => shared.incoming().size_hint(),
        }
    }

    pub(crate) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        match self {
            Self::Own(incoming) => Pin::new(incoming).poll_frame(context),
            Self::Shared(shared) => Pin::new(&mut *shared.incoming()).poll_frame(context),
        }
    }
}

impl InStream {
    /// Behind the answer: reads on until the client has understood. Dropped at once, the stream would be reset in the same breath, and
    /// clients such as curl 7.88 take the reset for the answer.
    pub(crate) async fn drain(self) {
        // The application may hold on to it, and read what it has not read.
        if Arc::strong_count(&self.0) > 1 {
            return;
        }
        let read = poll_fn(|context| {
            let mut incoming = self.incoming();
            loop {
                match Pin::new(&mut *incoming).poll_frame(context) {
                    Poll::Ready(Some(Ok(_))) => {}
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
        });
        // Whoever sends more has been told.
        let _ = timeout(REFUSAL, read).await;
    }

    fn incoming(&self) -> MutexGuard<'_, Incoming> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
