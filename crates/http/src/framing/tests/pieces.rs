//! What is true of all bytes, however they come.

use super::corpus::scan;
use super::requests::{Case, cases};
use crate::framing::{Limits, Scanner};

/// As numbers of a test come out the same each time (xorshift, Marsaglia 2003).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }
}

fn is_accepted(case: &Case) -> bool {
    case.stays && case.sent.len() < 5000
}

/// All accepted cases one behind the other.
fn stream() -> Vec<u8> {
    let cases = cases();
    let sent: Vec<&[u8]> = cases.iter().filter(|case| is_accepted(case)).map(|case| &*case.sent).collect();
    sent.concat()
}

#[test]
fn a_good_stream_is_passed_however_it_is_split() {
    let stream = stream();
    let mut numbers = Numbers(1);
    for _ in 0..100 {
        let pieces: Vec<usize> = (0..2000).map(|_| 1 + numbers.next(150)).collect();
        let outcome = scan(&stream, &pieces);
        assert_eq!((outcome.passed.len(), outcome.fault), (stream.len(), None));
    }
}

#[test]
fn no_beginning_of_a_good_stream_is_a_fault() {
    for case in cases().iter().filter(|case| is_accepted(case)) {
        for end in 0..=case.sent.len() {
            let mut scanner = Scanner::new(Limits::default());
            let scan = scanner.scan(&case.sent[..end]);
            assert_eq!(scan.fault, None, "{} after {end} bytes", case.name);
        }
    }
}

#[test]
fn how_bytes_are_split_changes_nothing_of_what_becomes_of_them() {
    let originals: Vec<Case> = cases().into_iter().filter(|case| case.sent.len() < 5000).collect();
    let bytes = b"\r\n\t :;=,\"\\/?#%*[]@\0\x01\x7f\x80\xff0129aAfFxGETHP.-_";
    let mut numbers = Numbers(2);
    for _ in 0..50_000 {
        let mut sent = originals[numbers.next(originals.len())].sent.clone();
        for _ in 0..=numbers.next(3) {
            let (at, length) = (numbers.next(sent.len() + 1), numbers.next(5));
            let byte = bytes[numbers.next(bytes.len())];
            match numbers.next(4) {
                0 if at < sent.len() => sent[at] = byte,
                1 => sent.insert(at, byte),
                2 => drop(sent.drain(at..sent.len().min(at + length))),
                _ => sent.extend_from_within(sent.len().saturating_sub(at).min(sent.len())..),
            }
        }
        let whole = scan(&sent, &[sent.len().max(1)]);
        let pieces = [1 + numbers.next(40), 1 + numbers.next(40), 1];
        let split = scan(&sent, &pieces);
        assert_eq!(split, whole, "{}", sent.escape_ascii());
    }
}
