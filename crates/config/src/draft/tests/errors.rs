//! Errors and remarks as data: blocks of a command, perhaps a file's text, and what the user is told.

use super::*;
use crate::{LogLevel, Table};

/// A block: `$ NAME=VALUE rwsgi WORDS`, the lines of a file if there is one, each after `| `, and the message with its hint.
struct Block<'a> {
    command: &'a str,
    variables: Vec<(&'a str, &'a str)>,
    words: Vec<&'a str>,
    file: String,
    expected: String,
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    text.split("\n\n").map(str::trim).filter(|block| block.starts_with('$')).map(block).collect()
}

fn block(text: &str) -> Block<'_> {
    let (command, rest) = text.split_once('\n').unwrap_or((text, ""));
    let words = split(command.trim_start_matches("$ "));
    let program = words.iter().position(|word| *word == PROGRAM.name).expect(text);
    let variables = words[..program].iter().map(|word| word.split_once('=').expect(text)).collect();
    let is_file = |line: &&str| line.starts_with('|');
    let file = rest.lines().filter(is_file).map(|line| line[1..].strip_prefix(' ').unwrap_or_default());
    Block {
        command,
        variables,
        words: words[program + 1..].to_vec(),
        file: file.collect::<Vec<_>>().join("\n"),
        expected: rest.lines().filter(|line| !is_file(line)).collect::<Vec<_>>().join("\n"),
    }
}

/// Words between spaces; `''` is an empty one, and quotes hold a word with spaces together: `A='b c'`.
fn split(command: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = command;
    while !rest.is_empty() {
        let quoted = rest.find('\'').filter(|quote| rest.find(' ').is_none_or(|space| *quote < space));
        let end = match quoted {
            Some(quote) => quote + 1 + rest[quote + 1..].find('\'').expect(command) + 1,
            None => rest.find(' ').unwrap_or(rest.len()),
        };
        words.push(&rest[..end]);
        rest = rest[end..].trim_start_matches(' ');
    }
    words
}

fn unquoted(word: &str) -> String {
    word.replace('\'', "")
}

impl Block<'_> {
    fn settle(&self, file: Option<&File>) -> Result<Settled, Error> {
        let args =
            std::iter::once(PROGRAM.name.to_owned()).chain(self.words.iter().map(|word| unquoted(word)));
        let variables = self.variables.iter().map(|(name, value)| ((*name).into(), unquoted(value).into()));
        match open(args.map(OsString::from).collect(), variables, PROGRAM)? {
            Opened::Draft(draft) => draft.finish(file),
            Opened::Print(text) => panic!("{}: {text}", self.command),
            Opened::Migrate(migration) => panic!("{}: {migration:?}", self.command),
        }
    }

    /// What the user is told: the error, or the remarks.
    fn told(&self, file: Option<&File>) -> String {
        let hint = |hint: Option<String>| hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        match self.settle(file) {
            Err(error) => {
                let exit = if error.is_usage() { 2 } else { 1 };
                format!("{exit}: {error}{}", hint(error.hint()))
            }
            Ok(settled) => {
                let told = settled.notes.into_iter().map(|note| {
                    let level = if note.level == LogLevel::Warning { "warning" } else { "debug" };
                    format!("{level}: {}{}", note.text, hint(note.hint))
                });
                told.collect::<Vec<_>>().join("\n")
            }
        }
    }
}

#[track_caller]
fn check(text: &str, least: usize, file: impl Fn(&Block<'_>) -> Option<File>) {
    let blocks = blocks(text);
    let wrong: Vec<_> = blocks
        .iter()
        .map(|block| (block, block.told(file(block).as_ref())))
        .filter(|(block, told)| *told != block.expected)
        .map(|(block, told)| {
            format!(
                "{}\n{}\n--- told:\n{told}\n--- expected:\n{}\n",
                block.command, block.file, block.expected
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(blocks.len() >= least, "only {} cases were read", blocks.len());
}

#[test]
fn the_command_line() {
    check(include_str!("../../../cases/command_line.txt"), 60, |_| None);
}

#[test]
fn environment_variables() {
    check(include_str!("../../../cases/variables.txt"), 20, |_| None);
}

#[test]
fn files_in_toml() {
    check(include_str!("../../../cases/toml.txt"), 20, |block| {
        let (path, table) = match block.file.contains("[tool") {
            true => ("pyproject.toml", Table::ToolRwsgi),
            false => ("rwsgi.toml", Table::Whole),
        };
        Some(File::Toml { path: path.into(), text: block.file.clone(), table })
    });
}

/// The lines of the file are `LINE NAME VALUE` in them, as a report of its values has them.
#[test]
fn files_in_python() {
    check(include_str!("../../../cases/python.txt"), 40, |block| {
        let values: Vec<_> = block
            .file
            .lines()
            .map(|line| {
                let mut parts = line.splitn(3, ' ');
                let mut part = || parts.next().expect(line);
                let (number, name, value) = (part(), part(), part());
                format!(r#"{{"line": {number}, "name": "{name}", "value": {value}}}"#)
            })
            .collect();
        Some(File::Python {
            json: format!(r#"{{"path": "gunicorn.conf.py", "values": [{}]}}"#, values.join(",")),
        })
    });
}
