//! A file as the answer to a request with conditions: all of it, a part, or nothing new (RFC 9110 sections 13 and 14).

use std::fs::{File, Metadata};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_RANGE, LAST_MODIFIED, RANGE,
};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use rwsgi_message::{Fields, RequestHead};

use crate::{Answer, Content, FileSpan};

/// What a request says of the representation that it wants.
#[derive(Debug)]
pub(crate) struct Conditions {
    method: Method,
    range: Option<HeaderValue>,
    if_range: Option<HeaderValue>,
    if_modified_since: Option<HeaderValue>,
    if_none_match: Vec<HeaderValue>,
}

/// What the client is to get of a file.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Whole,
    Part(Range<u64>),
    Unsatisfiable,
    NotModified,
}

impl Conditions {
    pub(crate) fn of(head: &RequestHead) -> Self {
        let only = |name: HeaderName| {
            let mut values = head.headers.get_all(name).iter();
            values.next().filter(|_| values.next().is_none()).cloned()
        };
        Self {
            method: head.method.clone(),
            range: only(RANGE),
            if_range: only(IF_RANGE),
            if_modified_since: only(IF_MODIFIED_SINCE),
            if_none_match: head.headers.get_all(IF_NONE_MATCH).iter().cloned().collect(),
        }
    }

    /// Makes `file` the body of `answer`, whose headers stay but for those that say what is sent of it.
    pub(crate) fn answer(&self, mut answer: Answer, file: File, metadata: &Metadata) -> Answer {
        let length = metadata.len();
        answer.headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        answer.headers.remove(CONTENT_RANGE);
        set_validators(&mut answer.headers, metadata);
        let mut span = FileSpan { file: Arc::new(file), offset: 0, length };
        match self.judge(&answer.headers, length) {
            Verdict::Whole => {}
            Verdict::Part(range) => {
                let content_range = format!("bytes {}-{}/{length}", range.start, range.end - 1);
                change(&mut answer, StatusCode::PARTIAL_CONTENT, Some(content_range));
                span = FileSpan { offset: range.start, length: range.end - range.start, ..span };
            }
            Verdict::Unsatisfiable => {
                change(&mut answer, StatusCode::RANGE_NOT_SATISFIABLE, Some(format!("bytes */{length}")));
                answer.headers.remove(CONTENT_TYPE);
                span.length = 0;
            }
            Verdict::NotModified => {
                change(&mut answer, StatusCode::NOT_MODIFIED, None);
                answer.headers.remove(CONTENT_TYPE);
                answer.headers.remove(CONTENT_LENGTH);
                answer.content = Content::Full(Bytes::new());
                return answer;
            }
        }
        answer.headers.insert(CONTENT_LENGTH, HeaderValue::from(span.length));
        answer.content = Content::File(span);
        answer
    }

    /// In the order of RFC 9110 section 13.2.2.
    fn judge(&self, headers: &Fields, length: u64) -> Verdict {
        let is_get = self.method == Method::GET;
        if (is_get || self.method == Method::HEAD) && self.is_known(headers) {
            return Verdict::NotModified;
        }
        match self.range.as_ref().map(HeaderValue::as_bytes).and_then(text) {
            Some(range) if is_get && self.applies_range(headers) => part(range, length),
            _ => Verdict::Whole,
        }
    }

    /// Whether the client has it already.
    fn is_known(&self, headers: &Fields) -> bool {
        if self.if_none_match.is_empty() {
            let since = self.if_modified_since.as_ref().map(HeaderValue::as_bytes).and_then(date);
            return since.is_some_and(|since| modified(headers).is_some_and(|modified| modified <= since));
        }
        let tag = headers.get(ETAG).and_then(text);
        self.if_none_match
            .iter()
            .map(HeaderValue::as_bytes)
            .filter_map(text)
            .any(|list| matches_weakly(list, tag))
    }

    /// Whether the part that the client has belongs to the same representation (RFC 9110 section 13.1.5).
    fn applies_range(&self, headers: &Fields) -> bool {
        let Some(validator) = self.if_range.as_ref().map(HeaderValue::as_bytes) else { return true };
        let is_tag = validator.starts_with(b"\"");
        if is_tag {
            headers.get(ETAG) == Some(validator)
        } else {
            date(validator).is_some_and(|date| modified(headers) == Some(date))
        }
    }
}

fn change(answer: &mut Answer, status: StatusCode, content_range: Option<String>) {
    answer.status = status;
    answer.reason = None;
    if let Some(value) = content_range.and_then(|text| HeaderValue::try_from(text).ok()) {
        answer.headers.insert(CONTENT_RANGE, value);
    }
}

