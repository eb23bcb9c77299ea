//! The logger `gunicorn.access` as applications and settings files change it.

use std::fs;

use nix::sys::signal::Signal;

use crate::harness::{Builder, Server};

const APP: &str = "
from stage import answer
def application(environ, start_response):
    return answer(start_response, 'hello')
";

const FILTER: &str = "
import logging
class NoHealthChecks(logging.Filter):
    def filter(self, record):
        return not record.args['U'].startswith('/health')
def add():
    logging.getLogger('gunicorn.access').addFilter(NoHealthChecks())
";

const TOLD: &str = "The logger gunicorn.access has filters, handlers or a level of its own";

fn logging(application: &str, conf: &str) -> Builder {
    Server::wsgi(application).file("quiet.py", FILTER).file("gunicorn.conf.py", conf).args([
        "--access-logfile",
        "access.log",
        "--access-logformat",
        "%(m)s %(U)s %(s)s %({x.y}e)s",
    ])
}

/// The access log of two requests, and the error log.
fn lines(builder: Builder) -> (Vec<String>, String) {
    let mut server = builder.start();
    let mut client = server.client();
    assert_eq!(client.get("/health/live").status, 200);
    assert_eq!(client.get("/page").status, 200);
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
    let text = fs::read_to_string(server.folder().join("access.log")).unwrap();
    (text.lines().map(str::to_owned).collect(), server.log().wait_end())
}

#[track_caller]
fn is_filtered(builder: Builder) {
    let (lines, log) = lines(builder);
    assert_eq!(lines, ["GET /page 200 -"], "{log}");
    assert!(log.contains(TOLD), "{log}");
}

#[test]
fn a_filter_of_the_application_sees_every_line() {
    let application = format!("{APP}\nimport quiet\nquiet.add()\n");
    is_filtered(logging(&application, ""));
    is_filtered(logging(&application, "preload_app = True"));
    is_filtered(logging(&application, "").args(["-c", "/dev/null"]));
}

#[test]
fn a_filter_of_any_hook_sees_every_line() {
    for hook in ["on_starting(server)", "post_fork(server, worker)", "post_worker_init(worker)"] {
        is_filtered(logging(APP, &format!("def {hook}:\n    import quiet\n    quiet.add()\n")));
    }
}

#[test]
fn a_variable_of_the_environ_that_the_format_shows_is_seen_by_python_too() {
    let application = APP
        .replace("environ, start_response):", "environ, start_response):\n    environ['x.y'] = 'z'")
        + "\nimport quiet\nquiet.add()\n";
    assert_eq!(lines(logging(&application, "")).0, ["GET /page 200 z"]);
}

#[test]
fn a_handler_gets_the_lines_beside_the_log() {
    let conf = "
import logging
def post_fork(server, worker):
    logging.getLogger('gunicorn.access').addHandler(logging.FileHandler('other.log'))
";
    let mut server = logging(APP, conf).start();
    assert_eq!(server.get("/page").status, 200);
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
    for name in ["access.log", "other.log"] {
        assert_eq!(fs::read_to_string(server.folder().join(name)).unwrap(), "GET /page 200 -\n", "{name}");
    }
}

#[test]
fn a_level_above_info_leaves_the_log_empty() {
    let conf = "
import logging
def post_fork(server, worker):
    logging.getLogger('gunicorn.access').setLevel(logging.ERROR)
";
    assert_eq!(lines(logging(APP, conf)).0, [""; 0]);
}

#[test]
fn a_logger_that_nobody_changes_costs_nothing() {
    let conf = "
import logging
def post_worker_init(worker):
    logging.getLogger().addFilter(lambda record: False)
    logging.getLogger('gunicorn.error').addFilter(lambda record: True)
    logging.getLogger('gunicorn.access').setLevel(logging.INFO)
";
    let (lines, log) = lines(logging(APP, conf));
    assert_eq!(lines, ["GET /health/live 200 -", "GET /page 200 -"]);
    assert!(!log.contains(TOLD), "{log}");
}
