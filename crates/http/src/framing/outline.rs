//! Where the parts of a head stand, as the scanner has found them, for a head that nothing else needs to parse.

use std::ops::Range;

use super::fields::Head;
use super::request_line::RequestLine;

/// A head: its parts as places in its bytes.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    method: Span,
    target: Span,
    fields: Vec<(Span, Span)>,
    starts_late: bool,
    is_plain: bool,
    closes: bool,
    length: Option<u64>,
    /// Its fields are those of the plain head before it, and are not listed.
    repeats: bool,
    end_of_line: usize,
}

/// Some bytes of a head. A head that is so long that 32 bits do not hold its places is never plain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    fn new(start: usize, length: usize) -> Self {
        let place = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        Self { start: place(start), end: place(start + length) }
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl Outline {
    /// A request line that stands at `start`.
    pub(super) fn begin(&mut self, start: usize, line: &RequestLine) {
        self.method = Span::new(start, line.method);
        self.target = Span::new(start + line.method + 1, line.target);
        self.fields.clear();
        self.starts_late = start > 0;
        self.is_plain = false;
        self.repeats = false;
        // Behind the target, a space, eight bytes and a line end.
        self.end_of_line = start + line.method + 1 + line.target + 11;
    }

    /// The next field: where its name and its value begin, and how long they are.
    pub(super) fn push(&mut self, name: (usize, usize), value: (usize, usize)) {
        self.fields.push((Span::new(name.0, name.1), Span::new(value.0, value.1)));
    }

    /// The end of the head.
    pub(super) fn finish(&mut self, head: &Head) {
        self.is_plain = head.is_plain() && !self.starts_late;
        self.closes = head.closes();
        self.length = head.length();
    }

    /// The end of a head with the fields of the one before.
    pub(super) fn repeat(&mut self, (closes, length): (bool, Option<u64>)) {
        self.is_plain = !self.starts_late;
        self.closes = closes;
        self.length = length;
        self.repeats = true;
    }

    /// Whether the fields are those of the head before, which has been remembered.
    pub(crate) fn repeats(&self) -> bool {
        self.repeats
    }

    /// Where the fields begin.
    pub(crate) fn start_of_fields(&self) -> usize {
        self.end_of_line
    }

    /// Whether the request is one of HTTP/1.1 that has no body or one with a length, asks for nothing but its answer and begins
    /// with its request line.
    pub(crate) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Whether the client wants the connection to end with the answer.
    pub(crate) fn closes(&self) -> bool {
        self.closes
    }

    /// The length of its body, where it says one.
    pub(crate) fn length(&self) -> Option<u64> {
        self.length
    }

    pub(crate) fn method(&self) -> Span {
        self.method
    }

    pub(crate) fn target(&self) -> Span {
        self.target
    }

    /// Names and values.
    pub(crate) fn fields(&self) -> &[(Span, Span)] {
        &self.fields
    }
}
