//! Settings of Gunicorn that are without effect or refused: what a file of Gunicorn's users may say of them, and what follows.

use super::*;
use crate::{Gunicorn, LogLevel};

const FUNCTION: [&str; 3] = [
    r#"{"function": {"name": "f()", "parameters": 1}}"#,
    r#"{"function": {"name": "f()", "parameters": 2}}"#,
    r#""mysite.hooks.f""#,
];
const SWITCH: (&[&str], &[&str]) = (&["null", "false", r#""False""#], &["true", r#""TRUE""#]);

/// The setting, values that ask for nothing but the default, and others, as a report of a file's values has them.
const CASES: &[(&str, &[&str], &[&str])] = &[
    ("worker_tmp_dir", &["null"], &[r#""/dev/shm""#]),
    ("tmp_upload_dir", &["null"], &[r#""/tmp""#]),
    ("spew", SWITCH.0, SWITCH.1),
    ("http_parser", &[r#""auto""#, r#""Auto""#], &[r#""fast""#]),
    ("permit_obsolete_folding", SWITCH.0, SWITCH.1),
    ("permit_unconventional_http_method", SWITCH.0, SWITCH.1),
    ("permit_unconventional_http_version", SWITCH.0, SWITCH.1),
    ("casefold_http_method", SWITCH.0, SWITCH.1),
    ("uwsgi_allow_ips", &[r#""127.0.0.1,::1""#], &[r#""*""#]),
    ("asgi_loop", &[r#""auto""#], &[r#""uvloop""#]),
    ("asgi_lifespan", &[r#""auto""#], &[r#""off""#]),
    ("asgi_disconnect_grace_period", &["3", r#""3""#], &["0"]),
    ("websocket_max_message_size", &["16777216", r#""0x1000000""#], &["1024"]),
    ("ssl_version", &["null", "2"], &["5", r#""TLSv1_2""#]),
    ("do_handshake_on_connect", SWITCH.0, SWITCH.1),
    ("dirty_workers", &["0", "false"], &["2"]),
    ("dirty_timeout", &["300"], &["1"]),
    ("dirty_threads", &["1"], &["2"]),
    ("dirty_graceful_timeout", &["30"], &["1"]),
    ("on_dirty_starting", &["null"], &[FUNCTION[0], FUNCTION[2]]),
    ("dirty_post_fork", &["null"], &[FUNCTION[1]]),
    ("dirty_worker_init", &["null"], &[FUNCTION[0]]),
    ("dirty_worker_exit", &["null"], &[FUNCTION[1]]),
    ("control_socket", &["null", r#""""#], &[r#""/run/gunicorn.ctl""#]),
    ("control_socket_mode", &["384", r#""0600""#, r#""0o600""#], &["432"]),
    ("control_socket_disable", &["true"], &["false"]),
    ("paste", &["null", r#""""#], &[r#""site.ini""#]),
    ("raw_paste_global_conf", &["null", "[]"], &[r#"["A=1"]"#, r#"["A=1", "B=2"]"#]),
    ("protocol", &[r#""http""#, r#""HTTP""#], &[r#""uwsgi""#]),
    ("strip_header_spaces", SWITCH.0, SWITCH.1),
    ("ssl_context", &["null"], &[FUNCTION[1]]),
    ("dirty_apps", &["null", "[]"], &[r#"["tasks:App"]"#]),
];

fn settle(name: &str, value: &str) -> Result<Settled, Error> {
    let json = format!(
        r#"{{"path": "gunicorn.conf.py", "values": [{{"name": "{name}", "line": 1, "value": {value}}}]}}"#
    );
    draft(&["app"], &[]).finish(Some(&File::Python { json }))
}

#[test]
fn every_row_that_is_not_honoured_has_a_case() {
    let rows = SETTINGS.iter().filter(|setting| !setting.in_help()).map(|setting| setting.name);
    assert_eq!(rows.collect::<Vec<_>>(), CASES.iter().map(|(name, ..)| *name).collect::<Vec<_>>());
}

#[test]
fn the_default_spelled_out_starts_without_a_word() {
    for (name, defaults, _) in CASES {
        for value in *defaults {
            let settled = settle(name, value).unwrap_or_else(|error| panic!("{name} = {value}: {error}"));
            assert_eq!(settled.notes, [], "{name} = {value}");
            assert_eq!(settled.config, plain(), "{name} = {value}");
        }
    }
}

#[test]
fn another_value_brings_one_warning_or_is_refused() {
    for (name, _, others) in CASES {
        for value in *others {
            match (row(name).gunicorn, settle(name, value)) {
                (Gunicorn::WithoutEffect(why), Ok(settled)) => {
                    let [note] = settled.notes.as_slice() else { panic!("{name} = {value}: {settled:?}") };
                    assert_eq!(note.level, LogLevel::Warning, "{name}");
                    assert!(note.text.contains(why) && note.text.contains(name), "{}", note.text);
                    assert_eq!(settled.config, plain(), "{name} = {value}: nothing follows");
                }
                (Gunicorn::Refused { why, instead }, Err(error)) => {
                    let text = error.to_string();
                    assert!(text.contains(why) && text.contains(name), "{text}");
                    assert!(text.contains("gunicorn.conf.py:1"), "{text}");
                    assert_eq!(error.hint().as_deref(), Some(instead), "{name}");
                }
                (_, found) => panic!("{name} = {value}: {found:?}"),
            }
        }
    }
}

#[test]
fn their_options_are_those_of_gunicorn() {
    for words in [
        &["app", "--no-control-socket"][..],
        &["app", "--control-socket-mode", "0600"],
        &["app", "--protocol", "http", "--http2-cleartext", "off"],
    ] {
        assert_eq!(draft(words, &[]).finish(None).unwrap().notes, [], "{words:?}");
    }
    let words = ["app", "--worker-tmp-dir", "/dev/shm", "--spew", "--dirty-workers=2"];
    assert_eq!(draft(&words, &[]).finish(None).unwrap().notes.len(), 3);
    for words in [["app", "--dirty-app", "a:B"], ["app", "--paster", "a.ini"], ["app", "-k", "gevent"]] {
        assert!(ask(&words, &[]).is_err_and(|error| error.is_usage() && error.hint().is_some()), "{words:?}");
    }
}

#[test]
fn a_file_may_give_a_class_for_the_workers() {
    for class in ["gunicorn.workers.sync.SyncWorker", "gunicorn.workers.gthread.ThreadWorker"] {
        let settled = settle("worker_class", &format!(r#"{{"class": "{class}"}}"#)).expect(class);
        assert_eq!((settled.config, settled.notes), (plain(), Vec::new()), "{class}");
    }
    let error = settle("worker_class", r#"{"class": "mysite.workers.Worker"}"#).expect_err("a foreign class");
    assert!(error.to_string().contains("expected `sync` or `gthread`"), "{error}");
}
