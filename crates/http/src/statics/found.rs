//! A file that has been found, and its answers.

use rwsgi_message::{Fields, RequestHead};

use crate::Answer;
use crate::codings::{Accepted, Coding};
use crate::conditions::{Conditions, Source};
use crate::descriptors::Identity;

/// Memory that a file takes beside its bytes, roughly.
const OVERHEAD: usize = 512;

/// A file as it was when it was looked up.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) plain: Representation,
    /// The same with a content coding, out of files beside it.
    pub(super) coded: Vec<(Coding, Representation)>,
    /// What the answers were made of: while these are the same, so are they.
    pub(super) made_of: Vec<Identity>,
}

/// One way to send it.
#[derive(Debug)]
pub(super) struct Representation {
    /// All fields of the answer that has the whole of it.
    pub(super) fields: Fields,
    pub(super) source: Source,
}

impl Found {
    /// The answer to a request for it, with GET or HEAD.
    pub(super) fn answer(&self, head: &RequestHead) -> Answer {
        let chosen = self.chosen(head);
        let answer = Answer { headers: chosen.fields.clone(), is_own: true, ..Answer::default() };
        if Conditions::are_in(&head.headers) {
            return Conditions::of(head).apply(answer, &chosen.source);
        }
        Answer { content: chosen.source.content(), ..answer }
    }

    fn chosen(&self, head: &RequestHead) -> &Representation {
        if self.coded.is_empty() {
            return &self.plain;
        }
        let beside = |coding| self.coded.iter().find(|(found, _)| *found == coding).map(|(_, way)| way);
        Accepted::of(&head.headers).by_preference().find_map(beside).unwrap_or(&self.plain)
    }

    /// Memory that it takes; `None`: not all of it is in memory.
    pub(super) fn weight(&self) -> Option<usize> {
        let ways = || self.coded.iter().map(|(_, way)| way).chain([&self.plain]);
        let bytes = |way: &Representation| match &way.source {
            Source::Memory(bytes) => Some(bytes.len() + way.fields.lines().len()),
            Source::File(..) => None,
        };
        ways().map(bytes).sum::<Option<usize>>().map(|sum| sum + OVERHEAD)
    }
}
