//! Which answers are compressed, and what their headers say then.

use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, HeaderName, HeaderValue, VARY,
};
use http::{Method, StatusCode};
use rwsgi_message::{Fields, RequestHead};

use super::compressed::{AT_ONCE, Compressed};
use super::encoder::Encoder;
use crate::codings::{Accepted, Coding};
use crate::{Answer, Content};

/// Each event must arrive at once and the stream may last for days, so no pattern includes them.
const EVENTS: &[u8] = b"text/event-stream";

/// Which answers of the application are compressed, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compression {
    /// The codings that may be used; of those that a client likes as much the first one is.
    pub codings: Vec<Coding>,
    /// How much work is done to make answers small: 1 (little) to 9 (much).
    pub level: u32,
    /// Answers with fewer bytes are left as they are; one whose length is not known is compressed.
    pub min_size: u64,
    /// Media types without parameters, or `text/*` for all of a family but `text/event-stream`.
    pub types: Vec<String>,
    /// Whether that goes for answers which set cookies, too, where the request may have changed something (POST). What a client
    /// sends and a secret can be in one of them together, and its length then tells of the secret (the attack named BREACH).
    pub set_cookie: bool,
}

/// What there is to know of a request when its answer is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    coding: Option<Coding>,
    is_head: bool,
    /// The request changes nothing (RFC 9110 section 9.2.1).
    is_safe: bool,
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is the same for every client.
    Same,
    /// This client gets it as it is, others compressed.
    Varies,
    Coded(Coding),
}

impl Compression {
    /// What this request says.
    pub(crate) fn wanted(&self, head: &RequestHead) -> Wanted {
        let coding = if head.headers.contains_key(ACCEPT_ENCODING) {
            Accepted::of(&head.headers).best_of(&self.codings)
        } else {
            None
        };
        Wanted { coding, is_head: head.method == Method::HEAD, is_safe: head.method.is_safe() }
    }

    /// Compresses `answer` if it should be: a small one now, another one while it is sent.
    pub(crate) fn apply(&self, answer: &mut Answer, wanted: Wanted) {
        match self.judge(answer, wanted) {
            Verdict::Same => {}
            Verdict::Varies => vary(&mut answer.headers),
            Verdict::Coded(coding) => {
                vary(&mut answer.headers);
                if wanted.is_head {
                    answer.content = Content::default();
                    return describe(&mut answer.headers, coding);
                }
                let content = std::mem::take(&mut answer.content);
                match self.code(content, coding) {
                    Ok(content) => {
                        answer.content = content;
                        describe(&mut answer.headers, coding);
                    }
                    Err(content) => answer.content = content,
                }
            }
        }
    }

    /// All of something that is no answer yet, in each coding that makes it smaller.
    pub(crate) fn each(&self, kind: &[u8], bytes: &[u8]) -> Vec<(Coding, Vec<u8>)> {
        if self.is_small(bytes.len() as u64) || !self.lists(kind) {
            return Vec::new();
        }
        self.codings.iter().filter_map(|&coding| Some((coding, self.smaller(coding, bytes)?))).collect()
    }

    fn judge(&self, answer: &Answer, wanted: Wanted) -> Verdict {
        if answer.is_own
            || !has_content(answer.status)
            || matches!(answer.content, Content::File(_) | Content::Parts(_))
        {
            return Verdict::Same;
        }
        let traits = Traits::of(&answer.headers);
        let length = match &answer.content {
            // An application need not make the content that nobody wants, and says then how long it would be, or not.
            Content::Full(bytes) if !bytes.is_empty() || !wanted.is_head => Some(bytes.len() as u64),
            _ => traits.length,
        };
        let is_small = length.is_some_and(|length| self.is_small(length));
        let is_secret = traits.sets_cookie && !wanted.is_safe && !self.set_cookie;
        if is_small || is_secret || traits.is_fixed || !traits.kind.is_some_and(|kind| self.lists(kind)) {
            return Verdict::Same;
        }
        wanted.coding.map_or(Verdict::Varies, Verdict::Coded)
    }

    fn is_small(&self, length: u64) -> bool {
        length < self.min_size.max(1)
    }

    /// Whether a `Content-Type` is of one of the types.
    fn lists(&self, kind: &[u8]) -> bool {
        let essence = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let is_event = essence.eq_ignore_ascii_case(EVENTS);
        self.types.iter().any(|listed| match listed.strip_suffix('*') {
            Some(family) => {
                let start = essence.get(..family.len());
                !is_event && start.is_some_and(|start| start.eq_ignore_ascii_case(family.as_bytes()))
            }
            None => essence.eq_ignore_ascii_case(listed.as_bytes()),
        })
    }

