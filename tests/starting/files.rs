//! Settings files: which one is read, by whom, and what becomes of one that is no good.

use std::collections::BTreeSet;
use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::{Builder, Server, children};

/// Answers who has executed the settings file, and who serves.
const APP: &str = "
import os
from stage import answer
def application(environ, start_response):
    return answer(start_response, f\"{os.environ.get('EXECUTED_BY')} {os.getpid()}\")
";

/// Says who executes it, in a variable too.
const CONF: &str = "
import os, sys
os.environ['EXECUTED_BY'] = str(os.getpid())
print('executed by', os.getpid(), 'in', os.getcwd(), file=sys.stderr, flush=True)
";

pub(super) fn conf(rest: &str) -> String {
    format!("{CONF}{rest}\n")
}

pub(super) fn with_conf(rest: &str) -> Builder {
    Server::wsgi(APP).file("gunicorn.conf.py", &conf(rest))
}

fn change(server: &Server, rest: &str) {
    fs::write(server.folder().join("gunicorn.conf.py"), conf(rest)).unwrap();
}

/// The pid behind the first of these words.
pub(super) fn pid_after(line: &str, words: &str) -> u32 {
    let (_, rest) = line.split_once(words).unwrap();
    rest.split(|letter: char| !letter.is_ascii_digit()).next().unwrap().parse().unwrap()
}

pub(super) fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.try_into().unwrap()), signal).unwrap();
}

/// The sockets that a process has, by their numbers.
fn sockets(pid: u32) -> BTreeSet<String> {
    let links = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let links = links.filter_map(|link| fs::read_link(link.path()).ok());
    let names = links.map(|target| target.to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("socket:")).collect()
}

#[test]
fn gunicorn_conf_py_of_the_start_directory_is_executed_once_and_by_no_master() {
    let builder = with_conf("bind = '127.0.0.1:0'\nworkers = 2\nwsgi_app = 'app:application'");
    let folder = fs::canonicalize(builder.folder()).unwrap();
    let server = builder.bind(None).application(None).launch();
    server.wait_log("2 workers ready");
    let line = server.wait_log("executed by");
    let executed_by = pid_after(&line, "executed by ");
    assert!(line.ends_with(&format!("in {}", folder.display())), "{line}");
    assert_eq!(server.log().text().matches("executed by").count(), 1);
    assert_ne!(executed_by, server.pid());
    assert!(server.worker_pids().contains(&executed_by) && server.worker_pids().len() == 3);
    assert!(server.get("/").text().starts_with(&format!("{executed_by} ")), "workers are forked from there");
    assert_eq!(children(executed_by), [] as [u32; 0], "and are children of the master");
    let worker = server.worker_pids().into_iter().find(|&pid| pid != executed_by).unwrap();
    assert!(!sockets(worker).is_empty() && sockets(worker).is_disjoint(&sockets(executed_by)));
}

#[test]
fn a_reload_executes_the_file_again() {
    let server = with_conf("workers = 1").start();
    let before = server.get("/").text().to_owned();
    change(&server, "workers = 3");
    server.signal(Signal::SIGHUP);
    server.wait_log("Reload complete: generation 2, 3 workers");
    let second = pid_after(&server.wait_log_times("executed by", 2)[1], "executed by ");
    server.wait_log_times("exited with code 0", 2);
    assert!(
        server.get("/").text().starts_with(&format!("{second} ")) && !before.starts_with(&second.to_string())
    );
    assert_eq!(server.worker_pids().len(), 4);
}

#[test]
fn a_file_that_is_no_good_leaves_the_old_generation_alone() {
    let server = with_conf("workers = 2").workers(1).launch();
    server.wait_log("2 workers ready");
    let before = server.worker_pids();
    let mistakes = [
        (
            "def f():\n    return 1 / 0\nworkers = f()",
            "gunicorn.conf.py:6: ZeroDivisionError: division by zero",
        ),
        ("workers = 'many'", "gunicorn.conf.py:5: invalid value `many` for `workers`"),
        ("workers = = 2", "gunicorn.conf.py:5: invalid syntax"),
        ("import os\nos.abort()", "was sent SIGABRT!"),
        ("bind = '127.0.0.1:1'\nuser = 'nobody_at_all'", "there is no user `nobody_at_all`"),
    ];
    for (count, (text, told)) in mistakes.into_iter().enumerate() {
        change(&server, text);
        server.signal(Signal::SIGHUP);
        server.wait_log(told);
        server.wait_log_times("reload failed, still serving generation 1", count + 1);
    }
    assert!(before.iter().all(|pid| server.worker_pids().contains(pid)));
    assert_eq!(server.get("/").status, 200);
    change(&server, "workers = 1");
    server.signal(Signal::SIGHUP);
    server.wait_log("Reload complete: generation 7, 1 worker,");
}

