//! Media types by the endings of names.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use http::HeaderValue;
use mime_guess::{Mime, MimeGuess};

/// What a file is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) content_type: HeaderValue,
    /// A browser that opens it runs what is in it as a page of the site.
    pub(super) is_active: bool,
    /// A content coding would make it no smaller, so nobody keeps one of it.
    pub(super) is_packed: bool,
}

/// What is only bytes to us.
const UNKNOWN: &str = "application/octet-stream";

impl Kind {
    /// By the ending of the last name of a path.
    pub(super) fn of(path: &[u8]) -> Self {
        let path = Path::new(OsStr::from_bytes(path));
        let ending = path.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
        let guessed = MimeGuess::from_ext(&ending).first();
        let essence = match (&guessed, ending.as_str()) {
            (_, "map") => "application/json",
            (_, "otf") => "font/otf",
            (_, "ts" | "m2ts" | "mts") => "video/mp2t",
            (_, "woff") => "font/woff",
            (_, "mjs") => "text/javascript",
            (Some(kind), _) => kind.essence_str(),
            (None, _) => UNKNOWN,
        };
        let text = if is_text(essence) { format!("{essence}; charset=utf-8") } else { essence.to_owned() };
        Self {
            content_type: HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(UNKNOWN)),
            is_active: is_active(essence),
            is_packed: guessed.as_ref().is_some_and(is_packed),
        }
    }
}

/// Whether it is text in UTF-8, unless it says otherwise itself, as XML does.
fn is_text(essence: &str) -> bool {
    let named = ["application/javascript", "application/json", "application/manifest+json", "image/svg+xml"];
    essence.starts_with("text/") && essence != "text/xml" || named.contains(&essence)
}

fn is_active(essence: &str) -> bool {
    let named = ["text/html", "message/rfc822", "multipart/related", "application/x-shockwave-flash"];
    essence.ends_with("/xml")
        || essence.ends_with("+xml")
        || essence.starts_with("text/xsl")
        || named.contains(&essence)
}

fn is_packed(kind: &Mime) -> bool {
    match kind.type_().as_str() {
        "video" | "audio" => true,
        "image" => matches!(kind.subtype().as_str(), "png" | "jpeg" | "gif" | "webp" | "avif"),
        "font" => kind.subtype() == "woff2",
        _ => matches!(kind.subtype().as_str(), "zip" | "gzip"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_those_that_browsers_expect() {
        for (path, expected) in [
            ("a.css", "text/css; charset=utf-8"),
            ("a.JS", "text/javascript; charset=utf-8"),
            ("a.mjs", "text/javascript; charset=utf-8"),
            ("a.js.map", "application/json; charset=utf-8"),
            ("a.json", "application/json; charset=utf-8"),
            ("a/b.html", "text/html; charset=utf-8"),
            ("a.txt", "text/plain; charset=utf-8"),
            ("a.svg", "image/svg+xml; charset=utf-8"),
            ("a.webmanifest", "application/manifest+json; charset=utf-8"),
            ("a.xml", "text/xml"),
            ("a.png", "image/png"),
            ("a.jpg", "image/jpeg"),
            ("a.webp", "image/webp"),
            ("a.avif", "image/avif"),
            ("a.ico", "image/x-icon"),
            ("a.otf", "font/otf"),
            ("a.ttf", "font/ttf"),
            ("a.woff", "font/woff"),
            ("a.WOFF", "font/woff"),
            ("a.woff2", "font/woff2"),
            ("a.wasm", "application/wasm"),
            ("a.pdf", "application/pdf"),
            ("a.mp4", "video/mp4"),
            ("a.ts", "video/mp2t"),
            ("a.css.gz", "application/gzip"),
            ("a.css.br", UNKNOWN),
            ("a", UNKNOWN),
            ("html", UNKNOWN),
            ("a.unheard-of", UNKNOWN),
        ] {
            assert_eq!(Kind::of(path.as_bytes()).content_type, expected, "{path}");
        }
        assert_eq!(Kind::of(b"\xff.\xff").content_type, UNKNOWN);
        assert_eq!(Kind::of(b"\xff.css").content_type, "text/css; charset=utf-8");
    }

    #[test]
    fn what_could_run_as_a_page_is_known() {
        for path in [
            "a.html", "a.HTM", "a.xhtml", "a.svg", "a.xml", "a.xsl", "a.rss", "a.mht", "a.svgz", "a.xslt",
            "a.rdf",
        ] {
            assert!(Kind::of(path.as_bytes()).is_active, "{path}");
        }
        for path in ["a.png", "a.pdf", "a.txt", "a.js", "a.docx", "a", "a.unheard-of"] {
            assert!(!Kind::of(path.as_bytes()).is_active, "{path}");
        }
    }
}
