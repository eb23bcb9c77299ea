//! What `docs/security.md` promises is shown by tests, and each that it names is there.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

const PROMISES: &str = "docs/security.md";

#[test]
fn every_promise_names_a_test_that_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join(PROMISES)).unwrap();
    let mut complaints = Vec::new();
    for (text, target) in links(&text) {
        let path = root.join("docs").join(target);
        let Ok(file) = fs::read_to_string(&path) else {
            complaints.push(format!("{target} is not there"));
            continue;
        };
        let name = text.strip_prefix('`').and_then(|text| text.strip_suffix('`'));
        if name.is_some_and(|name| !has_test(target, &file, name)) {
            complaints.push(format!("{target} has no {text}"));
        }
    }
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.ends_with("| shown by |"));
    complaints.extend(rows.filter(|row| links(row).is_empty()).map(|row| format!("no test: {row}")));
    assert!(complaints.is_empty(), "{PROMISES}:\n  {}", complaints.join("\n  "));
}

/// Text and target of each link to a file of this repository.
fn links(text: &str) -> Vec<(&str, &str)> {
    let link = |(place, _): (usize, &str)| {
        let (target, _) = text[place + 2..].split_once(')')?;
        Some((text[..place].rsplit('[').next()?, target))
    };
    text.match_indices("](").filter_map(link).filter(|(_, target)| !target.contains("://")).collect()
}

/// Whether a file has the test of this name: a function, or a case of raw bytes.
fn has_test(path: &str, file: &str, name: &str) -> bool {
    let lines: Vec<&str> = file.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(number, line)| {
        if path.ends_with(".txt") {
            line.strip_prefix("--- ") == Some(name)
        } else if path.ends_with(".rs") {
            let attribute = number.checked_sub(1).map_or("", |before| lines[before]);
            line.trim_start_matches("async ")
                .strip_prefix("fn ")
                .is_some_and(|rest| rest.starts_with(&format!("{name}(")))
                && (attribute == "#[test]" || attribute.starts_with("#[tokio::test"))
        } else {
            line.strip_prefix("def ").is_some_and(|rest| rest.starts_with(&format!("{name}(")))
        }
    })
}

#[test]
fn a_test_is_found_by_its_name() {
    let rust =
        "#[test]\nfn one() {}\n#[tokio::test(start_paused = true)]\nasync fn two() {}\nfn three() {}\n";
    for (name, is_there) in [("one", true), ("two", true), ("three", false), ("on", false)] {
        assert_eq!(has_test("a.rs", rust, name), is_there, "{name}");
    }
    assert!(
        has_test("a.py", "def test_it(server):\n", "test_it") && !has_test("a.py", "def test_it(", "test")
    );
    assert!(
        has_test("a.txt", "--- two ports\n", "two ports") && !has_test("a.txt", "--- two ports\n", "two")
    );
    assert_eq!(links("[`a`](b.rs), [c](http://d) and [`e f`](g.txt)"), [("`a`", "b.rs"), ("`e f`", "g.txt")]);
}
