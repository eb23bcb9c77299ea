//! Requests that are nearly right, the same ones each time.

use super::{Case, cases};

/// What requests consist of, and what does not belong there.
const BYTES: &[u8] = b"\r\n\t :;=,\"\\/?#%*[]@\0\x01\x7f\x80\xff0129aAfFxGETHP.-_";

/// Numbers without an order (xorshift, Marsaglia 2003).
#[derive(Debug)]
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below this one.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

/// Changes the cases in a few places.
#[derive(Debug)]
pub(crate) struct Mutator {
    pub(crate) numbers: Numbers,
    originals: Vec<Vec<u8>>,
}

impl Mutator {
    pub(crate) fn new(seed: u64) -> Self {
        Self::of(seed, |_| true)
    }

    /// One that changes only some of the cases.
    pub(crate) fn of(seed: u64, takes: impl Fn(&Case) -> bool) -> Self {
        let cases = cases().into_iter().filter(|case| case.sent.len() < 5000 && takes(case));
        Self { numbers: Numbers::new(seed), originals: cases.map(|case| case.sent).collect() }
    }

    pub(crate) fn request(&mut self) -> Vec<u8> {
        let mut sent = self.original();
        for _ in 0..self.numbers.below(4) {
            let (at, length) = (self.numbers.below(sent.len() + 1), self.numbers.below(5));
            let byte = BYTES[self.numbers.below(BYTES.len())];
            match self.numbers.below(5) {
                0 if at < sent.len() => sent[at] = byte,
                1 => sent.insert(at, byte),
                2 => drop(sent.drain(at..sent.len().min(at + length))),
                3 => sent.extend_from_within(at..),
                _ => sent.extend(self.original()),
            }
        }
        sent
    }

    fn original(&mut self) -> Vec<u8> {
        self.originals[self.numbers.below(self.originals.len())].clone()
    }
}
