use std::fs;
use std::os::unix::fs::{MetadataExt, chown};

use nix::unistd::geteuid;

use crate::harness::{Builder, Failure, Server};

const APPLICATION: &str = "def application(environ, start_response):\n    pass\n";

fn check(start: Builder) -> Failure {
    start.args(["--check-config"]).fail()
}

/// Exit code, standard output and standard error.
fn told(done: &Failure) -> (Option<i32>, &str, &str) {
    (done.code, &done.stdout, &done.stderr)
}

#[test]
fn what_is_right_exits_0_in_silence() {
    assert_eq!(told(&check(Server::wsgi(APPLICATION))), (Some(0), "", ""));
    let file = "workers = 2\ndef post_fork(server, worker):\n    raise RuntimeError\n";
    let done = check(Server::wsgi(APPLICATION).file("gunicorn.conf.py", file));
    assert_eq!(told(&done), (Some(0), "", ""));
}

#[test]
fn nothing_is_bound() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_eq!(check(Server::wsgi(APPLICATION).bind(Some(&address))).code, Some(0));
}

#[test]
fn an_application_that_cannot_be_loaded_exits_1_with_its_traceback() {
    let done = check(Server::wsgi("def broken():\n    raise ValueError('on purpose')\nbroken()\n"));
    let (code, stdout, stderr) = told(&done);
    assert_eq!((code, stdout), (Some(1), ""), "{stderr}");
    assert!(stderr.starts_with("Traceback (most recent call last):\n"), "{stderr}");
    assert!(stderr.contains("app.py\", line 2, in broken\n"), "{stderr}");
    assert!(
        stderr.contains(
            "\nValueError: on purpose\nrwsgi: error: cannot load the application `app:application`: "
        )
    );
}

#[test]
fn a_settings_file_that_raises_exits_1_with_file_and_line() {
    let done =
        check(Server::wsgi(APPLICATION).file("gunicorn.conf.py", "import os\nos.environ['MISSING']\n"));
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.contains("gunicorn.conf.py:2: KeyError: 'MISSING'"), "{}", done.stderr);
    assert!(done.stderr.contains("Traceback"), "{}", done.stderr);
}

#[test]
fn what_a_file_wants_of_gunicorn_is_told_where_there_is_none() {
    let file = "from gunicorn_that_is_not_there import x\n";
    let hint = "hint: install Gunicorn beside rwsgi, or leave the import out";
    let done = check(Server::wsgi(APPLICATION).file("gunicorn.conf.py", file));
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.contains(hint), "{}", done.stderr);
}

#[test]
fn mistakes_in_files_exit_1_and_those_of_the_command_line_2() {
    let done = check(Server::wsgi(APPLICATION).file("rwsgi.toml", "workers = 'many'\n"));
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.contains("rwsgi.toml:1: invalid value"), "{}", done.stderr);
    assert_eq!(check(Server::wsgi(APPLICATION).args(["--workers", "many"])).code, Some(2));
}

#[test]
fn path_directory_and_variables_of_the_settings_are_seen() {
    let application = "import os, beside\nassert os.environ['STAGE'] == 'check', os.environ\n\
                       assert os.path.basename(os.getcwd()) == 'site'\ndef application(environ, start_response):\n    pass\n";
    let start = Server::wsgi("raise RuntimeError('the other one')")
        .file("site/app.py", application)
        .file("site/packages/beside.py", "");
    let done = check(start.args(["--chdir", "site", "--pythonpath", "packages", "--env", "STAGE=check"]));
    assert_eq!(told(&done), (Some(0), "", ""));
}

#[test]
fn settings_without_effect_are_told() {
    let done = check(Server::wsgi(APPLICATION).args(["--worker-tmp-dir", "/dev/shm"]));
    let (code, stdout, stderr) = told(&done);
    assert_eq!((code, stdout), (Some(0), ""));
    assert!(
        stderr.starts_with(
            "rwsgi: warning: the setting `worker_tmp_dir` from `--worker-tmp-dir` has no effect: "
        )
    );
}

#[test]
fn what_the_settings_file_prints_is_seen_when_it_fails() {
    let file = "print('half way')\nraise SystemExit(3)\n";
    let done = check(Server::wsgi(APPLICATION).file("gunicorn.conf.py", file));
    assert_eq!((done.code, done.stdout.as_str()), (Some(1), "half way"), "{}", done.stderr);
}

#[test]
fn a_hook_that_is_named_by_a_text_has_to_be_there() {
    let done = check(Server::wsgi(APPLICATION).file("gunicorn.conf.py", "post_fork = 'nowhere.hook'\n"));
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stderr.contains("No module named 'nowhere'"), "{}", done.stderr);
}

#[test]
fn an_access_log_format_is_refused_where_it_is_written() {
    let file = "workers = 2\naccess_log_format = '%(h)s %(nosuch)s'\n";
    let done = check(Server::wsgi(APPLICATION).file("gunicorn.conf.py", file));
    assert_eq!(done.code, Some(1), "{done:?}");
    let told = "gunicorn.conf.py:2: invalid value `%(h)s %(nosuch)s` for `access_log_format`: there is no atom `nosuch`";
    assert!(done.stderr.contains(told), "{}", done.stderr);
}

#[test]
fn the_settings_are_printed_with_their_sources() {
    let start = Server::wsgi(APPLICATION)
        .file("gunicorn.conf.py", "timeout = 40\nworkers = 7\n")
        .env("GUNICORN_CMD_ARGS", "--threads 3")
        .args(["--workers", "2", "--print-config"]);
    let done = start.fail();
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    for (name, value, source) in [
        ("timeout", "40", "gunicorn.conf.py:1"),
        ("workers", "2", "--workers"),
        ("threads", "3", "GUNICORN_CMD_ARGS"),
        ("backlog", "2048", "default"),
    ] {
        let line = done.stdout.lines().find(|line| line.split(' ').next() == Some(name)).expect(name);
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words, [name, "=", value, source]);
    }
}

#[test]
fn settings_are_printed_also_when_the_application_cannot_be_loaded() {
    let done = Server::wsgi("raise RuntimeError").args(["--print-config"]).fail();
    assert_eq!(done.code, Some(1));
    assert!(done.stdout.contains("\nworkers "), "{}", done.stdout);
}

#[test]
fn a_file_that_asks_for_a_check_gets_one() {
    let done = Server::wsgi(APPLICATION).file("gunicorn.conf.py", "check_config = True\n").fail();
    assert_eq!(told(&done), (Some(0), "", ""));
}

#[test]
fn the_application_is_loaded_as_the_user_of_the_workers() {
    if !geteuid().is_root() {
        return;
    }
    let application =
        "import os\nopen('loaded', 'w').close()\ndef application(environ, start_response):\n    pass\n";
    let folder = tempfile::tempdir().unwrap();
    chown(folder.path(), Some(65_534), Some(65_534)).unwrap();
    let start = Server::wsgi(application)
        .file("gunicorn.conf.py", &format!("open('{}/executed', 'w').close()\n", folder.path().display()))
        .args(["--user", "65534", "--group", "65534", "--chdir"])
        .args([folder.path()]);
    fs::copy(start.folder().join("app.py"), folder.path().join("app.py")).unwrap();
    assert_eq!(told(&check(start)), (Some(0), "", ""));
    let owner = |name: &str| fs::metadata(folder.path().join(name)).unwrap().uid();
    assert_eq!((owner("executed"), owner("loaded")), (0, 65_534));
}
