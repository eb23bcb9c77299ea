//! What the command line and the environment may say, and what is answered to mistakes.

use std::net::TcpListener;

use crate::harness::Server;

const APP: &str = "
from stage import answer
def application(environ, start_response):
    return answer(start_response, 'hello')
";

/// Runs a command line that is a mistake: exit code and all that must be in the message.
#[track_caller]
fn refused<const N: usize>(arguments: [&str; N], code: i32, message: &[&str]) {
    let failure = Server::wsgi(APP).args(arguments).fail();
    assert_eq!(failure.code, Some(code), "{failure:?}");
    for part in message {
        assert!(failure.stderr.contains(part), "`{part}` is not in: {}", failure.stderr);
    }
    assert_eq!(failure.stdout, "", "standard output is for data only");
}

#[test]
fn a_wrong_value_names_setting_source_and_expectation() {
    refused(
        ["--workers", "x"],
        2,
        &["invalid value `x` for `workers` from `--workers`", "expected a number of at least 1 or `auto`"],
    );
    refused(["--timeout", "-3"], 2, &["`-3` for `timeout` from `--timeout`", "expected a number of seconds"]);
    refused(["--bind", "127.0.0.1:99999"], 2, &["`bind` from `--bind`", "`99999`", "65535"]);
    refused(["--log-level", "loud"], 2, &["`loud`", "`loglevel` from `--log-level`", "critical"]);
    refused(["--env", "NAME"], 2, &["`NAME`", "from `--env`", "`NAME=VALUE`"]);
    refused(["--threads", "0"], 2, &["`0` for `threads` from `--threads`", "expected"]);
    refused(["--limit-request-body", "1X"], 2, &["`1X` for `limit_request_body`", "a number of bytes"]);
    refused(["--forwarded-allow-ips", "10.1.2.3/8"], 2, &["from `--forwarded-allow-ips`", "hint: write"]);
    refused(["--server-header", "a\nb: c"], 2, &["`a\\nb: c` for `server_header`", "`off`"]);
    refused(["--access-logformat", "%(x"], 2, &["from `--access-logformat`", "`%(x`", "hint: "]);
    refused(["--reload", "--reload-extra-file", "[a"], 2, &["`[a` for `reload_extra_files` from `--reload-"]);
}

#[test]
fn a_value_that_only_the_program_can_judge_is_told_with_its_place() {
    for (file, text, message) in [
        (
            "gunicorn.conf.py",
            "\naccess_log_format = '%(x'\naccesslog = '-'\n",
            "gunicorn.conf.py:2: invalid value `%(x` for `access_log_format`: ",
        ),
        ("rwsgi.toml", "chdir = 'no/such'\n", "rwsgi.toml:1: cannot change to the directory `/"),
        ("rwsgi.toml", "errorlog = 'no/such'\n", "rwsgi.toml:1: cannot open the error log `/"),
        ("rwsgi.toml", "body_temp_dir = 'no/such'\n", "/no/such` for `body_temp_dir`: No such file"),
        ("rwsgi.toml", "reload = true\nreload_extra_files = ['[a']\n", "rwsgi.toml:2: invalid value `[a`"),
        ("rwsgi.toml", "group = 'no-such'\n", "the workers for `group`: there is no group `no-such`"),
    ] {
        let failure = Server::wsgi(APP).file(file, text).fail();
        assert_eq!(failure.code, Some(1), "the command line itself is right: {failure:?}");
        assert!(failure.stderr.contains(message), "{}", failure.stderr);
    }
    let failure = Server::wsgi(APP).env("RWSGI_CMD_ARGS", "--access-logformat '%(x'").fail();
    assert_eq!(failure.code, Some(1), "{failure:?}");
    let expected =
        "`access_log_format` from `--access-logformat` in the environment variable `RWSGI_CMD_ARGS`";
    assert!(failure.stderr.contains(expected), "{}", failure.stderr);
}

#[test]
fn an_unknown_option_is_named() {
    refused(["--bogus"], 2, &["unknown option `--bogus`"]);
}

#[test]
fn a_wrong_value_of_a_variable_names_the_variable() {
    let failure = Server::wsgi(APP).env("WEB_CONCURRENCY", "many").fail();
    assert_eq!(failure.code, Some(1), "the command line itself is right");
    let expected = "`many` for `workers` from the environment variable `WEB_CONCURRENCY`";
    assert!(failure.stderr.contains(expected), "{}", failure.stderr);
}

#[test]
fn without_an_application_a_hint_tells_how_to_name_it() {
    let failure = Server::wsgi(APP).application(None).fail();
    assert_eq!(failure.code, Some(2));
    assert!(failure.stderr.contains("no application given"), "{}", failure.stderr);
    assert!(failure.stderr.contains("hint: ") && failure.stderr.contains("mysite.wsgi:application"));
}

#[test]
fn version_and_help_go_to_standard_output() {
    let version = Server::wsgi(APP).args(["--version"]).fail();
    assert_eq!((version.code, version.stderr.as_str()), (Some(0), ""));
    assert_eq!(version.stdout, format!("rwsgi {}", env!("CARGO_PKG_VERSION")));
    let help = Server::wsgi(APP).args(["--help"]).fail();
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    for flag in [
        "--bind",
        "--workers",
        "--graceful-timeout",
        "--python",
        "--access-logformat",
        "--limit-request-body",
        "--no-sendfile",
        "--proxy-protocol[=<WORD>]",
    ] {
        assert!(help.stdout.contains(flag), "{flag}");
    }
}

