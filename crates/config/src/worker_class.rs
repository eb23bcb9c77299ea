//! The grammar of Gunicorn's worker classes: the native model goes by two of their names, and for each of the others
//! there is something to be said.

use crate::{kind::Refusal, near::nearest};

/// Whether this is a class whose place the native model takes.
pub(crate) fn parse(text: &str) -> Result<(), Refusal> {
    let text = text.trim();
    if NATIVE.contains(&text) {
        return Ok(());
    }
    let known = FOREIGN.iter().find(|family| family.marks.iter().any(|mark| text.contains(mark)));
    match known {
        Some(family) => Err(Refusal::new(family.reason).hint(family.hint)),
        None => Err(Refusal::new(format!("expected {EXPECTS}")).hint(match nearest(text, NATIVE) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => NO_OTHER.to_owned(),
        })),
    }
}

/// What [`parse`] takes, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS: &str = "`sync` or `gthread`";

const NO_OTHER: &str = "classes of other packages cannot be loaded; what one adds can often be done in a hook, such as \
                        `post_worker_init`";

const NATIVE: [&str; 6] = [
    "sync",
    "gthread",
    "gunicorn.workers.sync.SyncWorker",
    "gunicorn.workers.gthread.ThreadWorker",
    "egg:gunicorn#sync",
    "egg:gunicorn#gthread",
];

/// Classes that are there for the same thing.
struct Family {
    /// What their names contain.
    marks: &'static [&'static str],
    reason: &'static str,
    hint: &'static str,
}

const FOREIGN: [Family; 4] = [
    Family {
        marks: &["gevent", "eventlet"],
        reason: "requests do not run in greenlets",
        hint: "leave it out and write `--threads N`, N being the requests that wait for a database or a network at \
               the same time; slow clients and idle connections take no thread",
    },
    Family {
        marks: &["tornado"],
        reason: "requests do not run in Tornado's loop",
        hint: "leave it out for a WSGI application; one that is written for Tornado starts its own server",
    },
    Family {
        marks: &["aiohttp"],
        reason: "applications of aiohttp are not served, only WSGI applications",
        hint: "start it with `python -m aiohttp.web`",
    },
    Family {
        marks: &["asgi", "uvicorn", "hypercorn", "UvicornWorker"],
        reason: "ASGI applications are not served, only WSGI applications",
        hint: "start it with an ASGI server, such as `uvicorn --workers N`; for Django name `mysite.wsgi:application` and \
               leave `worker_class` out",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_native_model_goes_by_several_names() {
        for text in NATIVE.iter().chain(&[" sync ", "gthread\n"]) {
            assert_eq!(parse(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn of_every_other_class_something_is_said() {
        for (text, word) in [
            ("gevent", "--threads"),
            ("gevent_wsgi", "--threads"),
            ("egg:gunicorn#gevent_pywsgi", "--threads"),
            ("gunicorn.workers.ggevent.GeventWorker", "--threads"),
            ("eventlet", "--threads"),
            ("gunicorn.workers.geventlet.EventletWorker", "--threads"),
            ("tornado", "Tornado"),
            ("asgi", "uvicorn"),
            ("uvicorn.workers.UvicornWorker", "uvicorn"),
            ("uvicorn_worker.UvicornH11Worker", "uvicorn"),
            ("aiohttp.GunicornWebWorker", "aiohttp.web"),
            ("egg:meinheld#gunicorn_worker", "hook"),
            ("mysite.workers.Worker", "hook"),
            ("Sync", "did you mean `sync`?"),
            ("gthred", "did you mean `gthread`?"),
            ("", "hook"),
        ] {
            let refusal = parse(text).expect_err(text);
            assert!(refusal.hint.is_some_and(|hint| hint.contains(word)), "{text}");
        }
    }
}