/// The gate opens when the file is being executed, which then never ends.
const ENDLESS: &str = "
from stage import tell
import time
tell('executing')
while True:
    time.sleep(1)
";

#[test]
fn a_file_that_hangs_at_a_reload_does_not_make_the_master_deaf() {
    let builder = with_conf("workers = 1");
    let gate = builder.gate("executing");
    let mut server = builder.start();
    change(&server, ENDLESS);
    server.signal(Signal::SIGHUP);
    gate.wait();
    let worker = pid_after(&server.wait_log("Worker ready (pid: "), "pid: ");
    send(worker, Signal::SIGKILL);
    server.wait_log(&format!("Worker (pid:{worker}) was sent SIGKILL!"));
    server.wait_log_times("Worker ready (pid: ", 2);
    assert_eq!(server.get("/").status, 200);
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
}

#[test]
fn a_file_that_hangs_at_a_reload_ends_that() {
    let server = with_conf("workers = 1").args(["--boot-timeout", "1"]).start();
    change(&server, "import time\ntime.sleep(600)");
    server.signal(Signal::SIGHUP);
    server.wait_log("has not executed the settings file in 1.0 s and is aborted");
    server.wait_log("gunicorn.conf.py\", line 6 in <module>");
    server.wait_log("reload failed, still serving generation 1");
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn a_file_that_raises_at_the_start_is_told_with_line_and_traceback() {
    let failure = with_conf("def f():\n    return 1 / 0\nworkers = f()").fail();
    assert_eq!(failure.code, Some(1));
    for part in
        ["Traceback", "line 7, in <module>", "gunicorn.conf.py:6: ZeroDivisionError: division by zero"]
    {
        assert!(failure.stderr.contains(part), "`{part}` is not in: {}", failure.stderr);
    }
    for (text, told) in [
        ("import os\nos._exit(0)", "gunicorn.conf.py` exited with code 0"),
        ("import os\nos.kill(os.getpid(), 9)", "gunicorn.conf.py` was sent SIGKILL"),
        ("raise SystemExit(0)", "gunicorn.conf.py:5: SystemExit: 0"),
        ("workers = = 3", "gunicorn.conf.py:5: invalid syntax"),
        ("workers = 'many'", "gunicorn.conf.py:5: invalid value `many` for `workers`"),
    ] {
        let failure = with_conf(text).fail();
        assert!(failure.code == Some(1) && failure.stderr.contains(told), "{failure:?}");
        assert_eq!(failure.stderr.matches("error: ").count(), 1, "{failure:?}");
    }
}

#[test]
fn a_file_that_says_too_much_is_told_at_once() {
    let failure = with_conf("raw_env = ['NAME=' + 'x' * (17 << 20)]").fail();
    assert!(failure.code == Some(1) && failure.stderr.contains("are too long"), "{failure:?}");
}

#[test]
fn a_stop_ends_a_file_that_is_executed_at_the_start() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let builder = with_conf(ENDLESS);
        let gate = builder.gate("executing");
        let mut server = builder.launch();
        gate.wait();
        assert_eq!(server.stop(signal), Some(0));
    }
}

#[test]
fn a_file_that_takes_too_long_at_the_start_ends_that() {
    let failure = with_conf("import time\ntime.sleep(600)").args(["--boot-timeout", "1"]).fail();
    assert_eq!(failure.code, Some(1));
    for part in ["line 6 in <module>", "has not been executed in 1 s", "hint: "] {
        assert!(failure.stderr.contains(part), "`{part}` is not in: {}", failure.stderr);
    }
}

