//! The text of a migration: what to write, and under headings what is to be known.

use super::Outcome;

/// Columns of the text; a command line is never broken.
const WIDTH: usize = 80;

/// What was found, in the order in which it was found.
#[derive(Debug, Default)]
pub(super) struct Report {
    install: Option<String>,
    changed: Vec<Finding>,
    ignored: Vec<Finding>,
    refused: Vec<Finding>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Finding {
    /// Several that the same is to be said of.
    what: Vec<String>,
    why: String,
    instead: Option<String>,
}

impl Report {
    /// How rwsgi comes to where Gunicorn is.
    pub(super) fn first(&mut self, install: &str) {
        self.install = Some(install.to_owned());
    }

    /// It is accepted, and means something else.
    pub(super) fn changed(&mut self, what: &str, why: &str) {
        Finding::add(&mut self.changed, what, why, None);
    }

    /// It is accepted, and means nothing.
    pub(super) fn ignored(&mut self, what: &str, why: &str) {
        Finding::add(&mut self.ignored, what, why, None);
    }

    /// The server does not start with it.
    pub(super) fn refused(&mut self, what: &str, why: &str, instead: Option<&str>) {
        Finding::add(&mut self.refused, what, why, instead);
    }

    /// Whether this has been said of it.
    pub(super) fn refuses(&self, what: &str) -> bool {
        self.refused.iter().any(|finding| finding.what.iter().any(|known| known == what))
    }

    /// Something else to know.
    pub(super) fn note(&mut self, text: &str) {
        self.notes.push(text.to_owned());
    }

    /// All of it, these lines first.
    pub(super) fn finish(self, lines: &[String]) -> Outcome {
        let mut text = lines.join("\n");
        text.push('\n');
        let usable = self.refused.is_empty();
        for (title, findings) in [
            ("Refused; options of the command line are left out above", &self.refused),
            ("Different", &self.changed),
            ("Without effect; options of the command line are left out above", &self.ignored),
        ] {
            if !findings.is_empty() {
                text.push_str(&format!("\n{title}:\n"));
            }
            for finding in findings {
                finding.append(&mut text);
            }
        }
        let install = self.install.map(|command| format!("install it where Gunicorn is: `{command}`"));
        let notes: Vec<_> = install.into_iter().chain(self.notes).collect();
        text.push_str("\nTo know:\n");
        notes.iter().for_each(|note| wrap(&mut text, "- ", note));
        Outcome { text, usable }
    }
}

impl Finding {
    fn add(findings: &mut Vec<Self>, what: &str, why: &str, instead: Option<&str>) {
        match findings.iter_mut().find(|known| known.why == why && known.instead.as_deref() == instead) {
            Some(known) => known.what.push(what.to_owned()),
            None => findings.push(Self {
                what: vec![what.to_owned()],
                why: why.to_owned(),
                instead: instead.map(str::to_owned),
            }),
        }
    }

    fn append(&self, text: &mut String) {
        for what in &self.what {
            text.push_str(&format!("  {what}\n"));
        }
        wrap(text, "", &self.why);
        if let Some(instead) = &self.instead {
            wrap(text, "instead: ", instead);
        }
    }
}

/// Appends a paragraph, set in by four columns.
fn wrap(text: &mut String, label: &str, paragraph: &str) {
    let first = if label == "- " { "  - ".to_owned() } else { format!("    {label}") };
    let mut line = first;
    let mut is_empty = true;
    for word in paragraph.split_whitespace() {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = "    ".to_owned();
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    text.push_str(&line);
    text.push('\n');
}
