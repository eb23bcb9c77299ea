use std::time::Duration;

use super::*;
use crate::{
    Table,
    bind::Address,
    choices::{LogLevel, LogTarget, ProxyProtocol, Workers},
    migration::Migration,
    setting::Flag,
    tls::CertReqs,
};

mod cases;
mod errors;
mod not_honoured;
mod sources;

use cases::{CASES, networks, plain, tcp};

const PROGRAM: Program<'_> = Program { name: "rwsgi", version: "0.1.0" };

fn pairs(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    variables.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

/// Opens with the words that follow the program's name, and these environment variables.
fn ask(words: &[&str], variables: &[(&str, &str)]) -> Result<Opened, Error> {
    let args = std::iter::once("rwsgi").chain(words.iter().copied()).map(OsString::from).collect();
    open(args, pairs(variables), PROGRAM)
}

fn draft(words: &[&str], variables: &[(&str, &str)]) -> Draft {
    match ask(words, variables) {
        Ok(Opened::Draft(draft)) => draft,
        other => panic!("{words:?}: {other:?}"),
    }
}

fn config(words: &[&str], variables: &[(&str, &str)]) -> Config {
    draft(words, variables).finish(None).unwrap().config
}

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
            if values.is_empty() {
                words.push(spelling);
            }
            assert_eq!(config(&words, &[]), expected, "{words:?}");
        }
        let mut joined: Vec<_> = values.iter().map(|value| format!("{long}={value}")).collect();
        if values.is_empty() {
            joined.push(long);
        }
        let mut words: Vec<_> = joined.iter().map(String::as_str).collect();
        words.push("app");
        assert_eq!(config(&words, &[]), expected, "{words:?}");
    }
}

#[test]
fn every_row_has_a_case() {
    for setting in SETTINGS {
        let stored = setting.storable() && setting.flag != Flag::None && setting.in_help();
        let elsewhere = !stored
            || ["wsgi_app", "config", "https_redirect", "hsts", "acme_domain"].contains(&setting.name);
        let here = CASES.iter().any(|(name, ..)| *name == setting.name);
        assert!(here || elsewhere, "add a case for `{}`", setting.name);
    }
}

#[test]
fn what_only_tls_can_do_needs_a_certificate() {
    let with = ["app", "--certfile", "a.pem", "--ca-certs", "ca.pem"];
    let secure = || Config { certfile: vec!["a.pem".into()], ca_certs: Some("ca.pem".into()), ..plain() };
    let everywhere = Address::Tcp { host: "0.0.0.0".into(), port: 80 };
    let hsts = Some("max-age=60; includeSubDomains".to_owned());
    for (words, expected) in [
        (["--https-redirect", ":80"], Config { https_redirect: vec![everywhere], ..secure() }),
        (["--hsts", "60;includeSubDomains"], Config { hsts, ..secure() }),
        (["--cert-reqs", "2"], Config { cert_reqs: CertReqs::Required, ..secure() }),
    ] {
        assert_eq!(config(&[&with[..], &words].concat(), &[]), expected, "{words:?}");
        let alone = draft(&[&["app"][..], &words].concat(), &[]).finish(None).unwrap_err();
        assert!(matches!(alone, Error::Contradiction { typed: true, .. }), "{words:?}: {alone:?}");
    }
}

#[test]
fn certificates_of_clients_that_nobody_asks_for_are_a_warning() {
    let words = ["app", "--ca-certs", "ca.pem", "--cert-reqs", "2"];
    for (more, expected) in [(&[][..], 1), (&["--certfile", "a.pem"], 0), (&["--cert-reqs", "0"], 0)] {
        let notes = draft(&[&words[..], more].concat(), &[]).finish(None).unwrap().notes;
        assert_eq!(notes.len(), expected, "{more:?}: {notes:?}");
        for note in notes {
            assert_eq!(note.level, LogLevel::Warning);
            assert!(note.text.starts_with("no client is asked for a certificate (`cert_reqs`)"), "{note:?}");
        }
    }
}

