//! Hooks: who calls them with what, and what becomes of their exceptions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pyo3::Python;
use pyo3::types::PyDictMethods;

use super::mock::{Answer, Mock, Request};
use super::recorder::logged;
use super::settings_file::{alone, execute};
use super::site::{Site, options};
use crate::deadline::Unlimited;
use crate::{Bridge, Duties, Hook, HookError, Hooks, LoggerOptions, Loggers, ServerFacts, SettingsFile};

const SETTINGS: &str = r#"{"workers": 3, "bind": ["127.0.0.1:8000", "unix:/run/x.sock"], "timeout": 30,
    "raw_env": ["A=b=c"], "certfile": null, "proc_name": null, "secure_scheme_headers": {"map": [["X", "y"]]},
    "logger_class": {"class": "__config__.Mine"}}"#;

fn loggers(level: u8) -> Loggers {
    let options = LoggerOptions {
        settings: None,
        level,
        write: |bytes| tracing::info!(target: "raw", "raw {}", String::from_utf8_lossy(bytes).trim_end()),
        write_access: None,
    };
    Loggers::publish(&options).unwrap()
}

struct Made {
    file: SettingsFile,
    hooks: Hooks,
}

impl Made {
    fn new(source: &str) -> Self {
        Self::try_new(source).unwrap()
    }

    fn try_new(source: &str) -> Result<Self, HookError> {
        let file = execute(&format!("seen = []\n{source}")).unwrap();
        let facts = ServerFacts { master: 4711, application: "mysite.wsgi", settings: SETTINGS };
        let hooks = Hooks::new(&file, &loggers(20), &facts)?;
        Ok(Self { file, hooks })
    }

    fn seen(&self) -> String {
        Python::attach(|py| self.file.namespace(py).get_item("seen").unwrap().unwrap().to_string())
    }
}

#[derive(Default)]
struct Recorded {
    requests: AtomicU64,
    has_left: AtomicBool,
}

impl Duties for Recorded {
    fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    fn leave(&self) {
        self.has_left.store(true, Ordering::Relaxed);
    }
}

#[test]
fn the_server_is_what_hooks_for_gunicorn_expect() {
    let _alone = alone();
    let made = Made::new(
        "class Mine: pass
logger_class = Mine
def when_ready(server):
    cfg = server.cfg
    seen.extend([server.pid, server.num_workers, server.address, server.proc_name, server.WORKERS, server.app.app_uri])
    seen.extend([cfg.workers, cfg.env, cfg.is_ssl, cfg.secure_scheme_headers, cfg.logger_class is Mine])
    import os
    assert (cfg.chdir, cfg.umask, cfg.user, cfg.group) == (os.getcwd(), 0, os.getuid(), os.getgid())
    seen.extend([cfg.when_ready is when_ready, cfg.settings['timeout'].get(), server.master_name, cfg.on_exit(server)])
def nworkers_changed(server, new, old): seen.append((new, old, server.num_workers))
",
    );
    assert!(made.hooks.has(Hook::WhenReady) && !made.hooks.has(Hook::OnExit));
    assert!(made.hooks.on_server(Hook::WhenReady) && made.hooks.on_server(Hook::OnExit));
    assert!(made.hooks.nworkers_changed(2, None));
    let expected = "[4711, 3, [('127.0.0.1', 8000), '/run/x.sock'], 'mysite.wsgi', {}, 'mysite.wsgi', 3, {'A': 'b=c'}, False, \
        {'X': 'y'}, True, True, 30, 'Master', None, (2, None, 2)]";
    assert_eq!(made.seen(), expected);
}

#[test]
fn a_worker_is_known_from_before_its_fork_to_its_end() {
    let _alone = alone();
    let made = Made::new(
        "def pre_fork(server, worker): seen.append(('pre', worker.pid, worker.age, worker.ppid, dict(server.WORKERS)))
def child_exit(server, worker): seen.append(('exit', worker.pid, worker.age, dict(server.WORKERS), str(worker)))
",
    );
    assert!(made.hooks.pre_fork(1));
    made.hooks.forked(1, 100);
    assert!(made.hooks.child_exit(1, 100));
    assert!(made.hooks.child_exit(2, 200), "one that this process does not know");
    let expected = "[('pre', '[booting]', 1, 4711, {}), ('exit', 100, 1, {}, '<Worker 100>'), ('exit', 200, 2, {}, '<Worker 200>')]";
    assert_eq!(made.seen(), expected);
}

