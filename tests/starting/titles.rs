//! What `ps` shows, and which kind of workers the log names.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::{Server, title_of};

const APP: &str = "
import os, sys
from stage import answer
def application(environ, start_response):
    found = open('/proc/self/environ').read()
    return answer(start_response, f'{os.environ[\"MARK\"]} {found.count(\"MARK=whole\")} {sys.argv[1:]} {sys.orig_argv[1:]}')
";

/// The pid behind the last space or colon of a line.
fn pid_of(line: &str) -> u32 {
    line.trim_end_matches(')').rsplit([' ', ':']).next().unwrap().parse().unwrap()
}

/// The titles of the children of the master, sorted.
fn titles_of_children(server: &Server) -> Vec<String> {
    let mut titles: Vec<_> = server.worker_pids().into_iter().map(title_of).collect();
    titles.sort_unstable();
    titles
}

#[test]
fn processes_are_named_like_the_application() {
    let server = Server::wsgi(APP).workers(2).start();
    assert_eq!(title_of(server.pid()), "rwsgi: master [app:application]");
    assert_eq!(titles_of_children(&server), ["rwsgi: worker [app:application]"; 2]);
    for pid in [server.pid(), server.worker_pids()[0]] {
        assert_eq!(fs::read_to_string(format!("/proc/{pid}/comm")).unwrap(), "rwsgi\n");
    }
}

#[test]
fn a_mold_and_the_reloader_have_titles_too() {
    let named = ["--name", "shop", "--reload"];
    let expected = ["rwsgi: mold [shop]", "rwsgi: reloader [shop]", "rwsgi: worker [shop]"];
    let preloading = Server::wsgi(APP).args(named).args(["--preload"]).start();
    assert_eq!(titles_of_children(&preloading), expected);
    let scripted = Server::wsgi(APP).args(named).file("gunicorn.conf.py", "proc_name = 'other'").start();
    assert_eq!(titles_of_children(&scripted), expected);
    assert_eq!(title_of(scripted.pid()), "rwsgi: master [shop]");
}

const WAITING: &str = "
import os, stage, sys
print('begun by', os.getpid(), file=sys.stderr)
stage.wait('gate')
";

#[test]
fn a_mold_without_settings_is_not_taken_for_the_command() {
    let server = Server::wsgi(APP).file("gunicorn.conf.py", "").start();
    let gate = server.gate("gate");
    fs::write(server.folder().join("gunicorn.conf.py"), WAITING).unwrap();
    server.signal(Signal::SIGHUP);
    let mold = pid_of(&server.wait_log("begun by "));
    assert_eq!(title_of(mold), "rwsgi: mold");
    gate.open();
    server.wait_log("Reload complete: generation 2");
    assert_eq!(title_of(mold), "rwsgi: mold [app:application]");
}

#[test]
fn the_application_finds_its_environment_and_the_command_line() {
    let server = Server::wsgi(APP).args(["--name", &"n".repeat(4000)]).env("MARK", "whole").start();
    let before = format!("{:?}", ["app:application", "--bind", "127.0.0.1:0", "--name", &"n".repeat(4000)]);
    let before = before.replace('"', "'");
    assert_eq!(server.get("/").text(), format!("whole 1 {before} {before}"));
    // Settings are read and Python is started where the title is shown already.
    server.signal(Signal::SIGHUP);
    server.wait_log("Reload complete: generation 2");
    assert_eq!(server.get("/").text(), format!("whole 1 {before} {before}"));
}

/// Like the package of that name, it looks for the command line when it is first used, and never again.
const SETPROCTITLE: &str = "
import os
found = None
def getproctitle():
    global found
    if found is None:
        found = open('/proc/self/cmdline').read().split('\\0')[1:3]
        open('/proc/self/comm', 'w').write('changed')
    return f'{found}'
";

const TITLED: &str = "
import setproctitle
from stage import answer
def application(environ, start_response):
    return answer(start_response, setproctitle.getproctitle())
";

