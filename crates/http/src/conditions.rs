//! A file as the answer to a request with conditions: all of it, parts, or nothing new (RFC 9110 sections 13 and 14).

use std::collections::VecDeque;
use std::fs::{File, Metadata};
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use rwsgi_message::{Fields, RequestHead};

use crate::answer::Part;
use crate::health::is_read;
use crate::ranges::Asked;
use crate::{Answer, Content, FileSpan};

/// The fields by which a request says something of the representation that it wants.
const FIELDS: [HeaderName; 6] =
    [IF_NONE_MATCH, IF_MODIFIED_SINCE, RANGE, IF_RANGE, IF_MATCH, IF_UNMODIFIED_SINCE];

/// What a request says of the representation that it wants.
#[derive(Debug)]
pub(crate) struct Conditions {
    method: Method,
    range: Option<HeaderValue>,
    if_range: Option<HeaderValue>,
    if_modified_since: Option<HeaderValue>,
    if_unmodified_since: Option<HeaderValue>,
    if_none_match: Vec<HeaderValue>,
    if_match: Vec<HeaderValue>,
}

/// Where the bytes of a representation are.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Memory(Bytes),
    /// In a file, and so many.
    File(Arc<File>, u64),
}

/// What the client is to get of it.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Whole,
    Parts(Vec<Range<u64>>),
    Unsatisfiable,
    NotModified,
    Failed,
}

impl Source {
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_, length) => *length,
        }
    }

    /// All of it.
    pub(crate) fn content(&self) -> Content {
        self.part(&(0..self.length())).into()
    }

    fn part(&self, range: &Range<u64>) -> Part {
        match self {
            // In memory no place is beyond what a `usize` counts.
            Self::Memory(bytes) => Part::Bytes(bytes.slice(range.start as usize..range.end as usize)),
            Self::File(file, _) => Part::File(FileSpan {
                file: Arc::clone(file),
                offset: range.start,
                length: range.end - range.start,
            }),
        }
    }
}

impl Conditions {
    /// Whether a request with these fields has any.
    pub(crate) fn are_in(headers: &HeaderMap) -> bool {
        headers.keys().any(|name| FIELDS.contains(name))
    }

    pub(crate) fn of(head: &RequestHead) -> Self {
        let only = |name: HeaderName| {
            let mut values = head.headers.get_all(name).iter();
            values.next().filter(|_| values.next().is_none()).cloned()
        };
        let all = |name: HeaderName| head.headers.get_all(name).iter().cloned().collect();
        Self {
            method: head.method.clone(),
            range: only(RANGE),
            if_range: only(IF_RANGE),
            if_modified_since: only(IF_MODIFIED_SINCE),
            if_unmodified_since: only(IF_UNMODIFIED_SINCE),
            if_none_match: all(IF_NONE_MATCH),
            if_match: all(IF_MATCH),
        }
    }

    /// Makes `file` the body of `answer`, whose headers stay but for those that say what is sent of it.
    pub(crate) fn answer(&self, mut answer: Answer, file: Arc<File>, metadata: &Metadata) -> Answer {
        answer.headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        answer.headers.remove(CONTENT_RANGE);
        set_validators(&mut answer.headers, metadata, "");
        self.apply(answer, &Source::File(file, metadata.len()))
    }

    /// Makes what is wanted of `source` the body of `answer`, whose headers are those of the whole, with its validators.
    pub(crate) fn apply(&self, mut answer: Answer, source: &Source) -> Answer {
        let length = source.length();
        match self.judge(&answer.headers, length) {
            Verdict::Whole => {
                answer.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
                answer.content = source.content();
            }
            Verdict::Parts(ranges) => partial(&mut answer, source, &ranges),
            Verdict::Unsatisfiable => {
                empty(&mut answer, StatusCode::RANGE_NOT_SATISFIABLE);
                answer.headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
                set(&mut answer.headers, CONTENT_RANGE, format!("bytes */{length}"));
            }
            Verdict::NotModified => empty(&mut answer, StatusCode::NOT_MODIFIED),
            Verdict::Failed => {
                empty(&mut answer, StatusCode::PRECONDITION_FAILED);
                answer.headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
            }
        }
        answer
    }

    /// In the order of RFC 9110 section 13.2.2. What an application has done for another method cannot be taken back.
    fn judge(&self, headers: &Fields, length: u64) -> Verdict {
        if !is_read(&self.method) {
            return Verdict::Whole;
        }
        if !self.is_as_expected(headers) {
            return Verdict::Failed;
        }
        if self.is_known(headers) {
            return Verdict::NotModified;
        }
        match self.range.as_ref().map(HeaderValue::as_bytes).and_then(text) {
            Some(range) if self.method == Method::GET && self.applies_range(headers) => {
                match Asked::of(range, length) {
                    Asked::Whole => Verdict::Whole,
                    Asked::Parts(parts) => Verdict::Parts(parts),
                    Asked::Nothing => Verdict::Unsatisfiable,
                }
            }
            _ => Verdict::Whole,
        }
    }

