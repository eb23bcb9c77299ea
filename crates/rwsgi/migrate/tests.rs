use std::collections::BTreeSet;

use super::*;

/// What lies where the cases start Gunicorn.
fn files(path: &Path) -> Option<String> {
    let text = match path.to_str()? {
        "/etc/shop.py" => {
            "import os\nworkers = 2\nworker_tmp_dir = '/dev/shm'\nworker_class = 'gevent'\ndef pre_fork(server, worker):\n    pass\n"
        }
        "/srv/shop/conf/plain.py" => "wsgi_app = 'shop.wsgi'\nthreads = 4\nhelper = 1\n",
        "/etc/default/shop" => "WORKERS=3\nGUNICORN_CMD_ARGS=\"--name shop --threads 2\"\n",
        _ => return None,
    };
    Some(text.to_owned())
}

/// One block of the cases.
struct Case<'a> {
    input: String,
    /// The lines behind it, with the signs in front.
    expected: Vec<&'a str>,
}

fn cases(text: &str) -> Vec<Case<'_>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with("# ")) {
        if let Some(input) = line.strip_prefix("$ ") {
            cases.push(Case { input: input.to_owned(), expected: Vec::new() });
        } else if let Some(case) = cases.last_mut() {
            let is_expected = ["= ", "! ", "~ ", "- ", "* "].iter().any(|sign| line.starts_with(sign));
            if is_expected {
                case.expected.push(line);
            } else if case.expected.is_empty() {
                case.input.push('\n');
                case.input.push_str(line);
            } else {
                assert_eq!(line, "", "{}", case.input);
            }
        }
    }
    cases
}

/// The first lines of what stands under the headings, each with its sign.
fn findings(text: &str) -> BTreeSet<String> {
    let mut sign = "";
    let mut found = BTreeSet::new();
    for line in text.lines() {
        sign = match line {
            "Refused, and left out above:" => "!",
            "Different:" => "~",
            "Without effect, and left out above:" => "-",
            "" | "To know:" => "",
            _ => sign,
        };
        let is_first = line.starts_with("  ") && !line.starts_with("   ") && !sign.is_empty();
        if is_first {
            found.insert(format!("{sign} {}", line.trim()));
        }
    }
    for name in FELT_BY_ALL {
        let general = format!("~ {name}, not given here");
        let is_given = found.iter().any(|line| line.contains(&format!("--{name}")));
        assert!(found.remove(&general) || is_given || !text.contains(&general), "{text}");
    }
    found
}

fn fits(text: &str) {
    for line in text.lines().filter(|line| line.starts_with(' ')) {
        assert!(line.chars().count() <= 80 || !line.trim().contains(' '), "{line}");
    }
}

#[test]
fn command_lines() {
    let cases = cases(include_str!("cases/lines.txt"));
    assert!(cases.len() >= 30);
    let mut wrong = String::new();
    for Case { input, expected } in cases {
        let Migration { text, usable } = line(&input, Path::new("/srv/shop"), &files).expect(&input);
        let mut found: Vec<String> = vec![format!("= {}", text.lines().next().unwrap())];
        found.extend(findings(&text));
        let is_as_said = found[0] == expected[0]
            && findings(&text) == expected[1..].iter().map(|line| (*line).to_owned()).collect();
        if !is_as_said {
            wrong.push_str(&format!("$ {input}\n{}\n\n", found.join("\n")));
        }
        assert_eq!(usable, !found.iter().any(|line| line.starts_with('!')), "{input}");
        fits(&text);
    }
    assert!(wrong.is_empty(), "these cases are, in full:\n\n{wrong}");
}
