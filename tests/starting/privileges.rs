//! `--user`, `--group`, `--initgroups`: only the master is root.

use std::fs;
use std::io::{Write, stderr};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use nix::unistd::{Gid, Group, User, geteuid};

use crate::harness::{Builder, Client, Server};

const APP: &str = "
import os
from stage import answer
IMPORTED_AS = os.geteuid(), os.getegid()
def application(environ, start_response):
    body = environ['wsgi.input'].read()
    ids = os.getresuid(), os.getresgid(), IMPORTED_AS, len(body)
    return answer(start_response, f'{ids} {sorted(os.getgroups())}')
";

/// Nobody has these.
const USER: u32 = 54321;
const GROUP: u32 = 54322;

/// Whether this can be tested here; if not, says why.
pub(crate) fn can_test() -> bool {
    let reason = if !geteuid().is_root() {
        "only root can start workers as somebody else; run these tests as root"
    } else if !is_readable(Path::new(env!("RWSGI_BUILD_PYTHON"))) {
        "the Python that the program is built for lies where others may not look; set PYO3_PYTHON to another"
    } else {
        return true;
    };
    // Past the capture of the test's output: nobody is to take this for a test.
    let _ = writeln!(stderr(), "NOT TESTED (starting::privileges): {reason}");
    false
}

/// Whether every user may enter the folders of this file.
fn is_readable(file: &Path) -> bool {
    let real = fs::canonicalize(file).unwrap();
    real.ancestors().skip(1).all(|folder| fs::metadata(folder).unwrap().permissions().mode() & 0o001 != 0)
}

/// A server whose folder others may read.
fn server() -> Builder {
    let server = Server::wsgi(APP);
    fs::set_permissions(server.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    server
}

fn owner_of(path: &Path) -> (u32, u32) {
    let found = fs::metadata(path).unwrap();
    (found.uid(), found.gid())
}

#[test]
fn the_application_is_loaded_and_runs_as_user_and_group() {
    if !can_test() {
        return;
    }
    let server = server().args(["--user", "54321", "--group", "54322"]).start();
    let ids = |id| format!("({id}, {id}, {id})");
    let expected = format!("({}, {}, ({USER}, {GROUP}), 0) [{GROUP}]", ids(USER), ids(GROUP));
    assert_eq!(server.get("/").text(), expected);
    assert_eq!(owner_of(Path::new(&format!("/proc/{}", server.pid()))), (0, 0), "the master stays root");
    // A worker that is killed is replaced by one that is no more than it was.
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(server.worker_pid().cast_signed()),
        nix::sys::signal::Signal::SIGKILL,
    )
    .unwrap();
    server.wait_log_times("Worker ready (pid: ", 2);
    assert_eq!(server.get("/").text(), expected);
}

#[test]
fn without_a_group_the_group_stays() {
    if !can_test() {
        return;
    }
    let server = server().args(["--user", "54321"]).start();
    let group = Gid::effective();
    assert!(server.get("/").text().contains(&format!("({USER}, {group}), 0) [{group}]")));
}

/// A user that is a member of a group beside its own.
fn member() -> Option<(User, Group)> {
    let groups = fs::read_to_string("/etc/group").ok()?;
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, members) = (fields.next()?, fields.nth(2)?);
        let group = Group::from_name(name).ok()??;
        let user = User::from_name(members.split(',').next()?).ok()??;
        let is_other = !user.uid.is_root() && user.gid.as_raw() != 0 && user.gid != group.gid;
        is_other.then_some((user, group))
    })
}

#[test]
fn a_name_and_its_groups() {
    if !can_test() {
        return;
    }
    let Some((user, other)) = member() else {
        eprintln!("NOT TESTED: no user of this machine is a member of a group beside its own");
        return;
    };
    let own = Group::from_gid(user.gid).unwrap().unwrap();
    let named = || server().args(["--user", &user.name, "--group", &own.name]);
    let groups = |text: &str| text.rsplit_once('[').unwrap().1.trim_end_matches(']').to_owned();
    let alone = named().start();
    assert_eq!(groups(alone.get("/").text()), own.gid.to_string());
    let all = named().args(["--initgroups"]).start();
    let found = groups(all.get("/").text());
    assert!(found.split(", ").any(|group| group == other.gid.to_string()), "{found}");
    assert!(found.split(", ").all(|group| group != "0"), "{found}");
}

#[test]
fn socket_and_logs_belong_to_the_workers() {
    if !can_test() {
        return;
    }
    let files = ["--error-logfile", "error.log", "--access-logfile", "access.log", "--pid", "pid"];
    let server = server().bind(Some("unix:socket")).args(files).args(["--user", "54321", "--group", "54322"]);
    let folder = server.folder().to_owned();
    let mut server = server.launch();
    // The log is a file: ready is who answers.
    while !folder.join("socket").exists() {
        std::thread::yield_now();
    }
    let mut client = connect(&folder.join("socket"));
    assert_eq!(client.get("/").status, 200);
    for name in ["socket", "error.log", "access.log"] {
        assert_eq!(owner_of(&folder.join(name)), (USER, GROUP), "{name}");
    }
    assert_eq!(owner_of(&folder.join("pid")), (0, 0));
    assert_eq!(server.stop(nix::sys::signal::Signal::SIGTERM), Some(0));
    let access = fs::read_to_string(folder.join("access.log")).unwrap();
    assert!(access.contains("\"GET / HTTP/1.1\" 200"), "{access}");
    assert!(!folder.join("socket").exists() && !folder.join("pid").exists());
}

/// Bound comes before listening.
fn connect(path: &Path) -> Client {
    while std::os::unix::net::UnixStream::connect(path).is_err() {
        std::thread::yield_now();
    }
    Client::unix(path)
}

#[test]
fn large_bodies_are_written_by_the_workers() {
    if !can_test() {
        return;
    }
    let user = ["--user", "54321", "--group", "54322", "--body-memory", "1K", "--body-temp-dir", "bodies"];
    let closed = server().file("bodies/.keep", "");
    let failure = closed.args(user).fail();
    assert_eq!(failure.code, Some(1));
    assert!(failure.stderr.contains("cannot write to `/"), "{}", failure.stderr);
    assert!(failure.stderr.contains("hint: give that directory"), "{}", failure.stderr);
    let open = server().file("bodies/.keep", "");
    chown(open.folder().join("bodies"), Some(USER), Some(GROUP)).unwrap();
    let server = open.args(user).start();
    let mut client = server.client();
    client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n{}", "x".repeat(9999)));
    assert!(client.response().text().contains("9999"));
}

#[test]
fn unknown_names_are_told_before_anything_is_begun() {
    for (flag, message) in
        [("--user", "there is no user `no-such`"), ("--group", "there is no group `no-such`")]
    {
        let server = Server::wsgi(APP).args([flag, "no-such", "--error-logfile", "log", "--pid", "pid"]);
        let mut server = server.launch();
        assert_eq!(server.wait_exit().code(), Some(1));
        let setting = flag.trim_start_matches('-');
        let expected = format!(
            "cannot change the user and group of the workers for `{setting}` from `{flag}`: {message}"
        );
        assert!(server.log().wait_end().contains(&expected), "{}", server.log().text());
        assert!(!server.folder().join("log").exists() && !server.folder().join("pid").exists());
    }
}

#[test]
fn root_is_no_change() {
    if !can_test() {
        return;
    }
    let server = Server::wsgi(APP).args(["--user", "root", "--group", "0"]).start();
    assert!(server.get("/").text().starts_with("((0, 0, 0), (0, 0, 0)"));
}
