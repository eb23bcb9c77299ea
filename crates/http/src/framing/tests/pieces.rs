//! What is true of all bytes, however they come.

use super::corpus::scan;
use super::requests::mutator::{Mutator, Numbers};
use super::requests::{Case, cases};
use crate::framing::{Limits, Scanner};

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
    let mut numbers = Numbers::new(1);
    for _ in 0..100 {
        let pieces: Vec<usize> = (0..2000).map(|_| 1 + numbers.below(150)).collect();
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
    let mut mutator = Mutator::new(2);
    for _ in 0..50_000 {
        let sent = mutator.request();
        let whole = scan(&sent, &[sent.len().max(1)]);
        let mut piece = || 1 + mutator.numbers.below(40);
        let pieces = [piece(), piece(), 1];
        assert_eq!(scan(&sent, &pieces), whole, "{}", sent.escape_ascii());
    }
}
