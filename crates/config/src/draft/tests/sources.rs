//! Which source wins, and that each of them can say what the command line says.

use super::*;
use crate::{Place, Purpose, Source, Table, kind::Kind, value::Value};

fn toml(text: &str) -> File {
    File::Toml { path: "/srv/app/rwsgi.toml".into(), text: text.into(), table: Table::Whole }
}

fn python(values: &str) -> File {
    File::Python { json: format!(r#"{{"path": "/srv/app/gunicorn.conf.py", "values": [{values}]}}"#) }
}

/// The application last, so that an option without a value may stand last.
fn with(words: &[&'static str]) -> Vec<&'static str> {
    words.iter().copied().chain(["app"]).collect()
}

#[test]
fn each_source_wins_over_those_below_it() {
    let variables = [
        ("WEB_CONCURRENCY", "2"),
        ("RWSGI_WORKERS", "3"),
        ("GUNICORN_CMD_ARGS", "--workers 5"),
        ("RWSGI_CMD_ARGS", "--workers=6"),
    ];
    let file = toml("workers = 4");
    let workers = |words: &[&'static str], variables: &[(&str, &str)], file: Option<&File>| {
        let settled = draft(&with(words), variables).finish(file).unwrap();
        (settled.config.workers, settled.source("workers").clone())
    };
    let place = Place { path: "/srv/app/rwsgi.toml".into(), line: Some(1) };
    let flag = Flag::Long("workers");
    for (number, found) in [
        (1, workers(&[], &[], None)),
        (2, workers(&[], &variables[..1], None)),
        (3, workers(&[], &variables[..2], None)),
        (4, workers(&[], &variables[..2], Some(&file))),
        (5, workers(&[], &variables[..3], Some(&file))),
        (6, workers(&[], &variables, Some(&file))),
        (7, workers(&["-w", "7"], &variables, Some(&file))),
    ] {
        let source = match number {
            1 => Source::Default,
            2 => Source::Environment("WEB_CONCURRENCY".into()),
            3 => Source::Environment("RWSGI_WORKERS".into()),
            4 => Source::File(place.clone()),
            5 => Source::Arguments("GUNICORN_CMD_ARGS", flag),
            6 => Source::Arguments("RWSGI_CMD_ARGS", flag),
            _ => Source::CommandLine(flag),
        };
        assert_eq!(found, (Workers::Count(number), source));
    }
}

#[test]
fn a_list_is_replaced_whole_by_every_source() {
    let variables = [("RWSGI_RAW_ENV", "A=1\nB=2,3"), ("RWSGI_BIND", "127.0.0.1:1, [::1]:2")];
    let env = |file: Option<&File>| draft(&["app"], &variables).finish(file).unwrap().config;
    let both = [("A", "1"), ("B", "2,3")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(env(None).env, both);
    assert_eq!(env(None).bind, [tcp("127.0.0.1", 1), tcp("::1", 2)]);
    assert_eq!(env(Some(&toml("raw_env = ['C=4']"))).env, [("C".to_owned(), "4".to_owned())]);
    assert_eq!(env(Some(&toml("raw_env = []"))).env, [], "an empty list is a list");
    assert_eq!(env(Some(&python(r#"{"name": "raw_env", "value": null}"#))).env, both, "None is no list");
}

#[test]
fn every_variable_of_a_setting_says_what_its_option_says() {
    for (name, values, change) in CASES {
        let setting = row(name);
        let separator = setting.separator().map(String::from).unwrap_or_default();
        let text = match (values, setting.kind) {
            ([], Kind::Switch { flag, .. }) => flag.to_string(),
            ([], Kind::OptionalChoice { alone, .. }) => alone.to_owned(),
            _ => values.join(&separator),
        };
        // A variable that is empty is not set, and addresses in a variable have no commas.
        let Some(variable) = setting.variable().filter(|_| !text.is_empty()) else { continue };
        let mut expected = plain();
        change(&mut expected);
        assert_eq!(config(&["app"], &[(&variable, &text)]), expected, "{variable}={text}");
    }
}

#[test]
fn a_file_says_what_the_options_say() {
    for (name, values, change) in CASES {
        let kind = row(name).kind;
        let texts = || values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(", ");
        let text = match (values, kind) {
            ([], Kind::Switch { flag, .. }) => flag.to_string(),
            ([], Kind::OptionalChoice { .. }) => "true".to_owned(),
            _ if row(name).repeatable() => format!("[{}]", texts()),
            ([number], _) if number.parse::<f64>().is_ok() && !number.starts_with('0') => {
                // A number where the type allows one.
                match kind.texts(&Value::Integer(1)) {
                    Ok(_) => (*number).to_owned(),
                    Err(_) => texts(),
                }
            }
            _ => texts(),
        };
        let mut expected = plain();
        change(&mut expected);
        let in_toml = toml(&format!("{name} = {text}"));
        let in_python = python(&format!(r#"{{"name": "{name}", "line": 1, "value": {text}}}"#));
        // Python runs already when a file in Python is read.
        let is_late = *name == "python";
        for file in std::iter::once(in_toml).chain((!is_late).then_some(in_python)) {
            let settled =
                draft(&["app"], &[]).finish(Some(&file)).unwrap_or_else(|error| panic!("{file:?}: {error}"));
            assert_eq!(settled.config, expected, "{file:?}");
        }
    }
}

#[test]
fn nothing_is_the_default_and_trusts_nobody() {
    let said = |name: &str, value: &str| {
        let file = python(&format!(r#"{{"name": "{name}", "value": {value}}}"#));
        draft(&["app"], &[]).finish(Some(&file)).unwrap().config
    };
    for name in [
        "workers",
        "bind",
        "timeout",
        "pidfile",
        "accesslog",
        "loglevel",
        "wsgi_app",
        "chdir",
        "proxy_protocol",
    ] {
        assert_eq!(said(name, "null"), plain(), "{name}");
    }
    for name in ["pidfile", "chdir", "pythonpath", "wsgi_app", "root_path", "reload_extra_files"] {
        assert_eq!(said(name, r#""""#), plain(), "{name}");
    }
    let nobody = networks(false, &[]);
    assert_eq!(
        said("forwarded_allow_ips", "null"),
        Config { forwarded_allow_ips: nobody.clone(), forwarded_allow_ips_given: true, ..plain() }
    );
    assert_eq!(said("proxy_allow_ips", "null"), Config { proxy_allow_ips: nobody, ..plain() });
    assert_eq!(said("forwarder_headers", "null"), Config { forwarder_headers: Vec::new(), ..plain() });
}

#[test]
fn a_draft_can_be_finished_again_with_another_file() {
    let draft = draft(&["app", "-t", "7"], &[("WEB_CONCURRENCY", "2")]);
    let workers = |text: &str| draft.finish(Some(&toml(text))).map(|settled| settled.config.workers);
    assert_eq!(workers("workers = 3"), Ok(Workers::Count(3)));
    assert!(workers("workers = 'x'").is_err());
    assert_eq!(workers("timeout = 3"), Ok(Workers::Count(2)));
}

#[test]
fn a_wrong_value_of_the_command_line_is_found_before_any_file_is_read() {
    let error = ask(&["app", "--workers", "x"], &[]).expect_err("a wrong value");
    assert!(error.is_usage());
    let error = ask(&["app"], &[("RWSGI_CMD_ARGS", "--workers x")]).expect_err("a wrong value");
    assert!(!error.is_usage());
}

#[test]
fn the_file_is_chosen_by_the_highest_source() {
    let file =
        |words: &[&'static str], variables: &[(&str, &str)]| draft(&with(words), variables).file().clone();
    let path = |path: &str| FileChoice::Path(path.into());
    assert_eq!(file(&[], &[]), FileChoice::Default);
    let variables =
        [("RWSGI_CONFIG", "a.py"), ("GUNICORN_CMD_ARGS", "-c b.py"), ("RWSGI_CMD_ARGS", "-c c.py")];
    assert_eq!(file(&[], &variables[..1]), path("a.py"));
    assert_eq!(file(&[], &variables[..2]), path("b.py"));
    assert_eq!(file(&[], &variables), path("c.py"));
    assert_eq!(file(&["-c", "d.py"], &variables), path("d.py"));
    assert_eq!(file(&["--config=file:/etc/site.toml"], &[]), path("/etc/site.toml"));
    assert_eq!(file(&["-cpython:site.conf"], &[]), FileChoice::Module("site.conf".into()));
    assert_eq!(file(&["-c", ""], &variables), FileChoice::Default, "as in Gunicorn");
    assert_eq!(file(&["-c", "/dev/null"], &variables), FileChoice::None);
}

#[test]
fn what_a_file_in_python_needs_is_known_before_it_is_executed() {
    let words = ["--chdir", "/srv", "--pythonpath", "/a,/b", "--python", ".venv", "app"];
    let early = draft(&words, &[("RWSGI_BOOT_TIMEOUT", "7")]).early().clone();
    let expected = Early {
        python: Some(".venv".into()),
        pythonpath: vec!["/a".into(), "/b".into()],
        chdir: Some("/srv".into()),
        boot_timeout: Some(Duration::from_secs(7)),
    };
    assert_eq!(early, expected);
    let plain = Early { boot_timeout: Some(Duration::from_secs(60)), ..Early::default() };
    assert_eq!(*draft(&["app"], &[]).early(), plain);
}

#[test]
fn the_purpose_may_come_from_any_source() {
    let purpose = |words: &[&'static str], text: &str| {
        draft(&with(words), &[]).finish(Some(&toml(text))).unwrap().purpose
    };
    assert_eq!(purpose(&[], ""), Purpose::Serve);
    assert_eq!(purpose(&["--check-config"], ""), Purpose::CheckConfig);
    assert_eq!(purpose(&["--check-config", "--print-config"], ""), Purpose::PrintConfig);
    assert_eq!(purpose(&[], "print_config = true"), Purpose::PrintConfig);
}

#[test]
fn the_listing_shows_every_setting_with_its_source() {
    let variables = [("PORT", "5000"), ("RWSGI_TIMEOUT", "7"), ("GUNICORN_CMD_ARGS", "--threads 2")];
    let words = ["-w", "2", "-w", "3", "-e", "A=1", "-e", "B=\n2", "app"];
    let file = python(
        r#"{"name": "keepalive", "line": 3, "value": 4}, {"name": "backlog", "line": null, "value": 9}"#,
    );
    let listing = draft(&words, &variables).finish(Some(&file)).unwrap().listing();
    let names: Vec<_> =
        listing.lines().map(|line| line.split_once(" = ").expect(line).0.trim_end()).collect();
    assert!(names.is_sorted(), "{listing}");
    let storable = SETTINGS.iter().filter(|setting| setting.storable()).count();
    assert_eq!(names.len(), storable, "all that a file can give");
    let words_of = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<_> = listing.lines().map(words_of).collect();
    for expected in [
        "backlog = 9 gunicorn.conf.py",
        "bind = 0.0.0.0:5000 PORT",
        "daemon = false default",
        "keepalive = 4 gunicorn.conf.py:3",
        "pidfile = default",
        r"raw_env = A=1, B=\n2 --env",
        "threads = 2 GUNICORN_CMD_ARGS",
        "timeout = 7 RWSGI_TIMEOUT",
        "workers = 3 --workers",
        "wsgi_app = app command line",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected}\n{listing}");
    }
    let places = |part: &str| {
        listing.lines().filter_map(|line| line.find(part)).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(places(" = ").len(), 1, "{listing}");
}
