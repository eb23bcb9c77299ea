//! The server's own pages under the paths of the application: how it is, answered without the application.

use std::fmt;
use std::sync::Arc;

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};

use crate::{Answer, Content};

/// Under which path the server says how it is. Cloning it gives another handle to the same one.
#[derive(Clone)]
pub struct Health(Arc<Inner>);

struct Inner {
    path: String,
    is_ready: Box<dyn Fn() -> bool + Send + Sync>,
}

impl Health {
    /// `path/live` is answered 200 by whoever can answer at all, `path/ready` and `path` by what `is_ready` says, 200 or 503.
    pub fn new(path: String, is_ready: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner { path, is_ready: Box::new(is_ready) }))
    }

    /// The answer, if it is one of its paths.
    #[must_use]
    pub fn answer(&self, method: &Method, path: &str) -> Option<Answer> {
        let is_ready = match path.strip_prefix(self.0.path.as_str())? {
            "/live" => true,
            "" | "/ready" => (self.0.is_ready)(),
            _ => return None,
        };
        Some(match (is_read(method), path.ends_with("/live"), is_ready) {
            (false, ..) => not_allowed(),
            (true, true, _) => text(StatusCode::OK, "live\n"),
            (true, false, true) => text(StatusCode::OK, "ready\n"),
            (true, false, false) => text(StatusCode::SERVICE_UNAVAILABLE, "unready\n"),
        })
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Health").field(&self.0.path).finish()
    }
}

pub(crate) fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// A page that nobody may keep.
pub(crate) fn text(status: StatusCode, text: &'static str) -> Answer {
    let mut answer = Answer { status, content: Content::Full(text.into()), ..Answer::default() };
    answer.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

pub(crate) fn not_allowed() -> Answer {
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    answer.headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    answer
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    static READY: AtomicBool = AtomicBool::new(false);

    fn status(method: &Method, path: &str) -> Option<u16> {
        let health = Health::new("/-/health".to_owned(), || READY.load(Ordering::SeqCst));
        health.answer(method, path).map(|answer| answer.status.as_u16())
    }

    #[test]
    fn each_path_has_its_meaning_and_all_others_are_the_applications() {
        let all = |method: &Method| {
            ["/-/health/live", "/-/health/ready", "/-/health"].map(|path| status(method, path))
        };
        assert_eq!(all(&Method::GET), [Some(200), Some(503), Some(503)]);
        READY.store(true, Ordering::SeqCst);
        assert_eq!(all(&Method::HEAD), [Some(200); 3]);
        assert_eq!(all(&Method::POST), [Some(405); 3]);
        for path in ["/", "/-/health/", "/-/healthy", "/-/health/ready/", "/x/-/health", "/-/HEALTH", "*"] {
            assert_eq!(status(&Method::GET, path), None, "{path}");
        }
    }
}