#[test]
fn domains_need_a_place_for_their_certificate() {
    let words = ["app", "--acme-domain", "a.example,b.example", "--acme-domain", "c.example"];
    let alone = draft(&words, &[]).finish(None).unwrap_err();
    assert!(matches!(alone, Error::Contradiction { typed: true, .. }), "{alone:?}");
    let found = config(&[&words[..], &["--acme-dir", "/acme"]].concat(), &[]);
    assert_eq!(found.acme.domains, ["a.example", "b.example", "c.example"]);
    assert!(found.is_secure());
}

#[test]
fn short_options_are_gunicorns() {
    for (name, short) in [
        ("config", 'c'),
        ("bind", 'b'),
        ("workers", 'w'),
        ("timeout", 't'),
        ("worker_class", 'k'),
        ("proc_name", 'n'),
        ("raw_env", 'e'),
        ("pidfile", 'p'),
        ("daemon", 'D'),
        ("user", 'u'),
        ("group", 'g'),
        ("umask", 'm'),
        ("enable_stdio_inheritance", 'R'),
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
        config(&["app", "--log-fi=x"], &[]).error_log,
        LogTarget::File("x".into()),
        "also those of an alias"
    );
}

#[test]
fn an_option_of_gunicorns_may_be_as_short_as_there() {
    for words in [&["app", "--time", "7"][..], &["app", "--time=7"]] {
        assert_eq!(config(words, &[]).timeout, Some(Duration::from_secs(7)), "{words:?}");
    }
    assert_eq!(config(&["app", "--timeout-k", "7"], &[]).timeout_kill, Duration::from_secs(7));
    assert!(config(&["app", "--prel"], &[]).preload_app, "also a switch");
}

#[test]
fn an_option_that_is_the_beginning_of_others_is_itself() {
    let config = config(&["app", "--reload", "--preload", "--timeout", "7"], &[]);
    let expected =
        Config { reload: true, preload_app: true, timeout: Some(Duration::from_secs(7)), ..plain() };
    assert_eq!(config, expected);
}

#[test]
fn a_reload_may_start_first_or_stop_first() {
    for (surge, unavailable) in [("0", "1"), ("1", "0"), ("2", "3")] {
        let words = ["app", "--reload-surge", surge, "--reload-max-unavailable", unavailable];
        let config = config(&words, &[]);
        assert_eq!(config.reload_surge.to_string(), surge);
        assert_eq!(config.reload_max_unavailable.to_string(), unavailable);
    }
}

#[test]
fn an_option_whose_value_may_be_left_out_does_not_eat_the_application() {
    for (words, expected) in [
        (&["--proxy-protocol", "app"][..], ProxyProtocol::Auto),
        (&["--proxy-protocol", "--workers", "1", "app"], ProxyProtocol::Auto),
        (&["--proxy-protocol", "v2", "app"], ProxyProtocol::V2),
        (&["--proxy-prot", "v1", "app"], ProxyProtocol::V1),
        (&["--proxy-protocol=v1", "app"], ProxyProtocol::V1),
        (&["--proxy-protocol=none", "app"], ProxyProtocol::Off),
        (&["--proxy-protocol", "0", "app"], ProxyProtocol::Off),
        (&["--proxy-protocol", "v1", "--proxy-protocol", "app"], ProxyProtocol::Auto),
        (&["--proxy-protocol", "--", "app"], ProxyProtocol::Auto),
    ] {
        assert_eq!(config(words, &[]), Config { proxy_protocol: expected, ..plain() }, "{words:?}");
    }
    for words in [&["v1", "--proxy-protocol"][..], &["--proxy-protocol", "--", "v1"]] {
        let named_like_a_value = config(words, &[]);
        assert_eq!(named_like_a_value.app, "v1", "{words:?}");
        assert_eq!(named_like_a_value.proxy_protocol, ProxyProtocol::Auto, "{words:?}");
    }
}

