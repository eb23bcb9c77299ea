//! Which parts of a representation a request asks for (RFC 9110 section 14).

use std::ops::Range;

/// With more ranges than this the whole is sent: nobody needs them, and each costs more than its bytes.
const MOST: usize = 32;

/// Ranges that are no further apart than the head of a part is long are sent as one (RFC 9110 section 15.3.7.2).
const CLOSE: u64 = 100;

/// What is asked for of a representation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// All of it; also where the field says nothing that can be understood.
    Whole,
    /// These parts, in their order and none over another; at least one.
    Parts(Vec<Range<u64>>),
    /// Nothing that there is.
    Nothing,
}

impl Asked {
    /// What the value of a `Range` asks for where there are so many bytes.
    pub(crate) fn of(value: &str, length: u64) -> Self {
        let Some((unit, set)) = value.split_once('=') else { return Self::Whole };
        if !unit.trim().eq_ignore_ascii_case("bytes") || set.split(',').count() > MOST {
            return Self::Whole;
        }
        let mut parts = Vec::new();
        for member in set.split(',').map(str::trim).filter(|member| !member.is_empty()) {
            let Some(range) = range(member, length) else { return Self::Whole };
            parts.push(range);
        }
        if parts.is_empty() {
            return Self::Whole;
        }
        parts.retain(|range| !range.is_empty());
        parts.sort_by_key(|range| range.start);
        parts.dedup_by(|next, before| {
            let is_close = next.start <= before.end.saturating_add(CLOSE);
            if is_close {
                before.end = before.end.max(next.end);
            }
            is_close
        });
        if parts.is_empty() { Self::Nothing } else { Self::Parts(parts) }
    }
}

/// One range, empty if nothing of it is there; `None`: it is none.
fn range(member: &str, length: u64) -> Option<Range<u64>> {
    let (first, last) = member.split_once('-')?;
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => Some(first..last.saturating_add(1).min(length)),
        (Some(first), None) if last.is_empty() => Some(first..length),
        (None, Some(suffix)) if first.is_empty() => Some(length.saturating_sub(suffix)..length),
        _ => None,
    }
}

/// Plain digits; a number beyond every file is as good as another one.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_a_part() {
        for (range, expected) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-", 0..100),
            ("bytes=10-19", 10..20),
            ("bytes=90-1000", 90..100),
            ("bytes=99-99", 99..100),
            ("bytes=-1", 99..100),
            ("bytes=-1000", 0..100),
            ("BYTES=5-6", 5..7),
            ("bytes= 5-6 ", 5..7),
            ("bytes=0-1,", 0..2),
            ("bytes=5-99999999999999999999999", 5..100),
            ("bytes=5-18446744073709551615", 5..100),
            ("bytes=-99999999999999999999999", 0..100),
        ] {
            assert_eq!(Asked::of(range, 100), Asked::Parts(vec![expected]), "{range}");
        }
    }

    #[test]
    fn several_are_put_in_order_and_those_that_are_close_together() {
        for (range, expected) in [
            ("bytes=0-9,500-509", "0..10 500..510"),
            ("bytes=500-509, 0-9", "0..10 500..510"),
            ("bytes=0-9,,-10 ,2000-", "0..10 990..1000"),
            ("bytes=0-9,5-19,20-29,130-139,241-250", "0..140 241..251"),
            ("bytes=0-9,110-119", "0..120"),
            ("bytes=0-,0-,0-,0-,0-", "0..1000"),
            ("bytes=0-999,5-6", "0..1000"),
        ] {
            let expected = expected.split(' ').map(|range| {
                let (start, end) = range.split_once("..").unwrap();
                start.parse().unwrap()..end.parse().unwrap()
            });
            assert_eq!(Asked::of(range, 1000), Asked::Parts(expected.collect()), "{range}");
        }
    }

    #[test]
    fn too_many_are_the_whole() {
        let many = |count: u64| {
            let ranges: Vec<String> = (0..count).map(|place| format!("{0}-{0}", place * 1000)).collect();
            Asked::of(&format!("bytes={}", ranges.join(",")), 1_000_000)
        };
        assert!(matches!(many(MOST as u64), Asked::Parts(parts) if parts.len() == MOST));
        assert_eq!(many(MOST as u64 + 1), Asked::Whole);
    }

    #[test]
    fn a_range_that_begins_behind_the_end_cannot_be_had() {
        for range in
            ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-", "bytes=100-,-0"]
        {
            assert_eq!(Asked::of(range, 100), Asked::Nothing, "{range}");
        }
        assert_eq!(Asked::of("bytes=0-", 0), Asked::Nothing);
        assert_eq!(Asked::of("bytes=-5", 0), Asked::Nothing);
    }

    #[test]
    fn what_is_no_range_is_ignored() {
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=5",
            "bytes=6-5",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=1--2",
            "bytes=0x1-2",
            "bytes=1 - 2",
            "lines=1-2",
            "bytes=0-1,x",
            "=0-1",
            "bytes:0-1",
        ] {
            assert_eq!(Asked::of(range, 100), Asked::Whole, "{range}");
        }
    }
}
