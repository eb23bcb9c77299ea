//! The rules of this repository that no compiler checks: which crate may know which, sizes, where `unsafe` may stand, what
//! every room says of itself.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Who may know whom: a leaf nobody, and nobody but the program the settings.
const ARROWS: [(&str, &[&str]); 11] = [
    (
        "rwsgi",
        &[
            "rwsgi-acme",
            "rwsgi-config",
            "rwsgi-http",
            "rwsgi-master",
            "rwsgi-os",
            "rwsgi-worker",
            "rwsgi-wsgi",
        ],
    ),
    ("rwsgi-acme", &[]),
    ("rwsgi-config", &[]),
    ("rwsgi-http", &["rwsgi-message"]),
    ("rwsgi-master", &["rwsgi-os"]),
    ("rwsgi-message", &[]),
    ("rwsgi-micro", &["rwsgi-config", "rwsgi-http", "rwsgi-message", "rwsgi-wsgi"]),
    ("rwsgi-os", &[]),
    ("rwsgi-py", &["rwsgi"]),
    ("rwsgi-worker", &["rwsgi-http", "rwsgi-message", "rwsgi-os", "rwsgi-wsgi"]),
    ("rwsgi-wsgi", &["rwsgi-message"]),
];

/// Foreign crates that decide what a room can do, and the only rooms that may use them.
const KEPT: [(&str, &[&str]); 10] = [
    ("tokio", &["rwsgi-acme", "rwsgi-http", "rwsgi-worker", "rwsgi-micro"]),
    ("hyper", &["rwsgi-http"]),
    ("pyo3", &["rwsgi-wsgi", "rwsgi-py"]),
    ("nix", &["rwsgi-os", "rwsgi-master"]),
    ("libc", &["rwsgi-os"]),
    ("rustix", &["rwsgi-http"]),
    ("rustls", &["rwsgi-acme", "rwsgi-http"]),
    ("clap", &["rwsgi-config"]),
    ("notify", &["rwsgi"]),
    ("glob", &["rwsgi"]),
];

/// Everything that may lie at the top, beside what git does not see.
const TOP: &str = ".ci .git .github .gitignore CHANGELOG.md CONTRIBUTING.md Cargo.lock Cargo.toml LICENSE Makefile \
                   README.md benches clippy.toml crates deny.toml docs pyproject.toml python rustfmt.toml tests";

/// Built or cached, and never committed.
const UNSEEN: [&str; 9] = [
    "target",
    ".build",
    "dist",
    ".venv",
    ".git",
    ".pytest_cache",
    ".ruff_cache",
    "__pycache__",
    "node_modules",
];

const CODE_LINES: usize = 400;
const FILE_LINES: usize = 600;
const PYTHON_LINES: usize = 250;
const FUNCTION_LINES: usize = 60;
/// Nine of ten functions are no longer.
const USUAL_FUNCTION_LINES: usize = 30;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .current_dir(root())
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .unwrap()
}

/// A file of this repository, with `/` between the parts of its path.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// The lines before the module of tests at the end.
    fn code(&self) -> Vec<&str> {
        let lines: Vec<&str> = self.text.lines().collect();
        let tests =
            lines.windows(2).rposition(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod "));
        lines[..tests.unwrap_or(lines.len())].to_vec()
    }
}

/// All files that end like this.
fn sources(endings: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    collect(root(), endings, &mut found);
    assert!(!found.is_empty(), "no file ends with {endings:?}");
    found
}

fn collect(folder: &Path, endings: &[&str], found: &mut Vec<Source>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_str().unwrap();
        if UNSEEN.contains(&name) || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            collect(&path, endings, found);
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let path = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            found.push(Source { path, text });
        }
    }
}

#[track_caller]
fn none(complaints: &[String], rule: &str) {
    assert!(complaints.is_empty(), "{rule}:\n  {}", complaints.join("\n  "));
}

/// A line without its comment and without what stands in quotes.
fn bare(line: &str) -> String {
    let outside: String = line.split('"').step_by(2).collect();
    outside.split("//").next().unwrap_or_default().to_owned()
}

fn has_word(line: &str, word: &str) -> bool {
    bare(line).split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|found| found == word)
}