#[test]
fn a_switch_may_be_repeated_and_does_not_eat_the_application() {
    let config = config(&["--no-sendfile", "--no-sendfile", "--forwarded-for", "app"], &[]);
    assert_eq!(config, Config { sendfile: false, forwarded_for: true, ..plain() });
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
fn the_environment_knows_proxies_the_mount_point_and_sendfile() {
    let variables = [("FORWARDED_ALLOW_IPS", "10.0.0.1"), ("SCRIPT_NAME", "/shop/"), ("SENDFILE", "no")];
    let from_variables = Config {
        forwarded_allow_ips: networks(false, &["10.0.0.1/32"]),
        forwarded_allow_ips_given: true,
        root_path: "/shop".into(),
        sendfile: false,
        ..plain()
    };
    assert_eq!(config(&["app"], &variables), from_variables);
    assert_eq!(config(&["app"], &[("SENDFILE", "y")]), plain());
    let flags = ["app", "--forwarded-allow-ips", "unix", "--root-path", ""];
    let expected =
        Config { forwarded_allow_ips: networks(true, &[]), root_path: String::new(), ..from_variables };
    assert_eq!(config(&flags, &variables), expected, "also an empty value is over the variable");
}

#[test]
fn processes_are_called_like_the_application_unless_somebody_has_a_name() {
    let named = |words: &[&str], toml: &str| {
        let file = File::Toml { path: "rwsgi.toml".into(), text: toml.into(), table: Table::Whole };
        draft(words, &[]).finish(Some(&file)).unwrap().config.process_name().to_owned()
    };
    assert_eq!(named(&["shop.wsgi:app"], ""), "shop.wsgi:app");
    assert_eq!(named(&["app", "-n", ""], "default_proc_name = 'gunicorn'"), "app");
    assert_eq!(named(&["app"], "default_proc_name = 'shop'"), "shop");
    assert_eq!(named(&["app", "-n", "till"], "default_proc_name = 'shop'"), "till");
}

#[test]
fn an_empty_variable_is_not_set() {
    for setting in SETTINGS {
        let Some(variable) = setting.env.filter(|variable| !variable.empty_counts) else { continue };
        assert_eq!(config(&["app"], &[(variable.name, "")]), plain(), "{}", variable.name);
    }
}

#[test]
fn an_empty_list_of_proxies_in_the_environment_is_nobody() {
    let nobody = networks(false, &[]);
    let expected = Config { forwarded_allow_ips: nobody, forwarded_allow_ips_given: true, ..plain() };
    assert_eq!(config(&["app"], &[("FORWARDED_ALLOW_IPS", "")]), expected);
}

#[test]
fn a_message_does_not_act_in_a_terminal() {
    for words in [["app", "--bind", "a:\u{1b}[31m"], ["app", "--forwarded-allow-ips", "\u{1b}[31m"]] {
        let error = ask(&words, &[]).expect_err("a wrong value");
        let message = format!("{error} {:?}", error.hint());
        assert!(message.contains(r"`\u{1b}[31m`") && !message.contains('\u{1b}'), "{message}");
    }
}

#[test]
fn version_and_help_are_printed_whatever_else_is_there() {
    for words in [&["-v"][..], &["--version"], &["app", "-w", "abc", "--vers"]] {
        assert_eq!(ask(words, &[]), Ok(Opened::Print("rwsgi 0.1.0\n".into())), "{words:?}");
    }
    for words in [&["-h"][..], &["--help"], &["app", "--bind", "::1", "--hel"]] {
        let Ok(Opened::Print(help)) = ask(words, &[]) else { panic!("{words:?}") };
        assert!(help.contains("Usage: rwsgi [OPTIONS] APPLICATION"), "{help}");
        assert!(help.ends_with('\n'), "{help}");
    }
}

#[test]
fn arguments_that_are_not_text_reach_paths() {
    use std::os::unix::ffi::OsStringExt;
    let path = OsString::from_vec(b"/srv/\xff".to_vec());
    let args = vec!["rwsgi".into(), "app".into(), "--chdir".into(), path.clone()];
    let Ok(Opened::Draft(draft)) = open(args, [], PROGRAM) else { panic!("refused") };
    assert_eq!(draft.finish(None).unwrap().config.chdir, Some(path.into()));
}

#[test]
fn the_start_of_another_server_is_handed_on() {
    let migrate = |words: &[&str]| match ask(words, &[]) {
        Ok(Opened::Migrate(migration)) => migration,
        other => panic!("{words:?}: {other:?}"),
    };
    // Without an application, and whatever else is there.
    let line = Migration::Command("gunicorn -w 3 app".into());
    assert_eq!(migrate(&["--from-gunicorn", "gunicorn -w 3 app"]), line);
    assert_eq!(migrate(&["--workers", "many", "--from-unit=a.service"]), Migration::Unit("a.service".into()));
}