#[test]
fn in_a_worker_the_hooks_follow_its_life() {
    let _alone = alone();
    let made = Made::new(
        "def note(name, worker): seen.append((name, worker.age, worker.nr, worker.alive, worker.booted, worker.aborted))
def post_fork(server, worker):
    import os
    assert worker.pid == os.getpid() and worker.tmp.last_update() > 0
    note('fork', worker)
def post_worker_init(worker): note('init', worker); assert worker.wsgi is worker.app.wsgi() and callable(worker.wsgi)
def worker_int(worker): note('int', worker); worker.alive = False
def worker_abort(worker): note('abort', worker)
def worker_exit(server, worker): note('exit', worker)
",
    );
    let site = Site::new("def application(environ, start_response): pass");
    let duties = Arc::new(Recorded { requests: AtomicU64::new(7), ..Recorded::default() });
    assert!(made.hooks.post_fork(5));
    assert!(made.hooks.post_worker_init(&site.application, duties.clone()));
    assert!(made.hooks.worker_int() && made.hooks.worker_abort() && made.hooks.worker_exit());
    let expected = "[('fork', 5, 0, True, False, False), ('init', 5, 7, True, False, False), ('int', 5, 7, False, True, False), \
        ('abort', 5, 7, False, True, True), ('exit', 5, 7, False, True, True)]";
    assert_eq!(made.seen(), expected);
    assert!(!duties.has_left.load(Ordering::Relaxed), "it leaves already");
}

#[test]
fn a_worker_that_is_declared_dead_is_replaced() {
    let _alone = alone();
    let made = Made::new("def post_worker_init(worker): worker.alive = False");
    let site = Site::new("def application(environ, start_response): pass");
    let duties = Arc::new(Recorded::default());
    assert!(made.hooks.post_fork(1));
    assert!(made.hooks.post_worker_init(&site.application, duties.clone()));
    assert!(duties.has_left.load(Ordering::Relaxed));
}

#[test]
fn an_exception_is_told_with_the_name_of_the_hook() {
    let _alone = alone();
    for raised in ["ValueError('out of order')", "SystemExit(3)", "KeyboardInterrupt"] {
        let made = Made::new(&format!("def on_starting(server):\n    raise {raised}\n"));
        let (fine, log) = logged(|| made.hooks.on_server(Hook::OnStarting));
        assert!(!fine);
        let begin =
            "ERROR Exception in the hook `on_starting`\nTraceback (most recent call last):\n  File \"/";
        assert!(log.starts_with(begin), "{log}");
        assert!(log.contains(raised.split('(').next().unwrap()) && !log.contains("hooks.py"), "{log}");
    }
}

#[test]
fn hooks_that_cannot_be_called_are_refused() {
    let _alone = alone();
    for (source, expected) in [
        ("def pre_fork(server): pass", "`pre_fork` must take 2 positional arguments, but takes 1"),
        (
            "def post_request(a, b, c, d, e): pass",
            "`post_request` must take 2 or 3 or 4 positional arguments, but takes 5",
        ),
        ("pre_exec = 3", "`pre_exec` is no function: `3`"),
        ("pre_exec = 'here'", "`pre_exec` must be a function or `package.module.function`, not `here`"),
        (
            "pre_exec = 'os.nothing'",
            "cannot import `os.nothing` for `pre_exec`: AttributeError: module 'os' has no attribute 'nothing'",
        ),
        (
            "pre_exec = 'no_such.hook'",
            "cannot import `no_such.hook` for `pre_exec`: ModuleNotFoundError: No module named 'no_such'",
        ),
    ] {
        assert_eq!(Made::try_new(source).err().unwrap().message, expected);
    }
    assert!(Made::new("on_exit = 'os.fspath'").hooks.has(Hook::OnExit));
}

#[test]
fn what_the_loggers_get_goes_into_the_error_log() {
    let _alone = alone();
    let made = Made::new(
        "import logging
log = logging.getLogger('gunicorn.error')
def when_ready(server):
    server.log.debug('not told')
    server.log.info('with %s', 'arguments')
    log.warning('two\\nlines')
    server.log.critical('bad')
    server.log.log('error', 'by name')
    try: 1 / 0
    except ZeroDivisionError: server.log.exception('caught')
    server.log.access(None); server.log.reopen_files(); server.log.close_on_exec()
    other = logging.getLogger('mine'); other.handlers = log.handlers; other.propagate = False; other.error('shared')
    for handler in log.handlers: handler.setFormatter(logging.Formatter('{%(message)s}'))
    log.error('formatted')
    seen.append((log.propagate, log.level, server.log.error_log is log, server.log.access_log.name))
",
    );
    let (fine, log) = logged(|| made.hooks.on_server(Hook::WhenReady));
    assert!(fine, "{log}");
    let (before, after) = log.split_once("Traceback (most recent call last):").unwrap();
    assert_eq!(before, "INFO with arguments\nWARN two\nlines\nERROR bad\nERROR by name\nERROR caught\n");
    assert!(
        after.ends_with("ZeroDivisionError: division by zero\nERROR shared\nINFO raw {formatted}\n"),
        "{after}"
    );
    assert_eq!(made.seen(), "[(False, 20, True, 'gunicorn.access')]");
}

