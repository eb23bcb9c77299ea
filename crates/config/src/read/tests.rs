use std::time::Duration;

use super::*;
use crate::{
    bind::Address,
    config::{LogLevel, LogTarget, Workers},
    setting::Flag,
};

const PROGRAM: Program<'_> = Program { name: "rwsgi", version: "0.1.0" };

/// Reads the words that follow the program's name, with these environment variables.
fn ask(words: &[&str], variables: &[(&str, &str)]) -> Result<Request, Error> {
    let args = std::iter::once("rwsgi").chain(words.iter().copied()).map(OsString::from).collect();
    let env = |name: &str| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
    };
    read(args, &env, PROGRAM)
}

fn config(words: &[&str], variables: &[(&str, &str)]) -> Config {
    match ask(words, variables) {
        Ok(Request::Run(config)) => *config,
        other => panic!("{words:?}: {other:?}"),
    }
}

fn tcp(host: &str, port: u16) -> Address {
    Address::Tcp { host: host.into(), port }
}

/// What `rwsgi app` alone means.
fn plain() -> Config {
    Config {
        app: "app".into(),
        bind: vec![tcp("127.0.0.1", 8000)],
        backlog: 2048,
        workers: Workers::Count(1),
        threads: 1,
        worker_connections: 1000,
        timeout: Some(Duration::from_secs(30)),
        graceful_timeout: Duration::from_secs(30),
        keep_alive: Some(Duration::from_secs(5)),
        chdir: None,
        pythonpath: vec![],
        env: vec![],
        pid: None,
        python: None,
        log_level: LogLevel::Info,
        error_log: LogTarget::Std,
        access_log: None,
        access_log_format: r#"%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s""#.into(),
    }
}