    /// Whether it is still what the client says that it must be.
    fn is_as_expected(&self, headers: &Fields) -> bool {
        if self.if_match.is_empty() {
            let since = self.if_unmodified_since.as_ref().map(HeaderValue::as_bytes).and_then(date);
            return since.is_none_or(|since| modified(headers).is_none_or(|modified| modified <= since));
        }
        let tag = headers.get(ETAG).and_then(text);
        texts(&self.if_match).any(|list| matches(list, tag, Comparison::Strong))
    }

    /// Whether the client has it already.
    fn is_known(&self, headers: &Fields) -> bool {
        if self.if_none_match.is_empty() {
            let since = self.if_modified_since.as_ref().map(HeaderValue::as_bytes).and_then(date);
            return since.is_some_and(|since| modified(headers).is_some_and(|modified| modified <= since));
        }
        let tag = headers.get(ETAG).and_then(text);
        texts(&self.if_none_match).any(|list| matches(list, tag, Comparison::Weak))
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

/// Nothing of the representation is sent.
fn empty(answer: &mut Answer, status: StatusCode) {
    answer.status = status;
    answer.reason = None;
    answer.headers.remove(CONTENT_TYPE);
    answer.headers.remove(CONTENT_LENGTH);
    answer.content = Content::Full(Bytes::new());
}

fn set(headers: &mut Fields, name: HeaderName, value: String) {
    // Made of numbers, dates and tokens.
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// One part as it is, several each behind a head of its own (RFC 9110 section 14.6).
fn partial(answer: &mut Answer, source: &Source, ranges: &[Range<u64>]) {
    let content_range =
        |range: &Range<u64>| format!("bytes {}-{}/{}", range.start, range.end - 1, source.length());
    answer.status = StatusCode::PARTIAL_CONTENT;
    answer.reason = None;
    if let [range] = ranges {
        set(&mut answer.headers, CONTENT_RANGE, content_range(range));
        answer.content = source.part(range).into();
    } else {
        // Random, so that no file can hold it on purpose.
        let boundary = format!("{:016x}", RandomState::new().hash_one(0));
        let kind = answer.headers.remove(CONTENT_TYPE).unwrap_or_default();
        let mut parts = VecDeque::with_capacity(ranges.len() * 2 + 1);
        for range in ranges {
            let mut head = format!("\r\n--{boundary}\r\n").into_bytes();
            if !kind.is_empty() {
                head.extend_from_slice(b"Content-Type: ");
                head.extend_from_slice(&kind);
                head.extend_from_slice(b"\r\n");
            }
            head.extend_from_slice(format!("Content-Range: {}\r\n\r\n", content_range(range)).as_bytes());
            parts.extend([Part::Bytes(head.into()), source.part(range)]);
        }
        parts.push_back(Part::Bytes(format!("\r\n--{boundary}--\r\n").into()));
        set(&mut answer.headers, CONTENT_TYPE, format!("multipart/byteranges; boundary={boundary}"));
        answer.content = Content::Parts(parts);
    }
    let length = answer.content.length().unwrap_or_default();
    answer.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
}

/// `ETag` and `Last-Modified`, unless the application gave them. The tag ends with `variant`, which tells representations of the
/// same file apart.
pub(crate) fn set_validators(headers: &mut Fields, metadata: &Metadata, variant: &str) {
    let Ok(modified) = metadata.modified() else { return };
    if !headers.contains(ETAG) {
        let age = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        let tag = format!("\"{:x}-{:x}{variant}\"", age.as_nanos(), metadata.len());
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

fn texts(values: &[HeaderValue]) -> impl Iterator<Item = &str> {
    values.iter().map(HeaderValue::as_bytes).filter_map(text)
}

/// How tags are compared (RFC 9110 section 8.8.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

/// Whether a list of tags names this one.
fn matches(list: &str, tag: Option<&str>, comparison: Comparison) -> bool {
    if list.trim() == "*" {
        return true;
    }
    let Some(tag) = tag else { return false };
    let (tag, is_weak) = tag.strip_prefix("W/").map_or((tag, false), |tag| (tag, true));
    let mut rest = list;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let weak = rest.strip_prefix("W/");
        rest = weak.unwrap_or(rest);
        // A comma may be part of a tag, a quote may not.
        let Some(end) = rest.strip_prefix('"').and_then(|inner| inner.find('"')) else { return false };
        let (found, next) = rest.split_at(end + 2);
        if found == tag && (comparison == Comparison::Weak || !is_weak && weak.is_none()) {
            return true;
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_in_lists() {
        for list in
            ["*", " * ", "\"a,b\"", "W/\"a,b\"", "\"x\", \"a,b\"", "\"x\",W/\"a,b\" , \"y\"", ", ,\"a,b\""]
        {
            assert!(matches(list, Some("\"a,b\""), Comparison::Weak), "{list}");
            assert!(matches(list, Some("W/\"a,b\""), Comparison::Weak), "{list}");
            let is_strong = !list.contains("W/");
            assert_eq!(matches(list, Some("\"a,b\""), Comparison::Strong), is_strong, "{list}");
        }
        for list in ["", "a,b", "\"a\"", "\"a", "\"x\" \"y\"", "W/", "\"A,B\""] {
            assert!(!matches(list, Some("\"a,b\""), Comparison::Weak), "{list}");
        }
        assert!(!matches("\"a\"", None, Comparison::Weak));
        assert!(!matches("\"a\"", Some("W/\"a\""), Comparison::Strong));
    }
}
