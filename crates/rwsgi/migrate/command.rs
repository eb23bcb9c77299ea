//! Gunicorn's command in a command line, and the one that takes its place.

use std::path::Path;

use super::options::{self, Part};
use super::words::{self, Reader, Word};

/// A command line in which Gunicorn is started.
#[derive(Debug)]
pub(super) struct Command {
    /// What stands before its options, with rwsgi as the program.
    before: String,
    /// What is given to Gunicorn.
    pub(super) parts: Vec<Part>,
    /// What stands behind them: an operator of the shell, and all after it.
    after: String,
    /// The value of `GUNICORN_CMD_ARGS`, if it stands before the program.
    pub(super) variable: Option<String>,
    /// The command line is an argument of a shell: what stands before it, its quote, and what stands behind it.
    around: Option<(String, char, String)>,
    /// How rwsgi is installed where Gunicorn is.
    pub(super) install: String,
}

impl Command {
    /// Finds Gunicorn in a command line; `None` if it is not there, or a quote is left open.
    pub(super) fn find(text: &str, reader: Reader) -> Option<Self> {
        let words = words::split(text, reader)?;
        let Some((place, start)) = program(&words) else { return Self::in_shell(text, &words) };
        let rest = &words[place + start.words..];
        let end = rest.iter().position(|word| word.operator).unwrap_or(rest.len());
        let behind = rest.get(end).map_or(text.len(), |word| word.place);
        Some(Self {
            before: format!("{}{}", &text[..words[place].place], start.ours),
            parts: options::read(&rest[..end]),
            after: text[behind..].trim_end().to_owned(),
            variable: words[..place].iter().find_map(|word| {
                word.value.strip_prefix("GUNICORN_CMD_ARGS=").filter(|_| !word.open).map(str::to_owned)
            }),
            around: None,
            install: start.install,
        })
    }

    /// As the argument of a shell: `sh -c '…'`.
    fn in_shell(text: &str, words: &[Word]) -> Option<Self> {
        let (option, inner) = words.iter().zip(words.get(1..)?).find(|(option, _)| {
            option.value.starts_with('-') && !option.value.starts_with("--") && option.value.ends_with('c')
        })?;
        let quote = inner.raw.chars().next().filter(|first| matches!(first, '"' | '\''))?;
        let command = Self::find(&inner.value, Reader::Shell).filter(|_| !option.open)?;
        let behind = &text[inner.place + inner.raw.len()..];
        let around = Some((text[..inner.place].to_owned(), quote, behind.to_owned()));
        Some(Self { around, ..command })
    }

    /// The command line with these words behind rwsgi.
    pub(super) fn with(&self, words: &[String]) -> String {
        let pieces = std::iter::once(&self.before).chain(words).chain(Some(&self.after));
        let line = pieces.filter(|piece| !piece.is_empty()).cloned().collect::<Vec<_>>().join(" ");
        match &self.around {
            Some((before, quote, behind)) => format!("{before}{quote}{line}{quote}{behind}"),
            None => line,
        }
    }
}

/// How Gunicorn is started, and rwsgi in its place.
#[derive(Debug, PartialEq, Eq)]
struct Start {
    /// How many words it takes.
    words: usize,
    ours: String,
    install: String,
}

/// Where it is.
fn program(words: &[Word]) -> Option<(usize, Start)> {
    words.iter().enumerate().find_map(|(place, word)| {
        let next = words.get(place + 1).map(|word| word.value.as_str());
        if word.value == "-m" && next.is_some_and(|module| module.split('.').next() == Some("gunicorn")) {
            let python = words[..place].iter().rev().find(|word| word.value.contains("python"));
            let python = python.map_or("python", |word| word.raw.as_str());
            let install = format!("{python} -m pip install rwsgi");
            return Some((place, Start { words: 2, ours: "-m rwsgi".to_owned(), install }));
        }
        let path = Path::new(&word.value);
        let is_gunicorn = matches!(path.file_name()?.to_str()?, "gunicorn" | "gunicorn3");
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
        let install = match directory.filter(|_| !word.open) {
            Some(directory) => {
                format!("{} install rwsgi", words::quoted(&directory.join("pip").to_string_lossy()))
            }
            None => "pip install rwsgi".to_owned(),
        };
        // Only the name, so that quotes and variables of the directory stay.
        let end = word.raw.rfind("gunicorn")?;
        let (head, tail) = word.raw.split_at(end);
        let tail = tail.trim_start_matches("gunicorn").trim_start_matches('3');
        let ours = format!("{head}rwsgi{tail}");
        is_gunicorn.then_some((place, Start { words: 1, ours, install }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(text: &str) -> Option<(String, String)> {
        let command = Command::find(text, Reader::Shell)?;
        Some((command.with(&["…".to_owned()]), command.install))
    }

    #[test]
    fn gunicorn_is_found_in_many_ways() {
        for (text, expected, install) in [
            ("gunicorn a", "rwsgi …", "pip install rwsgi"),
            ("gunicorn3 a", "rwsgi …", "pip install rwsgi"),
            ("/srv/venv/bin/gunicorn a", "/srv/venv/bin/rwsgi …", "/srv/venv/bin/pip install rwsgi"),
            (
                "'/srv/my venv/bin/gunicorn' a",
                "'/srv/my venv/bin/rwsgi' …",
                "'/srv/my venv/bin/pip' install rwsgi",
            ),
            ("$VENV/bin/gunicorn a", "$VENV/bin/rwsgi …", "pip install rwsgi"),
            ("python3 -m gunicorn a", "python3 -m rwsgi …", "python3 -m pip install rwsgi"),
            (
                "python -X dev -m gunicorn.app.wsgiapp a",
                "python -X dev -m rwsgi …",
                "python -m pip install rwsgi",
            ),
            ("exec poetry run gunicorn a", "exec poetry run rwsgi …", "pip install rwsgi"),
            ("A='b c' gunicorn a", "A='b c' rwsgi …", "pip install rwsgi"),
            (
                "cd /srv && gunicorn a 2>&1 | tee log",
                "cd /srv && rwsgi … 2>&1 | tee log",
                "pip install rwsgi",
            ),
            ("sh -c 'exec gunicorn a'", "sh -c 'exec rwsgi …'", "pip install rwsgi"),
        ] {
            assert_eq!(start(text), Some((expected.to_owned(), install.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_no_start_of_gunicorn_is_none() {
        for text in ["", "uwsgi --ini gunicorn.ini", "gunicornc -c show", "gunicorn 'a", "echo gunicorns"] {
            assert_eq!(start(text), None, "{text}");
        }
    }
}
