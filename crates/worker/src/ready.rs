//! Waiting until a descriptor can be read, for what tokio has no type of its own: signals, the lifeline, and listeners
//! whose connections are not to be taken the moment they come.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};

/// A descriptor in the loop.
pub(crate) struct Watched<T: AsFd>(AsyncFd<Owner<T>>);

/// Whoever owns the descriptor, and keeps it open as long as it is watched.
pub(crate) struct Owner<T>(T);

impl<T: AsFd> AsRawFd for Owner<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl<T: AsFd> Watched<T> {
    /// Watches a non-blocking descriptor.
    #[expect(
        deprecated,
        reason = "its flaw are types that change or close their descriptor; `AsFd` forbids that"
    )]
    pub(crate) fn new(owner: T) -> io::Result<Self> {
        AsyncFd::with_interest(Owner(owner), Interest::READABLE).map(Self)
    }

    /// Waits until it can be read.
    pub(crate) async fn readable(&self) -> io::Result<AsyncFdReadyGuard<'_, Owner<T>>> {
        self.0.readable().await
    }

    pub(crate) fn owner(&self) -> &T {
        &self.0.get_ref().0
    }
}