/// `ETag` and `Last-Modified`, unless the application gave them.
fn set_validators(headers: &mut Fields, metadata: &Metadata) {
    let Ok(modified) = metadata.modified() else { return };
    if !headers.contains(ETAG) {
        let age = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        let tag = format!("\"{:x}-{:x}\"", age.as_nanos(), metadata.len());
        if let Ok(tag) = HeaderValue::try_from(tag) {
            headers.append(ETAG, tag);
        }
    }
    // A date that a header cannot hold is one after the year 9999.
    let is_writable = modified < UNIX_EPOCH + Duration::from_secs(253_402_300_800);
    if modified >= UNIX_EPOCH
        && is_writable
        && let Ok(date) = HeaderValue::try_from(httpdate::fmt_http_date(modified))
    {
        headers.or_insert(LAST_MODIFIED, date);
    }
}

fn text(value: &[u8]) -> Option<&str> {
    str::from_utf8(value).ok().filter(|text| text.is_ascii())
}

fn date(value: &[u8]) -> Option<SystemTime> {
    text(value).and_then(|text| httpdate::parse_http_date(text).ok())
}

fn modified(headers: &Fields) -> Option<SystemTime> {
    headers.get(LAST_MODIFIED).and_then(date)
}

/// Whether an If-None-Match names this tag, strong or weak (RFC 9110 section 8.8.3.2).
fn matches_weakly(list: &str, tag: Option<&str>) -> bool {
    if list.trim() == "*" {
        return true;
    }
    let Some(tag) = tag.map(|tag| tag.trim_start_matches("W/")) else { return false };
    let mut rest = list;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        rest = rest.strip_prefix("W/").unwrap_or(rest);
        // A comma may be part of a tag, a quote may not.
        let Some(end) = rest.strip_prefix('"').and_then(|inner| inner.find('"')) else { return false };
        let (found, next) = rest.split_at(end + 2);
        if found == tag {
            return true;
        }
        rest = next;
    }
}

/// The one range that is asked for. Several are answered by the whole file, and so is what is no range
/// (RFC 9110 section 14.2).
fn part(range: &str, length: u64) -> Verdict {
    let Some((unit, set)) = range.split_once('=') else { return Verdict::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return Verdict::Whole;
    }
    let Some((first, last)) = set.trim().split_once('-') else { return Verdict::Whole };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(length),
        (Some(first), None) if last.is_empty() => first..length,
        (None, Some(suffix)) if first.is_empty() => length.saturating_sub(suffix)..length,
        _ => return Verdict::Whole,
    };
    if range.is_empty() { Verdict::Unsatisfiable } else { Verdict::Part(range) }
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
            ("bytes=5-99999999999999999999999", 5..100),
            ("bytes=5-18446744073709551615", 5..100),
            ("bytes=-99999999999999999999999", 0..100),
        ] {
            assert_eq!(part(range, 100), Verdict::Part(expected), "{range}");
        }
    }

    #[test]
    fn a_range_that_begins_behind_the_end_cannot_be_had() {
        for range in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(part(range, 100), Verdict::Unsatisfiable, "{range}");
        }
        assert_eq!(part("bytes=0-", 0), Verdict::Unsatisfiable);
        assert_eq!(part("bytes=-5", 0), Verdict::Unsatisfiable);
    }

    #[test]
    fn what_is_no_range_is_ignored() {
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5",
            "bytes=6-5",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=1--2",
            "bytes=0x1-2",
            "bytes=1 - 2",
            "lines=1-2",
            "bytes=0-1,4-5",
            "bytes=0-1,",
            "=0-1",
            "bytes:0-1",
        ] {
            assert_eq!(part(range, 100), Verdict::Whole, "{range}");
        }
    }

    #[test]
    fn tags_are_found_in_lists() {
        for list in
            ["*", " * ", "\"a,b\"", "W/\"a,b\"", "\"x\", \"a,b\"", "\"x\",W/\"a,b\" , \"y\"", ", ,\"a,b\""]
        {
            assert!(matches_weakly(list, Some("\"a,b\"")), "{list}");
            assert!(matches_weakly(list, Some("W/\"a,b\"")), "{list}");
        }
        for list in ["", "a,b", "\"a\"", "\"a", "\"x\" \"y\"", "W/", "\"A,B\""] {
            assert!(!matches_weakly(list, Some("\"a,b\"")), "{list}");
        }
        assert!(!matches_weakly("\"a\"", None));
    }
}
