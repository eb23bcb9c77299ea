//! The way of a request for a file.

use std::fmt;
use std::sync::Arc;

use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderValue, StatusCode};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::folder::{Folder, Outcome};
use super::found::Found;
use super::memory::{Memory, Recall};
use super::options::{Misses, StaticFiles, StaticFolder};
use super::target::{self, Named};
use crate::compression::Compression;
use crate::exchange::{Exchange, Handler};
use crate::health::{is_read, not_allowed, text};
use crate::{Answer, Ticket};

/// How many files are looked up at the same time, each on a thread of its own.
const THREADS: usize = 8;

/// The files that are sent without the handler.
#[derive(Clone, Debug)]
pub(crate) struct Statics(Arc<Inner>);

struct Inner {
    /// Those of the folders, without a slash at their end.
    prefixes: Vec<Box<[u8]>>,
    folders: Vec<Folder>,
    index: Option<Vec<u8>>,
    memory: Arc<Memory>,
    threads: Semaphore,
    handler: Arc<dyn Handler>,
}

/// What is to be looked up.
struct Wanted {
    folder: usize,
    path: Vec<u8>,
    /// What it was.
    known: Option<Arc<Found>>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statics").field("folders", &self.folders).finish_non_exhaustive()
    }
}

impl Statics {
    /// `None` when no directory is named.
    pub(crate) fn open(
        options: &StaticFiles,
        compression: Option<&Compression>,
        handler: Arc<dyn Handler>,
    ) -> Option<Self> {
        let open = |folder: &StaticFolder| {
            let prefix = folder.prefix.trim_end_matches('/').as_bytes().into();
            (prefix, Folder::open(folder, options, compression))
        };
        let mut named: Vec<(Box<[u8]>, Folder)> = options.folders.iter().map(open).collect();
        // The longest prefix is the first that is found; of equal ones the first.
        named.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        let (prefixes, folders): (Vec<_>, Vec<_>) = named.into_iter().unzip();
        let memory = Arc::new(Memory::new(options.memory, folders.len()));
        let index = options.index.as_ref().map(|name| name.as_bytes().to_vec());
        let threads = Semaphore::new(THREADS);
        let is_some = !folders.is_empty();
        is_some.then(|| Self(Arc::new(Inner { prefixes, folders, index, memory, threads, handler })))
    }

    /// Answers a request for a file, now or when it has been looked up; gives back what is for the handler.
    pub(crate) fn take(&self, exchange: Box<Exchange>) -> Option<Box<Exchange>> {
        let inner = &self.0;
        let head = &exchange.head;
        let found = target::find(&inner.prefixes, head.uri.path(), &exchange.origin.script_name);
        let Some(target) = found else { return Some(exchange) };
        let folder = target.folder;
        if !is_read(&head.method) {
            return inner.leave(folder, exchange, not_allowed);
        }
        let index = inner.index.as_ref().filter(|_| inner.folders[folder].has_index());
        let path = match (target.named(), index) {
            (Named::File(path), _) => path,
            (Named::Directory(path), Some(index)) => &[path, index].concat(),
            (Named::Bare, Some(_)) if inner.folders[folder].is_there() => {
                give(&exchange.ticket, redirect(&exchange));
                return None;
            }
            (Named::Directory(_) | Named::Bare | Named::Nothing, _) => {
                return inner.leave(folder, exchange, not_found);
            }
        };
        let known = match inner.memory.recall(folder, path) {
            Recall::Fresh(found) => {
                give(&exchange.ticket, found.answer(head));
                return None;
            }
            Recall::Due(found) => {
                give(&exchange.ticket, found.answer(head));
                inner.look_up(Wanted { folder, path: path.to_vec(), known: Some(found) }, None);
                return None;
            }
            Recall::Old(found) => Some(found),
            Recall::Nothing if !target::is_sendable(path) || inner.folders[folder].surely_lacks(path) => {
                return inner.leave(folder, exchange, not_found);
            }
            Recall::Nothing => None,
        };
        let wanted = Wanted { folder, path: path.to_vec(), known };
        inner.look_up(wanted, Some(exchange));
        None
    }
}

impl Inner {
    /// A request that is for no file: the handler's, or answered.
    fn leave(&self, folder: usize, exchange: Box<Exchange>, answer: fn() -> Answer) -> Option<Box<Exchange>> {
        match self.folders[folder].misses() {
            Misses::Handed => Some(exchange),
            Misses::Refused => {
                give(&exchange.ticket, answer());
                None
            }
        }
    }

    /// Looks a file up off the loop, and then answers whoever waits for it.
    fn look_up(self: &Arc<Self>, wanted: Wanted, exchange: Option<Box<Exchange>>) {
        let inner = Arc::clone(self);
        tokio::spawn(async move {
            // Nobody closes it.
            let _turn = inner.threads.acquire().await;
            if exchange.as_ref().is_some_and(|exchange| exchange.ticket.is_settled()) {
                return;
            }
            let seen = inner.memory.now();
            let Wanted { folder, path, known } = wanted;
            let searching = Arc::clone(&inner);
            let search = move || (searching.folders[folder].find(&path, known), path);
            let outcome = match spawn_blocking(search).await {
                Ok((Outcome::File(found), path)) => {
                    inner.memory.keep((folder, path), Arc::clone(&found), seen);
                    Outcome::File(found)
                }
                Ok((other, path)) => {
                    inner.memory.forget(folder, &path);
                    other
                }
                // There is no thread any more at the end of the process.
                Err(_) => Outcome::Failed,
            };
            if let Some(exchange) = exchange {
                inner.settle(folder, outcome, exchange);
            }
        });
    }

    fn settle(&self, folder: usize, outcome: Outcome, exchange: Box<Exchange>) {
        let answer = match outcome {
            Outcome::File(found) => found.answer(&exchange.head),
            Outcome::Directory if self.index.is_some() && self.folders[folder].has_index() => {
                redirect(&exchange)
            }
            Outcome::Directory | Outcome::Missing => {
                if let Some(exchange) = self.leave(folder, exchange, not_found) {
                    self.handler.call(exchange);
                }
                return;
            }
            Outcome::Lacking => Answer::unavailable(),
            Outcome::Failed => text(StatusCode::INTERNAL_SERVER_ERROR, "the file cannot be opened\n"),
        };
        give(&exchange.ticket, answer);
    }
}

fn give(ticket: &Ticket, answer: Answer) {
    if let Some(waker) = ticket.answer(answer) {
        waker.wake();
    }
}

fn not_found() -> Answer {
    text(StatusCode::NOT_FOUND, "not found\n")
}

/// To the same path with a slash at its end, so that relative links of its index lead below it.
fn redirect(exchange: &Exchange) -> Answer {
    let uri = &exchange.head.uri;
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut answer = text(StatusCode::MOVED_PERMANENTLY, "it is a directory\n");
    answer.headers.remove(CACHE_CONTROL);
    // A path that has been read out of a head can stand in another one.
    if let Ok(place) = HeaderValue::try_from(format!("{}/{query}", uri.path())) {
        answer.headers.append(LOCATION, place);
    }
    answer
}
