//! What values are, and what are none.

use std::os::unix::ffi::OsStringExt;

use super::*;

fn seconds(text: &str) -> Result<Option<Duration>, String> {
    Kind::Seconds(|_, _| {}).seconds(text).map_err(|refusal| refusal.reason)
}

fn number(text: &str) -> Result<u32, String> {
    let kind = Kind::Number { least: 2, most: 10, store: |_, _| {} };
    kind.number(text, 2..=10).map_err(|refusal| refusal.reason)
}

#[test]
fn seconds_are_decimal_and_zero_is_off() {
    for (text, millis) in [("30", 30_000), ("0.5", 500), (" 1.25 ", 1250), ("0.001", 1)] {
        assert_eq!(seconds(text), Ok(Some(Duration::from_millis(millis))), "{text}");
    }
    for text in ["0", "0.0", "00"] {
        assert_eq!(seconds(text), Ok(None), "{text}");
    }
}

#[test]
fn seconds_that_are_no_durations_are_refused() {
    for text in ["", ".", "-1", "+1", "1e3", "inf", "nan", "30s", "1.2.3", "1,5"] {
        let expected = "expected a number of seconds, such as `30` or `0.5`";
        assert_eq!(seconds(text), Err(expected.into()), "{text}");
    }
    assert_eq!(seconds("0.0001"), Err("expected 0 or at least 0.001 seconds".into()));
    assert_eq!(seconds("4294967296"), Err("expected at most 4294967295 seconds".into()));
}

#[test]
fn the_longest_time_can_be_added_to_now() {
    let longest = seconds("4294967295").unwrap().unwrap();
    assert!(std::time::Instant::now().checked_add(longest).is_some());
}

#[test]
fn numbers_have_two_ends() {
    assert_eq!((number("2"), number("10"), number(" 07 ")), (Ok(2), Ok(10), Ok(7)));
    for text in ["", "1", "-3", "+3", "3.0", "0x3", "three"] {
        assert_eq!(number(text), Err("expected a number of at least 2".into()), "{text}");
    }
    for text in ["11", "99999999999999999999"] {
        assert_eq!(number(text), Err("expected a number of at most 10".into()), "{text}");
    }
}

#[test]
fn zero_is_no_limit() {
    let limited = |text| Kind::LimitedNumber(|_, _| {}).limited(text).map_err(|refusal| refusal.reason);
    assert_eq!((limited("0"), limited("00"), limited(" 7 ")), (Ok(None), Ok(None), Ok(Some(7))));
    assert_eq!(limited("4294967295"), Ok(Some(4_294_967_295)));
    assert_eq!(limited("4294967296"), Err("expected a number of at most 4294967295".into()));
    for text in ["", "-1", "+1", "1K", "1.0", "none"] {
        assert_eq!(limited(text), Err("expected a number, 0 for no limit".into()), "{text}");
    }
}

#[test]
fn switches_have_words_for_both_sides() {
    let switch = |text| Kind::Switch { flag: true, store: |_, _| {} }.switch(text);
    for (on, off) in [("true", "false"), ("YES", "No"), ("y", "n"), ("on", "off"), ("1", "0")] {
        assert_eq!((switch(on), switch(off)), (Ok(true), Ok(false)), "{on} {off}");
    }
    for text in ["", "2", "none", "enabled"] {
        assert_eq!(switch(text), Err(Refusal::new("expected `true` or `false`")), "{text}");
    }
}

#[test]
fn synonyms_stand_for_words_that_exist() {
    let choice = Words { words: &["off", "auto"], synonyms: &[("none", "off"), ("1", "auto")] };
    let place = |text: &str| {
        let kind = Kind::OptionalChoice { choice, alone: "auto", store: |_, _| {} };
        kind.choice(choice.proper(text), choice.words).map_err(|refusal| refusal.reason)
    };
    for (text, expected) in [("off", 0), (" None ", 0), ("AUTO", 1), ("1", 1)] {
        assert_eq!(place(text), Ok(expected), "{text}");
        assert!(choice.contain(text), "{text}");
    }
    for text in ["", "2", "of"] {
        assert_eq!(place(text), Err("expected one of `off`, `auto`".into()), "{text}");
        assert!(!choice.contain(text), "{text}");
    }
}

#[test]
fn paths_may_be_any_bytes_and_text_may_not() {
    let raw = [OsString::from_vec(b"/srv/\xff,,b,".to_vec())];
    let mut config = Config::default();
    let pythonpath = Kind::Paths(|config, paths| config.pythonpath = paths);
    assert_eq!(pythonpath.store(&raw, &mut config), Ok(()));
    let first = PathBuf::from(OsString::from_vec(b"/srv/\xff".to_vec()));
    assert_eq!(config.pythonpath, [first, "b".into()]);

    let text = Kind::Text(|config, text| config.access_log_format = text);
    let (value, refusal) = text.store(&raw, &mut config).unwrap_err();
    assert_eq!((value, refusal.reason.as_str()), (raw[0].as_os_str(), "expected text in UTF-8"));
}

#[test]
fn the_refused_one_of_several_values_is_named() {
    let raw: [OsString; 3] = ["A=1".into(), "B".into(), "C=3".into()];
    let kind = Kind::Variables(|config, variables| config.env = variables);
    let (value, _) = kind.store(&raw, &mut Config::default()).unwrap_err();
    assert_eq!(value, "B");
}