#[test]
fn a_reload_may_bring_other_addresses() {
    let builder = Server::wsgi(APP).file("gunicorn.conf.py", "bind = 'unix:one.sock'\n").bind(None);
    let server = builder.start();
    fs::write(server.folder().join("gunicorn.conf.py"), "bind = ['unix:two.sock']\n").unwrap();
    server.signal(Signal::SIGHUP);
    server.wait_log("Reload complete: generation 2");
    server.wait_log("No longer listening at: unix:one.sock");
    let exists = |name: &str| server.folder().join(name).exists();
    assert!(exists("two.sock") && !exists("one.sock"));
}

#[test]
fn a_mold_that_is_killed_executes_the_file_again() {
    let server = with_conf("workers = 1").start();
    let worker = pid_after(&server.wait_log("Worker ready (pid: "), "pid: ");
    send(pid_after(&server.wait_log("executed by"), "executed by "), Signal::SIGKILL);
    let second = pid_after(&server.wait_log_times("executed by", 2)[1], "executed by ");
    server.wait_log_times("Mold ready (pid: ", 2);
    assert!(server.get("/").text().ends_with(&format!(" {worker}")), "the worker lives on");
    send(worker, Signal::SIGKILL);
    server.wait_log_times("Worker ready (pid: ", 2);
    assert!(server.get("/").text().starts_with(&format!("{second} ")));
}

#[test]
fn a_successor_executes_the_file_for_itself() {
    let mut server = with_conf("workers = 1\npidfile = 'pid'").start();
    server.signal(Signal::SIGUSR2);
    let successor = pid_after(&server.wait_log("Started a new master (pid:"), "(pid:");
    server.wait_log_times("1 worker ready", 2);
    let mold = pid_after(&server.wait_log_times("executed by", 2)[1], "executed by ");
    let worker = pid_after(&server.wait_log_times("Worker ready (pid: ", 2)[1], "pid: ");
    assert!(!sockets(worker).is_empty() && sockets(worker).is_disjoint(&sockets(mold)));
    server.signal(Signal::SIGTERM);
    server.wait_log("Master has been promoted.");
    assert_eq!(fs::read_to_string(server.folder().join("pid")).unwrap().trim(), successor.to_string());
    send(successor, Signal::SIGTERM);
    assert_eq!(server.wait_exit().code(), Some(0));
}

#[test]
fn the_hooks_of_the_server_come_in_gunicorns_order_and_the_last_words_after_all_workers() {
    let names = ["on_starting", "when_ready", "on_exit"]
        .map(|name| format!("def {name}(server): server.log.info('hook {name}')\n"));
    let rest = names.concat() + "def child_exit(server, worker): server.log.info('hook child_exit')\n";
    let mut server = with_conf(&rest).start();
    // As from a terminal.
    server.signal_group(Signal::SIGINT);
    assert_eq!(server.wait_exit().code(), Some(0));
    let log = server.log().wait_end();
    let order = [
        "hook on_starting",
        "Listening at",
        "hook when_ready",
        "Worker ready",
        "hook child_exit",
        "hook on_exit",
        "Shutting down",
    ];
    let places: Vec<_> =
        order.iter().map(|part| log.find(part).unwrap_or_else(|| panic!("no {part} in {log}"))).collect();
    assert!(places.is_sorted(), "{log}");
}

#[test]
fn a_file_with_threads_is_executed_by_each_worker() {
    let rest = "
import threading, time
threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
def on_exit(server): server.log.info('hook on_exit')
";
    let mut server = with_conf(rest).start();
    server.wait_log("each executes the settings file for itself");
    let worker = pid_after(&server.wait_log("Worker ready (pid: "), "pid: ");
    assert_eq!(server.get("/").text(), format!("{worker} {worker}"));
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
    assert!(server.log().text().contains("hook on_exit"), "{}", server.log().text());
}

#[test]
fn the_variables_of_the_settings_are_there_for_the_hooks() {
    let rest =
        "raw_env = ['NAME=value']\ndef when_ready(server): server.log.info('hook %s', os.environ['NAME'])";
    with_conf(rest).start().wait_log("hook value");
}