#[test]
fn an_address_in_use_is_refused_with_the_way_to_find_out_by_whom() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap();
    let failure = Server::wsgi(APP).bind(Some(&address.to_string())).fail();
    assert_eq!(failure.code, Some(1));
    assert!(failure.stderr.contains(&format!("cannot listen on `{address}`")), "{}", failure.stderr);
    assert!(failure.stderr.contains(&format!("hint: `ss -ltnp 'sport = :{}'`", address.port())));
}

#[test]
fn an_address_of_another_machine_is_refused() {
    let failure = Server::wsgi(APP).bind(Some("192.0.2.1:0")).fail();
    assert_eq!(failure.code, Some(1));
    assert!(failure.stderr.contains("hint: that address does not belong to this machine"));
}

#[test]
fn a_directory_that_may_not_be_written_is_refused() {
    // Root may write everywhere unless it gives its capabilities away.
    let Some(server) = Server::wsgi(APP).without_privileges() else { return };
    let server = server.file("closed/keep", "").bind(Some("unix:closed/socket"));
    let folder = server.folder().join("closed");
    let mut permissions = folder.metadata().unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&folder, permissions).unwrap();
    let failure = server.fail();
    assert_eq!(failure.code, Some(1));
    assert!(failure.stderr.contains("cannot listen on `unix:closed/socket`"), "{}", failure.stderr);
    assert!(failure.stderr.contains("hint: this user may not write to the directory"), "{}", failure.stderr);
}

#[test]
fn a_log_in_an_unknown_directory_is_refused() {
    refused(["--error-logfile", "no/such/log"], 1, &["cannot open the error log `/", "/no/such/log`"]);
    refused(["--access-logfile", "no/such/log"], 1, &["cannot open the access log `/", "/no/such/log`"]);
}

#[test]
fn a_directory_that_is_none_is_refused() {
    for (flag, setting, prefix) in [
        ("--body-temp-dir", "body_temp_dir", ""),
        ("--sendfile-root", "sendfile_roots", "/files="),
        ("--static", "static", "/static="),
        ("--media", "media", "/media="),
    ] {
        for (path, reason, hint) in [
            ("no/such", "No such file or directory", "hint: create it"),
            ("app.py", "not a directory", "hint: name a directory"),
        ] {
            let complaint = format!("/{path}` for `{setting}` from `{flag}`: {reason}");
            refused([flag, &format!("{prefix}{path}")], 1, &["cannot use the directory `", &complaint, hint]);
        }
    }
}

#[test]
fn directories_are_found_after_changing_the_directory_and_stay_where_the_application_goes() {
    let app = "
import os
from stage import answer
os.chdir('/')
def application(environ, start_response):
    return answer(start_response, '', ('X-Accel-Redirect', '/files/page'))
";
    let server = Server::wsgi("raise RuntimeError('the wrong app')")
        .file("inside/app.py", app)
        .file("inside/stage.py", include_str!("../harness/stage.py"))
        .file("inside/media/page", "sent")
        .args(["--chdir", "inside", "--sendfile-root", "/files=media", "--body-temp-dir", "media"])
        .start();
    assert_eq!(server.get("/").text(), "sent");
}

#[test]
fn an_unknown_directory_to_change_to_is_refused() {
    refused(
        ["--chdir", "no-such-directory"],
        1,
        &["/no-such-directory` for `chdir` from `--chdir`: No such"],
    );
}

#[test]
fn variables_are_settings_and_flags_go_before_them() {
    let server =
        Server::wsgi(APP).bind(None).env("PORT", "0").env("WEB_CONCURRENCY", "3").args(["--workers", "2"]);
    let server = server.launch();
    assert!(server.addresses()[0].starts_with("0.0.0.0:"));
    server.wait_log("2 workers ready");
    let server = Server::wsgi(APP).env("PORT", "1").env("WEB_CONCURRENCY", "2").launch();
    assert!(server.addresses()[0].starts_with("127.0.0.1:"));
    server.wait_log("2 workers ready");
    assert_eq!(server.get("/").text(), "hello");
}

#[test]
fn as_many_workers_as_the_machine_has_processors() {
    let server = Server::wsgi(APP).args(["--workers", "auto"]).launch();
    server.wait_log(" ready");
    server.wait_log_times("Worker ready (pid: ", std::thread::available_parallelism().unwrap().get());
}

#[test]
fn as_many_open_files_as_the_connections_and_their_streams_need() {
    let limits = "
import resource
from stage import answer
def application(environ, start_response):
    return answer(start_response, resource.getrlimit(resource.RLIMIT_NOFILE))
";
    let limited = |more: &[&'static str], script| {
        let arguments = ["--worker-connections", "300", "--log-level", "debug"];
        Server::wsgi(limits)
            .args(arguments)
            .args(more.iter().copied())
            .under(["sh", "-c", script, "sh"])
            .start()
    };
    let raised = limited(&[], "ulimit -Sn 256; ulimit -Hn 4000; exec \"$@\"");
    raised.wait_log("[DEBUG] open files: at most 2224 for each process, 256 before");
    assert_eq!(raised.get("/").text(), "(2224, 4000)");
    let http2 = limited(
        &["--http2-cleartext", "prior-knowledge", "--http2-max-concurrent-streams", "2"],
        "ulimit -Sn 256; ulimit -Hn 4000; exec \"$@\"",
    );
    assert_eq!(http2.get("/").text(), "(2824, 4000)");
    let hard = limited(&[], "ulimit -n 500; exec \"$@\"");
    assert_eq!(hard.get("/").text(), "(500, 500)");
    let enough = limited(&[], "ulimit -Sn 3000; ulimit -Hn 4000; exec \"$@\"");
    assert_eq!(enough.get("/").text(), "(3000, 4000)");
}