    /// The content in this coding; the same again if that is no gain.
    fn code(&self, content: Content, coding: Coding) -> Result<Content, Content> {
        let compressed = match content {
            Content::Full(bytes) if bytes.len() <= AT_ONCE => {
                let encoded = self.smaller(coding, &bytes);
                return encoded.map(|encoded| Content::Full(encoded.into())).ok_or(Content::Full(bytes));
            }
            Content::Full(bytes) => match self.encoder(coding) {
                Some(encoder) => Compressed::whole(bytes, encoder),
                None => return Err(Content::Full(bytes)),
            },
            Content::Stream(outlet) => match self.encoder(coding) {
                Some(encoder) => Compressed::stream(outlet, encoder),
                None => return Err(Content::Stream(outlet)),
            },
            other @ (Content::File(_) | Content::Parts(_) | Content::Compressed(_)) => return Err(other),
        };
        Ok(Content::Compressed(Box::new(compressed)))
    }

    /// The bytes in this coding, if that is a gain.
    fn smaller(&self, coding: Coding, bytes: &[u8]) -> Option<Vec<u8>> {
        let encoded = Encoder::encode(coding, self.level, bytes).inspect_err(report).ok()?;
        (encoded.len() < bytes.len()).then_some(encoded)
    }

    fn encoder(&self, coding: Coding) -> Option<Encoder> {
        Encoder::new(coding, self.level, None).inspect_err(report).ok()
    }
}

/// There is no memory for it.
fn report(error: &std::io::Error) {
    tracing::error!("cannot compress an answer: {error}");
}

/// Whether answers of this status have content that is all of something. What a 304 stands for is known to the application alone.
fn has_content(status: StatusCode) -> bool {
    let is_partial = matches!(status.as_u16(), 204 | 205 | 206 | 226);
    (status.is_success() && !is_partial) || status.is_client_error() || status.is_server_error()
}

/// What the headers of an answer say that matters here.
#[derive(Debug, Default)]
struct Traits<'a> {
    kind: Option<&'a [u8]>,
    length: Option<u64>,
    sets_cookie: bool,
    /// The content must stay as it is: it is coded already, a part, signed by a digest, or `no-transform`.
    is_fixed: bool,
}

impl<'a> Traits<'a> {
    fn of(headers: &'a Fields) -> Self {
        let mut traits = Self::default();
        for (name, value) in headers.iter() {
            let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
            if is("content-type") {
                traits.kind = traits.kind.or(Some(value));
            } else if is("content-length") {
                traits.length = str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            } else if is("set-cookie") {
                traits.sets_cookie = true;
            } else if is("content-encoding") {
                traits.is_fixed |= !value.eq_ignore_ascii_case(b"identity");
            } else if is("cache-control") {
                traits.is_fixed |= has_member(value, "no-transform");
            } else {
                traits.is_fixed |= FIXING.iter().any(|fixing| is(fixing));
            }
        }
        traits
    }
}

/// Headers that hold for the very bytes that the application sends (RFC 9110 section 14.4, RFC 9530, RFC 3230, RFC 2616).
const FIXING: [&str; 5] = ["content-range", "content-digest", "repr-digest", "digest", "content-md5"];

/// Whether a list with commas has this word.
fn has_member(list: &[u8], word: &str) -> bool {
    list.split(|byte| *byte == b',').any(|member| member.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
}

/// Tells caches that other clients may get something else (RFC 9110 section 12.5.5).
fn vary(headers: &mut Fields) {
    let mut all = Vec::new();
    for value in headers.get_all(VARY.as_str()) {
        if has_member(value, "*") || has_member(value, ACCEPT_ENCODING.as_str()) {
            return;
        }
        if !value.is_empty() {
            all.extend_from_slice(value);
            all.extend_from_slice(b", ");
        }
    }
    all.extend_from_slice(b"Accept-Encoding");
    set(headers, VARY, &all);
}

/// Says that the content is in this coding, and takes back what holds only for what it was.
fn describe(headers: &mut Fields, coding: Coding) {
    for gone in [CONTENT_LENGTH, ACCEPT_RANGES] {
        headers.remove(gone);
    }
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    // The same tag must not stand for other bytes (RFC 9110 section 8.8.3).
    if let Some(tag) = headers.get(ETAG).filter(|tag| tag.starts_with(b"\"")) {
        let weak = [b"W/", tag].concat();
        set(headers, ETAG, &weak);
    }
}

fn set(headers: &mut Fields, name: HeaderName, value: &[u8]) {
    // It is made of what were values, and of plain letters.
    if let Ok(value) = HeaderValue::from_bytes(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
pub(crate) mod tests;