#[test]
fn crates_know_only_whom_they_may() {
    let known: BTreeMap<&str, BTreeSet<&str>> =
        ARROWS.into_iter().map(|(name, known)| (name, known.iter().copied().collect())).collect();
    let mut found = BTreeMap::new();
    let metadata = metadata();
    for package in &metadata.packages {
        let ours = package.dependencies.iter().map(|dependency| dependency.name.as_str());
        let ours: BTreeSet<&str> = ours.filter(|name| name.starts_with("rwsgi")).collect();
        found.insert(package.name.as_str(), ours);
    }
    assert_eq!(found, known);
}

#[test]
fn foreign_crates_stay_in_their_rooms() {
    let mut complaints = Vec::new();
    for package in metadata().packages {
        let used = package.dependencies.iter().filter(|used| used.kind != DependencyKind::Development);
        for used in used {
            // `hyper` stands for `hyper-util` too, `pyo3` for `pyo3-build-config`.
            let family = used.name.split('-').next().unwrap_or_default();
            let kept = KEPT.iter().find(|(name, _)| *name == family);
            if kept.is_some_and(|(_, rooms)| !rooms.contains(&package.name.as_str())) {
                complaints.push(format!("{} uses {}", package.name, used.name));
            }
        }
    }
    none(&complaints, "a room can do what it must not");
}

#[test]
fn files_are_small() {
    let mut complaints = Vec::new();
    for source in sources(&[".rs"]) {
        let (code, all) = (source.code().len(), source.text.lines().count());
        if all > FILE_LINES || code > CODE_LINES {
            complaints.push(format!("{}: {code} lines of code, {all} in all", source.path));
        }
    }
    for source in sources(&[".py"]) {
        let lines = source.text.lines().count();
        if lines > PYTHON_LINES {
            complaints.push(format!("{}: {lines} lines", source.path));
        }
    }
    none(&complaints, "too long");
}

/// Name and length of each function: formatted code ends one with a brace below its beginning.
fn functions(lines: &[&str]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let Some(name) = function_name(code) else { continue };
        let indent = &line[..line.len() - code.len()];
        let is_end = |line: &&str| {
            // A body, or the signature of a trait's method, that fills several lines.
            line.strip_prefix(indent)
                .is_some_and(|end| end == "}" || (end.starts_with(')') && end.ends_with(';')))
        };
        let rest = &lines[start..];
        let fits_one_line = code.ends_with(['}', ';']);
        let end = if fits_one_line { Some(0) } else { rest.iter().position(is_end) };
        found.push((name.to_owned(), end.unwrap_or(rest.len()) + 1));
    }
    found
}

fn function_name(code: &str) -> Option<&str> {
    let (before, after) = code.split_once("fn ")?;
    let mut words = before.split_whitespace();
    let is_prefix = words.all(|word| {
        word.starts_with("pub") || ["(crate)", "const", "async", "unsafe", "extern", "\"C\""].contains(&word)
    });
    is_prefix.then(|| after.split(['(', '<']).next().unwrap_or_default())
}

#[test]
fn functions_are_short() {
    let (mut complaints, mut lengths) = (Vec::new(), Vec::new());
    for source in sources(&[".rs"]) {
        let lines: Vec<&str> = source.text.lines().collect();
        for (name, length) in functions(&lines) {
            if length > FUNCTION_LINES {
                complaints.push(format!("{}: {name} has {length} lines", source.path));
            }
            lengths.push(length);
        }
    }
    none(&complaints, "functions are too long");
    lengths.sort_unstable();
    let usual = lengths[lengths.len() * 9 / 10];
    assert!(usual <= USUAL_FUNCTION_LINES, "one of ten functions has {usual} lines or more");
}

#[test]
fn the_length_of_functions_is_measured() {
    let text = "pub(crate) fn one() {\n    two();\n}\n\nimpl A {\n    fn three(\n        self,\n    ) -> B {\n        4\n    }\n}\n";
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(functions(&lines), [("one".to_owned(), 3), ("three".to_owned(), 5)]);
}

#[test]
fn unsafe_has_two_rooms_and_its_reasons() {
    let mut complaints = Vec::new();
    for source in sources(&[".rs"]) {
        let lines: Vec<&str> = source.text.lines().collect();
        let is_room =
            source.path.starts_with("crates/os/") || source.path.starts_with("crates/wsgi/src/ffi/");
        for (number, _) in lines.iter().enumerate().filter(|(_, line)| has_word(line, "unsafe")) {
            let place = format!("{}:{}", source.path, number + 1);
            if !is_room {
                complaints.push(format!("{place}: unsafe outside of `os` and `wsgi::ffi`"));
            } else if !is_explained(&lines[..=number]) {
                complaints.push(format!("{place}: no SAFETY comment"));
            }
        }
    }
    none(&complaints, "unsafe");
}

