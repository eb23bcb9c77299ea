use std::collections::BTreeSet;

use super::*;

/// What lies where the cases start Gunicorn.
fn files(path: &Path) -> Option<String> {
    let text = match path.to_str()? {
        "/etc/shop.py" => {
            "import os\nworkers = 2\nworker_tmp_dir = '/dev/shm'\nworker_class = 'gevent'\ndef pre_fork(server, worker):\n    pass\n"
        }
        "/srv/shop/conf/plain.py" => "wsgi_app = 'shop.wsgi'\nthreads = 4\nhelper = 1\n",
        "/srv/files/gunicorn.conf.py" => {
            "wsgi_app = 'shop.wsgi'\ntimeout = 60\nworker_tmp_dir = '/dev/shm'\n"
        }
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
            "Refused; options of the command line are left out above:" => "!",
            "Different:" => "~",
            "Without effect; options of the command line are left out above:" => "-",
            "" | "To know:" => "",
            _ => sign,
        };
        let is_first = line.starts_with("  ") && !line.starts_with("   ") && !sign.is_empty();
        if is_first {
            found.insert(format!("{sign} {}", line.trim()));
        }
    }
    // Said of every line that does not give them.
    found.retain(|line| line != "~ timeout, not given here" && line != "~ keepalive, not given here");
    found
}

fn fits(text: &str) {
    for line in text.lines().filter(|line| line.starts_with(' ')) {
        assert!(line.chars().count() <= 80 || !line.trim().contains(' '), "{line}");
    }
}

/// Compares all cases; `look` gives the line that is expected first, and what was found.
fn compare(cases: &[Case<'_>], look: impl Fn(&str) -> (String, Outcome)) {
    let mut wrong = String::new();
    for Case { input, expected } in cases {
        let (line, Outcome { text, usable }) = look(input);
        let (notes, expected): (Vec<&str>, Vec<&str>) =
            expected.iter().copied().partition(|line| line.starts_with("* "));
        let found: Vec<String> = std::iter::once(format!("= {line}")).chain(findings(&text)).collect();
        let is_as_said = found[0] == expected[0]
            && findings(&text) == expected[1..].iter().map(|line| (*line).to_owned()).collect();
        if !is_as_said {
            wrong.push_str(&format!("$ {input}\n{}\n\n", found.join("\n")));
        }
        let flowing = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for note in notes {
            assert!(flowing.contains(&note[2..]), "{note} in {flowing}");
        }
        assert_eq!(usable, !found.iter().any(|line| line.starts_with('!')), "{input}");
        fits(&text);
    }
    assert!(wrong.is_empty(), "these cases are, in full:\n\n{wrong}");
}

#[test]
fn command_lines() {
    let cases = cases(include_str!("cases/lines.txt"));
    assert!(cases.len() >= 30);
    compare(&cases, |input| {
        let found = line(input, Path::new("/srv/shop"), &files).expect(input);
        (found.text.lines().next().unwrap().to_owned(), found)
    });
}

#[test]
fn units() {
    compare(&cases(include_str!("cases/units.txt")), |input| {
        let (_, text) = input.split_once('\n').unwrap();
        let found = unit(Path::new("shop.service"), text, &files).expect(input);
        let lines: Vec<&str> = found.text.lines().take(3).collect();
        assert_eq!(lines[0], "shop.service:");
        assert!(lines[1].starts_with("- ExecStart=") && lines[1].contains("gunicorn"), "{}", lines[1]);
        (lines[2].trim_start_matches("+ ").to_owned(), found)
    });
}

/// What is printed as a line of rwsgi is one.
#[test]
fn what_is_usable_can_be_read() {
    for Case { input, .. } in cases(include_str!("cases/lines.txt")) {
        let found = line(&input, Path::new("/srv/shop"), &files).expect(&input);
        let printed = found.text.lines().next().unwrap();
        if printed.contains('$') || printed.contains(" -c '") {
            continue;
        }
        let words = words::split(printed, Reader::Shell).unwrap();
        let start = words.iter().position(|word| word.value.ends_with("rwsgi")).unwrap();
        let words = words[start..].iter().map(|word| word.value.clone().into()).collect();
        let program = rwsgi_config::Program { name: "rwsgi", version: "" };
        let opened = rwsgi_config::open(words, [], program);
        // A word that was no option may have been a value.
        assert!(opened.is_ok() || !found.usable, "{input}\n{printed}\n{opened:?}");
    }
}