const APP: &str = "
def application(environ, start_response):
    path = environ['PATH_INFO']
    if path == '/raises': raise ValueError('app')
    start_response('200 Fine', [('Content-Type', 'text/plain'), ('X-It', environ.get('HTTP_X_ADDED', '-')), ('Connection', 'x')])
    return Closing([b'one', b'two'])
";

/// Serves requests with the hooks of `source`.
fn serve(made: &Made, requests: impl IntoIterator<Item = Request>) -> (Vec<Answer>, String) {
    let site = Site::new(APP);
    made.hooks.post_fork(1);
    let bridge = Bridge::new(&site.application, &options(), Box::new(Unlimited)).unwrap();
    let mut bridge = bridge.with_hooks(Some(&made.hooks)).unwrap();
    logged(|| {
        let answers = requests.into_iter().map(|request| {
            let (mock, answer) = Mock::new(request);
            bridge.call(Box::new(mock));
            let answer = std::mem::take(&mut *answer.lock().unwrap());
            answer.check();
            answer
        });
        answers.collect()
    })
}

#[test]
fn requests_pass_both_hooks() {
    let _alone = alone();
    let made = Made::new(
        "def pre_request(worker, req):
    seen.append((worker.age, req.method, req.path, req.uri, req.query, req.version, req.scheme, req.remote_addr, req.headers))
    req.headers.append(('X-ADDED', 'by the hook'))
def post_request(worker, req, environ, resp):
    seen.append((environ['HTTP_X_ADDED'], environ['PATH_INFO'], resp.status, resp.status_code, resp.headers, resp.sent,
        resp.headers_sent, resp.chunked, resp.response_length, resp.req is req))
",
    );
    let (answers, log) = serve(&made, [Request::get("/a%20b?x=1").header("X-One", "2")]);
    assert_eq!((answers[0].body.as_slice(), log.as_str()), (&b"onetwo"[..], ""));
    assert_eq!(answers[0].header("x-it"), Some(&b"by the hook"[..]));
    let expected = "[(1, 'GET', '/a%20b', '/a%20b?x=1', 'x=1', (1, 1), 'http', ('192.0.2.7', 50000), \
        [('X-ONE', '2'), ('X-ADDED', 'by the hook')]), ('by the hook', '/a b', '200 Fine', 200, \
        [('Content-Type', 'text/plain'), ('X-It', 'by the hook')], 6, True, True, None, True)]";
    assert_eq!(made.seen(), expected);
}

#[test]
fn the_hook_after_a_request_gets_as_many_arguments_as_it_takes() {
    let _alone = alone();
    for (arguments, count, expected) in [
        ("worker, req", "len(locals())", 2),
        ("worker, req, environ", "len(locals())", 3),
        ("worker, req, environ, resp", "len(locals())", 4),
        ("*all", "len(all)", 4),
    ] {
        let made = Made::new(&format!("def post_request({arguments}): seen.append({count})"));
        let (_, log) = serve(&made, [Request::get("/"), Request::get("/raises")]);
        assert_eq!(made.seen(), format!("[{expected}, {expected}]"), "after a failure too: {log}");
    }
}

#[test]
fn an_exception_before_a_request_is_a_500_and_one_after_it_is_told_only() {
    let _alone = alone();
    let made = Made::new(
        "def pre_request(worker, req):
    if req.path == '/no': raise ValueError('before')
def post_request(worker, req, environ, resp):
    seen.append((req.path, resp.status))
    raise ValueError('after')
",
    );
    let (answers, log) = serve(&made, [Request::get("/no"), Request::get("/")]);
    assert!(answers[0].head.is_none(), "{:?}", answers[0]);
    assert_eq!(answers[1].body, b"onetwo");
    assert_eq!(log.matches("Exception in the hook `pre_request`\nTraceback").count(), 1, "{log}");
    assert_eq!(log.matches("Exception in the hook `post_request`\nTraceback").count(), 2, "{log}");
    assert_eq!(made.seen(), "[('/no', None), ('/', '200 Fine')]");
}