#[test]
fn an_application_that_is_preloaded_finds_what_the_file_has_done() {
    let app = "
import os, settings_seen
from stage import answer
def application(environ, start_response):
    return answer(start_response, f'{settings_seen.by} {os.getpid()}')
";
    let builder = Server::wsgi(app).file("settings_seen.py", "by = None\n");
    let rest = "import settings_seen\nsettings_seen.by = os.getpid()\npreload_app = True";
    let server = builder.file("gunicorn.conf.py", &conf(rest)).start();
    let mold = pid_after(&server.wait_log("Mold ready (pid: "), "pid: ");
    assert!(server.get("/").text().starts_with(&format!("{mold} ")));
    server.signal(Signal::SIGHUP);
    server.wait_log("Reload complete: generation 2");
    let mold = pid_after(&server.wait_log_times("Mold ready (pid: ", 2)[1], "pid: ");
    server.wait_log_times("exited with code 0", 2);
    assert!(server.get("/").text().starts_with(&format!("{mold} ")));
}

#[test]
fn rwsgi_toml_wins_and_needs_no_python() {
    let server = with_conf("workers = 3").file("rwsgi.toml", "workers = 1\n").start();
    server.wait_log("rwsgi.toml`; ignored: gunicorn.conf.py");
    assert!(!server.log().text().contains("executed by"));
    let worker = pid_after(&server.wait_log("Worker ready (pid: "), "pid: ");
    assert_eq!(server.worker_pids(), [worker], "there is no mold");
    fs::write(server.folder().join("rwsgi.toml"), "workers = 2\n").unwrap();
    server.signal(Signal::SIGHUP);
    server.wait_log("Reload complete: generation 2, 2 workers");
    fs::write(server.folder().join("rwsgi.toml"), "worker = 2\n").unwrap();
    server.signal(Signal::SIGHUP);
    server.wait_log("reload failed, still serving generation 2");
    fs::remove_file(server.folder().join("rwsgi.toml")).unwrap();
    server.signal(Signal::SIGHUP);
    server.wait_log("Reload complete: generation 4, 3 workers");
    server.wait_log("executed by");
}

#[test]
fn a_file_or_module_can_be_named() {
    let settings = |name: &str| Server::wsgi(APP).file(name, &conf("workers = 2"));
    for (file, named) in
        [("any.conf", "any.conf"), ("any.conf", "file:any.conf"), ("own/conf.py", "python:own.conf")]
    {
        let server = settings(file).args(["-c", named]).launch();
        server.wait_log("2 workers ready");
    }
    let failure = Server::wsgi(APP).args(["-c", "none.py"]).fail();
    assert!(
        failure.code == Some(1) && failure.stderr.contains("cannot read the settings file"),
        "{failure:?}"
    );
}

#[test]
fn classes_and_hooks_that_a_file_names_may_lie_in_the_directory_to_change_to() {
    let beside = "
import logging
from rwsgi.glogging import Logger
class Handler(logging.StreamHandler):
    pass
class Quiet(Logger):
    pass
def ready(server):
    server.log.info('called beside the application')
";
    let dictionary = "
told = {'handlers': ['told'], 'level': 'INFO', 'propagate': False}
logconfig_dict = {
    'version': 1,
    'handlers': {'told': {'class': 'beside.Handler'}},
    'root': told,
    'loggers': {'gunicorn.error': told, 'gunicorn.access': told},
}
";
    let names = [dictionary, "logger_class = 'beside.Quiet'", "when_ready = 'beside.ready'"];
    for (setting, arguments) in [("chdir = 'site'", &[][..]), ("", &["--chdir", "site"])] {
        for name in names {
            let start = || {
                Server::wsgi("raise RuntimeError('the other one')")
                    .file("site/app.py", APP)
                    .file("site/stage.py", include_str!("../harness/stage.py"))
                    .file("site/beside.py", beside)
                    .file("gunicorn.conf.py", &format!("{setting}\n{name}\n"))
                    .args(arguments)
            };
            let checked = start().args(["--check-config"]).fail();
            assert_eq!(checked.code, Some(0), "{name}: {}", checked.stderr);
            let server = start().start();
            assert_eq!(server.get("/").status, 200);
            if name.contains("ready") {
                server.wait_log("called beside the application");
            }
        }
    }
}
