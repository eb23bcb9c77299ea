//! The cases of `tests/requests`, as far as the scanner decides them.

use super::requests::seen::requests;
use super::requests::{Case, MARKER, cases};
use crate::framing::{Fault, Limits, Scanner};

/// What the scanner has done with a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) passed: Vec<u8>,
    pub(crate) fault: Option<Fault>,
}

/// Gives the scanner the bytes in pieces of these sizes, the last of which repeats.
pub(crate) fn scan(sent: &[u8], pieces: &[usize]) -> Outcome {
    let mut scanner = Scanner::new(Limits::default());
    let mut passed = 0;
    let mut arrived = 0;
    let mut sizes = pieces.iter().chain(std::iter::repeat(pieces.last().unwrap()));
    while arrived < sent.len() {
        arrived = sent.len().min(arrived + sizes.next().unwrap());
        let scan = scanner.scan(&sent[passed..arrived]);
        passed += scan.pass;
        if scan.fault.is_some() {
            assert_eq!((scanner.scan(b"GET"), scanner.end()), (scan_of(scan.fault), scan.fault));
            return Outcome { passed: sent[..passed].to_vec(), fault: scan.fault };
        }
    }
    Outcome { passed: sent[..passed].to_vec(), fault: scanner.end() }
}

/// Nothing but a fault.
fn scan_of(fault: Option<Fault>) -> crate::framing::scanner::Scan {
    crate::framing::scanner::Scan { pass: 0, fault }
}

fn complaint(case: &Case, pieces: &[usize]) -> Option<String> {
    let outcome = scan(&case.sent, pieces);
    let (mut seen, taken) = requests(&outcome.passed);
    let closing = seen.iter().position(|seen| seen.closes);
    seen.truncate(closing.map_or(seen.len(), |last| last + 1));
    let mut answers: Vec<(u16, &[u8])> = seen.iter().map(|seen| (200, &*seen.text)).collect();
    let fault = outcome.fault.filter(|_| closing.is_none());
    if let Some(fault) = fault {
        answers.push((fault.status.as_u16(), fault.reason.as_bytes()));
    }
    let stays = fault.is_none() && closing.is_none() && taken == case.sent.len() && !case.half_closes;
    let fits = |(found, expected): (&(u16, &[u8]), &super::requests::Expected)| {
        let is_text = match found.0 {
            200 => found.1 == expected.text,
            _ => found.1.windows(expected.text.len()).any(|part| part == expected.text),
        };
        found.0 == expected.status && is_text
    };
    let is_good = answers.len() == case.answers.len()
        && answers.iter().zip(&case.answers).all(fits)
        && stays == case.stays;
    let found: Vec<String> =
        answers.iter().map(|(status, text)| format!("{status} {}", text.escape_ascii())).collect();
    (!is_good).then(|| format!("{}: {}, stays: {stays}", case.name, found.join(" | ")))
}

#[track_caller]
fn check(pieces: &[usize]) {
    let complaints: Vec<String> = cases().iter().filter_map(|case| complaint(case, pieces)).collect();
    assert!(complaints.is_empty(), "{} cases:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn whole() {
    check(&[usize::MAX >> 1]);
}

#[test]
fn byte_by_byte() {
    check(&[1]);
}

#[test]
fn in_uneven_pieces() {
    for first in [2, 3, 5, 17, 40] {
        check(&[first, 7]);
    }
}

#[test]
fn there_are_many_of_both_kinds_and_refused_ones_can_be_told_from_the_answers() {
    let cases = cases();
    let is_refused = |case: &&Case| case.answers.iter().any(|answer| answer.status != 200);
    let refused: Vec<&Case> = cases.iter().filter(is_refused).collect();
    assert!(
        refused.len() >= 190 && cases.len() - refused.len() >= 60,
        "{} of {}",
        refused.len(),
        cases.len()
    );
    for case in refused {
        let is_marked = case.sent.windows(MARKER.len()).any(|part| part == MARKER);
        assert!(is_marked, "{} has no marker", case.name);
    }
    let mut names: Vec<&str> = cases.iter().map(|case| &*case.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases.len(), "two cases have one name");
}
