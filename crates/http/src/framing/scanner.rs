//! The stages of a connection's requests, and how far each has come.

use memchr::memchr2;

use super::chunks::Chunks;
use super::fault::Fault;
use super::fields::{Framing, Head};
use super::limits::Limits;
use super::outline::Outline;
use super::request_line::RequestLine;

/// Judges the bytes of one connection, as they come.
#[derive(Debug)]
pub(crate) struct Scanner {
    limits: Limits,
    stage: Stage,
    /// Where what is not judged yet begins, counted from the first byte that has not been passed.
    start: usize,
    /// Up to where the end of the line at `start` has been searched: bytes that come one by one are looked at once.
    searched: usize,
    chunks: Chunks,
    /// The last request line asked for a head without content.
    is_head: bool,
    outline: Outline,
    /// The fields of a plain head before this one, up to its end: what has been judged once need not be again.
    known: Vec<u8>,
    /// Whether it ended the connection, and the length of its body.
    known_end: (bool, Option<u64>),
}

/// What a look at the bytes has given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scan {
    /// How many bytes are good and may be passed on.
    pub(crate) pass: usize,
    /// What is wrong with the bytes behind them. Nothing more will be passed.
    pub(crate) fault: Option<Fault>,
}

/// What the next byte would belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The first byte of a request. An empty line before it changes nothing.
    Between,
    /// A head of which some bytes have arrived.
    Head,
    /// A body, its chunk sizes and trailers included.
    Body,
}

#[derive(Debug)]
enum Stage {
    /// A request line, or an empty line before it.
    Start,
    /// A request line and nothing else.
    RequestLine,
    /// A field line, or the end of the head.
    Fields(Head),
    /// This many bytes of a body that has a length.
    Content(u64),
    /// The size of a chunk.
    Size,
    /// This many bytes of a chunk.
    Chunk(u64),
    /// The line end behind a chunk's data.
    ChunkEnd,
    /// A trailer line, or the end of the body.
    Trailers,
    /// What was wrong, and where.
    Failed(Fault, Place),
}

/// Whether there was something to judge.
type Step = Result<bool, Fault>;