#[test]
fn an_application_may_set_titles_with_setproctitle() {
    for arguments in [&[][..], &["--preload"], &["-c", "python:settings"]] {
        let server = Server::wsgi(TITLED).args(arguments.iter().copied()).file("settings.py", "");
        let packages = server.folder().join("packages");
        let server =
            server.file("packages/setproctitle.py", SETPROCTITLE).env("PYTHONPATH", packages).start();
        assert_eq!(server.get("/").text(), "['app:application', '--bind']", "{arguments:?}");
        for pid in server.worker_pids() {
            assert!(title_of(pid).ends_with(" [app:application]"), "{}", title_of(pid));
            assert_eq!(fs::read_to_string(format!("/proc/{pid}/comm")).unwrap(), "rwsgi\n");
        }
    }
}

#[test]
fn a_long_name_is_cut_to_the_length_of_the_command_line() {
    let name = "n".repeat(4000);
    let server =
        Server::wsgi(APP).file("rwsgi.toml", &format!("proc_name = '{name}'")).env("MARK", "whole").start();
    for pid in [server.pid(), server.worker_pid()] {
        let room = fs::read(format!("/proc/{pid}/cmdline")).unwrap().len();
        let title = title_of(pid);
        assert_eq!(title.len(), room - 1, "{title}");
        assert!(title.ends_with("nnn") && title.starts_with("rwsgi: "), "{title}");
    }
    assert!(server.get("/").text().starts_with("whole 1 "));
}

#[test]
fn a_reload_brings_the_name_of_its_settings() {
    let server = Server::wsgi(APP).file("rwsgi.toml", "proc_name = 'shop'").start();
    assert_eq!(title_of(server.pid()), "rwsgi: master [shop]");
    fs::write(server.folder().join("rwsgi.toml"), "proc_name = 'till'").unwrap();
    server.signal(Signal::SIGHUP);
    server.wait_log("exited with code 0");
    assert_eq!(titles_of_children(&server), ["rwsgi: worker [till]"]);
    // Whatever it does next comes behind the new title.
    server.signal(Signal::SIGTTIN);
    server.wait_log("Workers wanted: 2");
    assert_eq!(title_of(server.pid()), "rwsgi: master [till]");
}

#[test]
fn a_successor_has_its_name_with_a_number_until_it_is_promoted() {
    let mut server = Server::wsgi(APP).args(["--preload"]).start();
    server.signal(Signal::SIGUSR2);
    let successor = pid_of(&server.wait_log("Started a new master (pid:"));
    let worker = pid_of(&server.wait_log_times("Worker ready (pid: ", 2)[1]);
    let mold = pid_of(&server.wait_log_times("Mold ready (pid: ", 2)[1]);
    assert_eq!(title_of(successor), "rwsgi: master [app:application.2]");
    assert_eq!(title_of(mold), "rwsgi: mold [app:application.2]");
    assert_eq!(title_of(worker), "rwsgi: worker [app:application.2]");
    assert_eq!(title_of(server.pid()), "rwsgi: master [app:application]");
    server.signal(Signal::SIGTERM);
    server.wait_log("Master has been promoted.");
    let new = Pid::from_raw(successor.try_into().unwrap());
    kill(new, Signal::SIGTTIN).unwrap();
    let worker = pid_of(&server.wait_log_times("Worker ready (pid: ", 3)[2]);
    assert_eq!(title_of(successor), "rwsgi: master [app:application]");
    assert_eq!(title_of(worker), "rwsgi: worker [app:application]");
    kill(new, Signal::SIGTERM).unwrap();
    assert_eq!(server.wait_exit().code(), Some(0));
}

#[test]
fn the_log_names_the_kind_of_workers_behind_the_addresses() {
    for (arguments, kind) in [(&[][..], "sync"), (&["--threads", "2"], "gthread")] {
        let server = Server::wsgi(APP).args(arguments.iter().copied()).start();
        let line = server.wait_log("Using worker: ");
        assert!(line.ends_with(&format!("[INFO] Using worker: {kind}")), "{line}");
        let text = server.log().text();
        let at = |words: &str| text.find(words).unwrap();
        assert!(
            at("Listening at: ") < at("Using worker: ") && at("Using worker: ") < at("Booting worker"),
            "{text}"
        );
    }
}
