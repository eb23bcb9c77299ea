//! How answers are compressed: the settings, and the grammar of their lists.

use crate::{
    header::items,
    kind::{Refusal, one_of},
    near::nearest,
};

/// How answers of the application are compressed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compression {
    /// Whether they are at all.
    pub on: bool,
    /// The codings that may be used, the one that is preferred first; at least one.
    pub codings: Vec<ContentCoding>,
    /// From 1 (little work) to 9 (small answers).
    pub level: u32,
    /// Bytes from which on an answer is compressed; `None` is any number.
    pub min_size: Option<u64>,
    /// Media types in lower case, or `text/*` for a family.
    pub types: Vec<String>,
    /// Also answers to POST that set cookies.
    pub set_cookie: bool,
}

/// A coding of `Content-Encoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentCoding {
    /// `zstd`.
    Zstd,
    /// `br`.
    Brotli,
    /// `gzip`.
    Gzip,
}

impl ContentCoding {
    /// Every coding, in the order of [`ContentCoding::WORDS`].
    const ALL: [Self; 3] = [Self::Zstd, Self::Brotli, Self::Gzip];

    /// The codings as the command line writes them.
    const WORDS: &'static [&'static str] = &["zstd", "br", "gzip"];
}

/// What [`codings`] reads, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS_CODINGS: &str = "some of `zstd`, `br` and `gzip` with commas between them";

/// What [`types`] reads, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS_TYPES: &str =
    "`default` or media types, with commas between them, such as `default,text/event-stream`";

/// What `default` stands for: text in all its forms, and fonts that are not compressed in themselves.
const USUAL_TYPES: &str = "text/*,application/json,application/javascript,application/xml,application/xhtml+xml,\
    application/rss+xml,application/atom+xml,application/manifest+json,application/ld+json,application/problem+json,\
    application/wasm,image/svg+xml,font/ttf,font/otf,application/vnd.ms-fontobject";

/// Reads codings, each once.
pub(crate) fn codings(text: &str) -> Result<Vec<ContentCoding>, Refusal> {
    let mut codings = Vec::new();
    for item in items(text) {
        let words = ContentCoding::WORDS;
        let Some(place) = words.iter().position(|word| word.eq_ignore_ascii_case(item)) else {
            let refusal = Refusal::new(format!("`{item}` is no coding: expected {}", one_of(words)));
            let meant = nearest(item, words.iter().copied());
            return Err(Refusal { hint: meant.map(|word| format!("did you mean `{word}`?")), ..refusal });
        };
        let coding = ContentCoding::ALL[place];
        if codings.contains(&coding) {
            return Err(Refusal::new(format!("`{item}` is named twice")));
        }
        codings.push(coding);
    }
    if codings.is_empty() { Err(Refusal::new(format!("expected {EXPECTS_CODINGS}"))) } else { Ok(codings) }
}

/// Reads media types without parameters (RFC 9110 section 8.3.1), or `type/*`; stored in lower case. `default` is the usual ones.
pub(crate) fn types(text: &str) -> Result<Vec<String>, Refusal> {
    let mut types = Vec::new();
    for item in items(text) {
        if item.eq_ignore_ascii_case("default") {
            types.extend(items(USUAL_TYPES).map(str::to_owned));
        } else {
            types.push(media_type(item)?);
        }
    }
    if types.is_empty() { Err(Refusal::new(format!("expected {EXPECTS_TYPES}"))) } else { Ok(types) }
}

fn media_type(text: &str) -> Result<String, Refusal> {
    let is_token = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    match text.split_once('/') {
        Some((family, kind)) if is_token(family) && (kind == "*" || is_token(kind)) => {
            Ok(text.to_ascii_lowercase())
        }
        _ => Err(Refusal::new(format!("`{text}` is no media type: expected {EXPECTS_TYPES}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read() {
        use ContentCoding::{Brotli, Gzip, Zstd};
        assert_eq!(codings(" GZIP, br ,zstd,"), Ok(vec![Gzip, Brotli, Zstd]));
        assert_eq!(codings("br"), Ok(vec![Brotli]));
        assert_eq!(
            types("Text/*, application/vnd.api+json"),
            Ok(vec!["text/*".to_owned(), "application/vnd.api+json".to_owned()])
        );
        let more = types("default,Text/Event-Stream").unwrap();
        assert_eq!((more.len(), &*more[0], &*more[15]), (16, "text/*", "text/event-stream"));
    }

    #[test]
    fn what_is_none_of_them_is_refused() {
        for text in ["", ",", "deflate", "br,br", "gzip br", "*"] {
            assert!(codings(text).is_err(), "{text}");
        }
        assert_eq!(codings("gzpi").unwrap_err().hint.as_deref(), Some("did you mean `gzip`?"));
        for text in
            ["", "text", "text/", "/html", "*/*", "*", "text/html; charset=utf-8", "text/ht*", "a/b/c"]
        {
            assert!(types(text).is_err(), "{text}");
        }
    }
}