impl Scanner {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            stage: Stage::Start,
            start: 0,
            searched: 0,
            chunks: Chunks::default(),
            is_head: false,
            outline: Outline::default(),
            known: Vec::new(),
            known_end: (false, None),
        }
    }

    /// Judges `bytes`: all that has arrived and has not been passed yet, that is, what the last call did not pass and
    /// new bytes behind it. A head is passed as a whole, so are the lines of a chunked body; content is passed as it
    /// comes.
    pub(crate) fn scan(&mut self, bytes: &[u8]) -> Scan {
        self.scan_until(bytes, |_| false)
    }

    /// The same up to the end of the head that is being read; [`outline`](Self::outline) describes it then.
    pub(crate) fn scan_head(&mut self, bytes: &[u8]) -> Scan {
        self.scan_until(bytes, |pass| pass > 0)
    }

    fn scan_until(&mut self, bytes: &[u8], is_enough: impl Fn(usize) -> bool) -> Scan {
        let mut pass = 0;
        while !is_enough(pass) {
            match self.step(bytes) {
                Ok(true) if self.stage.is_head() => {}
                Ok(true) => pass = self.start,
                Ok(false) => break,
                Err(fault) => {
                    self.stage = Stage::Failed(fault, self.stage.place());
                    return Scan { pass, fault: Some(fault) };
                }
            }
        }
        self.start -= pass;
        self.searched -= pass;
        Scan { pass, fault: None }
    }

    /// What the next byte would belong to; behind a fault, what the faulty one belonged to.
    pub(crate) fn place(&self) -> Place {
        match &self.stage {
            Stage::Start | Stage::RequestLine if self.searched == self.start => Place::Between,
            Stage::Start | Stage::RequestLine | Stage::Fields(_) => Place::Head,
            Stage::Content(_) | Stage::Size | Stage::Chunk(_) | Stage::ChunkEnd | Stage::Trailers => {
                Place::Body
            }
            Stage::Failed(_, place) => *place,
        }
    }

    /// The head that was passed last.
    pub(crate) fn outline(&self) -> &Outline {
        &self.outline
    }

    /// The plain head that was passed last had these `fields`: others that are the same are as good.
    pub(crate) fn remember(&mut self, fields: &[u8]) {
        self.known.clear();
        self.known.extend_from_slice(fields);
        self.known_end = (self.outline.closes(), self.outline.length());
    }

    /// Gives back the memory for it.
    pub(crate) fn forget(&mut self) {
        self.outline = Outline::default();
        self.known = Vec::new();
    }

    /// Whether an answer to what came last must not have content (RFC 9110 section 9.3.2).
    pub(crate) fn is_head(&self) -> bool {
        self.is_head
    }

    /// The connection ended here: what is wrong with that.
    pub(crate) fn end(&self) -> Option<Fault> {
        if let Stage::Failed(fault, _) = self.stage {
            return Some(fault);
        }
        match self.place() {
            Place::Between => None,
            Place::Head => Some(Fault::IN_HEAD),
            Place::Body => Some(Fault::IN_BODY),
        }
    }

    /// Judges one line or one piece of content.
    fn step(&mut self, bytes: &[u8]) -> Step {
        match self.stage {
            Stage::Start | Stage::RequestLine => self.request_line(bytes),
            Stage::Fields(_) => self.field(bytes),
            Stage::Content(left) => self.content(bytes, left),
            Stage::Size => self.size(bytes),
            Stage::Chunk(left) => self.chunk(bytes, left),
            Stage::ChunkEnd => self.chunk_end(bytes),
            Stage::Trailers => self.trailer(bytes),
            Stage::Failed(fault, _) => Err(fault),
        }
    }

    fn request_line(&mut self, bytes: &[u8]) -> Step {
        self.is_head = false;
        let too_long = Fault::uri_too_long("request line too long");
        let start = self.start;
        let Some(line) = self.line(bytes, self.limits.request_line(), too_long)? else { return Ok(false) };
        // RFC 9112 section 2.2: some clients send one more line end behind a body.
        if matches!(self.stage, Stage::Start) && line.is_empty() {
            self.stage = Stage::RequestLine;
            return Ok(true);
        }
        let line = RequestLine::of(line)?;
        self.is_head = line.is_head;
        self.outline.begin(start, &line);
        self.stage = Stage::Fields(Head::new(line));
        Ok(true)
    }

    fn field(&mut self, bytes: &[u8]) -> Step {
        let Stage::Fields(head) = &self.stage else { return Ok(false) };
        if head.count == 0 && head.is_plain() && self.is_known(&bytes[self.start..]) {
            self.start += self.known.len();
            self.searched = self.start;
            self.outline.repeat(self.known_end);
            self.stage = Stage::behind(self.known_end.1.unwrap_or(0));
            return Ok(true);
        }
        if head.count == self.limits.field_count() {
            self.expect_end(bytes, Fault::fields_too_large("too many fields"))?;
        }
        let too_long = Fault::fields_too_large("field line too long");
        let start = self.start;
        let Some(line) = self.line(bytes, self.limits.field_line(), too_long)? else { return Ok(false) };
        let Stage::Fields(head) = &mut self.stage else { return Ok(false) };
        if !line.is_empty() {
            let (name, value) = head.field(line)?;
            let offset = value.as_ptr().addr() - name.as_ptr().addr();
            self.outline.push((start, name.len()), (start + offset, value.len()));
            return Ok(true);
        }
        self.outline.finish(head);
        self.stage = match head.finish()? {
            Framing::Length(length) => Stage::behind(length),
            Framing::Chunked => {
                self.chunks = Chunks::default();
                Stage::Size
            }
        };
        Ok(true)
    }

    /// A client repeats its fields on a connection, and nothing else in a plain head says what they mean.
    fn is_known(&self, bytes: &[u8]) -> bool {
        !self.known.is_empty() && bytes.starts_with(&self.known)
    }

    fn content(&mut self, bytes: &[u8], left: u64) -> Step {
        let taken = self.take(bytes, left);
        self.stage = Stage::behind(left - taken);
        Ok(taken > 0)
    }

    fn size(&mut self, bytes: &[u8]) -> Step {
        let too_long = Fault::bad("chunk size line too long");
        let Some(line) = self.line(bytes, self.limits.size_line(), too_long)? else { return Ok(false) };
        self.stage = match self.chunks.size(line)? {
            0 => Stage::Trailers,
            size => Stage::Chunk(size),
        };
        Ok(true)
    }

    fn chunk(&mut self, bytes: &[u8], left: u64) -> Step {
        let taken = self.take(bytes, left);
        self.stage = if taken == left { Stage::ChunkEnd } else { Stage::Chunk(left - taken) };
        Ok(taken > 0)
    }

    fn chunk_end(&mut self, bytes: &[u8]) -> Step {
        let not_empty = Fault::bad("chunk data without a line end");
        let Some(_) = self.line(bytes, 0, not_empty)? else { return Ok(false) };
        self.stage = Stage::Size;
        Ok(true)
    }

    fn trailer(&mut self, bytes: &[u8]) -> Step {
        if self.chunks.is_full(&self.limits) {
            self.expect_end(bytes, Fault::fields_too_large("too many trailer fields"))?;
        }
        let too_long = Fault::fields_too_large("trailer line too long");
        let Some(line) = self.line(bytes, self.limits.field_line(), too_long)? else { return Ok(false) };
        if line.is_empty() {
            self.stage = Stage::Start;
        } else {
            self.chunks.trailer(line)?;
        }
        Ok(true)
    }

    /// The line at `start` without its end, when that has arrived. A line end is CRLF; neither of the two stands alone.
    fn line<'a>(
        &mut self,
        bytes: &'a [u8],
        longest: usize,
        too_long: Fault,
    ) -> Result<Option<&'a [u8]>, Fault> {
        let found = memchr2(b'\r', b'\n', &bytes[self.searched..]);
        let end = found.map_or(bytes.len(), |offset| self.searched + offset);
        if end - self.start > longest {
            return Err(too_long);
        }
        self.searched = end;
        match bytes[end..] {
            [] | [b'\r'] => Ok(None),
            [b'\r', b'\n', ..] => {
                let line = &bytes[self.start..end];
                self.start = end + 2;
                self.searched = self.start;
                Ok(Some(line))
            }
            [b'\r', ..] => Err(Fault::bad("bare CR")),
            [..] => Err(Fault::bad("bare LF")),
        }
    }

    /// Refuses any other line than an empty one, at its first byte: so `fields` lines are all that is ever kept.
    fn expect_end(&self, bytes: &[u8], fault: Fault) -> Result<(), Fault> {
        match bytes.get(self.start) {
            None | Some(b'\r') => Ok(()),
            Some(_) => Err(fault),
        }
    }

    /// Takes content, at most `left` bytes of it; how many.
    fn take(&mut self, bytes: &[u8], left: u64) -> u64 {
        let available = bytes.len() - self.start;
        let taken = usize::try_from(left).map_or(available, |left| left.min(available));
        self.start += taken;
        self.searched = self.start;
        taken as u64
    }
}

impl Stage {
    /// Behind a head, or behind a part of a body of which so much is left.
    fn behind(left: u64) -> Self {
        if left == 0 { Self::Start } else { Self::Content(left) }
    }

    /// Whether a part of a head is judged that can only be passed with the rest of it.
    fn is_head(&self) -> bool {
        matches!(self, Self::RequestLine | Self::Fields(_))
    }

    /// What the bytes belong to that are judged in this stage.
    fn place(&self) -> Place {
        match self {
            Self::Start | Self::RequestLine | Self::Fields(_) => Place::Head,
            Self::Content(_) | Self::Size | Self::Chunk(_) | Self::ChunkEnd | Self::Trailers => Place::Body,
            Self::Failed(_, place) => *place,
        }
    }
}
