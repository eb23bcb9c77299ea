//! The list of what is measured.

use std::ffi::OsString;
use std::hint::black_box;
use std::sync::Arc;

use rwsgi_config::{Opened, Program, open};
use rwsgi_http::bench::{Judge, Line};
use rwsgi_http::{Format, Limits, Peer};

use crate::bridge::Prepared;
use crate::site::Site;
use crate::{python, sample};

/// Gunicorn's default format of the access log, which is ours too.
const LOG_FORMAT: &str = r#"%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s""#;

/// Something to measure.
pub struct Case {
    /// Its name, `GROUP/CASE`.
    pub name: &'static str,
    /// How often it is run for one count: enough for what happens only now and then to be shared by many.
    pub rounds: usize,
    /// Does it once.
    pub run: Box<dyn FnMut()>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Case {
    fn new(name: &'static str, run: impl FnMut() + 'static) -> Self {
        Self { name, rounds: 500, run: Box::new(run) }
    }
}

/// Everything that is measured, ready to be run. To be called by the thread that keeps the GIL.
#[must_use]
pub fn cases() -> Vec<Case> {
    vec![
        head("head/1-field", 1),
        head("head/12-fields", 12),
        head("head/40-fields", 40),
        // An application that answers with nothing: what differs between the three is the environ.
        bridge("environ/1-header", "silent", 1),
        bridge("environ/12-headers", "silent", 12),
        bridge("environ/40-headers", "silent", 40),
        bridge("bridge/hello", "hello", 1),
        bridge("answer/12-headers", "page", 1),
        bridge("answer/16-chunks", "chunks", 1),
        line("log/text", Format::compile(LOG_FORMAT, None).expect("Gunicorn's format is valid")),
        line("log/json", Format::json(None)),
        request("request/hello", "hello", 1),
        request("request/page", "page", 12),
        strangers("request/strangers", "page", 12),
        settings("settings/start"),
    ]
}

/// The validator on a whole head of so many fields.
fn head(name: &'static str, fields: usize) -> Case {
    let (mut judge, text) = (Judge::new(Limits::default()), sample::text(fields));
    Case::new(name, move || assert!(judge.passes(black_box(text.as_bytes()))))
}

/// A request with so many headers through the bridge and this application.
fn bridge(name: &'static str, application: &str, headers: usize) -> Case {
    let (mut bridge, head) = (python::bridge(application), Arc::new(sample::head(headers)));
    Case::new(name, move || bridge.call(Box::new(Prepared(Arc::clone(&head)))))
}

/// A request from the bytes of its head to the bytes of its answer.
fn request(name: &'static str, application: &str, headers: usize) -> Case {
    let mut site = Site::new(application, vec![sample::text(headers)]);
    Case::new(name, move || site.request())
}

/// The same when the client is a proxy with two visitors: no request has the fields of the one before.
fn strangers(name: &'static str, application: &str, headers: usize) -> Case {
    let other = sample::text(headers).replace("page=2", "page=7").replace("sessionid=9", "sessionid=4");
    let mut site = Site::new(application, vec![sample::text(headers), other]);
    Case::new(name, move || site.request())
}

/// A line of the access log.
fn line(name: &'static str, format: Format) -> Case {
    let (head, mut out) = (sample::head(12), Vec::with_capacity(4096));
    let ends = [[192, 0, 2, 7], [127, 0, 0, 1]].map(|address| (address, 8_000).into());
    let line = Line::new(format, &head, Peer::tcp(ends[0], ends[1]));
    let run = move || {
        out.clear();
        line.write(&mut out);
        black_box(&out);
    };
    // The text of the time is made once a second, which may be while it is counted.
    Case { rounds: 2_000, ..Case::new(name, run) }
}

/// From the command line and the environment to settings.
fn settings(name: &'static str) -> Case {
    let command =
        "rwsgi mysite.wsgi:application --bind 0.0.0.0:2929 --workers 3 --threads 4 --access-logfile -";
    let words: Vec<OsString> = command.split(' ').map(OsString::from).collect();
    let usual = ["HOME", "LANG", "PATH", "TERM", "USER", "PYTHONPATH", "DJANGO_SETTINGS_MODULE"];
    let variables = usual.map(|name| (OsString::from(name), OsString::from("value")));
    let variables: Vec<_> = variables.into_iter().chain([("RWSGI_TIMEOUT".into(), "60".into())]).collect();
    let run = move || {
        let program = Program { name: "rwsgi", version: "0.1.0" };
        let opened = open(words.clone(), variables.clone(), program).expect("the settings are valid");
        let Opened::Draft(draft) = opened else { panic!("they ask for a server") };
        black_box(draft.finish(None).expect("they do not contradict each other"));
    };
    Case { rounds: 20, ..Case::new(name, run) }
}
