//! Which Python the workers run, and for which environment.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::harness::Server;

const APP: &str = "
import subprocess, sys
from stage import answer

def application(environ, start_response):
    match environ['PATH_INFO']:
        case '/prefix':
            text = sys.prefix
        case '/base':
            text = '\\n'.join([sys.base_prefix, sys._base_executable, '%d.%d.%d' % sys.version_info[:3]])
        case '/executable':
            text = sys.executable
        case '/argv':
            text = repr(sys.argv)
        case '/subprocess':
            program = 'import sys; print(sys.prefix, sys.version_info[:2])'
            run = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True)
            expected = f'{sys.prefix} {sys.version_info[:2]}\\n'
            text = 'same' if run.stdout == expected else f'{expected!r}: {run}'
        case '/fork':
            import multiprocessing
            context = multiprocessing.get_context('spawn')
            with context.Pool(1) as pool:
                text = pool.map(abs, [-2])[0]
    return answer(start_response, text)
";

/// A virtual environment in `folder` that says to be of `version` (of the true one without).
fn virtual_environment(folder: &Path, version: Option<&str>) -> PathBuf {
    let base = Server::wsgi(APP).start().get("/base").text().to_owned();
    let [prefix, executable, true_version] = base.lines().collect::<Vec<_>>()[..] else { panic!("{base}") };
    let root = folder.canonicalize().unwrap().join("environment");
    fs::create_dir_all(root.join("bin")).unwrap();
    symlink(executable, root.join("bin/python")).unwrap();
    let version = version.unwrap_or(true_version);
    fs::write(root.join("pyvenv.cfg"), format!("home = {prefix}/bin\nversion = {version}\n")).unwrap();
    root
}

#[test]
fn the_environment_of_the_shell_is_chosen() {
    let server = Server::wsgi(APP);
    let environment = virtual_environment(server.folder(), None);
    let server = server.env("VIRTUAL_ENV", &environment).start();
    assert_eq!(server.get("/prefix").text(), environment.to_str().unwrap());
    assert_eq!(server.get("/executable").text(), environment.join("bin/python").to_str().unwrap());
    assert_eq!(server.get("/subprocess").text(), "same");
}

#[test]
fn the_python_option_goes_before_the_environment_of_the_shell() {
    for name in ["environment", "environment/bin/python"] {
        let server = Server::wsgi(APP).env("VIRTUAL_ENV", "/nowhere");
        let environment = virtual_environment(server.folder(), None);
        // Both a directory and an executable, relative to the current directory.
        let server = server.args(["--python", name]).start();
        assert_eq!(server.get("/prefix").text(), environment.to_str().unwrap(), "{name}");
    }
}

#[test]
fn an_environment_of_another_python_version_is_refused() {
    let server = Server::wsgi(APP);
    let environment = virtual_environment(server.folder(), Some("3.99.1"));
    let failure = server.env("VIRTUAL_ENV", &environment).fail();
    assert_eq!(failure.code, Some(1));
    let message =
        format!("`{}/bin/python`, which `VIRTUAL_ENV` names, is Python 3.99", environment.display());
    assert!(failure.stderr.contains("this rwsgi embeds Python 3."), "{}", failure.stderr);
    assert!(failure.stderr.contains(&message) && failure.stderr.contains("hint: "), "{}", failure.stderr);
}

#[test]
fn an_environment_that_is_not_there_is_refused() {
    let failure = Server::wsgi(APP).args(["--python", "/nowhere"]).fail();
    assert_eq!(failure.code, Some(1));
    assert!(failure.stderr.contains("there is no Python at `/nowhere`, which the setting `python` names"));
    let failure = Server::wsgi(APP).env("VIRTUAL_ENV", "/nowhere").fail();
    assert_eq!(failure.code, Some(1));
    assert!(failure.stderr.contains("`/nowhere/bin/python`, which `VIRTUAL_ENV` names"));
}

/// Where the libpython lies that a process has loaded.
fn loaded_libpython(pid: u32) -> PathBuf {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let path = maps.lines().find_map(|line| line.split_whitespace().find(|word| word.contains("/libpython")));
    PathBuf::from(path.unwrap_or_else(|| panic!("no libpython in:\n{maps}")))
}

#[test]
fn another_libpython_in_ld_library_path_is_not_loaded() {
    let server = Server::wsgi(APP).start();
    let right = loaded_libpython(server.worker_pid());
    drop(server);
    let server = Server::wsgi(APP);
    let decoys = server.folder().join("decoys");
    fs::create_dir(&decoys).unwrap();
    fs::copy(&right, decoys.join(right.file_name().unwrap())).unwrap();
    let server = server.env("LD_LIBRARY_PATH", decoys).start();
    assert_eq!(loaded_libpython(server.worker_pid()), right);
    assert_eq!(loaded_libpython(server.pid()), right);
}

#[test]
fn python_knows_its_executable_and_arguments() {
    let server = Server::wsgi(APP).start();
    assert_eq!(server.get("/subprocess").text(), "same");
    let arguments = server.get("/argv").text().to_owned();
    assert!(arguments.contains("rwsgi', 'app:application', '--bind', '127.0.0.1:0'"), "{arguments}");
}

#[test]
fn multiprocessing_can_spawn() {
    assert_eq!(Server::wsgi(APP).start().get("/fork").text(), "2");
}

#[test]
fn whoever_started_the_server_may_ignore_the_ends_of_children() {
    let server = Server::wsgi(APP).under(["env", "--ignore-signal=CHLD"]).start();
    assert_eq!(server.get("/subprocess").text(), "same");
}