/// Every option with a value, spelled long, and the change that it must make, and nothing else.
type Case = (&'static str, &'static [&'static str], fn(&mut Config));

const CASES: &[Case] = &[
    ("bind", &["8080", "unix:/a"], |c| {
        c.bind = vec![tcp("127.0.0.1", 8080), Address::Unix("/a".into())];
    }),
    ("backlog", &["64"], |c| c.backlog = 64),
    ("workers", &["3"], |c| c.workers = Workers::Count(3)),
    ("workers", &["auto"], |c| c.workers = Workers::Auto),
    ("threads", &["4"], |c| c.threads = 4),
    ("worker_connections", &["7"], |c| c.worker_connections = 7),
    ("timeout", &["0.5"], |c| c.timeout = Some(Duration::from_millis(500))),
    ("timeout", &["0"], |c| c.timeout = None),
    ("graceful_timeout", &["2"], |c| c.graceful_timeout = Duration::from_secs(2)),
    ("graceful_timeout", &["0"], |c| c.graceful_timeout = Duration::ZERO),
    ("keepalive", &["75"], |c| c.keep_alive = Some(Duration::from_secs(75))),
    ("keepalive", &["0"], |c| c.keep_alive = None),
    ("chdir", &["/srv/site"], |c| c.chdir = Some("/srv/site".into())),
    ("pythonpath", &["/a,b"], |c| c.pythonpath = vec!["/a".into(), "b".into()]),
    ("raw_env", &["A=1", "B=x=y", "C="], |c| {
        c.env = [("A", "1"), ("B", "x=y"), ("C", "")].map(|(k, v)| (k.into(), v.into())).to_vec();
    }),
    ("pidfile", &["/run/a.pid"], |c| c.pid = Some("/run/a.pid".into())),
    ("python", &[".venv/bin/python"], |c| c.python = Some(".venv/bin/python".into())),
    ("loglevel", &["debug"], |c| c.log_level = LogLevel::Debug),
    ("loglevel", &["WARNING"], |c| c.log_level = LogLevel::Warning),
    ("loglevel", &["error"], |c| c.log_level = LogLevel::Error),
    ("loglevel", &["critical"], |c| c.log_level = LogLevel::Critical),
    ("errorlog", &["e.log"], |c| c.error_log = LogTarget::File("e.log".into())),
    ("accesslog", &["-"], |c| c.access_log = Some(LogTarget::Std)),
    ("accesslog", &["a.log"], |c| c.access_log = Some(LogTarget::File("a.log".into()))),
    ("access_log_format", &["%(h)s"], |c| c.access_log_format = "%(h)s".into()),
];

fn row(name: &str) -> &'static crate::Setting {
    SETTINGS.iter().find(|setting| setting.name == name).expect(name)
}

#[test]
fn the_application_alone_is_enough() {
    assert_eq!(config(&["app"], &[]), plain());
}

#[test]
fn every_option_sets_its_field_in_every_spelling() {
    for (name, values, change) in CASES {
        let setting = row(name);
        let Flag::Long(flag) = setting.flag else { panic!("{name} has no option") };
        let long = format!("--{flag}");
        let spellings = [
            Some(long.clone()),
            setting.alias.map(|alias| format!("--{alias}")),
            setting.short.map(|short| format!("-{short}")),
        ];
        let mut expected = plain();
        change(&mut expected);
        for spelling in spellings.iter().flatten() {
            let mut words = vec!["app"];
            words.extend(values.iter().flat_map(|value| [spelling.as_str(), value]));
            assert_eq!(config(&words, &[]), expected, "{words:?}");
        }
        let joined: Vec<_> = values.iter().map(|value| format!("{long}={value}")).collect();
        let mut words: Vec<_> = joined.iter().map(String::as_str).collect();
        words.push("app");
        assert_eq!(config(&words, &[]), expected, "{words:?}");
    }
}

#[test]
fn every_row_has_a_case() {
    for setting in SETTINGS {
        let elsewhere = ["wsgi_app", "version", "help"].contains(&setting.name);
        let here = CASES.iter().any(|(name, ..)| *name == setting.name);
        assert!(here || elsewhere, "add a case for `{}`", setting.name);
    }
}

#[test]
fn short_options_are_gunicorns() {
    for (name, short) in [
        ("bind", 'b'),
        ("workers", 'w'),
        ("timeout", 't'),
        ("raw_env", 'e'),
        ("pidfile", 'p'),
        ("version", 'v'),
        ("help", 'h'),
    ] {
        assert_eq!(row(name).short, Some(short), "{name}");
    }
}

#[test]
fn the_application_stands_anywhere() {
    for words in [
        &["site.wsgi:app", "-w", "3", "-b", "80"][..],
        &["-w", "3", "site.wsgi:app", "-b", "80"],
        &["-w3", "-b80", "site.wsgi:app"],
        &["--workers=3", "--bind=80", "--", "site.wsgi:app"],
    ] {
        let config = config(words, &[]);
        assert_eq!(config.app, "site.wsgi:app");
        assert_eq!(config.workers, Workers::Count(3));
        assert_eq!(config.bind, [tcp("127.0.0.1", 80)]);
    }
}

#[test]
fn unambiguous_beginnings_of_options_work() {
    assert_eq!(config(&["app", "--graceful", "7"], &[]).graceful_timeout, Duration::from_secs(7));
    assert_eq!(
        config(&["app", "--log-f=x"], &[]).error_log,
        LogTarget::File("x".into()),
        "also those of an alias"
    );
}

#[test]
fn the_last_of_several_single_values_wins() {
    assert_eq!(config(&["app", "-w", "2", "--workers", "3"], &[]).workers, Workers::Count(3));
}

#[test]
fn the_environment_is_over_the_defaults() {
    let config = config(&["app"], &[("PORT", "5000"), ("WEB_CONCURRENCY", "4")]);
    let expected = Config { bind: vec![tcp("0.0.0.0", 5000)], workers: Workers::Count(4), ..plain() };
    assert_eq!(config, expected);
}

#[test]
fn the_command_line_is_over_the_environment() {
    let variables = [("PORT", "5000"), ("WEB_CONCURRENCY", "4")];
    let config = config(&["app", "-w", "2", "-b", "80"], &variables);
    assert_eq!(config.workers, Workers::Count(2));
    assert_eq!(config.bind, [tcp("127.0.0.1", 80)], "a list is replaced, not extended");
}

#[test]
fn an_empty_variable_is_not_set() {
    assert_eq!(config(&["app"], &[("PORT", ""), ("WEB_CONCURRENCY", "")]), plain());
}

#[test]
fn version_and_help_are_printed_whatever_else_is_there() {
    for words in [&["-v"][..], &["--version"], &["app", "-w", "abc", "--vers"]] {
        assert_eq!(ask(words, &[]), Ok(Request::Print("rwsgi 0.1.0\n".into())), "{words:?}");
    }
    for words in [&["-h"][..], &["--help"], &["app", "--bind", "::1", "--he"]] {
        let Ok(Request::Print(help)) = ask(words, &[]) else { panic!("{words:?}") };
        assert!(help.contains("Usage: rwsgi [OPTIONS] APPLICATION"), "{help}");
        assert!(help.ends_with('\n'), "{help}");
    }
}

#[test]
fn arguments_that_are_not_text_reach_paths() {
    use std::os::unix::ffi::OsStringExt;
    let path = OsString::from_vec(b"/srv/\xff".to_vec());
    let args = vec!["rwsgi".into(), "app".into(), "--chdir".into(), path.clone()];
    let Ok(Request::Run(config)) = read(args, &|_| None, PROGRAM) else { panic!("refused") };
    assert_eq!(config.chdir, Some(path.into()));
}

/// The file holds blocks: the command, its message, and its hint if it has one.
#[test]
fn errors_say_what_the_file_says() {
    let blocks = include_str!("../../tests-data/errors.txt").split("\n\n");
    let mut cases = 0;
    for block in blocks.filter(|block| !block.starts_with('#')) {
        let (command, expected) = block.trim().split_once('\n').expect(block);
        let words: Vec<_> = command
            .trim_start_matches("$ ")
            .split(' ')
            .map(|word| if word == "''" { "" } else { word })
            .collect();
        let program = words.iter().position(|word| *word == PROGRAM.name).expect(block);
        let variables: Vec<_> =
            words[..program].iter().map(|word| word.split_once('=').expect(block)).collect();
        let error = ask(&words[program + 1..], &variables).expect_err(command);
        let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        assert_eq!(format!("{error}{hint}"), expected, "{command}");
        cases += 1;
    }
    assert!(cases > 30, "only {cases} cases were read");
}