/// Whether the comment stands in the same paragraph, above the last of these lines.
fn is_explained(lines: &[&str]) -> bool {
    let paragraph = lines.iter().rev().take(16).take_while(|line| !line.trim().is_empty());
    paragraph.into_iter().any(|line| line.contains("SAFETY:") || line.contains("# Safety"))
}

#[test]
fn all_other_crates_forbid_unsafe() {
    let mut complaints = Vec::new();
    for name in ["config", "http", "master", "py", "rwsgi", "worker"] {
        let folder = root().join("crates").join(name);
        let path =
            ["src/lib.rs", "lib.rs"].map(|file| folder.join(file)).into_iter().find(|path| path.exists());
        let text = fs::read_to_string(path.unwrap()).unwrap();
        if !text.contains("#![forbid(unsafe_code)]") {
            complaints.push(name.to_owned());
        }
    }
    none(&complaints, "unsafe is not forbidden in");
}

#[test]
fn nothing_is_unwrapped_outside_tests() {
    let mut complaints = Vec::new();
    for source in sources(&[".rs"]).iter().filter(|source| !source.is_test()) {
        for (number, line) in source.code().iter().enumerate() {
            if bare(line).contains(".unwrap()") {
                complaints.push(format!("{}:{}", source.path, number + 1));
            }
        }
    }
    none(&complaints, "unwrapped");
}

#[test]
fn nothing_is_left_to_do_or_switched_off() {
    // In two parts, so that this file does not find itself.
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
        concat!("dbg", "!("),
        concat!("#[ig", "nore"),
        concat!("pytest.mark.", "xfail"),
        concat!("todo", "!("),
    ];
    find_marks(&[".rs", ".py", ".toml", ".md", ".html", "Makefile"], &marks, "left to do");
}

#[test]
fn nothing_depends_on_the_machine_it_was_written_on() {
    let marks =
        [concat!("../", "shared"), concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
    find_marks(&[""], &marks, "a place that other machines do not have");
}

#[track_caller]
fn find_marks(endings: &[&str], marks: &[&str], rule: &str) {
    let mut complaints = Vec::new();
    for source in sources(endings) {
        for (number, line) in source.text.lines().enumerate() {
            complaints.extend(
                marks
                    .iter()
                    .filter(|mark| line.contains(**mark))
                    .map(|mark| format!("{}:{}: {mark}", source.path, number + 1)),
            );
        }
    }
    none(&complaints, rule);
}

#[test]
fn every_room_says_what_it_is_for() {
    let mut complaints = Vec::new();
    for package in metadata().packages {
        let library = package.targets.iter().find(|target| target.is_lib() || target.is_cdylib()).unwrap();
        let text = fs::read_to_string(&library.src_path).unwrap();
        let head: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//!")).collect();
        let (summary, rest) = head.split_first().unwrap_or((&"", &[]));
        let rest = rest.join(" ").to_lowercase();
        let says = |forms: [&str; 2]| forms.iter().any(|form| rest.contains(form));
        let heads = [
            ("what it does", summary.ends_with('.')),
            ("what it must not know", rest.contains("must not know")),
            ("who calls it", says(["called by", "who calls it"])),
            ("in which order to read it", says(["read `", "read in this order"])),
        ];
        let missing = heads.into_iter().filter(|(_, there)| !there);
        complaints.extend(missing.map(|(head, _)| format!("{} does not say {head}", package.name)));
    }
    none(&complaints, "each lib.rs opens with four things");
}

#[test]
fn the_top_of_the_tree_is_tidy() {
    let names = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let strangers: Vec<String> = names
        .filter(|name| !TOP.split(' ').any(|known| known == name) && !UNSEEN.contains(&name.as_str()))
        .collect();
    none(&strangers, "not expected at the top of the tree");
}

#[test]
fn no_module_is_a_drawer_for_odds_and_ends() {
    let drawers = ["utils", "util", "helpers", "helper", "common", "misc", "types", "manager"];
    let is_drawer = |source: &Source| {
        let mut parts = source.path.trim_end_matches(".rs").trim_end_matches(".py").split('/');
        parts.any(|part| drawers.contains(&part))
    };
    let found: Vec<String> =
        sources(&[".rs", ".py"]).into_iter().filter(is_drawer).map(|source| source.path).collect();
    none(&found, "name it after what it does");
}
